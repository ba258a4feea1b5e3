"""The run folder: what lies in it, its settings with a checksum, one training in it at a time. Needs no framework."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf.config import NUM_PITCHES, DataFacts, RecordsConfig, RunConfig
from pianoroll_tf.data.records import manifest_sha256, read_manifest, resolved
from pianoroll_tf.errors import DamagedError, UserError
from pianoroll_tf.plugins import require
from pianoroll_tf.settings import from_dict, to_dict
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from pianoroll_tf.storage.folders import check_folder, exclusive_folder

CONFIG = "config.json"
BEST = "best.npz"
INIT = "init.npz"  # the weights that a warm start began with
CHECKPOINTS = "checkpoints"
HISTORY = "history.csv"
TENSORBOARD = "tensorboard"
EVALUATION = "evaluation"
CALIBRATION = "calibration.json"  # what `export` measured on the model's own music
MAX_HOLD_LENGTH = 8  # steps; generated notes are held for up to as many steps as often as those of the data


def data_facts(records_dir: Path | str) -> tuple[RecordsConfig, DataFacts]:
    """The settings that records were built with, and facts about their training split.

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
        onset_positions=tuple(count / max(sum(split["struck_counts"]), 1) for count in split["struck_counts"]),
        hold_lengths=tuple(count / sum(split["hold_counts"]) for count in split["hold_counts"][:MAX_HOLD_LENGTH]),
        usual_onsets=tuple(split["usual_onsets"]),
        velocity_sums=tuple(split.get("velocity_sums", ())),
        **{name: split[name] for name in ("density_spread", "longest_piece", "tempo", "meter")},
    )
    return resolved(manifest), facts


def transition_rates(split: dict[str, Any]) -> tuple[float, float, float]:
    """Transition probabilities of cells from one step to the next, from a split's entry in the manifest.

    Returns:
        (probability of an onset, given a silent cell; of sustaining, given a sounding cell; of a re-strike, given that
        the cell is sustained).

    >>> transition_rates({"steps": 10, "active_cells": 40, "struck_counts": [13], "hold_counts": [0, 0, 0, 10]})
    (0.0125, 0.75, 0.1)
    """
    active, holds = split["active_cells"], sum(split["hold_counts"])
    kept = active - holds
    again = (sum(split["struck_counts"]) - holds) / kept if kept else 0.0
    return holds / (split["steps"] * NUM_PITCHES - active), kept / active, again


def long_hold(hold_counts: Sequence[int]) -> int:
    """The smallest number of steps that at most one held note in 1000 exceeds, from the counts of 1, 2, 3, … steps.

    >>> long_hold([900, 98, 1, 1]), long_hold([])
    (3, 0)
    """
    longer = sum(hold_counts)
    for steps, count in enumerate(hold_counts, 1):
        longer -= count
        if longer * 1000 <= sum(hold_counts):
            return steps
    return 0


def load_config(run_dir: Path | str) -> RunConfig:
    """The settings of a run.

    Raises:
        UserError: The folder is no run, its config.json is damaged, or a plugin that it needs is not loaded.
    """
    path = Path(run_dir) / CONFIG
    try:
        values = read_checksummed(path)
        require(values.get("plugins", {}), run_dir)
        return from_dict(RunConfig, values)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"{run_dir} must be the folder of a run: it has no {CONFIG}") from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DamagedError(f"{path} is damaged: {error}") from error


def best_path(run_dir: Path | str) -> Path:
    """The file of the best weights; a UserError if there is none yet."""
    path = Path(run_dir) / BEST
    if not path.exists():
        raise UserError(f"{run_dir} must hold a trained model, but no epoch has ended yet: there is no {BEST}")
    return path


def sole_use(run_dir: Path | str) -> contextlib.AbstractContextManager[None]:
    """Creates the run folder if needed and holds an exclusive lock on it; see `exclusive_folder`."""
    return exclusive_folder(Path(run_dir), "a run", CONFIG)


def open_run(run_dir: Path | str, config: RunConfig) -> None:
    """Makes the run folder, or checks that an existing one has the same settings and records.

    Where the records lie may change; what they hold may not. A training does so within `sole_use`.

    Raises:
        UserError: The folder holds another run, or something else.
    """
    folder = Path(run_dir)
    if check_folder(folder, "a run", CONFIG):
        there = load_config(folder)
        differing = differences(to_dict(there), to_dict(config))
        if differing:
            raise UserError(
                f"{folder} holds a run with other settings: {'; '.join(differing)}. Use these, or another folder"
            )
        if there == config:
            return  # else the records were moved
    folder.mkdir(parents=True, exist_ok=True)  # and nothing in it: until config.json is there, it must stay empty
    write_config(folder, config)


def write_config(run_dir: Path | str, config: RunConfig) -> None:
    """Replaces the settings of a run, whole or not at all; a caller sees to it that no training uses the folder."""
    write_checksummed(Path(run_dir) / CONFIG, to_dict(config))


def differences(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> list[str]:
    """The differences between the settings of two runs, one sentence each, in the order of the settings.

    `provenance` is left out: it says how a run came about, not what it does.

    >>> differences({"training": {"seed": 0}}, {"training": {"seed": 1}})
    ['training.seed is 0 there, 1 here']
    >>> differences({"alpha": None, "losses": ("bce", "focal")}, {"alpha": 0.25, "losses": ("bce",)}, "loss.")
    ['loss.alpha is none there, 0.25 here', 'loss.losses is bce focal there, bce here']
    """
    found = []
    for name, value in here.items():
        other = there.get(name)
        if (prefix, name) == ("", "provenance"):
            continue
        if isinstance(value, dict):
            found += differences(other or {}, value, f"{prefix}{name}.")
        elif other != value and (prefix, name) != ("data.", "path"):
            if prefix == "data." and name != "manifest_sha256":
                continue  # depends on the manifest
            there_and_here = f"{prefix}{name} is {as_flag(other)} there, {as_flag(value)} here"
            found.append("the records are others" if prefix == "data." else there_and_here)
    return found


def as_flag(value: Any) -> str:
    """A value as it is written after its flag."""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return "none" if value is None else str(value)
