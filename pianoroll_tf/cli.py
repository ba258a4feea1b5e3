"""What all commands share: exit codes, one-line errors, progress on a terminal and elsewhere."""

import argparse
import contextlib
import ctypes
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_MALLOC = {_M_TRIM_THRESHOLD: 1 << 30, _M_MMAP_THRESHOLD: 1 << 25}  # bytes; the latter is the most it may be


class UserError(Exception):
    """Something a user can mend; its text is the one line that is shown."""


class UsageError(UserError):
    """The command's words are wrong: exit code 2."""


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, without the whole usage, and names the flag that may be meant."""

    def error(self, message: str) -> NoReturn:
        """Leaves with exit code 2."""
        self.exit(2, f"{self.prog}: {one_line(UsageError(message))}{self._meant(message)} (see --help)\n")

    def _meant(self, message: str) -> str:
        unknown = message.partition("unrecognized arguments: ")[2].split()
        if not unknown:
            return ""
        import difflib  # here, as a command that is right has no need of it

        close = difflib.get_close_matches(unknown[0].partition("=")[0], self._option_string_actions, n=1)
        return f"; did you mean {close[0]}?" if close else ""


def make_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """A parser with `--debug`, which every command has; abbreviations of flags are not accepted."""
    parser = Parser(prog=f"python -m {prog}", description=description, allow_abbrev=False)
    parser.add_argument("--debug", action="store_true", help="show tracebacks and TensorFlow's messages")
    return parser


def run(
    body: Callable[[argparse.Namespace], int | None], parser: argparse.ArgumentParser, argv: list[str] | None
) -> int:
    """Parses `argv`, calls `body(args)` and turns what happens into an exit code.

    Returns:
        0 done; 1 failed, with one line on stderr; 2 wrong usage (argparse leaves by SystemExit(2)
        itself); 130 interrupted from the keyboard. With `--debug` errors are raised.
    """
    args = parser.parse_args(argv)
    if not args.debug:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return body(args) or 0
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from what was saved", file=sys.stderr)
        return 130
    except BrokenPipeError:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        return 1
    except UsageError as error:
        if args.debug:
            raise
        print(f"{parser.prog}: {one_line(error)}", file=sys.stderr)
        return 2
    except Exception as error:
        if args.debug:
            raise
        print(f"{parser.prog}: {describe(error)}", file=sys.stderr)
        return 1


def one_line(error: BaseException) -> str:
    """The error's text on one line, without characters that a terminal would act on."""
    text = " ".join(str(error).split())
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def count(number: int, what: str) -> str:
    """A number of things.

    >>> count(1, "piece"), count(1200, "piece")
    ('1 piece', '1200 pieces')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def describe(error: Exception) -> str:
    """One line a person understands for any exception."""
    if isinstance(error, UserError | ValueError):
        return one_line(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return one_line(OSError(f"{error.strerror}{where}"))
    return f"unexpected {type(error).__name__}: {one_line(error)} (run again with --debug for the traceback)"


def keep_freed_memory() -> bool:
    """Has the C library keep what is freed, up to a limit, instead of giving it back to the system at once.

    A batch of windows is 5 MB. Where these come from the system anew each time, zeroed page by page, that takes twice
    as long as filling them.

    Returns:
        Whether it could be asked for; only glibc can.

    Reference: mallopt(3).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(mallopt(parameter, size) == 1 for parameter, size in _MALLOC.items())


def load_tensorflow(args: argparse.Namespace) -> None:
    """Imports TensorFlow without the lines it prints before its log level counts, and without warnings that tell a
    user nothing (as of functions traced anew), unless `--debug`.
    """
    keep_freed_memory()
    if args.debug:
        return
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow  # noqa: F401  (only for its effect)
        except Exception:  # who tells it to stop meanwhile wants to know none of it
            said.seek(0)
            os.write(saved, said.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@contextlib.contextmanager
def usage_errors() -> Iterator[None]:
    """Within it, a ValueError (settings that are not allowed) counts as wrong usage."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from error


class Progress:
    """A progress bar on a terminal; elsewhere a plain line at most every `every_seconds`, and one at the end.

    Args:
        total: Number of units of work.
        what: What a unit is, in the plural: "files".
        every_seconds: Least time between two plain lines.
    """

    def __init__(self, total: int, what: str, every_seconds: float = 10.0) -> None:
        self.total, self.what, self.done, self.note = total, what, 0, ""
        self._every, self._start = every_seconds, time.monotonic()
        self._last = self._start
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=f" {what}", file=sys.stderr, dynamic_ncols=True)

    def update(self, count: int = 1, note: str = "") -> None:
        """Says that `count` more units are done; `note` is shown beside the numbers."""
        self.done, self.note = self.done + count, note
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(count)
        elif time.monotonic() - self._last >= self._every:
            self._line()

    def _line(self) -> None:
        self._last = time.monotonic()
        note = f", {self.note}" if self.note else ""
        print(
            f"{self.done}/{self.total} {self.what}{note}, {self._last - self._start:.0f} s", file=sys.stderr, flush=True
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.close()
        else:
            self._line()
