"""Durations and tables on the terminal."""

import pytest

from pianoroll_tf.errors import UsageError
from tuner.terminal import format_duration, format_table, parse_duration


def test_durations():
    assert [parse_duration(text) for text in ("90s", "30m", "1.5h", "1d")] == [90, 1800, 5400, 86400]
    for text in ("30", "m", "-3m", "0s", "3 m", "1w", ""):
        with pytest.raises(UsageError, match="a number > 0 with its unit s, m, h or d, as in 90s or 30m"):
            parse_duration(text)
    assert [format_duration(seconds) for seconds in (0, 60, 3600, 9000)] == ["0 s", "60 s", "60 min", "2 h 30 min"]


def test_a_table_has_aligned_columns():
    assert format_table([["a", "bb", "c"], ["11", "2", ""]]) == "a   bb  c\n11  2"
