"""The command tuner.search: its arguments, its exit codes, and two searches whose processes are killed."""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_help import help_text
from repository import ROOT
from tiny_run import random_piece, tiny_records, write_records
from tiny_search import fake_run

from pianoroll_tf.modeling.run import load_run
from tuner.search import __main__ as search
from tuner.search import tuner as search_tuner
from tuner.search.trials import read_outcome

TINY = {"window_steps": 16, "batch_size": 4, "conv_layers": 1, "conv_filters": 4, "conv_kernel": 3, "gru_layers": 1}
TINY |= {"gru_units": 6, "steps_per_epoch": 2, "loss": "bce", "schedule": "constant"}
FIXES = [word for name, value in TINY.items() for word in ("--fix", f"{name}={value}")]


@pytest.fixture
def argv(tmp_path):
    """The arguments of a search of four trials."""
    records = tiny_records(tmp_path / "records")
    return [str(records), str(tmp_path / "search"), "--max-trials", "4", "--epochs", "2", *FIXES]


@pytest.fixture
def fake(monkeypatch):
    """Replaces trials by ones without training; returns a function that sets their outcome."""

    def use(**named):
        monkeypatch.setattr(search_tuner, "run_trial", functools.partial(fake_run, **named))

    use()
    return use


def test_help_answers_without_a_framework():
    forbidden = {"tensorflow", "keras", "keras_tuner", "numpy", "grpc", "sklearn"}
    assert "{random,bayesian,hyperband}" in help_text("tuner.search", forbidden)


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--max-trials", "0"], 2, "max_trials must be a whole number >= 1"),
        (["--epochs", "0"], 2, "epochs must be a whole number >= 1"),
        (["--seed", "-1"], 2, "seed must be a whole number >= 0"),
        (["--workers", "0"], 2, "workers must be a whole number >= 1"),
        (["--threads", "0"], 2, "threads must be a whole number >= 1"),
        (["--budget", "30"], 2, "a time must be a number > 0 with its unit s, m, h or d"),
        (["--lease", "soon"], 2, "a time must be a number > 0"),
        (["--fix", "optimizer=sgd"], 2, "optimizer must be one of adam, adamw, rmsprop"),
        (["--fix", "gamma=2"], 2, "gamma must be left out: it counts only with loss=focal"),
        (["--fix", "epochs=2"], 2, "epochs must be given as a flag: --epochs"),
        (["--space", "missing.toml"], 1, "missing.toml is missing"),
        (["--role", "worker"], 2, "--role worker must come with --chief HOST:PORT"),
        (["--role", "worker", "--chief", "h:1", "--overwrite"], 2, "--overwrite must be given to the chief"),
        (["--role", "chief", "--chief", "localhost"], 2, "--chief must be HOST:PORT"),
        (["--role", "chief", "--chief", "h:70000"], 2, "--chief must be HOST:PORT"),
        (["--role", "chief", "--workers", "2"], 2, "--workers must be left out with --role"),
    ],
)
def test_wrong_arguments_are_one_line_before_tensorflow(argv, capsys, monkeypatch, arguments, code, line):
    monkeypatch.setattr(search, "load_tensorflow", lambda args: pytest.fail("TensorFlow is loaded"))
    assert search.main([*argv, *arguments]) == code
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
    assert not Path(argv[1]).exists()


