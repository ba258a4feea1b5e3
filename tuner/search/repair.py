"""Makes KerasTuner's files of a search fit each other again after a kill, or after damage: that trial is run again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pianoroll_tf.errors import DamagedError
from pianoroll_tf.storage.checksummed_json import read_checksummed
from tuner.search.hyperparameters import OF_HYPERBAND
from tuner.search.oracle import Lasting, Status, Trial
from tuner.search.settings import PROJECT, TRIALS

VALUES = "values.json"  # in it: the hyper-parameters of a trial, beside KerasTuner's own file
_ENDED = (Status.COMPLETED, Status.FAILED)


def restore(oracle: Lasting, folder: Path, say: Callable[[str], None]) -> None:
    """Gives an oracle the trials and the state that its files hold; trials that were at work are queued.

    A trial whose file is damaged or missing is run again with the same hyper-parameters; what its run folder holds
    spares what was trained. Without a sound oracle.json, its state is made anew from the trials. All other trials stay.

    Args:
        oracle: As the search makes it, with no trial yet.
        folder: The folder of the search.
        say: Is told in a line of each file that was damaged.
    """
    project = folder / PROJECT
    path = project / "oracle.json"
    state = _read(path)
    if state is not None and not set(oracle.get_state()) <= set(state):
        state = None
    if state is None and not any(project.glob("trial_*/trial.json")):
        if path.exists():
            say(f"{path} is damaged and there is no trial yet; the search starts anew")
            path.unlink()
        return
    if state is None:
        say(f"{path} is {'damaged' if path.exists() else 'missing'}; it is made anew from the files of the trials")
    state = state or oracle.get_state()
    trials, lost = _sound_trials(oracle, folder, state, say)
    _reconcile(oracle, state, trials)
    oracle.trials = trials
    oracle.set_state(state)
    for name in lost:
        oracle._save_trial(trials[name])
    oracle.save()


def _read(path: Path) -> dict[str, Any] | None:
    """A JSON object; None where there is no sound one."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _sound_trials(
    oracle: Lasting, folder: Path, state: dict[str, Any], say: Callable[[str], None]
) -> tuple[dict[str, Trial], list[str]]:
    """All trials of the search by name, and the names of those with a damaged file, which are as they began."""
    names = set(state["start_order"])
    names |= {path.parent.name.removeprefix("trial_") for path in (folder / PROJECT).glob("trial_*/trial.json")}
    trials, lost = {}, []
    for name in sorted(names):
        path = folder / PROJECT / f"trial_{name}" / "trial.json"
        try:
            trials[name] = Trial.from_state(_read(path) or {})
        except (KeyError, TypeError, ValueError, AttributeError):
            say(f"{path} is {'damaged' if path.exists() else 'missing'}; trial {name} is run again")
            lost.append(name)
    for name in lost:
        hyperparameters = oracle.hyperparameters.copy()
        hyperparameters.values = _values(oracle, folder, name, state, trials)
        trials[name] = Trial(hyperparameters=hyperparameters, trial_id=name, status=Status.RUNNING)
    return dict(sorted(trials.items())), lost


def _values(
    oracle: Lasting, folder: Path, name: str, state: dict[str, Any], trials: dict[str, Trial]
) -> dict[str, Any]:
    """The hyper-parameters of a trial from the search's own copy; drawn anew where that is damaged too."""
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


def _reconcile(oracle: Lasting, state: dict[str, Any], trials: dict[str, Trial]) -> None:
    """Brings the oracle's state in line with the trials; kills between two writes leave them apart."""
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
    """Random numbers that were drawn for a trial: one a setting, none for one that goes on with another's run."""
    goes_on = f"{OF_HYPERBAND}trial_id" in values
    return 0 if goes_on else sum(not name.startswith(OF_HYPERBAND) for name in values)


def _place(state: dict[str, Any], name: str, values: dict[str, Any]) -> None:
    """Puts a trial that Hyperband's state does not know into its round of its bracket."""
    past = values.get("tuner/trial_id")
    for bracket in state["brackets"]:
        for number, entries in enumerate(bracket["rounds"][:-1]):
            if past is not None and any(entry["id"] == past for entry in entries):
                bracket["rounds"][number + 1].append({"past_id": past, "id": name})
                return
    if past is not None:
        return  # its bracket is complete, and gone
    number, last = values["tuner/bracket"], state["brackets"][-1]
    if last["bracket_num"] != number:
        last = {"bracket_num": number, "rounds": [[] for _ in range(number + 1)]}
        state["brackets"].append(last)
        state["current_iteration"] += number > state["current_bracket"]
        state["current_bracket"] = number
    last["rounds"][0].append({"past_id": None, "id": name})
