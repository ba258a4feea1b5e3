"""The results of a search: one row per trial, ranked, as table, CSV and JSON; and a copy of the best run."""

import contextlib
import filecmp
import json
import os
from pathlib import Path
from typing import Any

from pianoroll_tf.modeling import run_folder
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage.files import write_changed
from pianoroll_tf.storage.tables import write_csv
from tuner.search.hyperparameters import HYPERBAND_PREFIX, settings_of, values_of
from tuner.search.oracle import ResumableOracle, Status, Trial
from tuner.search.parsing import DIRECTIONS
from tuner.search.settings import BEST, RESULTS, TRIALS, SearchSettings
from tuner.search.space import Choice, Range, Space, conditions, place_of
from tuner.search.trials import RUN, Outcome, copy_run, read_outcome
from tuner.terminal import format_table

_NUMBERS = ("objective", "nll", "pr_auc", "best_epoch", "epochs", "seconds")  # of an outcome
COLUMNS = ("rank", "trial", "status", *_NUMBERS, "cause")
_STATUS = {Status.COMPLETED: "completed", Status.FAILED: "failed"}
_MAX_WIDTH = 12  # characters of a column of the table


def rows(oracle: ResumableOracle, settings: SearchSettings, folder: Path) -> list[dict[str, Any]]:
    """One row per trial: completed ones from the best to the worst, then failed, then unfinished ones.

    Rows have `COLUMNS`, then "of" (the trial whose run it continued, in Hyperband), then every searched setting; None
    where there is no value.
    """
    with oracle.lock:
        trials = list(oracle.trials.values())
    found = [_row(trial, settings.space, folder) for trial in trials]
    sign = -1.0 if DIRECTIONS[settings.base.training.objective] == "max" else 1.0
    order = ["completed", "failed", "unfinished"]
    found.sort(key=lambda row: (order.index(row["status"]), sign * (row["objective"] or 0.0), row["trial"]))
    for rank, row in enumerate(found, 1):
        row["rank"] = rank if row["status"] == "completed" else None
    return found


def _row(trial: Trial, space: Space, folder: Path) -> dict[str, Any]:
    outcome = read_outcome(folder / TRIALS / trial.trial_id) or Outcome(until=0)
    status = _STATUS.get(trial.status, "unfinished")
    if status == "completed" and outcome.objective is None:
        status = "unfinished"
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {"trial": trial.trial_id, "status": status}
    if status != "unfinished":
        row |= {column: getattr(outcome, column) for column in _NUMBERS}
    if status == "failed":
        row["cause"] = outcome.cause or (trial.message or "unknown").strip().splitlines()[-1]
    values = trial.hyperparameters.values
    row["of"] = values.get(f"{HYPERBAND_PREFIX}trial_id")
    chosen = {key: "none" if value is None else value for key, value in settings_of(space, values).items()}
    return row | {key: chosen.get(key) for key in space.searched}


def write_results(found: list[dict[str, Any]], settings: SearchSettings, folder: Path) -> None:
    """Updates results.csv, results.json and the copy of the best run, from what `rows` found."""
    table, whole = (folder / name for name in RESULTS)
    write_csv(table, found, COLUMNS)
    objective = settings.base.training.objective
    content = {
        "objective": objective,
        "direction": DIRECTIONS[objective],
        "tuner": settings.tuner,
        "space": settings.space.to_dict(),
        "base": to_dict(settings.base),
        "plugins": settings.space.plugins(),
        "trials": found,
    }
    write_changed(whole, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
    if found and found[0]["status"] == "completed":
        _copy_best(folder / TRIALS / found[0]["trial"] / RUN, folder / BEST)


def _copy_best(source: Path, target: Path) -> None:
    """Copies the best run, unless it is up to date; without its TensorBoard logs, which would show the run twice."""
    weights = (source / run_folder.BEST, target / run_folder.BEST)
    if target.exists() and all(path.exists() for path in weights) and filecmp.cmp(*weights, shallow=False):
        return
    copy_run(source, target, run_folder.TENSORBOARD)


def table(found: list[dict[str, Any]]) -> str:
    """The ranked rows as text: the results, and the settings that differ between trials."""
    if not found:
        return "no trial has been started"
    own = ("rank", "trial", "objective", "best_epoch", "epochs", "seconds", "status")
    settings = [key for key in found[0] if key not in COLUMNS and len({str(row[key]) for row in found}) > 1]
    columns = [key for key in own if key in found[0]] + settings
    return format_table([columns, *([_cell(row[key]) for key in columns] for row in found)])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}"[:_MAX_WIDTH] if isinstance(value, float) else str(value)[:_MAX_WIDTH]


def write_experiment(folder: Path, settings: SearchSettings) -> None:
    """Writes the searched settings and the metrics for TensorBoard's HParams dashboard, unless the folder exists."""
    import tensorflow as tf
    from tensorboard.plugins.hparams import api

    if folder.exists():
        return
    searched = [  # without a domain where a setting may have no effect, as its default may lie outside its range
        api.HParam(f"{place_of(name)[0]}.{name}", None if name in conditions() else _domain(entry, api))
        for name, entry in settings.space.searched.items()
    ]
    metrics = [api.Metric("val_nll", display_name="NLL"), api.Metric("val_pr_auc", display_name="PR-AUC")]
    with contextlib.closing(tf.summary.create_file_writer(os.fsencode(folder))) as writer, writer.as_default():
        api.hparams_config(hparams=searched, metrics=metrics)


def _domain(entry: Choice | Range, api: Any) -> Any:
    """An entry of a space as TensorBoard's domain; None where its values are of several types."""
    values = list(values_of(entry).values())
    if isinstance(entry, Choice) or values:
        return api.Discrete(values) if len({type(value) for value in values}) == 1 else None
    if isinstance(entry.min, int) and isinstance(entry.max, int):
        return api.IntInterval(entry.min, entry.max)
    return api.RealInterval(float(entry.min), float(entry.max))
