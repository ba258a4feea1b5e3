"""Exit codes, one-line errors, progress lines."""

import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pianoroll_tf import cli
from pianoroll_tf.errors import UsageError, UserError


def leave(error: BaseException | None) -> int:
    """Runs a command whose body raises `error`."""

    def body(args):
        if error is not None:
            raise error

    return cli.run(body, cli.make_parser("prog", "A command."), [])


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (None, 0, ""),
        (UserError("the disk is full"), 1, "python -m prog: the disk is full\n"),
        (UsageError("steps must be > 0"), 2, "python -m prog: steps must be > 0\n"),
        (ValueError("two\nlines\x1b[2J"), 1, "python -m prog: two lines\ufffd[2J\n"),
        (OSError(28, "No space left on device", "x.tfrecord"), 1, "No space left on device: x.tfrecord\n"),
        (KeyError("odd"), 1, "unexpected KeyError"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_exit_codes_and_single_lines(error, code, text, capsys) -> None:
    assert leave(error) == code
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == (1 if error else 0)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--epoch", "3"], "unrecognized arguments: --epoch 3; did you mean --epochs? (see --help)"),
        (["--epoch=3"], "unrecognized arguments: --epoch=3; did you mean --epochs? (see --help)"),
        (["--zzz\x1b[2J"], "unrecognized arguments: --zzz\ufffd[2J (see --help)"),
        (["--epochs", "x"], "argument --epochs: invalid int value: 'x' (see --help)"),
    ],
)
def test_wrong_words_are_one_line_that_names_the_flag_meant(words, text, capsys) -> None:
    parser = cli.make_parser("prog", "A command.")
    parser.add_argument("--epochs", type=int)
    with pytest.raises(SystemExit) as left:
        cli.run(lambda args: 0, parser, words)
    assert left.value.code == 2
    assert capsys.readouterr().err == f"python -m prog: {text}\n"


def test_debug_raises() -> None:
    def body(args):
        raise UserError("seen")

    with pytest.raises(UserError, match="seen"):
        cli.run(body, cli.make_parser("prog", "A command."), ["--debug"])


def test_the_library_imports_no_command_line() -> None:
    folder = Path(cli.__file__).parent
    names = [f"pianoroll_tf.data.{path.stem}" for path in (folder / "data").glob("[a-z]*.py")]
    names += [f"pianoroll_tf.storage.{path.stem}" for path in (folder / "storage").glob("[a-z]*.py")]
    code = (
        f"import sys, pianoroll_tf.config, pianoroll_tf.modeling.run_folder, {', '.join(names)}\n"
        "print([name for name in ('pianoroll_tf.cli', 'pianoroll_tf.flags', 'tqdm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_a_second_sigterm_does_not_interrupt_what_closes():
    before, closed = signal.getsignal(signal.SIGTERM), []
    with pytest.raises(SystemExit) as stopped, cli.exit_on_sigterm(143):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            closed.append("all")
    assert (stopped.value.code, closed) == (143, ["all"])
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_log_of_the_library_is_shown_within_the_context(capsys):
    log = logging.getLogger("pianoroll_tf.modeling")
    with cli.shown_log():
        log.info("%d pieces", 9)
        log.warning("a file is damaged")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("9 pieces\n", "a file is damaged\n")
    log.info("not shown")
    assert capsys.readouterr().out == ""


def test_a_url_stays_as_it_is_and_a_path_is_a_path() -> None:
    assert cli.path_or_url("s3://bucket//a") == "s3://bucket//a"
    assert cli.path_or_url("a//b") == Path("a/b")
