"""The run folder: settings, best weights, and what else a training leaves for the commands after it."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pianoroll_tf.cli import UserError
from pianoroll_tf.config import NUM_PITCHES, DataFacts, RecordsConfig, RunConfig, dumps, from_dict, to_dict
from pianoroll_tf.data.records import manifest_sha256, read_manifest
from pianoroll_tf.files import write_whole
from pianoroll_tf.modeling.arrays import DamagedError, read_arrays, write_arrays
from pianoroll_tf.modeling.losses import raw_logits
from pianoroll_tf.modeling.metrics import sigmoid
from pianoroll_tf.modeling.network import build_model, prior_log_odds

CONFIG = "config.json"
BEST = "best.npz"
CHECKPOINTS = "checkpoints"
HISTORY = "history.csv"
TENSORBOARD = "tensorboard"
EVALUATION = "evaluation"


def data_facts(records_dir: Path | str) -> tuple[RecordsConfig, DataFacts]:
    """What a run's settings must hold of its records.

    Returns:
        How the records were made, and what to remember of their training split.

    Raises:
        UserError: The folder holds no records, or none for training.
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
    )
    return from_dict(RecordsConfig, manifest["settings"]), facts


def load_config(run_dir: Path | str) -> RunConfig:
    """The settings of a run.

    Raises:
        UserError: The folder is no run, or its config.json is damaged.
    """
    path = Path(run_dir) / CONFIG
    try:
        return from_dict(RunConfig, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UserError(f"{run_dir} must be the folder of a run: it has no {CONFIG}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is damaged: {error}") from error


def open_run(run_dir: Path | str, config: RunConfig) -> None:
    """Makes the run folder, or checks that an existing one has the same settings and records.

    Where the records lie may change; what they hold may not.

    Raises:
        UserError: The folder holds another run, or something else.
    """
    folder = Path(run_dir)
    if (folder / CONFIG).exists():
        there = load_config(folder)
        differing = differences(to_dict(there), to_dict(config))
        if differing:
            raise UserError(
                f"{folder} holds a run with other settings: {'; '.join(differing)}. Use these, or another folder"
            )
        if there != config:  # the records were moved
            write_whole(folder / CONFIG, dumps(to_dict(config)).encode())
        return
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} must be a folder, but it is a file")
    if folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise UserError(f"{folder} must be a run or an empty folder: it has files but no {CONFIG}")
    (folder / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
    write_whole(folder / CONFIG, dumps(to_dict(config)).encode())


def differences(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> list[str]:
    """What differs between two runs' settings, in words, in the order of the settings.

    >>> differences({"training": {"seed": 0}}, {"training": {"seed": 1}})
    ['training.seed is 0 there, 1 here']
    """
    found = []
    for name, value in here.items():
        other = there.get(name)
        if isinstance(value, dict):
            found += differences(other or {}, value, f"{prefix}{name}.")
        elif other != value and (prefix, name) != ("data.", "path"):
            if prefix == "data." and name != "manifest_sha256":
                continue  # follows from the manifest
            found.append(
                "the records are others" if prefix == "data." else f"{prefix}{name} is {other} there, {value} here"
            )
    return found


def run_model(config: RunConfig, precision: str | None = None) -> keras.Model:
    """The network of a run with fresh weights.

    Args:
        config: The run's settings.
        precision: Arithmetic of the layers; None: that of the training.
    """
    prior = config.data.pitch_frequency
    if prior:
        prior = sigmoid(raw_logits(config.loss, prior_log_odds(prior)))  # its posterior is the data's
    return build_model(
        config.model,
        prior=prior if len(prior) else None,
        seed=config.training.seed,
        precision=precision or config.training.precision,
    )


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """The model's weights by their path: "conv_1/kernel"."""
    return {weight.path: weight.numpy() for weight in model.weights}


def set_weights(model: keras.Model, arrays: dict[str, np.ndarray], origin: Path) -> None:
    """Gives the model the weights that `weight_arrays` took.

    Raises:
        DamagedError: Names or shapes are not the model's.
    """
    expected = {weight.path: tuple(weight.shape) for weight in model.weights}
    if {name: value.shape for name, value in arrays.items()} != expected:
        raise DamagedError(f"{origin} must hold the weights of this run's model, but names or shapes differ")
    for weight in model.weights:
        weight.assign(arrays[weight.path])


def save_best(run_dir: Path | str, weights: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
    """Writes the best weights so far; `meta` says how good they are and of which epoch."""
    write_arrays(Path(run_dir) / BEST, weights, meta)


def load_run(run_dir: Path | str) -> tuple[RunConfig, keras.Model]:
    """A trained run.

    Returns:
        Its settings and its model with the best weights, float32 throughout.

    Raises:
        UserError: The folder is no run, has no trained model yet, or is damaged.
    """
    config = load_config(run_dir)
    path = Path(run_dir) / BEST
    if not path.exists():
        raise UserError(f"{run_dir} must hold a trained model, but no epoch has ended yet: there is no {BEST}")
    weights, _ = read_arrays(path)
    model = run_model(config, precision="float32")
    set_weights(model, weights, path)
    return config, model
