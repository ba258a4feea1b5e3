"""The command `serve`: its error messages and exit codes."""

import shutil
import signal
import subprocess
import sys

import pytest

from pianoroll_tf import serve


def test_no_model(tmp_path, capsys):
    assert serve.main([str(tmp_path / "none")]) == 1
    assert "model must be a folder that export wrote" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--port", "70000"], "port must be a whole number >= 0 and <= 65535. Received: port=70000"),
        (["--queue-rows", "0"], "queue_rows must be a whole number >= 1"),
        (["--request-seconds", "nan"], "request_seconds must be a number"),
    ],
)
def test_flags_with_values_that_are_not_allowed(tmp_path, capsys, flags, words):
    assert serve.main([str(tmp_path), *flags]) == 2
    assert words in capsys.readouterr().err


def test_a_model_without_a_valid_version(exported, tmp_path, capsys):
    shutil.copytree(exported / "1", tmp_path / "bad" / "1")
    (tmp_path / "bad" / "1" / "more").write_text("x")
    assert serve.main([str(tmp_path / "bad"), "--host", "127.0.0.2"]) == 1
    error = capsys.readouterr().err
    assert "model must have a version that can be served" in error
    assert "'more' is extra in bad/1" in error
    assert "Traceback" not in error


def test_it_warns_if_other_machines_can_reach_it(exported, tmp_path, capsys):
    shutil.copytree(exported / "1", tmp_path / "bad" / "1")
    (tmp_path / "bad" / "1" / "more").write_text("x")
    assert serve.main([str(tmp_path / "bad"), "--host", "0.0.0.0"]) == 1
    assert "warning: 0.0.0.0 can be reached from other machines" in capsys.readouterr().err


def test_sigterm_before_it_listens_ends_it_with_exit_code_0(exported, monkeypatch):
    from pianoroll_tf.serving import server

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(server, "serve", lambda *_: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit) as caught:
        serve.main([str(exported)])
    assert caught.value.code == 0
    assert signal.getsignal(signal.SIGTERM) == before


def test_without_its_packages_it_says_what_to_install(exported, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pianoroll_tf.serving.server", None)
    assert serve.main([str(exported)]) == 1
    assert "pip install 'pianoroll_tf[serve]'" in capsys.readouterr().err


def test_threads_limits_the_cpus_of_tensorflow(exported):
    code = (
        "import sys\n"
        "import tensorflow as tf\n"
        "from pianoroll_tf import serve\n"
        "from pianoroll_tf.serving import server\n"
        "threading = tf.config.threading\n"
        "server.serve = lambda *_: print(threading.get_intra_op_parallelism_threads(),\n"
        "                                threading.get_inter_op_parallelism_threads())\n"
        "sys.exit(serve.main([sys.argv[1], '--threads', '3']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, exported], capture_output=True, text=True)
    assert done.stdout == "3 3\n", done.stderr
