"""How loud generated notes are: as in the primer or the training data by metre and voice, else by default accents."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from pianoroll_tf.config import LOWEST_PITCH
from pianoroll_tf.data.velocities import STRENGTHS, is_highest, velocity_sums

MIN_NOTES = 8  # of one metrical strength, from which their mean velocity is used
MAX_VELOCITY = 127


@dataclasses.dataclass(frozen=True)
class Dynamics:
    """Velocities by metrical strength and voice.

    Attributes:
        levels: Velocities of the highest voice on the first beat of a bar, on other beats, on halves of beats, between.
        inner: Difference of the notes below the highest voice.
    """

    levels: tuple[float, ...] = (92.0, 85.0, 80.0, 76.0)
    inner: float = -8.0

    def velocities(self, roll: np.ndarray, start: np.ndarray, pitch: np.ndarray, strength: np.ndarray) -> np.ndarray:
        """The velocities of the notes of a roll, int64 [notes], 1..127.

        Args:
            roll: [steps, 84], 0 where silent.
            start: Steps at which the notes begin, int64 [notes].
            pitch: Their MIDI numbers, int64 [notes].
            strength: Of each step, int64 [steps], from `data.velocities.strengths`.
        """
        level = np.array(self.levels)[strength[start]]
        highest = is_highest(roll, start, pitch - LOWEST_PITCH)
        return np.rint(np.where(highest, level, level + self.inner)).clip(1, MAX_VELOCITY).astype(np.int64)

    def fitted(self, sums: np.ndarray | Sequence[int], is_flat: bool = False) -> "Dynamics":
        """The dynamics of played notes; what they are too few to show is taken from these, at their mean velocity.

        The levels and the difference of the voices are those of the least squares.

        Args:
            sums: Of the notes, int64 [2, 4, 2] or its 16 numbers, from `data.velocities.velocity_sums`.
            is_flat: Whether all the notes have one velocity, as notation programs write them: only the mean is used.

        >>> played = Dynamics().fitted([0] * 8 + [8, 800, 8, 640, 0, 0, 0, 0])  # 100 on the first beat, 80 on others
        >>> played.levels[:2], round(Dynamics().fitted([0] * 10 + [4, 300] + [0] * 4, is_flat=True).levels[1])
        ((100.0, 80.0), 75)
        """
        table = np.asarray(sums, np.float64).reshape(-1, 2)
        if not table[:, 0].sum():
            return self
        (inner_count, inner_sum), (top_count, top_sum) = np.moveaxis(table.reshape(2, len(STRENGTHS), 2), 2, 1)
        count, own = inner_count + top_count, np.array(self.levels)
        shift = (table[:, 1].sum() - (count * own).sum() - inner_count.sum() * self.inner) / count.sum()
        if is_flat:
            return Dynamics(tuple((own + shift).tolist()), self.inner)
        inner, both = self.inner, inner_count * top_count > 0
        if min(inner_count[both].sum(), top_count[both].sum()) >= MIN_NOTES:
            difference = inner_sum[both] / inner_count[both] - top_sum[both] / top_count[both]
            weight = (inner_count * top_count / np.maximum(count, 1))[both]
            inner = float((difference * weight).sum() / weight.sum())
        mean = (inner_sum + top_sum - inner_count * inner) / np.maximum(count, 1)
        return Dynamics(tuple(np.where(count >= MIN_NOTES, mean, own + shift).tolist()), inner)


def played_dynamics(base: Dynamics, roll: np.ndarray, velocities: np.ndarray, strength: np.ndarray) -> Dynamics:
    """The dynamics of music, [steps, 84], from its velocities, uint8 [steps, 84]; `base` if it has none."""
    known = velocities[velocities > 0]
    if not len(known):
        return base
    return base.fitted(velocity_sums(roll, velocities, strength), is_flat=bool(known.min() == known.max()))
