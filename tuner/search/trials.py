"""One trial of a search: trains a run in the trial's folder and records its outcome."""

import dataclasses
import math
import operator
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from pianoroll_tf.config import RunConfig
from pianoroll_tf.errors import DamagedError, UserError
from pianoroll_tf.messages import describe
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.settings import from_dict, to_dict
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from pianoroll_tf.storage.folders import whole_folder
from tuner import terminal
from tuner.search.parsing import DIRECTIONS
from tuner.training import read_history, train_run

RUN = "run"  # the run folder of a trial, in the trial's folder
OUTCOME = "outcome.json"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    Attributes:
        until: Maximum number of epochs.
        cause: Why it failed; empty unless it did.
        objective, nll, pr_auc: Validation results of its best epoch.
        best_epoch: That epoch, counted from 1.
        epochs: Epochs trained.
        seconds: Their duration, including validation.
    """

    until: int
    cause: str = ""
    objective: float | None = None
    best_epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    nll: float | None = None
    pr_auc: float | None = None


def run_trial(
    config: RunConfig,
    folder: Path,
    until: int | None = None,
    origin: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    log: Callable[[str], None] = terminal.log,
) -> Outcome:
    """Trains a trial, from its last checkpoint if there is one; independent of what this process trained before.

    Args:
        config: Settings of the run.
        folder: Of the trial; made when needed.
        until: Epochs after which to stop, while the schedule ends at `config.training.epochs`; None: those.
        origin: Folder of the trial whose run this one resumes.
        callbacks: Called during the training.
        log: Called with a line when the files of another trial are removed.

    Returns:
        The outcome, which is also written to outcome.json. A loss that is not finite is an outcome, not an error.

    Raises:
        UserError, OSError: As `train_run`.
    """
    until = until or config.training.epochs
    _prepare(folder, config, origin, log)
    done = read_outcome(folder)
    if done is not None and done.until == until and (done.cause or (folder / RUN / run_folder.BEST).exists()):
        return done
    try:
        rows, cause = train_run(config, folder / RUN, callbacks, until)
    except (UserError, OSError):
        raise
    except Exception as error:  # raised by the framework: out of memory, a shape too large
        rows, cause = read_history(folder / RUN / run_folder.HISTORY), describe(error)
    finally:
        keras.backend.clear_session()
    outcome = _outcome(rows, config.training.objective, until, cause)
    write_checksummed(folder / OUTCOME, dataclasses.asdict(outcome))
    return outcome


def _prepare(folder: Path, config: RunConfig, origin: Path | None, log: Callable[[str], None]) -> None:
    """Makes the trial's folder, with the run that it resumes."""
    run = folder / RUN
    if (run / run_folder.CONFIG).exists():
        try:
            other = bool(run_folder.differences(to_dict(run_folder.load_config(run)), to_dict(config)))
        except UserError as error:
            log(f"{error}; the trial is run from the start")
            other = True
        if other:  # the hyper-parameters of the trial were lost, and drawn again
            shutil.rmtree(run)
            (folder / OUTCOME).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    if origin is not None and not (run / run_folder.CONFIG).exists() and (origin / RUN).is_dir():
        copy_run(origin / RUN, run)


def copy_run(source: Path, target: Path, *left_out: str) -> None:
    """Copies a run folder without its hidden entries and those left out; an older copy is replaced as a whole."""
    with whole_folder(target) as partial:
        shutil.copytree(source, partial, ignore=shutil.ignore_patterns(".*", *left_out), dirs_exist_ok=True)


def read_outcome(folder: Path) -> Outcome | None:
    """The outcome in a trial's folder; None if there is none or it is damaged."""
    try:
        return from_dict(Outcome, read_checksummed(folder / OUTCOME))
    except (OSError, DamagedError, ValueError, TypeError):
        return None


def _outcome(rows: Sequence[dict[str, Any]], objective: str, until: int, cause: str) -> Outcome:
    """The outcome of a training, by the best epoch of its history."""
    column, best_of = f"val_{objective}", {"min": min, "max": max}[DIRECTIONS[objective]]
    there = [row for row in rows if row[column] is not None]
    if not there:
        return Outcome(until=until, cause=cause or f"no epoch has a validation {objective}")
    best = best_of(there, key=operator.itemgetter(column))
    return Outcome(
        until=until,
        cause=cause,
        objective=best[column],
        best_epoch=int(best["epoch"]),
        epochs=len(rows),
        seconds=math.fsum(row["seconds"] for row in rows),
        nll=best["val_nll"],
        pr_auc=best["val_pr_auc"],
    )
