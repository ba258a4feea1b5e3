"""Errors that a user can correct, as opposed to faults of the program."""

import contextlib
from collections.abc import Iterator


class UserError(Exception):
    """A problem that the user can correct; its text is the one line that is shown."""

    exit_code = 1  # of a command that ends with this error


class UsageError(UserError):
    """The command line is wrong."""

    exit_code = 2


class DamagedError(UserError):
    """A file does not hold what was written to it."""


class InUseError(UserError):
    """Another process uses a folder."""


@contextlib.contextmanager
def usage_errors() -> Iterator[None]:
    """Turns a ValueError of the block (a setting that is not allowed) into a UsageError."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from error
