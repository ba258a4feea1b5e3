"""How far the music of one set of pieces is from that of another: distributions of simple features, compared.

There are two numbers per feature: the overlapping area of two kernel densities, 1 if they are equal and 0 if they are
disjoint, and the Wasserstein distance, in the unit of the feature: how far, on average, the values of one set must be
moved to become those of the other. Even two halves of the same music differ: `halves` measures by how much.

Reference:
    Yang, Lerch 2020, "On the evaluation of generative models in music", Neural Computing and Applications 32.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import wasserstein_distance

from pianoroll_tf.config import LOWEST_PITCH
from pianoroll_tf.generation.music.roll_statistics import (
    note_lengths,
    onset_intervals,
    roll_statistics,
    scale_consistency,
)

REACH = 4.0  # bandwidths, on either side of a value, in which a kernel is not taken for 0
POINTS_PER_BANDWIDTH = 4
MAX_BANDWIDTHS = 1000  # bandwidths that the values of both sets span at most
HALVINGS = 20


@dataclasses.dataclass(frozen=True)
class Values:
    """A distribution: sorted different values and how often each is found, float64 [values] each."""

    values: np.ndarray
    weights: np.ndarray


@dataclasses.dataclass(frozen=True)
class Feature:
    """A feature whose distribution is compared.

    Attributes:
        values: Roll → values found in it, [any number]; a piece has one, or one for each note, cell or interval.
        logarithmic: Kernels are as wide as a ratio, not a difference: for lengths, of which most are short.
        circular: Values are pitch classes 0..11: the distance goes round, and the overlap is that of histograms.
    """

    values: Callable[[np.ndarray], np.ndarray | list]
    logarithmic: bool = False
    circular: bool = False


def _pitches(roll: np.ndarray) -> np.ndarray:
    """MIDI number of every active cell."""
    return np.nonzero(roll)[1] + LOWEST_PITCH


FEATURES = {
    "density": Feature(lambda roll: [roll_statistics(roll).density]),
    "polyphony": Feature(lambda roll: [roll_statistics(roll).polyphony]),
    "pitch": Feature(_pitches),
    "pitch_class": Feature(lambda roll: _pitches(roll) % 12, circular=True),
    "note_length": Feature(note_lengths, logarithmic=True),
    "onset_interval": Feature(onset_intervals, logarithmic=True),
    "scale_consistency": Feature(lambda roll: [share] if (share := scale_consistency(roll)) is not None else []),
    "longest_note": Feature(lambda roll: [max(roll_statistics(roll).longest_note, 1)], logarithmic=True),
    "empty_steps": Feature(lambda roll: [roll_statistics(roll).empty_steps]),
}


def distribution(name: str, pieces: Sequence[np.ndarray]) -> Values:
    """The distribution of an entry of `FEATURES` over rolls [steps, 84]."""
    found = np.concatenate([np.empty(0), *(FEATURES[name].values(piece) for piece in pieces)])
    values, counts = np.unique(found, return_counts=True)
    return Values(values, counts.astype(np.float64))


def join(parts: Sequence[Values]) -> Values:
    """The distribution of several sets together."""
    values, place = np.unique(np.concatenate([part.values for part in parts]), return_inverse=True)
    return Values(values, np.bincount(place, np.concatenate([part.weights for part in parts]), len(values)))


def compare(name: str, music: Values, reference: Values) -> tuple[float, float | None]:
    """Overlap and distance of two distributions of a feature.

    Args:
        name: Entry of `FEATURES`.
        music: Of the set that is judged.
        reference: Of the set it is judged by; its spread and size set the width of the kernels of both.

    Returns:
        (overlap within 0..1, distance in the unit of the feature); (0, None) where one set has no value at all.
    """
    if not len(music.values) or not len(reference.values):
        return 0.0, None
    if FEATURES[name].circular:
        return _compare_classes(music, reference)
    distance = wasserstein_distance(music.values, reference.values, music.weights, reference.weights)
    return overlap(music, reference, FEATURES[name].logarithmic), float(distance)


def overlap(music: Values, reference: Values, logarithmic: bool = False) -> float:
    """The area under the lower of two kernel densities, both with the reference's bandwidth.

    With one bandwidth for both, equal sets have an overlap of 1, and a set whose values are all alike does not get
    kernels of no width.
    """
    if logarithmic:
        music, reference = (Values(np.log2(one.values), one.weights) for one in (music, reference))
    everything = np.concatenate([music.values, reference.values])
    width = max(bandwidth(reference), np.ptp(everything) / MAX_BANDWIDTHS) or 1.0
    edge, distance = REACH * width, width / POINTS_PER_BANDWIDTH
    points = np.arange(everything.min() - edge, everything.max() + edge + distance, distance)
    lower = np.minimum(*(_density(one, points, width) for one in (music, reference)))
    return float(min(1.0, lower.sum() * width / POINTS_PER_BANDWIDTH))


def bandwidth(sample: Values) -> float:
    """Standard deviation times n^(-1/5): Scott's rule (1992, "Multivariate Density Estimation", equation 6.42)."""
    mean = np.average(sample.values, weights=sample.weights)
    variance = np.average((sample.values - mean) ** 2, weights=sample.weights)
    return float(np.sqrt(variance) * sample.weights.sum() ** -0.2)


def _density(sample: Values, points: np.ndarray, width: float) -> np.ndarray:
    """Density of Gaussian kernels at `points`."""
    total = np.zeros(len(points))
    for value, weight in zip(sample.values, sample.weights, strict=True):
        first, last = np.searchsorted(points, [value - 2 * REACH * width, value + 2 * REACH * width])
        total[first:last] += weight * np.exp(-0.5 * ((points[first:last] - value) / width) ** 2)
    return total / (sample.weights.sum() * width * np.sqrt(2 * np.pi))


def _compare_classes(music: Values, reference: Values) -> tuple[float, float]:
    """Overlap of two histograms of pitch classes, and their distance round the circle, in semitones.

    Reference:
        Rabin, Delon, Gousseau 2011, "Transportation distances on the circle", equation 9: the least of
        sum |F - G - c| over c, which the median of F - G gives.
    """
    shares = []
    for one in (music, reference):
        counts = np.bincount(one.values.astype(int), one.weights, minlength=12)
        shares.append(counts / counts.sum())
    gap = np.cumsum(shares[0] - shares[1])
    return float(np.minimum(*shares).sum()), float(np.abs(gap - np.median(gap)).sum())


def halves(name: str, groups: Sequence[Values]) -> tuple[float, float | None]:
    """The mean comparison of random halves of the same music: the ceiling of any comparison with it.

    `groups` has the feature in each piece, so that parts of a piece are never in both halves. (0, None) for fewer than
    two pieces.
    """
    rng, found = np.random.default_rng(0), []
    for _ in range(HALVINGS if len(groups) > 1 else 0):
        order = rng.permutation(len(groups))
        first, second = ([groups[i] for i in part] for part in np.array_split(order, 2))
        found.append(compare(name, join(first), join(second)))
    distances = [distance for _, distance in found if distance is not None]
    if not distances:
        return 0.0, None
    return float(np.mean([area for area, _ in found])), float(np.mean(distances))


def cut(roll: np.ndarray, steps: int) -> list[np.ndarray]:
    """A roll [any number of steps, 84] in parts of `steps` steps, so that pieces can be compared part by part.

    A rest of less than half of that is left out, unless it is all there is.
    """
    parts = [roll[start : start + steps] for start in range(0, len(roll), steps)]
    return [part for part in parts if 2 * len(part) >= steps] or parts
