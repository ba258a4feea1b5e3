"""Command lines: the parser, exit codes, one line per error."""

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from pianoroll_tf.errors import UsageError
from pianoroll_tf.messages import describe, one_line


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


@contextlib.contextmanager
def shown_log() -> Iterator[None]:
    """Within the context, what the library logs is printed: warnings on stderr, the rest on stdout."""
    log = logging.getLogger("pianoroll_tf")
    handlers = [logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)]
    handlers[0].addFilter(lambda record: record.levelno < logging.WARNING)
    handlers[1].setLevel(logging.WARNING)
    level = log.level
    log.setLevel(logging.INFO)
    for handler in handlers:
        log.addHandler(handler)
    try:
        yield
    finally:
        log.setLevel(level)
        for handler in handlers:
            log.removeHandler(handler)
