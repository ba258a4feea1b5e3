"""The bars of a written piece: one that a new time signature cuts short, or that began before it, has its own."""

from collections.abc import Sequence
from fractions import Fraction

from pianoroll_tf.data.clock import Meter, meter_spans

MAX_NUMERATOR, MAX_DENOMINATOR = 64, 64


def bars_of(meters: Sequence[tuple[int, Meter]], steps: int, steps_per_beat: int) -> list[tuple[int, int, Meter]]:
    """(first step, step after the last, time signature) of each bar, of which there is at least one.

    The last bar is complete, even if the piece ends within it. A bar that is cut short has a time signature of its
    own length, unless there is none, as for a third of a beat or 67 sixteenths.

    Args:
        meters: (step, time signature), ascending; a bar begins at each. If the first is before step 0, the piece begins
            with the rest of that bar.
        steps: Length of the piece.
        steps_per_beat: Steps per quarter note.

    >>> bars = bars_of([(0, Meter(3, 4)), (20, Meter(4, 4))], 24, 4)
    >>> [(begin, end, str(meter)) for begin, end, meter in bars]
    [(0, 12, '3/4'), (12, 20, '2/4'), (20, 36, '4/4')]
    """
    found = []
    last = max(steps, 1)
    for begin, end, meter in meter_spans(meters, last):
        length = meter.bar_steps(steps_per_beat)
        for first in range(begin, end, length):
            stop = min(first + length, end) if end < last else first + length
            if stop > 0:
                cut = (max(first, 0), stop)
                whole = cut == (first, first + length)
                found.append((*cut, meter if whole else _shorter(meter, cut[1] - cut[0], steps_per_beat)))
    return found


def changes_of(meters: Sequence[tuple[int, Meter]], steps: int, steps_per_beat: int) -> list[tuple[int, Meter]]:
    """(step, time signature) of the bars of `bars_of` that have another time signature than the bar before.

    >>> [(step, str(meter)) for step, meter in changes_of([(-12, Meter())], 30, 4)]
    [(0, '1/4'), (4, '4/4')]
    """
    bars = bars_of(meters, steps, steps_per_beat)
    return [(begin, meter) for i, (begin, _, meter) in enumerate(bars) if not i or meter != bars[i - 1][2]]


def _shorter(meter: Meter, steps: int, steps_per_beat: int) -> Meter:
    """The time signature of a bar of `steps` steps, with the denominator of `meter` if possible; `meter` if none is."""
    length = Fraction(steps, 4 * steps_per_beat)  # of a whole note
    denominator = max(length.denominator, meter.denominator)
    numerator = int(length * denominator)
    if denominator & (denominator - 1) or denominator > MAX_DENOMINATOR or numerator > MAX_NUMERATOR:
        return meter
    return Meter(numerator, denominator)
