"""Messages: one line for any exception."""

import pytest

from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import count, describe, one_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("two\nlines"), "two lines"),
        (ValueError(""), "ValueError"),
        (OSError(28, "No space left on device", "a.mid"), "No space left on device: a.mid"),
        (OSError("bare"), "unexpected OSError: bare (run again with --debug for the traceback)"),
        (KeyError("odd"), "unexpected KeyError: 'odd' (run again with --debug for the traceback)"),
    ],
)
def test_any_exception_is_one_line(error, line) -> None:
    assert describe(error) == line


def test_control_characters_are_replaced() -> None:
    assert one_line(ValueError("a\x1b[2J\tb")) == "a\ufffd[2J b"


def test_numbers_agree_with_their_noun() -> None:
    assert (count(0, "file"), count(1, "file"), count(2, "file")) == ("0 files", "1 file", "2 files")
