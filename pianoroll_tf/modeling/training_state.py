"""Where a training stands: position, best so far, early stopping, history. What a checkpoint holds beside arrays."""

import dataclasses
import math
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pianoroll_tf.settings import from_dict
from pianoroll_tf.storage.tables import write_csv

# What a run is judged by on validation, as `config.TrainingConfig.objective` names it: which of two values is better.
OBJECTIVES: dict[str, Callable[[float, float], bool]] = {"nll": operator.lt, "pr_auc": operator.gt}
_TITLES = {"nll": "NLL", "pr_auc": "PR-AUC"}


@dataclasses.dataclass
class Standing:
    """Where a training stands.

    Attributes:
        epoch: Epochs that have ended.
        batch: Batches done of the epoch at work.
        best_nll: Validation NLL of the best epoch so far, nats a step; None before the first epoch has ended.
        best_epoch: That epoch, counted from 1: the first with the lowest NLL, or the highest PR-AUC.
        waited: Epochs since then.
        finished: Why there is nothing left to do; empty while there is.
        rows: History, one dict an epoch.
    """

    epoch: int = 0
    batch: int = 0
    best_nll: float | None = None
    best_epoch: int = 0
    waited: int = 0
    finished: str = ""
    rows: list[dict[str, float]] = dataclasses.field(default_factory=list)

    def end_epoch(self, row: dict[str, float], epochs: int, patience: int, objective: str = "nll") -> bool:
        """Takes in the results of an epoch.

        Args:
            row: Its history; holds `val_nll`, and `val_pr_auc` where that is the objective.
            epochs: Epochs of the run at most.
            patience: Epochs without a better objective after which the run ends; 0: never.
            objective: Entry of `OBJECTIVES`.

        Returns:
            Whether this epoch is the best so far.

        >>> standing = Standing()
        >>> [standing.end_epoch({"val_nll": nll}, epochs=9, patience=2) for nll in (3.0, 2.0, 2.0, 2.5)]
        [True, True, False, False]
        >>> standing.finished
        'no better validation NLL for 2 epochs'
        >>> standing, aucs = Standing(), (0.5, 0.7, 0.6)
        >>> [standing.end_epoch({"val_nll": 1.0, "val_pr_auc": auc}, 9, 1, "pr_auc") for auc in aucs]
        [True, True, False]
        >>> standing.finished
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
        if self.epoch >= epochs:
            self.finished = f"all {epochs} epochs are done"
        elif patience and self.waited >= patience:
            self.finished = f"no better validation {_TITLES[objective]} for {patience} epochs"
        return better

    def to_meta(self) -> dict[str, Any]:
        """As a JSON-ready dict."""
        return dataclasses.asdict(self)

    @classmethod
    def from_meta(cls, meta: dict[str, Any]) -> "Standing":
        """From what `to_meta` made.

        Raises:
            ValueError: A name is unknown.
        """
        return from_dict(cls, meta)


def write_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Writes history.csv, whole, unless it has the same content: a line an epoch; numbers with all their digits.

    Args:
        path: The file.
        rows: One dict an epoch, all with the same names.
    """
    finite = [{name: value if math.isfinite(value) else None for name, value in row.items()} for row in rows]
    write_csv(path, finite, ["epoch"])
