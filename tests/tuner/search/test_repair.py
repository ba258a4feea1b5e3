"""Files of a search that were cut, flipped or lost: that trial is run again, all others stay, and a line says so."""

import json
import shutil

import pytest
from oracles import end
from tiny_search import search_settings

from pianoroll_tf.storage.checksummed_json import write_checksummed
from tuner.search import oracle as search_oracle
from tuner.search.oracle import Status, new_oracle
from tuner.search.parsing import TUNERS
from tuner.search.repair import VALUES, restore
from tuner.search.settings import PROJECT, TRIALS


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch):
    """Bayesian optimization is quick."""
    monkeypatch.setattr(search_oracle, "CANDIDATES", 150)


def begin(folder, settings, messages=None):
    """The oracle of a folder, which keeps the values of trials as a search does."""
    oracle = new_oracle(settings, folder)
    oracle.trial_limit = 40

    def keep(trial):
        path = folder / TRIALS / trial.trial_id / VALUES
        path.parent.mkdir(parents=True, exist_ok=True)
        write_checksummed(path, trial.hyperparameters.values)

    oracle.on_create = keep
    restore(oracle, folder, (lambda line: None) if messages is None else messages.append)
    return oracle


def run_some(folder, settings, count):
    """A search in which some trials have ended and one is running."""
    oracle = begin(folder, settings)
    for _ in range(count):
        end(oracle, oracle.create_trial("a"), settings)
    oracle.create_trial("a")
    return oracle


def trial_json(folder, name):
    return folder / PROJECT / f"trial_{name}" / "trial.json"


def values_of_all(oracle):
    return {name: trial.hyperparameters.values for name, trial in oracle.trials.items()}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"trial_id": "0002"}', "half", None])
def test_a_damaged_trial_is_run_again_with_its_values(tmp_path, content):
    settings, messages = search_settings(), []
    before = run_some(tmp_path, settings, 5)
    path = trial_json(tmp_path, "0002")
    if content is None:
        path.unlink()
    else:
        text = path.read_text()
        path.write_text(text[: len(text) // 2] if content == "half" else content)
    after = begin(tmp_path, settings, messages)
    assert len(messages) == 1
    assert f"{path} is {'missing' if content is None else 'damaged'}; trial 0002 is run again" in messages[0]
    assert values_of_all(after) == values_of_all(before)
    scores = {name: trial.score for name, trial in before.trials.items() if name not in ("0002", "0005")}
    assert scores == {name: trial.score for name, trial in after.trials.items() if trial.status == Status.COMPLETED}
    assert [after.create_trial("b").trial_id for _ in "x"] == ["0002"]
    assert after.create_trial("c").trial_id == "0005"  # which was running
    assert after.create_trial("d").trial_id == "0006"
    messages.clear()
    begin(tmp_path, settings, messages)
    assert messages == []  # the repair holds


@pytest.mark.parametrize(
    ("tuner", "content"),
    [*((tuner, "half") for tuner in TUNERS), ("random", ""), ("random", '{"start_order": []}'), ("random", None)],
)
def test_a_damaged_oracle_is_rebuilt_from_the_trials(tmp_path, tuner, content):
    settings, messages = search_settings(tuner), []
    before = run_some(tmp_path, settings, 11)
    path = tmp_path / PROJECT / "oracle.json"
    text = path.read_text()
    if content is None:
        path.unlink()
    else:
        path.write_text(text[: len(text) // 2] if content == "half" else content)
    after = begin(tmp_path, settings, messages)
    assert len(messages) == 1
    assert "it is rebuilt from the files of the trials" in messages[0]
    assert values_of_all(after) == values_of_all(before)
    assert after.end_order == before.end_order
    assert after._tried_so_far == before._tried_so_far
    if tuner != "bayesian":  # whose proposals by the Gaussian process draw nothing from it
        assert after._seed_state == before._seed_state
    if tuner == "hyperband":
        assert json.loads(json.dumps(after._brackets)) == before._brackets
        assert (after._current_bracket, after._current_iteration) == (
            before._current_bracket,
            before._current_iteration,
        )
    for _ in range(3):  # and both continue in the same way
        one, other = before.create_trial("a"), after.create_trial("a")
        assert (one.trial_id, one.hyperparameters.values) == (other.trial_id, other.hyperparameters.values)
        end(before, one, settings)
        end(after, other, settings)


@pytest.mark.parametrize("tuner", TUNERS)
def test_all_damaged_at_once(tmp_path, tuner):
    settings, messages = search_settings(tuner), []
    before = run_some(tmp_path, settings, 6)
    trial_json(tmp_path, "0001").write_text("{")
    (tmp_path / PROJECT / "oracle.json").write_text("{")
    after = begin(tmp_path, settings, messages)
    assert len(messages) == 2
    assert values_of_all(after) == values_of_all(before)


@pytest.mark.parametrize("tuner", TUNERS)
def test_lost_values_are_drawn_again(tmp_path, tuner):
    settings, messages = search_settings(tuner), []
    before = run_some(tmp_path, settings, 10)
    for name in ("0003", "0009"):  # of Hyperband, the second continues another trial
        trial_json(tmp_path, name).unlink()
        (tmp_path / TRIALS / name / VALUES).write_text("{")
    after = begin(tmp_path, settings, messages)
    assert len(messages) == 2
    assert list(after.trials) == list(before.trials)
    drawn = after.trials["0003"].hyperparameters.values
    assert drawn.get("tuner/epochs") == before.trials["0003"].hyperparameters.values.get("tuner/epochs")
    if tuner == "hyperband":
        assert after.trials["0009"].hyperparameters.values == before.trials["0009"].hyperparameters.values
    for _ in range(3):
        end(after, after.create_trial("b"), settings)
    assert {trial.status for trial in after.trials.values()} == {Status.COMPLETED}


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_kill_between_two_writes_loses_and_repeats_nothing(tmp_path, tuner):
    settings, messages = search_settings(tuner), []
    oracle = run_some(tmp_path / "one", settings, 10)
    path = tmp_path / "one" / PROJECT / "oracle.json"
    before = path.read_bytes()
    end(oracle, next(iter(oracle.ongoing_trials.values())), settings)
    after_end, whole = path.read_bytes(), tmp_path / "one"
    oracle.create_trial("a")
    shutil.copytree(whole, tmp_path / "two")
    path.write_bytes(after_end)  # the trial is made, the oracle does not know it
    one = begin(whole, settings, messages)
    assert one._retry_queue == ["0011"]
    (tmp_path / "two" / PROJECT / "oracle.json").write_bytes(before)  # nor that the one before it has ended
    two = begin(tmp_path / "two", settings, messages)
    assert two._retry_queue == ["0011"]
    assert messages == []
    for again in (one, two):
        assert again.end_order == [f"{index:04d}" for index in range(11)]
        assert values_of_all(again) == values_of_all(oracle)


def test_a_new_search_that_was_killed_at_once(tmp_path):
    settings, messages = search_settings(), []
    oracle = begin(tmp_path, settings, messages)
    (tmp_path / PROJECT / "oracle.json").write_text("{")
    assert begin(tmp_path, settings, messages).trials == {} == oracle.trials
    assert "the search starts from scratch" in messages[0]
