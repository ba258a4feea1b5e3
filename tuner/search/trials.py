"""What one trial of a search does: trains a run in a folder of its own, and says what came out."""

import csv
import dataclasses
import math
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from pianoroll_tf.config import RunConfig
from pianoroll_tf.errors import DamagedError, UserError
from pianoroll_tf.messages import describe
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.modeling.callbacks import DivergedError
from pianoroll_tf.modeling.training import train
from pianoroll_tf.modeling.training_state import OBJECTIVES
from pianoroll_tf.settings import from_dict, to_dict
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from pianoroll_tf.storage.folders import whole_folder

RUN = "run"  # the run folder of a trial, in the trial's folder
OUTCOME = "outcome.json"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came out of a trial.

    Attributes:
        until: Epochs it was to do at most.
        cause: Why it failed; empty where it did not.
        objective: The value of its best epoch.
        best_epoch: That epoch, counted from 1.
        epochs: Epochs done.
        seconds: Time of those, with validation.
        nll, pr_auc: Validation results of the best epoch.
    """

    until: int
    cause: str = ""
    objective: float | None = None
    best_epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    nll: float | None = None
    pr_auc: float | None = None


class RungDoneError(Exception):
    """The epochs that Hyperband gives a trial for now are done."""


class StopAfter(keras.callbacks.Callback):
    """Leaves a training before an epoch; the checkpoint of the epoch before it is saved by then.

    Args:
        epochs: Epochs that may be done.

    Raises:
        RungDoneError: They are.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        """Leaves if this epoch is one too many."""
        if epoch >= self._epochs:
            raise RungDoneError


def run_trial(
    config: RunConfig,
    folder: Path,
    until: int | None = None,
    origin: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
) -> Outcome:
    """Trains a trial to its end, from wherever its folder says that it stands.

    The result does not depend on what was trained in this process before.

    Args:
        config: Settings of the run.
        folder: The trial's folder; made when needed.
        until: Epochs after which to leave, though the schedule goes on to `config.training.epochs`; None: those.
        origin: Folder of the trial whose run this one goes on with.
        callbacks: Called in the training.
        say: Is told when another trial's remains are removed.

    Returns:
        What came out; also in the folder's outcome.json. A loss that is not finite is an outcome, not an error.

    Raises:
        UserError: The records are damaged, the run is in use (`InUseError`), or SIGTERM came.
        OSError: The disk is full or cannot be read.
    """
    until = until or config.training.epochs
    _prepare(folder, config, origin, say)
    done = read_outcome(folder)
    if done is not None and done.until == until and (done.cause or (folder / RUN / run_folder.BEST).exists()):
        return done
    cause = ""
    try:
        train(config, folder / RUN, extra_callbacks=[*callbacks, StopAfter(until)], quiet=True)
    except RungDoneError:
        pass
    except DivergedError as error:
        cause = str(error).split(";")[0]
    except (UserError, OSError):
        raise
    except Exception as error:  # the framework's own: out of memory, a shape too large
        cause = describe(error)
    finally:
        keras.backend.clear_session()
    outcome = _outcome(folder / RUN / run_folder.HISTORY, config.training.objective, until, cause)
    write_checksummed(folder / OUTCOME, dataclasses.asdict(outcome))
    return outcome


def _prepare(folder: Path, config: RunConfig, origin: Path | None, say: Callable[[str], None]) -> None:
    """Makes the trial's folder, with the run that it goes on with."""
    run = folder / RUN
    if (run / run_folder.CONFIG).exists():
        try:
            other = bool(run_folder.differences(to_dict(run_folder.load_config(run)), to_dict(config)))
        except UserError as error:
            say(f"{error}; the trial is run from its beginning")
            other = True
        if other:  # its hyper-parameters were lost, and drawn anew
            shutil.rmtree(run)
            (folder / OUTCOME).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    if origin is not None and not (run / run_folder.CONFIG).exists() and (origin / RUN).is_dir():
        copy_run(origin / RUN, run)


def copy_run(source: Path, target: Path, *left_out: str) -> None:
    """Copies a run folder; the copy appears whole, in the place of an older one.

    Args:
        source: A run folder that no training is in.
        target: The new one.
        *left_out: Names of entries that are not copied. Hidden ones never are.
    """
    with whole_folder(target) as partial:
        shutil.copytree(source, partial, ignore=shutil.ignore_patterns(".*", *left_out), dirs_exist_ok=True)


def read_outcome(folder: Path) -> Outcome | None:
    """What a trial's folder says that came out; None while there is nothing sound."""
    try:
        return from_dict(Outcome, read_checksummed(folder / OUTCOME))
    except (OSError, DamagedError, ValueError, TypeError):
        return None


def _outcome(history: Path, objective: str, until: int, cause: str) -> Outcome:
    """What a run's history says of its best epoch."""
    rows: list[dict[str, str]] = []
    if history.exists():
        with history.open(newline="") as file:
            rows = list(csv.DictReader(file))
    column, better = f"val_{objective}", OBJECTIVES[objective]
    best: dict[str, Any] = {}
    for row in rows:
        if row[column] and (not best or better(float(row[column]), float(best[column]))):
            best = row
    if not best:
        return Outcome(until=until, cause=cause or f"no epoch has a validation {objective}")
    return Outcome(
        until=until,
        cause=cause,
        objective=float(best[column]),
        best_epoch=int(best["epoch"]),
        epochs=len(rows),
        seconds=math.fsum(float(row["seconds"]) for row in rows),
        nll=float(best["val_nll"]),
        pr_auc=float(best["val_pr_auc"]) if best["val_pr_auc"] else None,
    )
