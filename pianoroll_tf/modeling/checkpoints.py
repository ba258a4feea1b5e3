"""Checkpoints: everything a training needs to be resumed bit for bit; the last two are kept, damage is detected."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pianoroll_tf.errors import DamagedError
from pianoroll_tf.storage.arrays import read_arrays, write_arrays
from pianoroll_tf.storage.files import remove_temporaries

KEPT = 2
_BEST = "best/"


class NotFiniteError(ArithmeticError):
    """A variable holds NaN or infinity."""


class CheckpointStore:
    """The checkpoints of a run, in a folder of their own, which is created if missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def paths(self) -> list[Path]:
        """The checkpoints, oldest first."""
        return sorted(self._folder.glob("batch-*.npz"))

    def save(self, batch: int, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
        """Writes the arrays of `capture` and the state, JSON-ready, then removes all checkpoints but the last two.

        The file is named by `batch`, the number of batches done since the start of the run.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_temporaries(self._folder)
        write_arrays(self._folder / f"batch-{batch:012d}.npz", arrays, meta)
        for path in self.paths()[:-KEPT]:
            path.unlink()

    def newest(self, warn: Callable[[str], None]) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Arrays and state of the newest undamaged checkpoint, or None.

        `warn` is called with one line for each damaged checkpoint, which is renamed, so that it does not count as one
        of the last two. A file that the system cannot read is not renamed: the OSError is raised.
        """
        paths = self.paths()
        while paths:
            path = paths.pop()
            try:
                return read_arrays(path)
            except DamagedError as error:
                aside = path.replace(path.with_name(path.name + ".damaged"))
                scratch = "there is no other, so training starts from scratch"
                then = "the checkpoint before it is read" if paths else scratch
                warn(f"{error}; it is now called {aside.name}; {then}")
        return None


def _variables(model: keras.Model) -> dict[str, Any]:
    """All variables of a compiled model whose optimizer is built, by purpose and number.

    `model.variables` holds the weights and the states of the random generators of dropout, the optimizer's hold the
    position in the schedule, and the metrics' the running loss of the current epoch.
    """
    groups = {"model": model.variables, "optimizer": model.optimizer.variables, "metrics": model.metrics_variables}
    return {f"{group}/{index:03d}": each for group, found in groups.items() for index, each in enumerate(found)}


def capture(model: keras.Model, best: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every number that is needed to resume a training, the best weights so far among them.

    Raises:
        NotFiniteError: A weight, or a number of the optimizer, is NaN or infinite.
    """
    arrays = {_BEST + name: value for name, value in best.items()}
    for name, variable in _variables(model).items():
        value = variable.numpy()
        if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
            raise NotFiniteError(f"{variable.path} became NaN or infinite")
        arrays[name] = value
    return arrays


def restore(model: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    """Assigns the arrays of `capture` to the variables of a model.

    Raises:
        DamagedError: The arrays are those of another model; no variable is changed.
    """
    variables = _variables(model)
    found = {name: value.shape for name, value in arrays.items() if not name.startswith(_BEST)}
    if found != {name: tuple(variable.shape) for name, variable in variables.items()}:
        raise DamagedError("the checkpoint must be of this run's model, but numbers or shapes of variables differ")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def best_weights(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The best weights, by path, in the arrays of `capture`."""
    return {name.removeprefix(_BEST): value for name, value in arrays.items() if name.startswith(_BEST)}


def without_best(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of `capture` but for the best weights."""
    return {name: value for name, value in arrays.items() if not name.startswith(_BEST)}


def running_metrics(arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The state of the metrics of the current epoch, in the arrays of `capture`."""
    return [value for name, value in sorted(arrays.items()) if name.startswith("metrics/")]
