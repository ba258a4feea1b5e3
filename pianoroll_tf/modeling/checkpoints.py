"""Checkpoints: everything a training needs to go on bit for bit, the last two kept, damage noticed."""

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
    """The checkpoints of a run.

    Args:
        folder: Where they lie; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def paths(self) -> list[Path]:
        """The checkpoints, oldest first."""
        return sorted(self._folder.glob("batch-*.npz"))

    def save(self, batch: int, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
        """Writes a checkpoint whole, then removes those before the last two.

        Args:
            batch: Batches done since the start of the run; names the file.
            arrays: As `capture` takes them.
            meta: JSON-ready facts.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_temporaries(self._folder)
        write_arrays(self._folder / f"batch-{batch:012d}.npz", arrays, meta)
        for path in self.paths()[:-KEPT]:
            path.unlink()

    def newest(self, say: Callable[[str], None]) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The newest sound checkpoint, or None.

        Args:
            say: Is told of each damaged one, in a line; that one is put aside, so that it cannot displace a sound one.

        Raises:
            OSError: The system cannot read or rename a file; none is put aside for that.
        """
        paths = self.paths()
        while paths:
            path = paths.pop()
            try:
                return read_arrays(path)
            except DamagedError as error:
                aside = path.replace(path.with_name(path.name + ".damaged"))
                then = "the checkpoint before it is read" if paths else "there is no other, so training starts anew"
                say(f"{error}; it is now called {aside.name}; {then}")
        return None


def _groups(model: keras.Model) -> dict[str, list]:
    """All variables of a compiled model whose optimizer is built, by what they are for.

    `model.variables` holds the weights and the states of the random generators of dropout, the optimizer's hold the
    position in the schedule, and the metrics' the running loss of the epoch at work.
    """
    return {"model": model.variables, "optimizer": model.optimizer.variables, "metrics": model.metrics_variables}


def capture(model: keras.Model, best: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every number a training needs to go on.

    Args:
        model: Compiled, its optimizer built.
        best: The best weights so far, by path; empty before the first epoch has ended.

    Raises:
        NotFiniteError: A weight, or a number of the optimizer, is NaN or infinite.
    """
    arrays = {_BEST + name: value for name, value in best.items()}
    for group, variables in _groups(model).items():
        for index, variable in enumerate(variables):
            value = variable.numpy()
            if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
                raise NotFiniteError(f"{variable.path} became NaN or infinite")
            arrays[f"{group}/{index:03d}"] = value
    return arrays


def restore(model: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    """Gives the model what `capture` took.

    Raises:
        DamagedError: The arrays are those of another model; the model is left as it was.
    """
    variables = {
        f"{group}/{index:03d}": variable
        for group, members in _groups(model).items()
        for index, variable in enumerate(members)
    }
    found = {name: value.shape for name, value in arrays.items() if not name.startswith(_BEST)}
    if found != {name: tuple(variable.shape) for name, variable in variables.items()}:
        raise DamagedError("the checkpoint must be of this run's model, but numbers or shapes of variables differ")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def best_weights(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The best weights, by path, in what `capture` took."""
    return {name.removeprefix(_BEST): value for name, value in arrays.items() if name.startswith(_BEST)}


def running_metrics(arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The state of the metrics of the epoch at work, in what `capture` took."""
    return [value for name, value in sorted(arrays.items()) if name.startswith("metrics/")]
