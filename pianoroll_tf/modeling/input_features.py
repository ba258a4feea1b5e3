"""The input features of a step: sounding cells, struck cells, and the position of the step in beat and bar."""

from typing import Any

import keras
import tensorflow as tf

from pianoroll_tf.data.clock import code_count, feature_table
from pianoroll_tf.modeling.batch_noise import dropout, uniform

FALSE_NOTE_RATIO = 0.04  # silent cells sounded for each share of sounding cells silenced: at usual densities, as many


@keras.saving.register_keras_serializable("pianoroll_tf")
class InputFeatures(keras.layers.Layer):
    """Cells and clock codes → features: the sounding cells, the struck cells, the clock.

    In training the cells may be corrupted, so that the network learns to continue from imperfect steps, as those that
    it generates are: `noise` silences sounding cells and sounds silent ones, `drop` is ordinary dropout.

    Args:
        articulation: Whether struck cells are distinguished from held ones.
        steps_per_beat: Of the clock; None: there is no clock.
        drop: Dropout rate of the cells.
        noise: Share of sounding cells silenced; `FALSE_NOTE_RATIO` times this share of the silent ones is sounded.

    Reference:
        Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks", on models that
        read their own output; here the corruption is random instead.

    >>> reading = InputFeatures(articulation=True, steps_per_beat=4)
    >>> reading(tf.constant([[[0, 1, 2]]]), tf.constant([[5]])).shape  # 3 sounds, 3 strikes, 21 of the clock
    TensorShape([1, 1, 27])
    """

    def __init__(
        self,
        articulation: bool,
        steps_per_beat: int | None,
        drop: float = 0.0,
        noise: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.articulation, self.steps_per_beat, self.drop, self.noise = articulation, steps_per_beat, drop, noise
        self.random = keras.random.SeedGenerator(seed) if drop or noise else None
        self._table = None if steps_per_beat is None else feature_table(steps_per_beat)

    def call(self, cells, clock, training=False):
        """Cells [batch, time, pitches] and codes int32 [batch, time] → float32 [batch, time, features]."""
        cells = tf.cast(cells, tf.uint8)
        if training and self.noise:
            cells = self._corrupted(cells)
        planes = [tf.cast(cells != 0, self.compute_dtype)]
        if self.articulation:
            planes.append(tf.cast(cells == 2, self.compute_dtype))
        heard = tf.concat(planes, axis=-1)
        if training and self.drop:
            heard = dropout(heard, self.drop, self.random)
        if self._table is None:
            return heard
        code = tf.clip_by_value(clock, 0, code_count(self.steps_per_beat) - 1)
        return tf.concat([heard, tf.gather(tf.constant(self._table, self.compute_dtype), code)], axis=-1)

    def _corrupted(self, cells):
        """The cells with some notes removed and some struck notes added."""
        draw = uniform(cells, self.random)
        heard = tf.where(draw < self.noise, tf.zeros_like(cells), cells)
        return tf.where((cells == 0) & (draw < self.noise * FALSE_NOTE_RATIO), tf.constant(2, cells.dtype), heard)
