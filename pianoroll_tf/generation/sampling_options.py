"""The sampling options temperature, top-p and density, as shifts of log-odds that keep the numbers of notes and onsets.

Dividing the log-odds of 84 decisions, of which few are positive, by a temperature T changes how many notes sound:
above 1 rare notes become frequent, below 1 held notes become drones and onsets vanish. Therefore each kind of
decision has a shift:

    silent before, sounds?      l / T + b_onset
    sounded before, sounds?     l / T + b_hold
    sounded before, struck?     l / T + b_strike

    struck, at position p of the beat      … + b_p, for onsets and re-strikes
    held for n steps, sounds?              … + b_n

Top-p removes onsets whose log-odds l are below a threshold, below which 1 - top_p of the expected onsets lie.
After a silent step no onset is removed: its probability is spread over many pitches, each of which is unlikely.
The shifts and thresholds are tables that `calibration` measures on the model's own music, so that it has as many
onsets, re-strikes and sounding cells as at temperature 1, at the same positions in the beat and held as long, times
the requested density. The tables are interpolated linearly over 1/T: at T = infinity a shift is the log-odds of the
mean rate of its kind, and at 1 it is 0.

Another option is a field of `config.SamplingConfig` and of `Options`; what it does belongs into `Shaping.rows` and
`Shaped.thresholds`, its input into the signatures of `endpoints`.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pianoroll_tf.modeling.nade import Thresholds

KINDS = ("onset", "hold", "strike")
NO_THRESHOLD = -1e9  # a threshold that removes no onset


class Options(NamedTuple):
    """Sampling options, one value per row of the batch.

    Attributes:
        temperature: float32 [batch], > 0; 1 leaves the log-odds as they are.
        top_p: float32 [batch] in (0, 1]; 1 admits every pitch.
        density: float32 [batch], > 0, factor on the number of notes.
        meter: Numerator and denominator, int32 [batch, 2].
        place: Position in its bar of the first step of the primer, or of the music without a primer, int32 [batch].
    """

    temperature: tf.Tensor
    top_p: tf.Tensor
    density: tf.Tensor
    meter: tf.Tensor
    place: tf.Tensor


def plain_options(batch) -> Options:
    """Temperature, top-p and density of 1, from the start of a bar of 4/4, for `batch` rows."""
    one, meter = tf.ones([batch]), tf.fill([batch, 2], 4)
    return Options(one, one, one, meter, tf.zeros([batch], tf.int32))


@dataclasses.dataclass(frozen=True)
class Table:
    """Piecewise linear function, extrapolated linearly beyond its ends: ascending knots, [knots, columns] values."""

    places: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def at(self, x: tf.Tensor) -> tf.Tensor:
        """The values at `x` float32 [batch]: float32 [batch, columns].

        >>> Table((0.0, 1.0, 2.0), ((0.0,), (10.0,), (30.0,))).at(tf.constant([0.5, 1.5, 3.0])).numpy().ravel().tolist()
        [5.0, 20.0, 50.0]
        """
        places, values = np.asarray(self.places, np.float32), np.asarray(self.values, np.float32)
        slopes = np.diff(values, axis=0) / np.diff(places)[:, None]
        low, high = np.append(np.float32(-np.inf), places[1:-1]), np.append(places[1:-1], np.float32(np.inf))
        # The part of each piece that lies between its start and `x`; the first and last pieces have no end outwards.
        inside = tf.minimum(tf.maximum(x[:, tf.newaxis], low), high) - places[:-1]
        return values[0] + tf.matmul(inside, slopes)


NO_SHIFT = Table((0.0, 1.0), ((0.0,) * len(KINDS),) * 2)
NO_LENGTHS = Table((0.0, 1.0), ((), ()))
NO_TOP_P = Table((0.0, 0.99), ((*(0.0,) * len(KINDS), NO_THRESHOLD),) * 2)


@dataclasses.dataclass(frozen=True)
class Shaping:
    """Tables of a model, found by `calibration`; the defaults shift nothing.

    Attributes:
        temperature: Shifts of `KINDS`, and of struck notes at each position in the beat, or none, by 1 / temperature.
        density: Shifts of `KINDS` by the logarithm of the density.
        top_p: Shifts of `KINDS`, and the threshold of onsets, by top-p; the last knot is below 1.
        lengths: Shifts of "sounds?" of pitches held for 1, 2, 3, … steps, or none, by 1 / temperature.
    """

    temperature: Table = NO_SHIFT
    density: Table = NO_SHIFT
    top_p: Table = NO_TOP_P
    lengths: Table = NO_LENGTHS

    def rows(self, temperature: tf.Tensor, top_p: tf.Tensor, density: tf.Tensor) -> "Shaped":
        """Looks up the shaping of each row, from fields of `Options`."""
        rate, kinds = 1.0 / temperature, len(KINDS)
        dropped = self.top_p.at(tf.minimum(top_p, self.top_p.places[-1]))
        whole = (top_p >= 1.0)[:, tf.newaxis]
        by_rate = self.temperature.at(rate)
        shift, positions = by_rate[:, :kinds], by_rate[:, kinds:]
        shift += self.density.at(tf.math.log(density)) + tf.where(whole, 0.0, dropped[:, :kinds])
        threshold = tf.where(whole, NO_THRESHOLD, dropped[:, -1:])
        return Shaped(rate[:, tf.newaxis], shift, threshold, positions, self.lengths.at(rate))


class Shaped(NamedTuple):
    """Shaping of the log-odds of each row of a batch.

    Attributes:
        rate: 1 / temperature, float32 [batch, 1].
        shift: Shifts of `KINDS`, float32 [batch, 3].
        threshold: Log-odds below which an onset is removed, float32 [batch, 1].
        positions: Shifts of struck notes at each position in the beat, float32 [batch, positions >= 0].
        lengths: Shifts of "sounds?" of pitches held for 1, 2, 3, … steps, float32 [batch, lengths >= 0].
    """

    rate: tf.Tensor
    shift: tf.Tensor
    threshold: tf.Tensor
    positions: tf.Tensor
    lengths: tf.Tensor

    def at_position(self, position: tf.Tensor) -> tf.Tensor:
        """Shift of struck notes at `position` int32 [batch] of the beat, float32 [batch, 1]; 0 without positions."""
        count = self.positions.shape[1]
        if not count:
            return tf.zeros([1, 1])
        return tf.reduce_sum(tf.one_hot(position, count) * self.positions, axis=1, keepdims=True)

    def at_length(self, held_steps: tf.Tensor) -> tf.Tensor:
        """Shift of "sounds?" of pitches held for `held_steps` int32 [batch, pitches]; 0 [1, 1] without lengths."""
        count = self.lengths.shape[1]
        if not count:
            return tf.zeros([1, 1])
        return tf.reduce_sum(tf.one_hot(held_steps - 1, count) * self.lengths[:, tf.newaxis], axis=2)

    def thresholds(self, odds: tf.Tensor, held: tf.Tensor, correction: tf.Tensor, penalty: tf.Tensor) -> Thresholds:
        """Thresholds of the unshaped log-odds: the inverse of the shaping, applied to those of the random numbers.

        Args:
            odds: `modeling.nade.log_odds` of the random numbers, float32 [batch, decisions].
            held: Whether each pitch sounded at the step before, bool [batch, pitches].
            correction: Added to the shaped log-odds of "sounds?", float32 [batch, pitches] or [batch, 1].
            penalty: Subtracted from the shaped log-odds of onsets and re-strikes, float32 [batch, 1].
        """
        onset, hold, strike = (self.shift[:, kind : kind + 1] for kind in range(len(KINDS)))
        pitches = held.shape[1]
        sounds = (odds[:, :pitches] - tf.where(held, hold, onset - penalty) - correction) / self.rate
        threshold = tf.where(tf.reduce_any(held, axis=1, keepdims=True), self.threshold, NO_THRESHOLD)
        sounds = tf.where(held, sounds, tf.maximum(sounds, threshold))
        return Thresholds(sounds, (odds[:, pitches:-1] - (strike - penalty)) / self.rate, odds[:, -1])
