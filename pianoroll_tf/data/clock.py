"""The clock of a piece on the grid of beats: one code per step for its position in the beat and the bar."""

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

MAX_QUARTERS = 8  # quarters of a bar with a code each; later ones have the code of the last
_METER = re.compile(r"(\d{1,2})/(\d{1,3})")


@dataclasses.dataclass(frozen=True)
class Meter:
    """A time signature; raises ValueError for a number that is not allowed."""

    numerator: int = 4  # notes per bar, 1..64
    denominator: int = 4  # note value, a power of two from 1 to 64; 4 is a quarter note

    def __post_init__(self) -> None:
        if not (1 <= self.numerator <= 64 and self.denominator in (1, 2, 4, 8, 16, 32, 64)):
            allowed = "N/D with N >= 1 and <= 64 and D a power of two <= 64"
            raise ValueError(f"meter must be {allowed}. Received: meter={self}")

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def compound(self) -> bool:
        """Whether eighths (or shorter notes) are grouped in threes, as in 6/8."""
        return self.denominator >= 8 and self.numerator % 3 == 0

    def bar_steps(self, steps_per_beat: int) -> int:
        """Steps per bar, rounded to an integer, at least 1.

        >>> Meter(3, 4).bar_steps(4), Meter(6, 8).bar_steps(4)
        (12, 12)
        """
        return max(1, round(self.numerator * 4 * steps_per_beat / self.denominator))


def parse_meter(text: str) -> Meter:
    """Parses a time signature such as "3/4"; raises ValueError for other text.

    >>> parse_meter("6/8").compound
    True
    """
    if not (match := _METER.fullmatch(text.strip())):
        raise ValueError(f"meter must be N/D, such as 3/4. Received: meter={text!r}")
    return Meter(int(match[1]), int(match[2]))


def code_count(steps_per_beat: int) -> int:
    """Number of codes on a grid: position in the quarter × quarter of the bar × quarters per bar × compound."""
    return steps_per_beat * MAX_QUARTERS * MAX_QUARTERS * 2


def code_at(place, bar_steps, compound, steps_per_beat: int, minimum: Callable = np.minimum):
    """The code of a step.

    Args:
        place: Steps since the bar line, >= 0; integers of any shape, numpy or TensorFlow.
        bar_steps: Steps per bar, >= 1.
        compound: 0 or 1, `Meter.compound`.
        steps_per_beat: Steps per quarter note.
        minimum: `tf.minimum` for tensors.

    Returns:
        Integers of the shape of `place`, 0 to `code_count(steps_per_beat)` - 1.

    >>> code_at(np.array([0, 5, 17]), 16, 0, 4).tolist()  # 17 is the second step of the next bar
    [96, 101, 97]
    """
    place = place % bar_steps
    quarter = minimum(place // steps_per_beat, MAX_QUARTERS - 1)
    quarters = minimum((bar_steps - 1) // steps_per_beat, MAX_QUARTERS - 1)
    return place % steps_per_beat + steps_per_beat * (quarter + MAX_QUARTERS * (quarters + MAX_QUARTERS * compound))


def feature_table(steps_per_beat: int) -> np.ndarray:
    """Features of each code: one-hot position in the quarter, quarter of the bar, quarters per bar; compound.

    Returns:
        float32 [codes, steps_per_beat + 17].

    >>> feature_table(4)[code_at(5, 16, 0, 4)].nonzero()[0].tolist()  # position 1, quarter 1, 4 quarters
    [1, 5, 15]
    """
    sizes = (2, MAX_QUARTERS, MAX_QUARTERS, steps_per_beat)
    compound, quarters, quarter, place = np.unravel_index(np.arange(code_count(steps_per_beat)), sizes)
    parts = [np.eye(steps_per_beat)[place], np.eye(MAX_QUARTERS)[quarter], np.eye(MAX_QUARTERS)[quarters]]
    return np.concatenate([*parts, compound[:, None]], axis=1).astype(np.float32)


def meter_spans(meters: Sequence[tuple[int, Meter]], steps: int) -> Iterator[tuple[int, int, Meter]]:
    """Yields (first step, step after the last, time signature) for each part of a piece of `steps` steps.

    Args:
        meters: (first step, time signature), ascending; a bar begins at each of them. Before the first, or if there is
            none, the meter is 4/4 from step 0.
        steps: Length of the piece.
    """
    changes = [*([] if meters and meters[0][0] <= 0 else [(0, Meter())]), *meters, (steps, Meter())]
    for (begin, meter), (end, _) in itertools.pairwise(changes):
        yield begin, end, meter


def clock_codes(meters: Sequence[tuple[int, Meter]], steps: int, steps_per_beat: int) -> np.ndarray:
    """The code of each step of a piece, uint16 [steps]; `meters` as for `meter_spans`.

    >>> clock_codes([(0, Meter(3, 4)), (12, Meter(4, 4))], 14, 4)[[0, 11, 12]].tolist()
    [64, 75, 96]
    """
    codes = np.zeros(steps, np.uint16)
    for begin, end, meter in meter_spans(meters, steps):
        first, last = max(begin, 0), min(end, steps)
        if first < last:
            place = np.arange(first - begin, last - begin)
            codes[first:last] = code_at(place, meter.bar_steps(steps_per_beat), int(meter.compound), steps_per_beat)
    return codes
