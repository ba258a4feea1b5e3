"""Where a training begins: the run folder opened, its settings decided, the newest checkpoint read."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pianoroll_tf.config import RunConfig
from pianoroll_tf.modeling import more_epochs, run, run_folder, warm_start
from pianoroll_tf.modeling.callbacks import best_meta
from pianoroll_tf.modeling.checkpoints import CheckpointStore, best_weights, restore, without_best
from pianoroll_tf.modeling.training_state import TrainingState, write_history
from pianoroll_tf.settings import from_dict, to_dict
from pianoroll_tf.storage.arrays import read_arrays
from pianoroll_tf.storage.files import remove_temporaries

_log = logging.getLogger(__name__)


@dataclasses.dataclass
class Start:
    """A run folder, open for a training.

    Attributes:
        folder: The folder.
        config: The run's settings, as the folder holds them.
        steps_per_epoch: Batches per epoch.
        state: The state of the training.
        best: The best weights so far, by path.
        arrays: The arrays of the newest checkpoint; empty if there is none.
        initial: Weights of a warm start, by path; empty for a start from scratch.
        store: The checkpoints.
    """

    folder: Path
    config: RunConfig
    steps_per_epoch: int
    state: TrainingState
    best: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray]
    initial: dict[str, np.ndarray]
    store: CheckpointStore

    def assign(self, model: keras.Model) -> None:
        """Gives a compiled model of the run the variables with which the training continues."""
        if self.arrays:
            restore(model, self.arrays)
        elif self.initial:
            run.assign_arrays(model, self.initial, self.folder / run_folder.INIT)

    def record(self, name: str, value: Any) -> None:
        """Records in the run's provenance how it is trained from here on, unless that is known.

        Args:
            name: What is recorded: "workers" or "precision".
            value: Its value, JSON-serializable.
        """
        past = self.config.provenance.get(name, [])
        if past and past[-1][name] == value:
            return
        entry = {name: value, "epoch": self.state.epoch, "batch": self.state.batch}
        provenance = self.config.provenance | {name: [*past, entry]}
        self.config = dataclasses.replace(self.config, provenance=provenance)
        run_folder.write_config(self.folder, self.config)

    def record_precision(self, precision: str) -> None:
        """Records the precision in which the run is trained from here on, where its settings do not say it."""
        if precision != self.config.training.precision or "precision" in self.config.provenance:
            self.record("precision", precision)

    def message(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What another process needs to continue from here with the same variables, as arrays and JSON-ready values."""
        groups = {"checkpoint": without_best(self.arrays), "initial": {} if self.arrays else self.initial}
        arrays = {f"{group}/{name}": value for group, named in groups.items() for name, value in named.items()}
        return arrays, {"config": to_dict(self.config), "state": to_dict(self.state)}

    @classmethod
    def from_message(
        cls, folder: Path, steps_per_epoch: int, arrays: dict[str, np.ndarray], meta: dict[str, Any]
    ) -> "Start":
        """The start that a message describes, without the best weights, in a process that does not use the folder."""
        groups: dict[str, dict[str, np.ndarray]] = {"checkpoint": {}, "initial": {}}
        for name, value in arrays.items():
            group, _, name = name.partition("/")
            groups[group][name] = value
        config, state = from_dict(RunConfig, meta["config"]), from_dict(TrainingState, meta["state"])
        store = CheckpointStore(folder / run_folder.CHECKPOINTS)
        return cls(folder, config, steps_per_epoch, state, {}, groups["checkpoint"], groups["initial"], store)


def open_start(config: RunConfig, folder: Path, init: Path | str | None, streamed: bool, steps_per_epoch: int) -> Start:
    """Opens a run folder, which the caller has locked, creating it or checking it against the settings.

    Raises:
        UserError: The folder holds another run, or the run cannot have this number of epochs.
    """
    config = warm_start.with_provenance(config, folder, init)
    if streamed and config.dataset.stream == "auto":
        config = dataclasses.replace(config, provenance=config.provenance | {"stream": True})
    config = more_epochs.settle(config, folder, steps_per_epoch)
    run_folder.open_run(folder, config)
    remove_temporaries(folder)
    copied = warm_start.copy_weights(folder, config)
    initial = {} if copied is None else read_arrays(copied)[0]
    store = CheckpointStore(folder / run_folder.CHECKPOINTS)
    arrays, meta = store.newest(_log.warning) or ({}, {})
    state, best = from_dict(TrainingState, meta), best_weights(arrays)
    plan = config.training
    state.finished = state.end(plan.epochs, plan.patience, plan.objective)  # the epochs may have become more
    if best:  # a kill between two writes may have left older files
        run.save_best(folder, best, best_meta(state))
        write_history(folder / run_folder.HISTORY, state.rows)
    return Start(folder, config, steps_per_epoch, state, best, arrays, initial, store)
