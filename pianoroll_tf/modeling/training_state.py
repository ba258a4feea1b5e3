"""The state of a training: position, best epoch, early stopping, history; what a checkpoint holds beside arrays."""

import dataclasses
import math
import operator
from collections.abc import Callable
from pathlib import Path

from pianoroll_tf.storage.tables import write_csv

# Objective, a value of `config.TrainingConfig.objective` → whether the first of two values is better
OBJECTIVES: dict[str, Callable[[float, float], bool]] = {"nll": operator.lt, "pr_auc": operator.gt}
_TITLES = {"nll": "NLL", "pr_auc": "PR-AUC"}


@dataclasses.dataclass
class TrainingState:
    """The state of a training.

    Attributes:
        epoch: Number of epochs that have ended.
        batch: Number of batches done in the current epoch.
        best_nll: Validation NLL of the best epoch so far, nats per step; None before the first epoch has ended.
        best_epoch: That epoch, counted from 1: the first with the lowest NLL, or the highest PR-AUC.
        waited: Epochs since the best epoch.
        finished: Why the run is finished; empty while it is not.
        rows: History, one dict per epoch.
        initial_nll: Validation NLL before the first epoch of a run that started from the weights of another; else None.
    """

    epoch: int = 0
    batch: int = 0
    best_nll: float | None = None
    best_epoch: int = 0
    waited: int = 0
    finished: str = ""
    rows: list[dict[str, float]] = dataclasses.field(default_factory=list)
    initial_nll: float | None = None

    def end_epoch(self, row: dict[str, float], epochs: int, patience: int, objective: str = "nll") -> bool:
        """Adds the history of an epoch; says whether it is the best so far.

        The run ends after `epochs`, or after `patience` epochs without a better objective (0: never).

        >>> state, aucs = TrainingState(), (0.5, 0.7, 0.6)
        >>> [state.end_epoch({"val_nll": 1.0, "val_pr_auc": auc}, 9, 1, "pr_auc") for auc in aucs]
        [True, True, False]
        >>> state.finished
        'no better validation PR-AUC for 1 epochs'
        """
        self.epoch, self.batch = self.epoch + 1, 0
        self.rows.append({"epoch": self.epoch, **row})
        name = f"val_{objective}"
        better = self.best_nll is None or OBJECTIVES[objective](row[name], self.rows[self.best_epoch - 1][name])
        if better:
            self.best_nll, self.best_epoch, self.waited = row["val_nll"], self.epoch, 0
        else:
            self.waited += 1
        self.finished = self.end(epochs, patience, objective)
        return better

    def end(self, epochs: int, patience: int, objective: str) -> str:
        """Why a run with these settings is finished in this state; empty if it is not."""
        return f"all {epochs} epochs are done" if self.epoch >= epochs else self.stopped_early(patience, objective)

    def stopped_early(self, patience: int, objective: str) -> str:
        """Why a run with this patience trains no further epoch, however many it has; empty if it does."""
        waited = patience and self.waited >= patience
        return f"no better validation {_TITLES[objective]} for {patience} epochs" if waited else ""


def write_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Writes history.csv, one line per epoch, unless its content is the same; numbers have all their digits."""
    finite = [{name: value if math.isfinite(value) else None for name, value in row.items()} for row in rows]
    write_csv(path, finite, ["epoch"])