def test_wrong_paths_are_one_line_before_tensorflow(argv, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(search, "load_tensorflow", lambda args: pytest.fail("TensorFlow is loaded"))
    (tmp_path / "space.json").write_text('{"units": 3}')
    for arguments, line in (
        ([str(tmp_path / "none"), *argv[1:]], "build_records"),
        ([argv[0], argv[0], *argv[2:]], "must be a search or an empty folder"),
        ([*argv, "--space", str(tmp_path / "space.json")], "space.json: a setting of the space must be one of"),
    ):
        assert search.main(arguments) == 1
        error = capsys.readouterr().err
        assert line in error
        assert error.count("\n") == 1


def test_a_search_ends_with_a_table_and_the_same_command_does_nothing_more(argv, fake, capsys):
    assert search.main(argv) == 0
    output = capsys.readouterr()
    assert output.out.splitlines()[0].split()[:4] == ["rank", "trial", "objective", "best_epoch"]
    assert len([line for line in output.out.splitlines() if " completed " in line]) == 4
    assert f"next: python -m pianoroll_tf.export {argv[1]}/best saved_models/NAME" in output.out
    assert "4/4 trials, best nll" in output.err
    fake(cause="not to be called")
    assert search.main(argv) == 0
    assert capsys.readouterr().out == output.out
    argv[argv.index("--max-trials") + 1] = "6"
    fake()
    assert search.main(argv) == 0
    assert " 0005 " in capsys.readouterr().out


def test_other_settings_are_refused_or_start_from_scratch(argv, fake, capsys):
    assert search.main(argv) == 0
    capsys.readouterr()
    assert search.main([*argv, "--tuner", "bayesian"]) == 1
    error = capsys.readouterr().err
    assert "tuner is random there, bayesian here" in error
    assert error.count("\n") == 1
    assert search.main([*argv, "--tuner", "bayesian", "--overwrite"]) == 0


def test_when_all_trials_fail_the_exit_code_is_1(argv, fake, capsys):
    fake(cause="the loss became nan in epoch 1, step 2")
    assert search.main(argv) == 1
    output = capsys.readouterr()
    assert output.err.splitlines()[-1].endswith("all 4 trials failed, the last: the loss became nan in epoch 1, step 2")
    assert output.out.count("failed: the loss became nan") == 4
    assert not (Path(argv[1]) / "best").exists()


def test_a_budget_starts_nothing_once_it_is_spent(argv, fake, capsys):
    assert search.main([*argv, "--budget", "0.000001s"]) == 1
    assert "no trial was run" in capsys.readouterr().err
    assert search.main([*argv, "--budget", "1h"]) == 0


def test_a_worker_refuses_other_settings_and_records(argv, fake, tmp_path, capsys):
    assert search.main(argv) == 0
    worker = ["--role", "worker", "--chief", "127.0.0.1:1"]
    assert search.main([*argv, "--tuner", "hyperband", *worker]) == 1
    other = write_records(tmp_path / "other", {split: [random_piece(20, seed=1)] for split in ("train", "val")})
    assert search.main([str(other), argv[1], *worker]) == 1
    errors = capsys.readouterr().err
    assert "tuner is random there, hyperband here" in errors
    assert "but its manifest is different" in errors


def test_kerastuner_s_own_variables_name_the_role(argv, monkeypatch):
    for name, role in (("chief", "chief"), ("tuner1", "worker")):
        monkeypatch.setenv("KERASTUNER_TUNER_ID", name)
        monkeypatch.setenv("KERASTUNER_ORACLE_IP", "10.0.0.5")
        monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "8000")
        args = search.build_parser().parse_args(argv)
        search._check(args)
        assert (args.role, args.chief) == (role, "10.0.0.5:8000")


def start(argv):
    """The command as a process of its own, which leads a group."""
    command = [sys.executable, "-m", "tuner.search", *argv]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


def wait_for(path, process, seconds=400):
    deadline = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0].decode()
        time.sleep(0.02)
    assert path.exists()


def test_kill_9_in_a_trial_and_the_same_command_again(argv, capsys):
    argv[argv.index("--max-trials") + 1] = "2"
    process = start(argv)
    trials = Path(argv[1]) / "trials"
    wait_for(trials / "0001" / "run" / "best.npz", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    first = (trials / "0000" / "outcome.json").stat()
    oracle = Path(argv[1]) / "keras_tuner" / "oracle.json"
    oracle.write_bytes(oracle.read_bytes()[:200])  # as KerasTuner's own write could have left it
    assert search.main(argv) == 0
    output = capsys.readouterr()
    assert "oracle.json is damaged; it is rebuilt from the files of the trials" in output.err
    assert len([line for line in output.out.splitlines() if " completed " in line]) == 2
    assert (trials / "0000" / "outcome.json").stat() == first
    load_run(Path(argv[1]) / "best")


def test_two_workers_of_which_one_is_killed(argv):
    argv[argv.index("--epochs") + 1] = "1"
    process = start([*argv, "--workers", "2"])
    folder = Path(argv[1])
    wait_for(folder / "trials" / "0000" / "run" / "config.json", process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 2
    os.kill(int(children[0]), signal.SIGKILL)
    output = process.communicate(timeout=500)[0].decode()
    assert process.returncode == 0, output
    assert "the port has no authentication" in output
    assert "was killed by signal 9; it is restarted" in output
    assert len([line for line in output.splitlines() if " completed " in line]) == 4, output
    assert all(read_outcome(folder / "trials" / f"{index:04d}").epochs == 1 for index in range(4))
