"""A search in one process: failed trials, fatal errors, run folders in use."""

import keras_tuner
import pytest
from oracles import make
from tiny_search import fake_run, search_settings

from pianoroll_tf.errors import InUseError, UserError
from tuner.search import tuner as search_tuner
from tuner.search.oracle import Status
from tuner.search.settings import PROJECT, TRIALS
from tuner.search.trials import read_outcome
from tuner.search.tuner import SearchTuner


def tuner_of(folder, run, settings=None, trial_limit=5, **named):
    settings = settings or search_settings()
    oracle = make(folder, settings, trial_limit=trial_limit)
    return SearchTuner(oracle, settings, folder, run=run, **named), oracle


def test_failed_trials_do_not_end_a_search(tmp_path):
    def run(config, folder, **named):
        return fake_run(config, folder, cause="nan" if folder.name != "0004" else "", **named)

    tuner, oracle = tuner_of(tmp_path, run)
    tuner.search()
    statuses = [trial.status for trial in oracle.trials.values()]
    assert statuses == [Status.FAILED] * 4 + [Status.COMPLETED]  # KerasTuner gives up after three
    assert read_outcome(tmp_path / TRIALS / "0000").cause == "nan"
    assert (tmp_path / PROJECT / "tuner0.json").exists()


@pytest.mark.parametrize("error", [UserError("the records are others"), OSError(28, "No space left")])
def test_what_no_trial_can_get_past_ends_the_search_and_keeps_the_trial(tmp_path, error):
    def run(config, folder, **named):
        if folder.name == "0002":
            raise error
        return fake_run(config, folder, **named)

    tuner, oracle = tuner_of(tmp_path, run)
    with pytest.raises(keras_tuner.errors.FatalError) as raised:
        tuner.search()
    assert raised.value.__cause__ is error
    tuner, oracle = tuner_of(tmp_path, fake_run)
    assert oracle._retry_queue == ["0002"]
    tuner.search()
    assert {trial.status for trial in oracle.trials.values()} == {Status.COMPLETED}
    assert len(oracle.trials) == 5


def test_a_run_folder_in_use_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(search_tuner, "IDLE_SECONDS", 0.01)
    calls = []

    def run(config, folder, **named):
        calls.append(folder.name)
        if len(calls) < 3:
            raise InUseError("in use")
        return fake_run(config, folder, **named)

    tuner, oracle = tuner_of(tmp_path, run, trial_limit=1)
    tuner.search()
    assert calls == ["0000"] * 3
    assert oracle.trials["0000"].status == Status.COMPLETED
    tuner, _ = tuner_of(
        tmp_path, lambda *_, **__: (_ for _ in ()).throw(InUseError("in use")), trial_limit=2, heartbeat_seconds=0
    )
    with pytest.raises(keras_tuner.errors.FatalError, match="in use"):
        tuner.search()


def test_trials_of_hyperband_resume_others(tmp_path):
    calls = []

    def run(config, folder, until=None, origin=None, callbacks=()):
        calls.append((until, origin and origin.name, config.training.epochs))
        return fake_run(config, folder, until=until)

    tuner, _ = tuner_of(tmp_path, run, search_settings("hyperband"), trial_limit=13)
    tuner.search()
    assert calls[:9] == [(1, None, 9)] * 9
    assert [(until, epochs) for until, _, epochs in calls[9:]] == [(3, 9)] * 3 + [(9, 9)]
    assert calls[12][1] in ("0009", "0010", "0011")


def test_changes_are_reported(tmp_path):
    changes = []

    def run(config, folder, callbacks=(), **named):
        callbacks[0].on_epoch_end(0)
        return fake_run(config, folder, **named)

    tuner, _ = tuner_of(tmp_path, run, trial_limit=2, on_change=lambda *change: changes.append(change))
    tuner.search()
    assert changes == [("0000", 1), ("0000", 0), ("0001", 1), ("0001", 0)]
