"""Tests of the command pianoroll_tf.train: exit codes, messages, and the files in the run folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from team_run import environments, free_ports
from tiny_run import tiny_records

from pianoroll_tf import train
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run, run_folder
from pianoroll_tf.modeling.gru import RECURRENT_LAYERS
from pianoroll_tf.modeling.losses import LOSSES
from pianoroll_tf.modeling.optimizers import OPTIMIZERS, SCHEDULES

TINY = ["--window-steps", "16", "--batch-size", "4", "--conv-filters", "4", "--conv-kernel", "3", "--gru-units", "6"]
TINY += ["--epochs", "1", "--steps-per-epoch", "2"]


@pytest.fixture
def folders(tmp_path):
    """Records and a run folder, as the command takes them."""
    return [str(tiny_records(tmp_path / "records")), str(tmp_path / "my run")]


def contents(folder):
    """Content of the checkpoints and the best weights."""
    return {path: path.read_bytes() for path in sorted(Path(folder).rglob("*.npz"))}


def test_a_run_is_made_and_a_finished_one_is_left_alone(folders, capsys):
    assert train.main([*folders, *TINY, "--transpose", "2", "--loss", "focal"]) == 0
    output = capsys.readouterr().out
    assert "training: 9 pieces, 309 steps" in output
    assert "validation: 3 pieces, 98 steps" in output
    assert "2 batches" in output
    assert f"{folders[1]} is finished: all 1 epochs are done" in output
    assert f"next: python -m pianoroll_tf.evaluate '{folders[1]}'" in output  # to be copied, so quoted
    config, _ = run.load_run(folders[1])
    assert (config.dataset.transpose, config.loss.loss, config.model.gru_units) == (2, "focal", 6)
    assert config.records.steps_per_second == 8
    before = contents(folders[1])
    assert train.main([*folders, *TINY, "--transpose", "2", "--loss", "focal"]) == 0
    assert "Epoch" not in capsys.readouterr().out
    assert contents(folders[1]) == before
    assert len(list((Path(folders[1]) / run_folder.TENSORBOARD).glob("*.samples"))) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--epochs", "0"], 2, "epochs must be a whole number >= 1"),
        (["--transpose", "12"], 2, "transpose must be a whole number >= 0 and <= 11"),
        (["--recurrent", "lstm"], 2, "recurrent must be one of gru"),
        (["--loss", "hinge"], 2, "loss must be one of bce, weighted_bce, focal"),
        (["--optimizer", "sgd"], 2, "optimizer must be one of adam, adamw, rmsprop"),
        (["--schedule", "step"], 2, "schedule must be one of constant, cosine, linear"),
    ],
)
def test_settings_that_are_not_allowed_are_one_line(folders, capsys, arguments, code, line):
    assert train.main([*folders, *TINY, *arguments]) == code
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
    assert not Path(folders[1]).exists()


def test_help_names_every_entry_of_every_table(capsys):
    with pytest.raises(SystemExit):
        train.main(["--help"])
    words = " ".join(capsys.readouterr().out.split())
    for table in (LOSSES, OPTIMIZERS, SCHEDULES, RECURRENT_LAYERS):
        assert f": {', '.join(table)} (default" in words


def test_missing_records_are_reported_before_tensorflow_is_loaded(tmp_path, monkeypatch):
    def never(_):
        raise AssertionError

    monkeypatch.setattr(train, "load_tensorflow", never)
    with pytest.raises(UserError, match="build_records"):
        train.main([str(tmp_path / "none"), str(tmp_path / "run"), "--debug"])


def test_no_records_is_one_line(tmp_path, capsys):
    assert train.main([str(tmp_path / "none"), str(tmp_path / "my run")]) == 1
    error = capsys.readouterr().err
    assert "build_records" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_another_setting_for_an_existing_run_is_one_line(folders, capsys):
    assert train.main([*folders, *TINY]) == 0
    capsys.readouterr()
    assert train.main([*folders, *TINY, "--dropout", "0.2"]) == 1
    error = capsys.readouterr().err
    assert "model.dropout is 0.1 there, 0.2 here" in error
    assert error.count("\n") == 1
    assert json.loads((Path(folders[1]) / run_folder.CONFIG).read_text())["model"]["dropout"] == 0.1


def test_init_takes_the_model_settings_of_the_other_run(folders, tmp_path, capsys):
    records, first = folders
    assert train.main([*folders, *TINY, "--dropout", "0.3"]) == 0
    capsys.readouterr()
    second, short = str(tmp_path / "second"), TINY[:4] + TINY[-4:]
    assert train.main([records, second, *short, "--init", first, "--dropout", "0.2"]) == 0
    output = capsys.readouterr().out
    assert f"starts from {first}, epoch 1 (validation NLL" in output
    assert "with a fresh optimizer; differs: dropout 0.3 → 0.2\n" in output
    assert "nats per step before" in output
    model = run_folder.load_config(second).model
    assert (model.gru_units, model.conv_filters, model.dropout) == (6, 4, 0.2)
    assert train.main([records, second, *short, "--dropout", "0.2"]) == 0  # resumed, without --init too
    capsys.readouterr()
    third = str(tmp_path / "third")
    assert train.main([records, third, *short, "--init", first, "--gru-units", "8"]) == 1
    error = capsys.readouterr().err
    assert "--gru-units is 6 there, 8 here" in error
    assert error.count("\n") == 1
    assert not Path(third).exists()


def test_more_epochs_for_a_finished_run_are_trained_or_refused_in_one_line(folders, capsys):
    constant = [*folders, *TINY, "--schedule", "constant", "--warmup-steps", "0"]
    assert train.main(constant) == 0
    assert train.main([*constant, "--epochs", "2"]) == 0
    output = capsys.readouterr().out
    assert "has 2 epochs now, not 1; 1 of them done" in output
    assert "is finished: all 2 epochs are done" in output
    assert train.main(constant) == 1
    error = capsys.readouterr().err
    assert "--epochs must be >= 2" in error
    assert error.count("\n") == 1


def test_a_training_that_went_wrong_is_told_with_the_cure(folders, capsys):
    assert train.main([*folders, *TINY, "--epochs", "2", "--learning-rate", "1e-9", "--warmup-steps", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("do not change from epoch to epoch" in line and "try --learning-rate 0.004" in line for line in lines)


def test_several_machines_that_nobody_names_are_one_line(folders, capsys, monkeypatch):
    for name in ("TF_CONFIG", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    assert train.main([*folders, *TINY, "--strategy", "multi_worker"]) == 1
    assert capsys.readouterr().err == (
        "python -m pianoroll_tf.train: --strategy multi_worker must have TF_CONFIG, or Slurm's variables (srun), to "
        "know the other workers. Received: neither TF_CONFIG nor SLURM_PROCID\n"
    )
    monkeypatch.setenv("TF_CONFIG", "two workers")
    assert train.main([*folders, *TINY, "--strategy", "multi_worker"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.endswith("with a task of the cluster. Received: 'two workers'\n")
    assert not Path(folders[1]).exists()


@pytest.mark.slow
def test_two_workers_train_by_the_command_and_the_chief_says_the_result(folders):
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    words = [sys.executable, "-m", "pianoroll_tf.train", *folders, *TINY, "--strategy", "multi_worker"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(words, env=environment, **pipes) for environment in environments(addresses)]
    (out, err), (other, more) = (process.communicate(timeout=120) for process in processes)
    assert [process.returncode for process in processes] == [0, 0], err + more
    assert f"worker 0 ({addresses[0]}) has the rows 0::2 of each batch; 0.2 MB are all-reduced per step" in out
    assert f"{folders[1]} is finished: all 1 epochs are done" in out
    assert "val_nll" in out
    assert other.splitlines() == [
        f"worker 1 ({addresses[1]}) has the rows 1::2 of each batch; 0.2 MB are all-reduced per step",
        f"worker 1 ({addresses[1]}) is done: all 1 epochs are done",
    ]
    assert train.main([*folders, *TINY]) == 0  # how a run is trained is no setting of it
