"""Shows music of a model in training as picture and sound in TensorBoard."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, RunConfig
from pianoroll_tf.generation.audio import SAMPLE_RATE, synthesize
from pianoroll_tf.generation.endpoints import SamplingModel, sample_rows
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.modeling.run import steps_per_beat
from pianoroll_tf.modeling.tensorboard import roll_picture

SECONDS = 16
BEATS_PER_SECOND = 2  # 120 a minute, for the grid of beats


class TrainingSamples(keras.callbacks.Callback):
    """Keras callback that generates a piece from scratch at the end of each epoch, always with the same seed.

    It is sampled without governor and shaping, so that it shows what the model has learnt.

    Args:
        folder: Folder of the TensorBoard logs.
        config: The run's settings.
    """

    def __init__(self, folder: Path, config: RunConfig) -> None:
        super().__init__()
        self._folder, self._config = folder, config
        grid = config.records
        self._steps_per_second = grid.steps_per_unit * (1 if grid.grid == "seconds" else BEATS_PER_SECOND)
        self._sample: Any = None
        self._writer = None

    def _generate(self) -> np.ndarray:
        """A piece, uint8 [steps, 84]."""
        if self._sample is None:
            nothing = tf.zeros([1, 0, NUM_PITCHES], tf.uint8)
            steps, seed = tf.constant(SECONDS * self._steps_per_second), tf.constant(0, tf.int64)
            sampler = SamplingModel(self.model, self._config.loss, steps_per_beat(self._config))
            self._sample = tf.function(lambda: sample_rows(sampler, nothing, steps, seed)[0])
        return self._sample()[0].numpy()

    def on_epoch_end(self, epoch, logs=None):
        """Generates a piece and writes its picture and sound."""
        self._writer = self._writer or tf.summary.create_file_writer(str(self._folder), filename_suffix=".samples")
        roll = self._generate()
        with self._writer.as_default(step=epoch + 1):
            tf.summary.image("generated", roll_picture(roll / 2)[None])  # a struck cell is black, a held one grey
            if roll.any():  # silence is visible in the picture
                sound, _ = synthesize(midi_bytes(roll, self._steps_per_second), SECONDS)
                tf.summary.audio("generated", sound.astype(np.float32)[None, :, None], SAMPLE_RATE)
            self._writer.flush()
