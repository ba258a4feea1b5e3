"""Estimates the key signature of a piece, for MIDI files and scores."""

import dataclasses

import numpy as np

# Correlation profiles of major and minor keys
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
CLEAR_FIT, CLEAR_LEAD = 0.7, 0.05  # correlation of the best key, and its lead over all with another signature


@dataclasses.dataclass(frozen=True)
class Key:
    """An estimated key.

    Attributes:
        sharps: Of its signature, negative for flats, -5..6.
        is_minor: Whether it is a minor key.
        is_clear: Whether it fits well, and no key with another signature fits nearly as well.
    """

    sharps: int = 0
    is_minor: bool = False
    is_clear: bool = False


def estimate_key(roll: np.ndarray) -> Key:
    """Estimates the key of a piece from the time that each pitch class sounds.

    Args:
        roll: Cells, [steps, 84].

    Reference:
        Krumhansl, Cognitive Foundations of Musical Pitch (1990), chapter 4.

    >>> scale = np.zeros((8, 84), np.uint8)
    >>> scale[np.arange(8), [7, 9, 11, 12, 14, 16, 18, 19]] = 2  # G major
    >>> estimate_key(scale)
    Key(sharps=1, is_minor=False, is_clear=True)
    """
    sounding = (np.asarray(roll) != 0).sum(axis=0).reshape(-1, 12).sum(axis=0)
    if not sounding.any() or sounding.std() == 0:
        return Key()
    fits = sorted(
        (float(np.corrcoef(np.roll(profile, tonic), sounding)[0, 1]), (tonic + relative) % 12, relative > 0)
        for profile, relative in ((MAJOR, 0), (MINOR, 3))
        for tonic in range(12)
    )
    fit, major, is_minor = fits[-1]
    lead = fit - max(other for other, signature, _ in fits if signature != major)
    return Key((7 * major + 5) % 12 - 5, is_minor, fit >= CLEAR_FIT and lead >= CLEAR_LEAD)
