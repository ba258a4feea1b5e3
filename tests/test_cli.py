"""Exit codes, one-line errors, progress lines."""

import argparse
import subprocess
import sys

import pytest

from pianoroll_tf import cli


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
        (cli.UserError("the disk is full"), 1, "python -m prog: the disk is full\n"),
        (cli.UsageError("steps must be > 0"), 2, "python -m prog: steps must be > 0\n"),
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
        raise cli.UserError("seen")

    with pytest.raises(cli.UserError, match="seen"):
        cli.run(body, cli.make_parser("prog", "A command."), ["--debug"])


def test_usage_errors_become_exit_code_2() -> None:
    with pytest.raises(cli.UsageError, match="bad"), cli.usage_errors():
        raise ValueError("bad")


def test_progress_prints_plain_lines_where_there_is_no_terminal(capsys) -> None:
    with cli.Progress(3, "files", every_seconds=0.0) as progress:
        progress.update(2, "1 skipped")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("2/3 files, 1 skipped")
    assert len(lines) == 2


def test_tensorflow_is_loaded_without_its_chatter() -> None:
    code = (
        "import argparse, sys\n"
        "from pianoroll_tf import cli\n"
        "cli.load_tensorflow(argparse.Namespace(debug=False))\n"
        "assert 'tensorflow' in sys.modules\n"
        "sys.modules['tensorflow'].get_logger().warning('5 out of the last 5 calls triggered tf.function retracing')\n"
        "print('still here', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "still here\n")


def test_freed_memory_is_kept() -> None:
    code = (
        "import resource, sys\n"
        "from pianoroll_tf.cli import keep_freed_memory\n"
        "if not keep_freed_memory():\n"
        "    sys.exit(77)\n"
        "def faults():\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "bytearray(20_000_000)\n"
        "before = faults()\n"
        "for _ in range(5):\n"
        "    bytearray(20_000_000)[::4096] = b'x' * 4883\n"
        "print(faults() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("no glibc")
    assert int(done.stdout) < 4883  # pages of one of the six


@pytest.mark.parametrize(("ending", "said"), [("sys.exit(0)", ""), ("raise ImportError('broken')", "noise")])
def test_what_tensorflow_says_while_it_is_imported_is_shown_where_that_fails(
    tmp_path, monkeypatch, capfd, ending, said
):
    (tmp_path / "tensorflow.py").write_text(f"import os, sys\nos.write(2, b'noise')\n{ending}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    with pytest.raises((SystemExit, ImportError)):
        cli.load_tensorflow(argparse.Namespace(debug=False))
    assert capfd.readouterr().err == said
