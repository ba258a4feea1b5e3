"""The model of a run: built from its settings; its best weights saved and loaded."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from pianoroll_tf.config import RunConfig
from pianoroll_tf.errors import DamagedError
from pianoroll_tf.modeling.losses import raw_logits
from pianoroll_tf.modeling.network import build_model, start_bias
from pianoroll_tf.modeling.run_folder import BEST, best_path, load_config
from pianoroll_tf.storage.arrays import read_arrays, write_arrays


def run_model(config: RunConfig, precision: str = "float32") -> keras.Model:
    """The network of a run with fresh weights, in this precision: "float32" or "bfloat16"."""
    bias = None
    if config.data.pitch_frequency:
        posterior = start_bias(config.data.pitch_frequency, config.model.articulation)
        bias = raw_logits(config.loss, posterior).astype(np.float32)  # the initial posterior is that of the data
    return build_model(
        config.model,
        bias=bias,
        steps_per_beat=steps_per_beat(config),
        seed=config.training.seed,
        precision=precision,
    )


def steps_per_beat(config: RunConfig) -> int | None:
    """Steps per beat of a run's grid; None on the grid of seconds."""
    return config.records.steps_per_beat if config.records.grid == "beats" else None


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """The model's weights by their path: "conv_1/kernel"."""
    return {weight.path: weight.numpy() for weight in model.weights}


def save_best(run_dir: Path | str, weights: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
    """Writes the best weights so far; `meta` holds their epoch and validation NLL."""
    write_arrays(Path(run_dir) / BEST, weights, meta)


def load_run(run_dir: Path | str) -> tuple[RunConfig, keras.Model]:
    """The settings of a trained run, and its model with the best weights, float32 throughout.

    Raises:
        UserError: The folder is no run, has no trained model yet, or is damaged.
    """
    config = load_config(run_dir)
    return config, load_model(run_dir, config)


def load_model(run_dir: Path | str, config: RunConfig) -> keras.Model:
    """The model of `load_run`, where the run's settings are already loaded."""
    model = run_model(config)
    assign_weights(model, best_path(run_dir))
    return model


def assign_weights(model: keras.Model, path: Path) -> None:
    """Assigns the weights in a file that `save_best` wrote; DamagedError if they are those of another model."""
    assign_arrays(model, read_arrays(path)[0], path)


def assign_arrays(model: keras.Model, arrays: dict[str, np.ndarray], path: Path) -> None:
    """Assigns weights, by their path, that were read from a file; errors as `assign_weights`."""
    expected = {weight.path: tuple(weight.shape) for weight in model.weights}
    if {name: value.shape for name, value in arrays.items()} != expected:
        raise DamagedError(f"{path} must hold the weights of this run's model, but names or shapes differ")
    for weight in model.weights:
        weight.assign(arrays[weight.path])
