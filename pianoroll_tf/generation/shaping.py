"""Temperature, top-p and density: log-odds that are sharpened or dropped and keep the number of notes and onsets.

Dividing the log-odds of 84 decisions, of which few are positive, by a temperature T changes how many notes sound:
above 1 rare notes become frequent, below 1 held notes become drones and onsets vanish. So each kind of decision is
followed by a shift of its own:

    silent before, sounds?      l / T + b_onset
    sounded before, sounds?     l / T + b_hold
    sounded before, struck?     l / T + b_strike

Top-p silences onsets whose log-odds l lie below a threshold, under which 1 - top_p of the expected onsets are found.
After a silent step it silences none: which note breaks a silence is open, so each one alone is unlikely.
The shifts and thresholds are tables that `calibration` measures on the model's own music, so that it has as many
onsets, re-struck notes and sounding cells as at temperature 1, times the density asked for. Shifts are read from the
tables by straight lines over 1/T, because at T = infinity a shift is the log-odds of its kind's mean rate and at 1 it
is 0.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

Odds = tuple[Callable, Callable, Callable]  # see `shaped_odds`
KINDS = ("onset", "hold", "strike")
NONE_BELOW = -1e9  # a threshold that silences nothing
SILENT = -1e9  # log-odds of what is silenced; finite, so that sums with it stay numbers


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
        temperature: Shifts of `KINDS` by 1 / temperature.
        density: Shifts of `KINDS` by the logarithm of the density.
        top_p: Shifts of `KINDS`, and the threshold of onsets, by top-p; the last place is below 1.
    """

    temperature: Table = NO_SHIFT
    density: Table = NO_SHIFT
    top_p: Table = NO_TOP_P

    def odds(
        self, posterior: Callable, temperature: tf.Tensor, top_p: tf.Tensor, density: tf.Tensor
    ) -> Callable[[tf.Tensor], Odds]:
        """What a head's log-odds become before they are drawn: function of `silent` to `modeling.nade.Odds`.

        Args:
            posterior: The network's log-odds → those of the posterior.
            temperature: float32 [batch], > 0.
            top_p: float32 [batch] in (0, 1].
            density: float32 [batch], > 0.
        """
        rate = 1.0 / temperature
        dropped = self.top_p.at(tf.minimum(top_p, self.top_p.places[-1]))
        whole = (top_p >= 1.0)[:, tf.newaxis]
        shift = self.temperature.at(rate) + self.density.at(tf.math.log(density))
        shift += tf.where(whole, 0.0, dropped[:, : len(KINDS)])
        least = tf.where(whole, NONE_BELOW, dropped[:, -1:])
        return lambda silent: shaped_odds(posterior, rate, shift, least, silent)


def shaping_from_dict(values: dict) -> Shaping:
    """The inverse of `dataclasses.asdict`, also after JSON.

    >>> shaping_from_dict(dataclasses.asdict(Shaping())) == Shaping()
    True
    """

    def table(entry: dict[str, Sequence]) -> Table:
        return Table(tuple(entry["places"]), tuple(tuple(row) for row in entry["values"]))

    return Shaping(**{name: table(entry) for name, entry in values.items()})


def shaped_odds(posterior: Callable, rate: tf.Tensor, shift: tf.Tensor, least: tf.Tensor, silent: tf.Tensor) -> Odds:
    """The functions that shape log-odds.

    Args:
        posterior: The network's log-odds → those of the posterior.
        rate: 1 / temperature, float32 [batch].
        shift: Of `KINDS`, float32 [batch, 3].
        least: Log-odds below which an onset is silenced, float32 [batch, 1].
        silent: Whether no pitch sounded at the step before, bool [batch]; no onset is silenced then.

    Returns:
        Functions of the log-odds of cells ([batch, cells], and whether they sounded before, bool [batch, cells]), of
        strikes ([batch, cells] or [batch]) and of the end ([batch], left to the posterior).
    """
    onset, hold, strike = (shift[:, kind : kind + 1] for kind in range(len(KINDS)))
    rates = rate[:, tf.newaxis]
    least = tf.where(silent[:, tf.newaxis], NONE_BELOW, least)

    def cells(logits, held):
        logits = posterior(logits)
        kept = held | (logits >= least)
        return tf.where(kept, logits * rates + tf.where(held, hold, onset), SILENT)

    def strikes(logits):
        logits = posterior(logits)
        single = logits.shape.rank == 1
        return logits * rate + strike[:, 0] if single else logits * rates + strike

    return cells, strikes, posterior
