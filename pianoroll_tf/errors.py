"""Errors that a user can correct, as opposed to faults of the program."""

import contextlib
from collections.abc import Iterator


class UserError(Exception):
    """Something a user can mend; its text is the one line that is shown."""


class UsageError(UserError):
    """The command's words are wrong: exit code 2."""


@contextlib.contextmanager
def usage_errors() -> Iterator[None]:
    """Within it, a ValueError (settings that are not allowed) counts as wrong usage."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from error
