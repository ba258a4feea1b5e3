"""What the commands of the tuner share on the terminal: lines on stderr, durations, tables. Needs no framework."""

import re
import sys
from collections.abc import Sequence

from pianoroll_tf.errors import UsageError

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_SECONDS = 1e9


def log(line: str) -> None:
    """Prints a line to stderr at once."""
    print(line, file=sys.stderr, flush=True)


def parse_duration(text: str) -> float:
    """Parses a duration to seconds; raises UsageError if it is no number with a unit, or not above 0.

    >>> parse_duration("90s"), parse_duration("1.5h")
    (90.0, 5400.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    seconds = float(found[1]) * UNIT_SECONDS[found[2]] if found else 0.0
    if not 0 < seconds < MAX_SECONDS:
        raise UsageError(f"a time must be a number > 0 with its unit s, m, h or d, as in 90s or 30m. Received: {text}")
    return seconds


def format_duration(seconds: float) -> str:
    """Formats a duration, rounded.

    >>> format_duration(45), format_duration(600), format_duration(9000)
    ('45 s', '10 min', '2 h 30 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Formats rows as text with aligned columns.

    >>> print(format_table([["rank", "trial"], ["1", "0001"]]))
    rank  trial
    1     0001
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = (zip(row, widths, strict=True) for row in rows)
    return "\n".join("  ".join(cell.ljust(width) for cell, width in row).rstrip() for row in padded)
