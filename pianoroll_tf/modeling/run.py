"""The model of a run: made from its settings, its best weights saved and loaded."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from pianoroll_tf.config import RunConfig
from pianoroll_tf.errors import DamagedError
from pianoroll_tf.modeling.gru import check_recurrent
from pianoroll_tf.modeling.heads import HEADS
from pianoroll_tf.modeling.losses import LOSSES, raw_logits
from pianoroll_tf.modeling.network import build_model, start_bias
from pianoroll_tf.modeling.optimizers import OPTIMIZERS, SCHEDULES
from pianoroll_tf.modeling.run_folder import BEST, best_path, load_config
from pianoroll_tf.settings import check_entry
from pianoroll_tf.storage.arrays import read_arrays, write_arrays


def check_choices(config: RunConfig) -> None:
    """Raises ValueError unless every entry of a table that the settings name is there."""
    check_recurrent(config.model.recurrent)
    check_entry("head", config.model.head, HEADS)
    check_entry("loss", config.loss.loss, LOSSES)
    check_entry("optimizer", config.optimizer.optimizer, OPTIMIZERS)
    check_entry("schedule", config.optimizer.schedule, SCHEDULES)


def run_model(config: RunConfig, precision: str | None = None) -> keras.Model:
    """The network of a run with fresh weights.

    Args:
        config: The run's settings.
        precision: Arithmetic of the layers; None: that of the training.
    """
    bias = None
    if config.data.pitch_frequency:
        posterior = start_bias(config.data.pitch_frequency, config.model.articulation)
        bias = raw_logits(config.loss, posterior).astype(np.float32)  # the posterior is the data's
    return build_model(
        config.model,
        bias=bias,
        steps_per_beat=steps_per_beat(config),
        seed=config.training.seed,
        precision=precision or config.training.precision,
    )


def steps_per_beat(config: RunConfig) -> int | None:
    """Steps per beat of a run's grid; None on the grid of seconds."""
    return config.records.steps_per_beat if config.records.grid == "beats" else None


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
        ValueError: The settings name an entry that no table has.
    """
    config = load_config(run_dir)
    return config, load_model(run_dir, config)


def load_model(run_dir: Path | str, config: RunConfig) -> keras.Model:
    """The model of `load_run`, where the run's settings are at hand."""
    check_choices(config)
    path = best_path(run_dir)
    weights, _ = read_arrays(path)
    model = run_model(config, precision="float32")
    set_weights(model, weights, path)
    return model
