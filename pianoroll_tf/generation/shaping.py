"""Temperature, top-p and density: log-odds that are sharpened or dropped and keep the number of notes and onsets.

Dividing the log-odds of 84 decisions, of which few are positive, by a temperature T changes how many notes sound:
above 1 rare notes become frequent, below 1 held notes become drones and onsets vanish. So each kind of decision is
followed by a shift of its own:

    silent before, sounds?      l / T + b_onset
    sounded before, sounds?     l / T + b_hold
    sounded before, struck?     l / T + b_strike

    struck, at position p of the beat      … + b_p, onsets and re-strikes alike

Top-p silences onsets whose log-odds l lie below a threshold, under which 1 - top_p of the expected onsets are found.
After a silent step no onset is removed: its probability is spread over many pitches, each of which is unlikely.
The shifts and thresholds are tables that `calibration` measures on the model's own music, so that it has as many
onsets, re-struck notes and sounding cells as at temperature 1, at the same positions in the beat, times the density
asked for. Shifts are read from the tables by straight lines over 1/T, because at T = infinity a shift is the log-odds
of its kind's mean rate and at 1 it is 0.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pianoroll_tf.modeling.nade import Thresholds

KINDS = ("onset", "hold", "strike")
NONE_BELOW = -1e9  # a threshold that silences nothing


@dataclasses.dataclass(frozen=True)
class Table:
    """Values at ascending places, read by straight lines, and beyond its ends by those of its last pieces.

    Attributes:
        places: Numbers, [knots >= 2].
        values: A row of numbers per place, [knots, columns].
    """

    places: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def at(self, place: tf.Tensor) -> tf.Tensor:
        """The values at `place` float32 [batch]: float32 [batch, columns].

        >>> Table((0.0, 1.0, 2.0), ((0.0,), (10.0,), (30.0,))).at(tf.constant([0.5, 1.5, 3.0])).numpy().ravel().tolist()
        [5.0, 20.0, 50.0]
        """
        places, values = np.float32(self.places), np.float32(self.values)
        inner = places[1:-1]
        low, high = np.concatenate([[-np.inf], inner]), np.concatenate([inner, [np.inf]])
        slopes = np.diff(values, axis=0) / np.diff(places)[:, None]
        # What of each piece lies between its beginning and `place`; the first piece begins at the first place.
        begins = np.concatenate([places[:1], inner])
        inside = tf.minimum(tf.maximum(place[:, tf.newaxis], np.float32(low)), np.float32(high))
        return values[0] + tf.matmul(inside - np.float32(begins), np.float32(slopes))


NO_SHIFT = Table((0.0, 1.0), ((0.0,) * len(KINDS),) * 2)
NO_TOP_P = Table((0.0, 0.99), ((*(0.0,) * len(KINDS), NONE_BELOW),) * 2)


@dataclasses.dataclass(frozen=True)
class Shaping:
    """What `calibration` found for a model; the defaults shift nothing.

    Attributes:
        temperature: Shifts of `KINDS`, and of struck notes at each position in the beat, by 1 / temperature; the
            positions may be left out.
        density: Shifts of `KINDS` by the logarithm of the density.
        top_p: Shifts of `KINDS`, and the threshold of onsets, by top-p; the last place is below 1.
    """

    temperature: Table = NO_SHIFT
    density: Table = NO_SHIFT
    top_p: Table = NO_TOP_P

    def rows(self, temperature: tf.Tensor, top_p: tf.Tensor, density: tf.Tensor) -> "Shaped":
        """How each row is shaped.

        Args:
            temperature: float32 [batch], > 0.
            top_p: float32 [batch] in (0, 1].
            density: float32 [batch], > 0.
        """
        rate = 1.0 / temperature
        dropped = self.top_p.at(tf.minimum(top_p, self.top_p.places[-1]))
        whole = (top_p >= 1.0)[:, tf.newaxis]
        shift, positions = tf.split(self.temperature.at(rate), [len(KINDS), self.positions], axis=1)
        shift += self.density.at(tf.math.log(density)) + tf.where(whole, 0.0, dropped[:, : len(KINDS)])
        return Shaped(rate[:, tf.newaxis], shift, tf.where(whole, NONE_BELOW, dropped[:, -1:]), positions)

    @property
    def positions(self) -> int:
        """Positions in the beat that have a shift of their own; 0: none."""
        return len(self.temperature.values[0]) - len(KINDS)


def shaping_from_dict(values: dict) -> Shaping:
    """The inverse of `dataclasses.asdict`, also after JSON.

    >>> shaping_from_dict(dataclasses.asdict(Shaping())) == Shaping()
    True
    """

    def table(entry: dict[str, Sequence]) -> Table:
        return Table(tuple(entry["places"]), tuple(tuple(row) for row in entry["values"]))

    return Shaping(**{name: table(entry) for name, entry in values.items()})


class Shaped(NamedTuple):
    """How the log-odds of each row of a batch are shaped.

    Attributes:
        rate: 1 / temperature, float32 [batch, 1].
        shift: Of `KINDS`, float32 [batch, 3].
        least: Log-odds below which an onset is silenced, float32 [batch, 1].
        positions: Of struck notes at each position in the beat, float32 [batch, positions]; there may be none.
    """

    rate: tf.Tensor
    shift: tf.Tensor
    least: tf.Tensor
    positions: tf.Tensor

    def at_position(self, position: tf.Tensor) -> tf.Tensor:
        """Shift of struck notes at `position` int32 [batch] of the beat, float32 [batch, 1]; 0 without positions."""
        count = self.positions.shape[1]
        if not count:
            return tf.zeros([1, 1])
        return tf.reduce_sum(tf.one_hot(position, count) * self.positions, axis=1, keepdims=True)

    def thresholds(self, odds: tf.Tensor, held: tf.Tensor, added: tf.Tensor, lost: tf.Tensor) -> Thresholds:
        """Thresholds of the unshaped log-odds: the inverse of the shaping, applied to those of the random numbers.

        Args:
            odds: `modeling.nade.log_odds` of the step's random numbers, float32 [batch, decisions].
            held: Whether each pitch sounded at the step before, bool [batch, pitches].
            added: Added to the log-odds of "sounds?" once they are shaped, float32 [batch, pitches] or [batch, 1].
            lost: Taken from those of onsets and strikes once they are shaped, float32 [batch, 1].
        """
        onset, hold, strike = (self.shift[:, kind : kind + 1] for kind in range(len(KINDS)))
        pitches = held.shape[1]
        sounds = (odds[:, :pitches] - tf.where(held, hold, onset - lost) - added) / self.rate
        least = tf.where(tf.reduce_any(held, axis=1, keepdims=True), self.least, NONE_BELOW)
        sounds = tf.where(held, sounds, tf.maximum(sounds, least))
        return Thresholds(sounds, (odds[:, pitches:-1] - (strike - lost)) / self.rate, odds[:, -1])
