"""Makes KerasTuner's files of a search consistent again after a kill, or after damage to some of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pianoroll_tf.errors import DamagedError
from pianoroll_tf.storage.checksummed_json import read_checksummed
from tuner.search.hyperparameters import HYPERBAND_PREFIX
from tuner.search.oracle import ResumableOracle, Status, Trial
from tuner.search.settings import PROJECT, TRIALS

VALUES = "values.json"  # a copy of the hyper-parameters of a trial, in the trial's folder
_ENDED = (Status.COMPLETED, Status.FAILED)


def restore(oracle: ResumableOracle, folder: Path, log: Callable[[str], None]) -> None:
    """Restores the trials and the state of a new oracle from its files; trials that were running are queued.

    A trial whose file is damaged or missing is run again with the same hyper-parameters, from what its run folder
    holds. If oracle.json is damaged, the state is rebuilt from the trials. All other trials are kept.
    """
    project = folder / PROJECT
    path = project / "oracle.json"
    state = _read(path)
    if state is not None and not set(oracle.get_state()) <= set(state):
        state = None
    if state is None and not any(project.glob("trial_*/trial.json")):
        if path.exists():
            log(f"{path} is damaged and there is no trial yet; the search starts from scratch")
            path.unlink()
        return
    if state is None:
        log(f"{path} is {'damaged' if path.exists() else 'missing'}; it is rebuilt from the files of the trials")
    state = state or oracle.get_state()
    trials, lost = _read_trials(oracle, folder, state, log)
    _reconcile(oracle, state, trials)
    oracle.trials = trials
    oracle.set_state(state)
    for name in lost:
        oracle._save_trial(trials[name])
    oracle.save()


def _read(path: Path) -> dict[str, Any] | None:
    """Reads a JSON object; None if it is missing or damaged."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _read_trials(
    oracle: ResumableOracle, folder: Path, state: dict[str, Any], log: Callable[[str], None]
) -> tuple[dict[str, Trial], list[str]]:
    """All trials of the search by name, and the names of those with a damaged file, which are reset to their start."""
    names = set(state["start_order"])
    names |= {path.parent.name.removeprefix("trial_") for path in (folder / PROJECT).glob("trial_*/trial.json")}
    trials, lost = {}, []
    for name in sorted(names):
        path = folder / PROJECT / f"trial_{name}" / "trial.json"
        try:
            trials[name] = Trial.from_state(_read(path) or {})
        except (KeyError, TypeError, ValueError, AttributeError):
            log(f"{path} is {'damaged' if path.exists() else 'missing'}; trial {name} is run again")
            lost.append(name)
    for name in lost:
        hyperparameters = oracle.hyperparameters.copy()
        hyperparameters.values = _values(oracle, folder, name, state, trials)
        trials[name] = Trial(hyperparameters=hyperparameters, trial_id=name, status=Status.RUNNING)
    return dict(sorted(trials.items())), lost


def _values(
    oracle: ResumableOracle, folder: Path, name: str, state: dict[str, Any], trials: dict[str, Trial]
) -> dict[str, Any]:
    """The hyper-parameters of a trial from their copy; drawn again if that is damaged too."""
    try:
        return read_checksummed(folder / TRIALS / name / VALUES)
    except (OSError, DamagedError):
        oracle._seed_state = state["seed_state"]
        values = oracle._random_values() or {}
        state["seed_state"] = oracle._seed_state
    for bracket in state.get("brackets", []):
        for number, entries in enumerate(bracket["rounds"]):
            for entry in entries:
                if entry["id"] == name:
                    past = trials.get(entry["past_id"])
                    return (past.hyperparameters.values if past else values) | _rung(oracle, bracket, number, past)
    if "brackets" in state:
        values |= _rung(oracle, {"bracket_num": 0}, 0, None)
    return values


def _rung(oracle: Any, bracket: dict[str, Any], number: int, past: Trial | None) -> dict[str, Any]:
    """Hyperband's own entries among the values of a trial in a round of a bracket."""
    entries = {
        "tuner/epochs": oracle._get_epochs(bracket["bracket_num"], number),
        "tuner/initial_epoch": oracle._get_epochs(bracket["bracket_num"], number - 1) if past else 0,
        "tuner/bracket": bracket["bracket_num"],
        "tuner/round": number if past else 0,
    }
    return entries | ({"tuner/trial_id": past.trial_id} if past else {})


def _reconcile(oracle: ResumableOracle, state: dict[str, Any], trials: dict[str, Trial]) -> None:
    """Makes the oracle's state agree with the trials, from which a kill between two writes leaves it different."""
    for name, trial in trials.items():
        if name not in state["start_order"]:
            state["start_order"].append(name)
            digest = oracle._compute_values_hash(trial.hyperparameters.values)
            state["tried_so_far"].append(digest)
            state["id_to_hash"][name] = digest
            state["seed_state"] += _draws(trial.hyperparameters.values)
            if "brackets" in state:
                _place(state, name, trial.hyperparameters.values)
    ended = {name for name, trial in trials.items() if trial.status in _ENDED}
    state["ongoing_trials"] = {}
    state["retry_queue"] = [name for name in reversed(trials) if name not in ended]  # its end is taken first
    known = [name for name in state["end_order"] if name in ended]
    state["end_order"] = known + [name for name in trials if name in ended - set(known)]
    state["run_times"] = dict.fromkeys(state["end_order"], 1)


def _draws(values: dict[str, Any]) -> int:
    """Random numbers drawn for a trial: one per setting, none for one that continues another's run."""
    continued = f"{HYPERBAND_PREFIX}trial_id" in values
    return 0 if continued else sum(not name.startswith(HYPERBAND_PREFIX) for name in values)


def _place(state: dict[str, Any], name: str, values: dict[str, Any]) -> None:
    """Adds a trial that is missing in Hyperband's state to its round of its bracket."""
    past = values.get("tuner/trial_id")
    for bracket in state["brackets"]:
        for number, entries in enumerate(bracket["rounds"][:-1]):
            if past is not None and any(entry["id"] == past for entry in entries):
                bracket["rounds"][number + 1].append({"past_id": past, "id": name})
                return
    if past is not None:
        return  # its bracket is complete and was removed
    number, last = values["tuner/bracket"], state["brackets"][-1]
    if last["bracket_num"] != number:
        last = {"bracket_num": number, "rounds": [[] for _ in range(number + 1)]}
        state["brackets"].append(last)
        state["current_iteration"] += number > state["current_bracket"]
        state["current_bracket"] = number
    last["rounds"][0].append({"past_id": None, "id": name})
