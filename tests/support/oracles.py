"""Oracles of a search, and trials that end."""

from pathlib import Path

from tiny_search import objective_of

from tuner.search.hyperparameters import settings_of
from tuner.search.oracle import Status, new_oracle
from tuner.search.repair import restore


def fail_on_message(line: str) -> None:
    raise AssertionError(line)


def make(folder: Path, settings, trial_limit: int = 30):
    """An oracle, restored from its folder."""
    oracle = new_oracle(settings, folder)
    oracle.trial_limit = trial_limit
    restore(oracle, folder, fail_on_message)
    return oracle


def end(oracle, trial, settings, sign: float = 1.0) -> float:
    """Reports the objective of a trial and ends it."""
    config = settings.space.run_config(settings.base, settings_of(settings.space, trial.hyperparameters.values))
    value = sign * objective_of(config, trial.hyperparameters.values.get("tuner/epochs", 9))
    oracle.update_trial(trial.trial_id, {oracle.objective.name: value})
    trial.status = Status.COMPLETED
    oracle.end_trial(trial)
    return value
