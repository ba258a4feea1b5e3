"""KerasTuner's oracles as a search needs them: resumed as if undisturbed, none lost, limits that may be raised."""

import pytest
from oracles import end, make
from tiny_search import search_settings

from tuner.search import oracle as search_oracle
from tuner.search.oracle import INITIAL_POINTS, ORACLES, Status
from tuner.search.parsing import TUNERS


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch):
    """Bayesian optimization is quick."""
    monkeypatch.setattr(search_oracle, "CANDIDATES", 150)


def test_names_are_those_of_the_flag():
    assert tuple(ORACLES) == TUNERS
    assert "grid" not in ORACLES  # its resume is broken: keras-tuner#1055


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_search_killed_at_any_trial_proposes_the_same(tmp_path, tuner):
    settings, count = search_settings(tuner), INITIAL_POINTS + 4
    whole, cut, proposed = make(tmp_path / "whole", settings), make(tmp_path / "cut", settings), []
    for index in range(count):
        trial = whole.create_trial("a")
        proposed.append(trial.hyperparameters.values)
        end(whole, trial, settings)
        if index % 3 == 0:
            assert cut.create_trial("a").hyperparameters.values == proposed[-1]
            cut = make(tmp_path / "cut", settings)  # killed while a trial is running
        elif index % 3 == 1:
            cut = make(tmp_path / "cut", settings)  # killed in between
        again = cut.create_trial("b")
        assert (again.trial_id, again.hyperparameters.values) == (trial.trial_id, proposed[-1])
        end(cut, again, settings)
    assert len({str(values) for values in proposed}) == count
    if tuner == "hyperband":
        assert any(values.get("tuner/trial_id") for values in proposed)


@pytest.mark.parametrize(("objective", "sign"), [("nll", 1.0), ("pr_auc", -1.0)])
def test_hyperband_goes_on_with_the_best_in_the_objective_s_direction(tmp_path, objective, sign):
    settings = search_settings("hyperband", objective)
    oracle, values = make(tmp_path, settings), {}
    while True:
        trial = oracle.create_trial("a")
        if trial.hyperparameters.values.get("tuner/trial_id"):
            break
        values[trial.trial_id] = end(oracle, trial, settings, sign)
    best = (min if objective == "nll" else max)(values, key=values.get)
    assert trial.hyperparameters.values["tuner/trial_id"] == best
    assert trial.hyperparameters.values["tuner/initial_epoch"] == 1
    assert trial.hyperparameters.values["tuner/epochs"] == 3


def test_bayesian_optimization_finds_what_chance_does_not(tmp_path):
    settings = search_settings("bayesian", loss="bce", optimizer="adam")
    oracle = make(tmp_path, settings)
    values = [end(oracle, oracle.create_trial("a"), settings) for _ in range(16)]
    assert min(values[INITIAL_POINTS:]) < min(values[:INITIAL_POINTS])


def test_the_number_of_trials_is_kept_and_may_be_raised(tmp_path):
    settings = search_settings()
    oracle = make(tmp_path, settings, trial_limit=3)
    for _ in range(3):
        end(oracle, oracle.create_trial("a"), settings)
    assert oracle.create_trial("a").status == Status.STOPPED
    assert oracle.finished()
    oracle = make(tmp_path, settings, trial_limit=12)
    assert [oracle.create_trial(worker).trial_id for worker in "bcd"] == ["0003", "0004", "0005"]
    assert not oracle.finished()


def test_a_space_that_ends(tmp_path):
    settings = search_settings(loss="bce", optimizer="adam", schedule="constant", learning_rate=0.1, dropout=0.0)
    oracle = make(tmp_path, settings)
    for _ in range(4):  # two sizes of the GRU, two of the convolution
        end(oracle, oracle.create_trial("a"), settings)
    assert oracle.create_trial("a").status == Status.STOPPED
    assert oracle.exhausted
    assert oracle.finished()


def test_time_that_is_spent_starts_nothing(tmp_path):
    settings = search_settings()
    oracle = make(tmp_path, settings)
    trial = oracle.create_trial("a")
    oracle.may_start = lambda: False
    assert oracle.create_trial("b").status == Status.STOPPED
    assert oracle.create_trial("a") is trial  # what was started may end
    assert not oracle.finished()
    end(oracle, trial, settings)
    assert oracle.finished()


def test_a_lost_worker_s_trial_goes_to_one_that_waits(tmp_path):
    settings = search_settings()
    oracle = make(tmp_path, settings, trial_limit=1)
    trial = oracle.create_trial("lost")
    assert oracle.create_trial("other").status == Status.IDLE  # not STOPPED: the trial may come back
    assert oracle.requeue("lost") == trial.trial_id
    assert oracle.requeue("lost") is None
    assert oracle.create_trial("other").trial_id == trial.trial_id
    assert not oracle.holds("lost", trial.trial_id)
    assert oracle.holds("other", trial.trial_id)
    end(oracle, trial, settings)
    end(oracle, trial, settings)  # the lost one's report comes after all
    assert oracle.end_order == [trial.trial_id]
    assert oracle.create_trial("other").status == Status.STOPPED
    assert not oracle.tuner_ids


def test_a_worker_that_was_only_slow_keeps_its_trial(tmp_path):
    oracle = make(tmp_path, search_settings(), trial_limit=2)
    trial = oracle.create_trial("slow")
    oracle.requeue("slow")
    assert oracle.holds("slow", trial.trial_id)
    assert oracle.create_trial("other").trial_id != trial.trial_id


def test_reports_that_make_no_sense_leave_the_oracle_usable(tmp_path):
    settings = search_settings()
    oracle = make(tmp_path, settings)
    trial = oracle.create_trial("a")
    with pytest.raises(ValueError, match="a report must be on a trial"):
        oracle.update_trial("9999", {"nll": 1.0})
    with pytest.raises(ValueError, match="a report must be on a trial"):
        oracle.update_trial(trial.trial_id, {"loss": 1.0})
    trial.status = Status.COMPLETED  # without a value
    oracle.end_trial(trial)
    assert oracle.trials[trial.trial_id].status == Status.FAILED
    for _ in range(4):  # KerasTuner gives up after three failures in a row
        oracle.fail(oracle.create_trial("a").trial_id, "no reason")
    assert oracle.create_trial("b").status == Status.RUNNING


def test_an_error_while_saving_does_not_lock_the_oracle(tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    oracle = make(tmp_path, search_settings())
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(oracle, "save", lambda: (_ for _ in ()).throw(OSError("full")))
        oracle.create_trial("a")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(oracle.create_trial, "b").result(timeout=20).status == Status.RUNNING


def test_seed_zero_is_a_seed(tmp_path):
    first, same, other = (
        make(tmp_path / name, search_settings(seed=seed)).create_trial("a").hyperparameters.values
        for name, seed in (("first", 0), ("same", 0), ("other", 1))
    )
    assert first == same != other
