"""Messages and numbers of a report in its language: gettext catalogues of `tuner/locale`, separators by Babel.

Message ids are the English texts. After a change of them, `python tests/support/catalogue.py` updates the catalogue, in
which new messages then wait for their translation.
"""

import functools
import io
import math
from collections.abc import Sequence
from pathlib import Path

from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol, get_group_symbol
from babel.support import NullTranslations, Translations

from pianoroll_tf.choices import label
from tuner.study.measures import MEASURES
from tuner.study.settings import RAW, ZERO_BIAS, Combination
from tuner.study.statistics import Pair, Summary

LANGUAGES = {"en": "en_GB", "ru": "ru"}  # language → locale, whose lists have no comma before "and"
CATALOGUES = Path(__file__).parents[1] / "locale"
DASH = "–"  # where there is no value
MAX_DECIMALS = 6


def N_(message: str) -> str:  # noqa: N802  (the name by which Babel finds messages that are translated later)
    """Marks a message for the catalogue."""
    return message


ABLATIONS = {RAW: N_("uncorrected"), ZERO_BIAS: N_("bias from 0")}


def catalogue_path(code: str) -> Path:
    """The .po file of a language."""
    return CATALOGUES / code / "LC_MESSAGES" / "tuner.po"


@functools.cache
def _translations(code: str) -> NullTranslations:
    """The translations of a language, compiled from its .po file, so that no build step is needed."""
    if code == "en":
        return NullTranslations()
    compiled = io.BytesIO()
    with catalogue_path(code).open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return Translations(compiled)


class Language:
    """Messages, names and numbers in a language of `LANGUAGES`.

    >>> Language("ru").number(-1234.5678, decimals=1), Language("en").number(12345.0)
    ('−1234,6', '12,345')
    """

    def __init__(self, code: str) -> None:
        self.code, self._locale, self._translations = code, LANGUAGES[code], _translations(code)
        symbols = {",": get_group_symbol(self._locale), ".": get_decimal_symbol(self._locale), "-": "−"}
        self._symbols = str.maketrans(symbols)

    def gettext(self, message: str, **values: object) -> str:
        """A message, with values put in if there are any.

        >>> Language("ru").gettext("split {name}", name="train")
        'выборка train'
        """
        text = self._translations.gettext(message) if message else ""
        return text.format(**values) if values else text

    def ngettext(self, singular: str, plural: str, number: int, **values: object) -> str:
        """The form of a message that belongs to a number, which is put in as `{n}`.

        >>> [Language("ru").ngettext("{n} seed", "{n} seeds", number) for number in (1, 3, 5, 11, 21)]
        ['1 зерно', '3 зерна', '5 зёрен', '11 зёрен', '21 зерно']
        """
        return self._translations.ngettext(singular, plural, number).format(n=self.number(number), **values)

    def join(self, parts: Sequence[str]) -> str:
        """An enumeration.

        >>> Language("en").join(["a", "b", "c"]), Language("ru").join(["а", "б"])
        ('a, b and c', 'а и б')
        """
        return format_list(list(parts), locale=self._locale)

    def number(self, value: float | None, decimals: int | None = None) -> str:
        """A number with so many decimals; thousands are separated from 10,000 up.

        Without `decimals` it has four significant digits, or none after the point if it is whole. None, NaN and
        infinity become a dash.
        """
        if value is None or not math.isfinite(value):
            return DASH
        decimals = _decimals(value) if decimals is None else decimals
        text = f"{value:,.{decimals}f}" if abs(value) >= 1e4 else f"{value:.{decimals}f}"
        return (text if float(text.replace(",", "")) else text.removeprefix("-")).translate(self._symbols)

    def tick(self, value: float) -> str:
        """A number beside an axis."""
        return f"{value:.6g}".translate(self._symbols)

    def percent(self, value: float | None, decimals: int = 1) -> str:
        """A share in per cent.

        >>> Language("en").percent(0.0374), Language("ru").percent(0.5, 0)
        ('3.7\\xa0%', '50\\xa0%')
        """
        return DASH if value is None else f"{self.number(100 * value, decimals)}\u00a0%"

    def p(self, value: float) -> str:
        """A p-value.

        >>> Language("en").p(0.0625), Language("en").p(1e-5)
        ('0.0625', '< 0.001')
        """
        return f"< {self.number(0.001, 3)}" if value < 0.001 else self.tick(float(f"{value:.3g}"))

    def p_equals(self, value: float | None) -> str:
        """A p-value with its letter in front."""
        return DASH if value is None else f"p {self.p(value)}" if value < 0.001 else f"p = {self.p(value)}"

    def interval(self, low: float, high: float) -> str:
        """An interval as a sentence has it.

        >>> Language("en").interval(5.491, 5.5023), Language("ru").interval(-1.0, 2.0)
        ('5.491 to 5.502', 'от −1,0 до 2,0')
        """
        decimals = decimals_between(low, high)
        return self.gettext("{low} to {high}", low=self.number(low, decimals), high=self.number(high, decimals))

    def mean(self, found: Summary | Pair) -> tuple[str, str]:
        """A mean and its interval as a table has them, with as many digits as the interval justifies."""
        if found.low is None or found.high is None:
            return self.number(found.mean), ""
        decimals = decimals_between(found.low, found.high)
        text = str(self._translations.pgettext("table", "{low} to {high}"))
        between = text.format(low=self.number(found.low, decimals), high=self.number(found.high, decimals))
        return self.number(found.mean, decimals), between

    def combination(self, combination: Combination) -> str:
        """The label of a combination.

        >>> Language("en").combination(Combination("focal", "adamw", "raw"))
        'focal\\xa0·\\xa0AdamW, uncorrected'
        """
        name = f"{label('loss', combination.loss)}\u00a0·\u00a0{label('optimizer', combination.optimizer)}"
        return ", ".join([name, *map(self.ablation, filter(None, (combination.change, combination.ablation)))])

    def ablation(self, key: str) -> str:
        """The label of an ablation or a change."""
        return self.gettext(ABLATIONS[key])

    def head(self, name: str) -> str:
        """The head of a measure's column."""
        return self.gettext(MEASURES[name].head or MEASURES[name].label)

    def measure(self, name: str, with_unit: bool = False) -> str:
        """The label of a measure, with its unit if asked for."""
        name, unit = self.gettext(MEASURES[name].label), self.gettext(MEASURES[name].unit)
        return f"{name}, {unit}" if with_unit and unit else name


def _decimals(value: float) -> int:
    """Decimals that give four significant digits; 0 for a whole number."""
    if value == 0 or (value == round(value) and abs(value) < 1e15):
        return 0
    return min(max(3 - math.floor(math.log10(abs(value))), 0), MAX_DECIMALS)


def decimals_between(low: float, high: float) -> int:
    """Decimals with which the width of an interval has two digits.

    >>> decimals_between(5.4913, 5.5028), decimals_between(3.0, 3.0), decimals_between(120.0, 480.0)
    (3, 0, 0)
    """
    width = abs(high - low)
    if width == 0:
        return _decimals(high)
    return min(max(1 - math.floor(math.log10(width)), 0), MAX_DECIMALS)
