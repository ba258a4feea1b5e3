"""A trial: resumed after a kill, stopped at a rung, and independent of the trials before it."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run_folder
from tuner import training
from tuner.search.trials import OUTCOME, Outcome, copy_run, read_outcome, run_trial


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return tiny_records(tmp_path_factory.mktemp("records") / "tiny")


def tiny(records, **changes):
    changes["training"] = {"epochs": 2, "steps_per_epoch": 2} | changes.get("training", {})
    return tiny_config(records, **changes)


@pytest.fixture(scope="module")
def whole(records, tmp_path_factory):
    """The folder of an undisturbed trial; not to be changed."""
    folder = tmp_path_factory.mktemp("whole") / "trial"
    run_trial(tiny(records), folder)
    return folder


def best(folder):
    return (folder / "run" / "best.npz").read_bytes()


def never(*_, **__):
    raise AssertionError


def test_a_trial_does_not_depend_on_one_of_another_objective_before_it(tmp_path, records, whole):
    changes = {"loss": {"loss": "focal"}, "optimizer": {"learning_rate": 0.05}}
    other = run_trial(tiny(records, training={"objective": "pr_auc"}, **changes), tmp_path / "b")
    rows = np.genfromtxt(tmp_path / "b" / "run" / "history.csv", delimiter=",", names=True)
    assert other.objective == other.pr_auc == rows["val_pr_auc"].max()
    assert other.best_epoch == rows["val_pr_auc"].argmax() + 1
    first, again = read_outcome(whole), run_trial(tiny(records), tmp_path / "c")
    assert dataclasses.replace(again, seconds=first.seconds) == first
    assert best(tmp_path / "c") == best(whole)
    assert (first.epochs, first.until, first.cause, first.objective) == (2, 2, "", first.nll)


def test_a_trial_that_is_done_is_not_run_again(records, whole, monkeypatch):
    before = (whole / OUTCOME).stat()
    monkeypatch.setattr(training, "train", never)
    assert run_trial(tiny(records), whole) == read_outcome(whole)
    assert (whole / OUTCOME).stat() == before


def test_rungs_are_one_training(tmp_path, records, whole):
    first = run_trial(tiny(records), tmp_path / "one", until=1)
    assert (first.epochs, first.until) == (1, 1)
    assert first.objective != read_outcome(whole).objective
    last = run_trial(tiny(records), tmp_path / "two", until=2, origin=tmp_path / "one")
    assert dataclasses.replace(last, seconds=0.0) == dataclasses.replace(read_outcome(whole), seconds=0.0)
    assert best(tmp_path / "two") == best(whole)
    assert read_outcome(tmp_path / "one") == first
    again = run_trial(tiny(records), tmp_path / "one", until=2)  # in the same folder: what is done is not enough
    assert dataclasses.replace(again, seconds=0.0) == dataclasses.replace(last, seconds=0.0)


def test_a_loss_that_is_not_finite_is_an_outcome(tmp_path, records, monkeypatch):
    def diverge(config, folder, **_):
        folder.mkdir(parents=True)
        raise training.DivergedError("the loss became nan in epoch 1, step 2; there is no model yet. Try a lower rate")

    monkeypatch.setattr(training, "train", diverge)
    outcome = run_trial(tiny(records), tmp_path / "a")
    assert outcome == Outcome(until=2, cause="the loss became nan in epoch 1, step 2")
    assert read_outcome(tmp_path / "a") == outcome
    monkeypatch.setattr(training, "train", never)
    assert run_trial(tiny(records), tmp_path / "a") == outcome  # it is not tried again


@pytest.mark.parametrize(
    ("error", "is_outcome"),
    [
        (MemoryError("no room"), True),
        (RuntimeError("shape"), True),
        (OSError(28, "full"), False),
        (UserError("x"), False),
    ],
)
def test_what_a_trial_may_fail_by(tmp_path, records, monkeypatch, error, is_outcome):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(training, "train", fail)
    if is_outcome:
        assert str(error) in run_trial(tiny(records), tmp_path / "a").cause
    else:
        with pytest.raises(type(error)):
            run_trial(tiny(records), tmp_path / "a")
        assert not (tmp_path / "a" / OUTCOME).exists()


def test_a_damaged_outcome_is_rebuilt_from_the_run(tmp_path, records, whole):
    folder = Path(shutil.copytree(whole, tmp_path / "trial"))
    content = (folder / OUTCOME).read_bytes()
    (folder / OUTCOME).write_bytes(content.replace(b'"until": 2', b'"until": 1'))
    assert read_outcome(folder) is None
    assert run_trial(tiny(records), folder) == read_outcome(whole)
    assert (folder / OUTCOME).read_bytes() == content


def test_a_damaged_run_and_one_of_other_settings_give_way(tmp_path, records, whole, monkeypatch):
    folder, messages, trained = Path(shutil.copytree(whole, tmp_path / "trial")), [], []

    def note(config, folder, **_):
        trained.append((config, folder.exists()))

    monkeypatch.setattr(training, "train", note)
    lower = tiny(records, optimizer={"learning_rate": 0.001})
    assert run_trial(lower, folder, log=messages.append).objective is None
    assert (trained, messages) == ([(lower, False)], [])
    folder = Path(shutil.copytree(whole, tmp_path / "other"))
    path = folder / "run" / "config.json"
    path.write_bytes(path.read_bytes()[:100])
    run_trial(tiny(records), folder, log=messages.append)
    assert trained[1:] == [(tiny(records), False)]
    assert "is damaged" in messages[0]


def test_a_copy_appears_whole_in_the_place_of_an_older_one(tmp_path):
    source, target = tmp_path / "run", tmp_path / "best"
    (source / "tensorboard").mkdir(parents=True)
    (source / ".lock").touch()
    (source / run_folder.BEST).write_text("new")
    (tmp_path / ".best.partial").mkdir()  # left by a kill
    target.mkdir()
    (target / "old").touch()
    copy_run(source, target, "tensorboard")
    assert [path.name for path in target.iterdir()] == [run_folder.BEST]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "run"]
