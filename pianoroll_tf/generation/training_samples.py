"""Shows music of a model in training as picture and sound in TensorBoard."""

import os
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
SOUND_RATE = SAMPLE_RATE // 2  # of the sound in the log, where it needs half the space
BEATS_PER_SECOND = 2  # 120 a minute, for the grid of beats


def is_sampled(epoch: int) -> bool:
    """Whether an epoch, counted from 1, gets a sample: each at first, then fewer.

    >>> [epoch for epoch in range(1, 41) if is_sampled(epoch)]
    [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
    """
    power = 1 << (epoch.bit_length() - 1)
    return epoch in (power, power + power // 2)


class TrainingSamples(keras.callbacks.Callback):
    """Keras callback that generates a piece from scratch at the end of some epochs, always with the same seed.

    Epochs 1, 2, 3, 4, 6, 8, 12, 16, … have a sample, because sound is large. It is sampled without governor and
    shaping, so that it shows what the model has learnt.

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
        """Generates a piece and writes its picture and sound, which must have different tags to be shown."""
        if not is_sampled(epoch + 1):
            return
        self._writer = self._writer or tf.summary.create_file_writer(
            os.fsencode(self._folder), filename_suffix=".samples"
        )
        roll = self._generate()
        with self._writer.as_default(step=epoch + 1):
            tf.summary.image(
                "music/generated piece", roll_picture(roll / 2)[None]
            )  # a struck cell is black, a held one grey
            if roll.any():  # silence is visible in the picture
                sound, _ = synthesize(midi_bytes(roll, self._steps_per_second), SECONDS)
                halved = sound[: len(sound) // 2 * 2].reshape(-1, 2).mean(axis=1)
                tf.summary.audio("music/generated sound", halved.astype(np.float32)[None, :, None], SOUND_RATE)
            self._writer.flush()
