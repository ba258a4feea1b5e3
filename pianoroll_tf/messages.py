"""Formatting that all messages share: one line per error, numbers with their unit."""

from pianoroll_tf.errors import UserError
from pianoroll_tf.extras import EXTRAS, advice


def one_line(message: object) -> str:
    """The text of a message or an error on one line, without control characters."""
    text = " ".join(str(message).split())
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def count(number: int, noun: str) -> str:
    """A number with its noun, in the singular or plural.

    >>> count(1, "piece"), count(1200, "piece")
    ('1 piece', '1200 pieces')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def describe(error: Exception) -> str:
    """One line for any exception, as a command prints it."""
    if isinstance(error, UserError | ValueError):
        return one_line(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return one_line(error.strerror + where)
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] in EXTRAS:
        return advice(error.name.partition(".")[0])
    return f"unexpected {type(error).__name__}: {one_line(error)} (run again with --debug for the traceback)"
