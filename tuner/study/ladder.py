"""The values of a setting that tuning may try, in order: rungs, numbered from the first that is tried. No framework."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

MOST_RUNGS = 64  # on either side of the start, among which the nearest is sought
# Scale → (value → what the ratio multiplies, its inverse)
SCALES = {
    "log": (lambda value: value, lambda found: found),
    "odds": (lambda value: value / (1 - value), lambda found: found / (1 + found)),
}


@dataclasses.dataclass(frozen=True)
class Ladder:
    """The rungs of a setting.

    Attributes:
        values: The values in order, none beyond them; empty: a series.
        start: The value at rung 0.
        ratio: Of the next rung's value to a rung's, or of their odds.
        scale: A key of `SCALES`.
        least: No value of the series is below it.
        limit: The natural limit, below which nothing lies; it is the rung below the last one of the series. None: the
            series continues.
        most: The maximum that the setting allows, which is the rung above the last one of the series; None: no maximum.
        first: The rung that is tried first, perhaps halfway between two.
        halves: Whether values halfway between two rungs of a series, counted from the first, are tried.
    """

    values: tuple[Any, ...] = ()
    start: Any = None
    ratio: float = 2.0
    scale: str = "log"
    least: float = 0.0
    limit: float | None = None
    most: float | None = None
    first: float = 0.0
    halves: bool = True

    @classmethod
    def of(cls, entry: Mapping[str, Any] | Sequence[Any], default: Any = None, most: float | None = None) -> "Ladder":
        """The ladder of an entry `study` in a setting's metadata.

        Args:
            entry: The fields of a series, or the values in order, of which tuning starts at `default`, or at the middle
                one if `default` is not among them.
            default: Of the setting.
            most: The setting's maximum; None: it has none.

        >>> Ladder.of((False, True), default=False).rung(1)
        True
        """
        if isinstance(entry, Mapping):
            return cls(most=most, **entry)
        values = tuple(entry)
        return cls(values=values, start=default if default in values else values[len(values) // 2])

    def rung(self, number: float) -> Any:
        """The value at a rung; halves lie between two rungs of a series. None: there is no such value.

        >>> rates = Ladder(start=0.01, ratio=4.0, least=1e-3, limit=0.0)
        >>> [rates.rung(number) for number in (1, 0.5, 0, -1, -2, -3)]
        [0.04, 0.02, 0.01, 0.0025, 0.0, None]
        """
        if self.values:
            place = self.values.index(self.start) + number
            return self.values[int(place)] if place == int(place) and 0 <= place < len(self.values) else None
        is_whole = (number - self.first) % 1 == 0
        if not self.halves and not is_whole:
            return None
        forth, back = SCALES[self.scale]

        def value(at: float) -> float:
            exact = back(forth(self.start) * self.ratio**at)
            if self.scale == "odds" and exact > 0.5:  # three digits of what is left to 1
                return 1 - float(f"{back(self.ratio**-at / forth(self.start)):.3g}")
            return float(f"{exact:.3g}")

        found = value(number)
        if found < self.least:  # only a whole rung just below the last one of the series is the limit
            return self.limit if is_whole and value(number + 1) >= self.least else None
        if self.most is not None and found > self.most:
            return self.most if is_whole and value(number - 1) < self.most else None
        return found

    def nearest(self, value: Any) -> float | None:
        """The rung, or half, whose value is nearest to this one; None if a list does not have it, or it is no number.

        >>> Ladder(start=0.01, ratio=2.0).nearest(0.03), Ladder((False, True), start=False).nearest(True)
        (1.5, 1.0)
        """
        numbers = [number / 2 for number in range(-2 * MOST_RUNGS, 2 * MOST_RUNGS + 1)]
        found = {number: rung for number in numbers if (rung := self.rung(number)) is not None}
        if self.values:
            return next((number for number, rung in found.items() if rung == value), None)
        if isinstance(value, str):
            return None
        return min(found, key=lambda number: abs(found[number] - value))

    def is_end(self, number: float, direction: int) -> bool:
        """Whether no value can lie beyond a rung, upwards (1) or downwards (-1).

        >>> Ladder(start=0.01, ratio=4.0, least=1e-3, limit=0.0).is_end(-2, -1)
        True
        """
        if self.values:
            return self.rung(number + direction) is None
        if direction > 0:
            return self.most is not None and self.rung(number) == self.most
        return self.limit is not None and self.rung(number) == self.limit
