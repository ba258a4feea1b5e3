"""What a model in training generates, as picture and sound in TensorBoard."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, RunConfig
from pianoroll_tf.generation.audio import SAMPLE_RATE, synthesize
from pianoroll_tf.generation.endpoints import Musician, sample_rows
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.modeling.run import steps_per_beat
from pianoroll_tf.modeling.tensorboard import roll_picture

SECONDS = 16
BEATS_PER_SECOND = 2  # 120 a minute, for the grid of beats


class TrainingSamples(keras.callbacks.Callback):
    """Generates a piece from scratch at the end of each epoch, always with the same seed.

    It is drawn as the model gives it, without the correction of density that an export finds: so one hears what has
    been learnt.

    Args:
        folder: Where TensorBoard's logs go.
        config: The run's settings.
    """

    def __init__(self, folder: Path, config: RunConfig) -> None:
        super().__init__()
        self._folder, self._config = folder, config
        grid = config.records
        self._steps_per_second = grid.steps_per_unit * (1 if grid.grid == "seconds" else BEATS_PER_SECOND)
        self._sample, self._writer = None, None

    def _generate(self) -> np.ndarray:
        """A piece, uint8 [steps, 84]."""
        if self._sample is None:
            nothing = tf.zeros([1, 0, NUM_PITCHES], tf.uint8)
            steps, seed = tf.constant(SECONDS * self._steps_per_second), tf.constant(0, tf.int64)
            musician = Musician(self.model, self._config.loss, steps_per_beat(self._config))
            self._sample = tf.function(lambda: sample_rows(musician, nothing, steps, seed)[0])
        return self._sample()[0].numpy()

    def on_epoch_end(self, epoch, logs=None):
        """Writes picture and sound."""
        self._writer = self._writer or tf.summary.create_file_writer(str(self._folder), filename_suffix=".samples")
        roll = self._generate()
        with self._writer.as_default(step=epoch + 1):
            tf.summary.image("generated", roll_picture(roll / 2)[None])  # a struck cell is black, a held one grey
            if roll.any():  # silence is seen in the picture
                sound, _ = synthesize(midi_bytes(roll, self._steps_per_second), SECONDS)
                tf.summary.audio("generated", sound.astype(np.float32)[None, :, None], SAMPLE_RATE)
            self._writer.flush()
