"""What all commands share: the argument parser, exit codes, one line per error."""

import argparse
import contextlib
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from pianoroll_tf import plugins
from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import describe, one_line


class Parser(argparse.ArgumentParser):
    """An argument parser that reports an error in one line, without the usage, and suggests a similar flag."""

    def error(self, message: str) -> NoReturn:
        """Exits with code 2."""
        self.exit(2, f"{self.prog}: {one_line(message)}{self._suggestion(message)} (see --help)\n")

    def _suggestion(self, message: str) -> str:
        unknown = message.partition("unrecognized arguments: ")[2].split()
        if not unknown:
            return ""
        import difflib  # only needed for a wrong command line

        close = difflib.get_close_matches(unknown[0].partition("=")[0], self._option_string_actions, n=1)
        return f"; did you mean {close[0]}?" if close else ""


def make_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Creates a parser with the flag `--debug`, which every command has; flags cannot be abbreviated."""
    parser = Parser(prog=f"python -m {prog}", description=description, allow_abbrev=False)
    parser.add_argument("--debug", action="store_true", help="show tracebacks and TensorFlow's messages")
    return parser


def path_or_url(text: str) -> Path | str:
    """A path, or the same text if it is a URL.

    >>> path_or_url("gs://bucket/midi")
    'gs://bucket/midi'
    """
    return text if "://" in text else Path(text)


def add_plugins(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> None:
    """Adds the flag `--plugin` and loads what `argv` and the environment name, so that flags can be made from tables.

    `argv` None: the arguments of the process. A plugin that cannot be used ends the command with exit code 2.
    """
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="FILE",
        help="Python file or module with losses, optimizers or heads of your own; several times for several",
    )
    early = Parser(prog=parser.prog, add_help=False, allow_abbrev=False)
    early.add_argument("--plugin", action="append", default=[])
    early.add_argument("--debug", action="store_true")
    args, _ = early.parse_known_args(argv)
    try:
        plugins.load(plugins.named(args.plugin), args.debug)
    except KeyboardInterrupt:
        parser.exit(130, "interrupted\n")
    except Exception as error:
        if args.debug and not isinstance(error, UserError):
            raise
        code = error.exit_code if isinstance(error, UserError) else 1
        parser.exit(code, f"{parser.prog}: {describe(error)}\n")


def run(
    body: Callable[[argparse.Namespace], int | None], parser: argparse.ArgumentParser, argv: list[str] | None
) -> int:
    """Parses `argv`, calls `body(args)` and returns the exit code.

    Returns:
        0: done. 1: failed, with one line on stderr. 2: wrong usage (argparse itself raises SystemExit(2)).
        130: interrupted from the keyboard. With `--debug` errors are raised instead.
    """
    args = parser.parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every name of a file can be encoded, nor every sign everywhere
            stream.reconfigure(errors="backslashreplace")
    if not args.debug:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return body(args) or 0
    except KeyboardInterrupt:
        print("interrupted; rerun the same command to resume", file=sys.stderr)
        return 130
    except BrokenPipeError:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        return 1
    except Exception as error:
        if args.debug:
            raise
        print(f"{parser.prog}: {describe(error)}", file=sys.stderr)
        return error.exit_code if isinstance(error, UserError) else 1


@contextlib.contextmanager
def exit_on_sigterm(code: int) -> Iterator[None]:
    """Within the context, SIGTERM raises SystemExit(code), so that what is open is closed.

    Another one, as a process gets whose group and parent are both stopped, does not interrupt that.
    """

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(code)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
