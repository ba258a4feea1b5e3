"""The run folder: what lies in it, its settings under a seal, one training in it at a time. Needs no framework."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf.config import NUM_PITCHES, DataFacts, RecordsConfig, RunConfig
from pianoroll_tf.data.records import manifest_sha256, read_manifest, resolved
from pianoroll_tf.errors import UserError
from pianoroll_tf.settings import dumps, from_dict, to_dict
from pianoroll_tf.storage.files import write_whole
from pianoroll_tf.storage.locks import sole_process

CONFIG = "config.json"
BEST = "best.npz"
CHECKPOINTS = "checkpoints"
HISTORY = "history.csv"
TENSORBOARD = "tensorboard"
EVALUATION = "evaluation"
CALIBRATION = "calibration.json"  # what `export` measured on the model's own music
_LOCK = ".lock"
_SEAL = "seal"  # entry of a checksummed JSON file


def data_facts(records_dir: Path | str) -> tuple[RecordsConfig, DataFacts]:
    """The parts of a run's settings that are read from its records.

    Returns:
        The settings that the records were built with, and facts about their training split.

    Raises:
        UserError: The folder holds no records, or the training split is empty.
    """
    manifest = read_manifest(records_dir)
    split = manifest["splits"].get("train", {})
    steps = split.get("steps", 0)
    if not steps:
        raise UserError(f"{records_dir} must hold pieces for training, but its training split is empty")
    facts = DataFacts(
        path=str(Path(records_dir).absolute()),
        manifest_sha256=manifest_sha256(records_dir),
        density=split["active_cells"] / (steps * NUM_PITCHES),
        pitch_frequency=tuple(count / steps for count in split["pitch_counts"]),
        long_hold=long_hold(split["hold_counts"]),
        rates=transition_rates(split),
        usual_onsets=tuple(split["usual_onsets"]),
        **{name: split[name] for name in ("density_spread", "longest_piece", "tempo", "meter")},
    )
    return resolved(manifest), facts


def transition_rates(split: dict[str, Any]) -> tuple[float, float, float]:
    """Transition probabilities of cells from one step to the next.

    Args:
        split: Entry of a split in the manifest.

    Returns:
        (probability of an onset, given a silent cell; of sustaining, given a sounding cell; of a re-strike, given that
        the cell is sustained).

    >>> transition_rates({"steps": 10, "active_cells": 40, "struck_cells": 13, "hold_counts": [0, 0, 0, 10]})
    (0.0125, 0.75, 0.1)
    """
    active, holds = split["active_cells"], sum(split["hold_counts"])
    kept = active - holds
    again = (split["struck_cells"] - holds) / kept if kept else 0.0
    return holds / (split["steps"] * NUM_PITCHES - active), kept / active, again


def long_hold(hold_counts: Sequence[int]) -> int:
    """The smallest number of steps that at most one held note in 1000 exceeds.

    Args:
        hold_counts: Number of times that a pitch sounds for exactly 1, 2, 3, … steps, as in the manifest.

    >>> long_hold([900, 98, 1, 1]), long_hold([])
    (3, 0)
    """
    longer = sum(hold_counts)
    for steps, count in enumerate(hold_counts, 1):
        longer -= count
        if longer * 1000 <= sum(hold_counts):
            return steps
    return 0


def dump_checksummed(values: dict[str, Any]) -> bytes:
    """Serializes a dict to JSON with a checksum, the sha256 of its content, by which any damage is detected.

    >>> load_checksummed(dump_checksummed({"gamma": 2.0}))
    {'gamma': 2.0}
    >>> load_checksummed(dump_checksummed({"gamma": 2.0}).replace(b"2.0", b"0.0"))
    Traceback (most recent call last):
    ValueError: its content does not match its seal
    """
    return dumps(values | {_SEAL: _digest(values)}).encode()


def load_checksummed(content: bytes) -> dict[str, Any]:
    """Parses JSON written by `dump_checksummed` and verifies its checksum.

    JSON without a checksum, as written by hand, is accepted.

    Raises:
        ValueError: The content is no JSON object, or does not match its seal.
    """
    values = json.loads(content.decode())
    if not isinstance(values, dict):
        raise ValueError(f"it must hold a JSON object. Received: {type(values).__name__}")
    seal = values.pop(_SEAL, None)
    if seal is not None and seal != _digest(values):
        raise ValueError("its content does not match its seal")
    return values


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(dumps(values).encode()).hexdigest()


def load_config(run_dir: Path | str) -> RunConfig:
    """The settings of a run.

    Raises:
        UserError: The folder is no run, or its config.json is damaged.
    """
    path = Path(run_dir) / CONFIG
    try:
        return from_dict(RunConfig, load_checksummed(path.read_bytes()))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"{run_dir} must be the folder of a run: it has no {CONFIG}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is damaged: {error}") from error


def best_path(run_dir: Path | str) -> Path:
    """The file of the best weights.

    Raises:
        UserError: There is none yet.
    """
    path = Path(run_dir) / BEST
    if not path.exists():
        raise UserError(f"{run_dir} must hold a trained model, but no epoch has ended yet: there is no {BEST}")
    return path


class InUseError(UserError):
    """Another process trains in the run folder."""


@contextlib.contextmanager
def sole_use(run_dir: Path | str) -> Iterator[None]:
    """Makes the run folder when needed; within it no other process trains there. The lock goes with the process.

    Raises:
        InUseError: Another process trains there.
        UserError: The folder holds something else than a run.
    """
    folder = Path(run_dir)
    _refuse_other_use(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with sole_process(folder / _LOCK, InUseError(f"{folder} is in use: another process trains in it")):
        yield


def _refuse_other_use(folder: Path) -> None:
    """Raises UserError unless the folder is a run, holds nothing but hidden files, or can be made."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} must be a folder, but it is a file")
    if not folder.is_dir() or (folder / CONFIG).exists():
        return
    if any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise UserError(f"{folder} must be a run or an empty folder: it has files but no {CONFIG}")


