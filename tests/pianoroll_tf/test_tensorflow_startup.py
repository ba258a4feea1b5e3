"""TensorFlow is imported without its log."""

import argparse
import subprocess
import sys

import pytest

from pianoroll_tf.tensorflow_startup import load_tensorflow


def test_tensorflow_is_loaded_without_its_chatter() -> None:
    code = (
        "import argparse, sys\n"
        "from pianoroll_tf.tensorflow_startup import load_tensorflow\n"
        "load_tensorflow(argparse.Namespace(debug=False))\n"
        "assert 'tensorflow' in sys.modules\n"
        "sys.modules['tensorflow'].get_logger().warning('5 out of the last 5 calls triggered tf.function retracing')\n"
        "print('still here', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "still here\n")


def test_freed_memory_is_kept() -> None:
    code = (
        "import resource, sys\n"
        "from pianoroll_tf.tensorflow_startup import keep_freed_memory\n"
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


@pytest.mark.parametrize(("ending", "printed"), [("sys.exit(0)", ""), ("raise ImportError('broken')", "noise")])
def test_what_tensorflow_says_while_it_is_imported_is_shown_where_that_fails(
    tmp_path, monkeypatch, capfd, ending, printed
):
    (tmp_path / "tensorflow.py").write_text(f"import os, sys\nos.write(2, b'noise')\n{ending}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    with pytest.raises((SystemExit, ImportError)):
        load_tensorflow(argparse.Namespace(debug=False))
    assert capfd.readouterr().err == printed
