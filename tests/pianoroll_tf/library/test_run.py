"""A run as an object."""

import keras
import pytest
from tiny_run import random_piece, write_records

from pianoroll_tf import Records, Run, UserError
from pianoroll_tf.modeling import judging

TINY = {"window_steps": 16, "batch_size": 4, "conv_filters": 4, "gru_units": 6, "steps_per_epoch": 2}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    pieces = {split: [random_piece(40, seed) for seed in range(2)] for split in ("train", "val", "test")}
    return write_records(tmp_path_factory.mktemp("records") / "mine", pieces)


@pytest.fixture(scope="module")
def run(records, tmp_path_factory):
    return Run.train(Records(records), tmp_path_factory.mktemp("run") / "a", epochs=2, loss="focal", gamma=1.0, **TINY)


def test_settings_and_history(run):
    assert (run.config.training.epochs, run.config.loss.gamma, run.config.model.gru_units) == (2, 1.0, 6)
    assert [row["epoch"] for row in run.history] == [1.0, 2.0]
    assert run.best["val_nll"] == min(row["val_nll"] for row in run.history)
    assert repr(run) == f"Run({str(run.folder)!r})"


def test_own_callbacks_see_validation_and_the_output_is_silent(records, tmp_path, capfd):
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["val_nll"]))
    run = Run.train(records, tmp_path / "a", callbacks=[watch], epochs=1, **TINY)
    assert seen == [run.best["val_nll"]]
    assert capfd.readouterr() == ("", "")
    Run.train(records, tmp_path / "a", callbacks=[watch], epochs=1, **TINY)  # finished
    assert len(seen) == 1


def test_a_warm_start_takes_weights_and_model_of_a_run(records, run, tmp_path):
    shapes = {name: value for name, value in TINY.items() if name in ("window_steps", "batch_size", "steps_per_epoch")}
    tuned = Run.train(records, tmp_path / "a", init=run, epochs=1, **shapes)
    assert (tuned.config.model, tuned.config.loss.loss) == (run.config.model, "bce")
    assert tuned.config.provenance["init"]["run"] == str(run.folder)
    same = Run.train(records, tmp_path / "a", init=str(run.folder), epochs=1, **shapes)  # finished
    assert same.history == tuned.history
    with pytest.raises(UserError, match="--gru-units is 6 there, 7 here"):
        Run.train(records, tmp_path / "b", init=run, gru_units=7)


def test_the_model_has_the_best_weights_and_is_judged_once(run, monkeypatch):
    assert isinstance(run.model(), keras.Model)
    numbers = run.evaluate("val")
    assert numbers["nll"] == pytest.approx(run.best["val_nll"], rel=1e-5)
    monkeypatch.setattr(judging, "judge", None)
    assert run.compare("val")["model"] == numbers
    assert list(run.compare("val")) == ["model", "copy_last_step", "note_frequency"]
    assert (run.folder / "evaluation" / "val.png").is_file()


def test_what_is_not_allowed(records, run, tmp_path):
    with pytest.raises(ValueError, match="a setting must be one of epochs"):
        Run.train(records, tmp_path / "a", epoch=1)
    with pytest.raises(UserError, match="holds a run with other settings"):
        Run.train(records, run.folder, epochs=1)
    with pytest.raises(UserError, match="must be the folder of a run"):
        Run(tmp_path)
    assert not list(tmp_path.iterdir())