def open_run(run_dir: Path | str, config: RunConfig) -> None:
    """Makes the run folder, or checks that an existing one has the same settings and records.

    Where the records lie may change; what they hold may not. A training does so within `sole_use`.

    Raises:
        UserError: The folder holds another run, or something else.
    """
    folder = Path(run_dir)
    _refuse_other_use(folder)
    if (folder / CONFIG).exists():
        there = load_config(folder)
        differing = differences(to_dict(there), to_dict(config))
        if differing:
            raise UserError(
                f"{folder} holds a run with other settings: {'; '.join(differing)}. Use these, or another folder"
            )
        if there == config:
            return  # else the records were moved
    folder.mkdir(parents=True, exist_ok=True)  # and nothing in it: until config.json is there, it must stay empty
    write_whole(folder / CONFIG, dump_checksummed(to_dict(config)))


def differences(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> list[str]:
    """The differences between the settings of two runs, one sentence each, in the order of the settings.

    >>> differences({"training": {"seed": 0}}, {"training": {"seed": 1}})
    ['training.seed is 0 there, 1 here']
    >>> differences({"alpha": None, "losses": ("bce", "focal")}, {"alpha": 0.25, "losses": ("bce",)}, "loss.")
    ['loss.alpha is none there, 0.25 here', 'loss.losses is bce focal there, bce here']
    """
    found = []
    for name, value in here.items():
        other = there.get(name)
        if isinstance(value, dict):
            found += differences(other or {}, value, f"{prefix}{name}.")
        elif other != value and (prefix, name) != ("data.", "path"):
            if prefix == "data." and name != "manifest_sha256":
                continue  # depends on the manifest
            there_and_here = f"{prefix}{name} is {_as_flag(other)} there, {_as_flag(value)} here"
            found.append("the records are others" if prefix == "data." else there_and_here)
    return found


def _as_flag(value: Any) -> str:
    """A value as it is written after its flag."""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return "none" if value is None else str(value)
