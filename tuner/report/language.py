"""Words and numbers of a report in its language: sentences from `report_texts`, names from `report_labels`."""

import math
from collections.abc import Sequence

from pianoroll_tf.choices import label
from tuner.report.labels import MEASURES_RU, SHORT, UNITS_RU
from tuner.report.texts import COUNTS, TEXTS
from tuner.study.measure_table import MEASURES
from tuner.study.settings import Combination
from tuner.study.statistics import Summary

LANGUAGES = ("en", "ru")
DASH = "–"  # where there is no value
_DIGITS = 4  # significant ones of a number without an interval
_MOST_DECIMALS = 6


class Words:
    """Texts and numbers in one language.

    Args:
        language: Entry of `LANGUAGES`.

    >>> Words("ru").number(-1234.5678, decimals=1), Words("en").number(12345.0)
    ('−1234,6', '12,345')
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._column = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key of `report_texts.TEXTS`, with values put in."""
        return TEXTS[key][self._column].format(**values)

    def count(self, number: int, what: str) -> str:
        """A number of things, with the form of the word that belongs to it.

        >>> [Words("ru").count(number, "seeds") for number in (1, 3, 5, 11, 21)]
        ['1 зерно', '3 зерна', '5 зёрен', '11 зёрен', '21 зерно']
        """
        forms = COUNTS[what][self._column]
        return f"{self.number(number)} {forms[_plural(number, self.language)]}"

    def join(self, parts: Sequence[str]) -> str:
        """A list as one says it.

        >>> Words("en").join(["a", "b", "c"]), Words("ru").join(["а", "б"])
        ('a, b and c', 'а и б')
        """
        parts = list(parts)
        return " ".join([", ".join(parts[:-1]), self("and"), parts[-1]]) if len(parts) > 1 else "".join(parts)

    def number(self, value: float | None, decimals: int | None = None) -> str:
        """A number with so many decimals; default: four significant digits, whole numbers as they are."""
        if value is None or not math.isfinite(value):
            return DASH
        if decimals is None:
            decimals = _decimals(value)
        text = f"{abs(value):,.{decimals}f}" if abs(value) >= 1e4 else f"{abs(value):.{decimals}f}"
        sign = "−" if value < 0 and float(f"{abs(value):.{decimals}f}") else ""
        if self._column:
            text = text.replace(",", "\u00a0").replace(".", ",")
        return sign + text

    def tick(self, value: float) -> str:
        """A number beside an axis."""
        text = f"{abs(value):.6g}"
        return ("−" if value < 0 else "") + (text.replace(".", ",") if self._column else text)

    def share(self, value: float | None, decimals: int = 1) -> str:
        """A share as per cent.

        >>> Words("en").share(0.0374), Words("ru").share(0.5, 0)
        ('3.7\\xa0%', '50\\xa0%')
        """
        return DASH if value is None else f"{self.number(100 * value, decimals)}\u00a0%"

    def p(self, value: float) -> str:
        """A p-value.

        >>> Words("en").p(0.0625), Words("en").p(1e-5)
        ('0.0625', '< 0.001')
        """
        return f"< {self.number(0.001, 3)}" if value < 0.001 else self.tick(float(f"{value:.3g}"))

    def interval(self, low: float | None, high: float | None, decimals: int | None = None, key: str = "from_to") -> str:
        """An interval in words, or with key "between" as in a table; empty where there is none.

        >>> Words("en").interval(5.491, 5.5023), Words("ru").interval(-1.0, 2.0, 1), Words("en").interval(None, None)
        ('5.491 to 5.502', 'от −1,0 до 2,0', '')
        """
        if low is None or high is None:
            return ""
        decimals = decimals_between(low, high) if decimals is None else decimals
        return self(key, low=self.number(low, decimals), high=self.number(high, decimals))

    def p_equals(self, value: float | None) -> str:
        """A p-value behind its letter."""
        return DASH if value is None else f"p {self.p(value)}" if value < 0.001 else f"p = {self.p(value)}"

    def mean(self, found: Summary) -> tuple[str, str]:
        """A mean and its interval, with the digits that the interval allows."""
        return self.difference(found.mean, found.low, found.high)

    def difference(self, mean: float | None, low: float | None, high: float | None) -> tuple[str, str]:
        """A mean and its interval, given as numbers."""
        decimals = None if low is None or high is None else decimals_between(low, high)
        return self.number(mean, decimals), self.interval(low, high, decimals, "between")

    def loss(self, name: str) -> str:
        """A loss as a person writes it."""
        return label("loss", name)

    def optimizer(self, name: str) -> str:
        """An optimizer as a person writes it."""
        return label("optimizer", name)

    def combination(self, combination: Combination) -> str:
        """A combination as a person writes it.

        >>> Words("en").combination(Combination("focal", "adamw", "raw"))
        'focal\\xa0·\\xa0AdamW, uncorrected'
        """
        name = f"{self.loss(combination.loss)}\u00a0·\u00a0{self.optimizer(combination.optimizer)}"
        return f"{name}, {self('ablation_' + combination.ablation)}" if combination.ablation else name

    def head(self, name: str) -> str:
        """A measure as the head of a table's column, short."""
        return SHORT[name][self._column] if name in SHORT else self.measure(name)

    def measure(self, name: str, with_unit: bool = False) -> str:
        """A measure in full, perhaps with its unit."""
        label = MEASURES_RU[name] if self._column else MEASURES[name].label
        unit = self.unit(MEASURES[name].unit)
        return f"{label}, {unit}" if with_unit and unit else label

    def unit(self, unit: str) -> str:
        """A unit of `measure_table`."""
        return UNITS_RU[unit] if self._column else unit


def _plural(number: int, language: str) -> int:
    """Which form a word has beside a number: singular, (in Russian: few,) many."""
    if language == "en":
        return int(number != 1)
    if number % 10 == 1 and number % 100 != 11:
        return 0
    return 1 if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else 2


def _decimals(value: float) -> int:
    """Decimals that give `_DIGITS` significant digits; 0 for a whole number."""
    if value == 0 or (value == round(value) and abs(value) < 1e15):
        return 0
    return min(max(_DIGITS - 1 - math.floor(math.log10(abs(value))), 0), _MOST_DECIMALS)


def decimals_between(low: float, high: float) -> int:
    """Decimals with which the width of an interval has two digits.

    >>> decimals_between(5.4913, 5.5028), decimals_between(3.0, 3.0), decimals_between(120.0, 480.0)
    (3, 0, 0)
    """
    width = abs(high - low)
    if width == 0:
        return _decimals(high)
    return min(max(1 - math.floor(math.log10(width)), 0), _MOST_DECIMALS)
