"""The folder of a search: checksummed settings, time spent, one process at a time. Needs no framework."""

import contextlib
import dataclasses
import shutil
import time
from pathlib import Path
from typing import Any

from pianoroll_tf.config import RunConfig
from pianoroll_tf.errors import DamagedError, UserError
from pianoroll_tf.modeling.run_folder import differences
from pianoroll_tf.plugins import require
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from pianoroll_tf.storage.folders import exclusive_folder
from tuner.search.space import Space

SETTINGS = "search.json"
SPENT = "spent.json"
TRIALS = "trials"
BEST = "best"
LOGS = "logs"
TENSORBOARD = "tensorboard"
PROJECT = "keras_tuner"  # KerasTuner's own files
RESULTS = ("results.csv", "results.json")
OWN = (SPENT, TRIALS, BEST, LOGS, TENSORBOARD, PROJECT, *RESULTS, SETTINGS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """The settings that identify a search; limits of trials and time and the number of workers may change.

    `base` is shared by all trials, among its settings objective, seed and epochs.
    """

    tuner: str
    base: RunConfig
    space: Space

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        plugins = self.space.plugins()
        values = {"tuner": self.tuner, "base": to_dict(self.base), "space": self.space.to_dict()}
        return values | ({"plugins": plugins} if plugins else {})


def sole_search(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Creates the folder if needed and holds an exclusive lock on it, as `exclusive_folder`."""
    return exclusive_folder(folder, "a search", SETTINGS)


def open_search(folder: Path, settings: SearchSettings, overwrite: bool = False) -> None:
    """Writes the settings of a new search, or raises UserError unless an existing one has the same.

    To be called within `sole_search`.
    """
    here = settings.to_dict()
    if (folder / SETTINGS).exists() and overwrite:
        for name in OWN:  # the settings last, as without them the folder is no search
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    if (folder / SETTINGS).exists():
        check_same(folder, here)
    else:
        write_checksummed(folder / SETTINGS, here)


def check_same(folder: Path, here: dict[str, Any]) -> None:
    """Raises UserError unless the folder's search has these settings; the path of the records may differ."""
    there = read_settings(folder)
    differing = differences(there["base"], here["base"])
    differing += [
        f"{name} is {_describe(there, name)} there, {_describe(here, name)} here"
        for name in ("tuner", *sorted(there["space"].keys() | here["space"].keys()))
        if _describe(there, name) != _describe(here, name)
    ]
    if differing:
        raise UserError(
            f"{folder} holds a search with other settings: {'; '.join(differing)}. "
            "Use these, another folder, or --overwrite"
        )


def _describe(settings: dict[str, Any], name: str) -> str:
    """The tuner of a search, or a setting of its space, as text."""
    entry = settings["tuner"] if name == "tuner" else settings["space"].get(name, "not searched")
    if isinstance(entry, list):
        return " or ".join(map(str, entry))
    if isinstance(entry, dict):
        step = f" by {entry['step']}" if "step" in entry else ""
        return f"{entry['min']} to {entry['max']}{step}{', logarithmic' if entry.get('log') else ''}"
    return str(entry)


def read_settings(folder: Path) -> dict[str, Any]:
    """The content of search.json; raises UserError if it is missing or damaged, or a plugin of it is not loaded."""
    path = folder / SETTINGS
    try:
        values = read_checksummed(path)
        if not {"tuner", "base", "space"} <= set(values):
            raise DamagedError(f"{path} is damaged: it lacks settings")
        require(values.get("plugins", {}), folder)
    except FileNotFoundError as error:
        raise UserError(f"{folder} must be the folder of a search: it has no {SETTINGS}") from error
    except DamagedError as error:
        raise UserError(f"{error}; rerun the same command with --overwrite to start from scratch") from error
    return values


class Budget:
    """The time limit of a search over all its starts, in seconds; None: no limit. The folder records the time spent."""

    def __init__(self, folder: Path, seconds: float | None) -> None:
        self._path, self._seconds, self._started = folder / SPENT, seconds, time.monotonic()
        try:
            self._before = float(read_checksummed(self._path)["seconds"])
        except (OSError, DamagedError, ValueError, KeyError, TypeError):
            self._before = 0.0

    def spent(self) -> float:
        """Seconds spent so far."""
        return self._before + time.monotonic() - self._started

    def left(self) -> float | None:
        """Seconds left; None: no limit."""
        return None if self._seconds is None else max(self._seconds - self.spent(), 0.0)

    def may_start(self) -> bool:
        """Whether another trial may be started."""
        return self.left() != 0.0

    def save(self) -> None:
        """Records the time spent; a kill loses what was spent since."""
        write_checksummed(self._path, {"seconds": round(self.spent(), 1)})
