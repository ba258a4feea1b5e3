"""TensorBoard logs of a run: scalars, settings, and a validation window beside its prediction."""

import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pianoroll_tf.config import SECTIONS, RunConfig
from pianoroll_tf.modeling.losses import posterior_logits
from pianoroll_tf.settings import to_dict

# Metric, without val_ → group of its scalar; any other metric is one of quality
_GROUPS = {"loss": "loss", "nll": "loss", "nll_strikes": "loss", "nll_ends": "loss", "learning_rate": "optimizer"}
_MUSIC = ("density_predicted", "density_true")
_GAP = 4  # rows between two rolls
_SCALE = 4  # pixels per cell, in each direction


def roll_picture(*rolls: np.ndarray) -> np.ndarray:
    """Rolls of probabilities, [time, 84] each, one below the other, as uint8 [height, width, 1].

    Time runs to the right, pitch upwards, and black is probability 1.

    >>> roll_picture(np.zeros((10, 84)), np.ones((10, 84))).shape
    (688, 40, 1)
    """
    gap = np.full((_GAP, len(rolls[0])), 0.5)
    rows = [part for roll in rolls for part in (gap, roll.T[::-1])][1:]
    pixels = np.kron(255 * (1.0 - np.concatenate(rows)), np.ones((_SCALE, _SCALE)))
    return np.round(pixels).astype(np.uint8)[..., None]


def scalar_tag(name: str) -> str:
    """Tag of a value of an epoch's logs, with the group under which TensorBoard shows it.

    >>> scalar_tag("loss"), scalar_tag("val_pr_auc"), scalar_tag("val_density_true")
    ('loss/loss', 'quality/val_pr_auc', 'music/val_density_true')
    """
    metric = name.removeprefix("val_")
    group = "music" if metric in _MUSIC else _GROUPS.get(metric, "quality")
    return f"{group}/{name}"


def hparams(config: RunConfig) -> dict[str, bool | int | float | str]:
    """The settings that tell runs apart, flat: "optimizer.learning_rate"."""
    settings = to_dict(config)
    flat: dict[str, bool | int | float | str] = {}
    for group in SECTIONS:
        options = settings[group].pop("options", {})
        flat |= {f"{group}.{name}": value for name, value in (settings[group] | options).items()}
    return {name: "none" if value is None else value for name, value in flat.items()}


class TensorBoard(keras.callbacks.Callback):
    """Writes an epoch's logs, and the first window of `validation` (from `evaluation_dataset`) beside its prediction.

    The step is the number of the epoch, counted from 1.
    """

    def __init__(self, folder: Path, validation: tf.data.Dataset, config: RunConfig) -> None:
        super().__init__()
        self._folder, self._config = folder, config
        batch = next(iter(validation))
        self._window = {name: batch[name][:1] for name in ("inputs", "clock", "targets")}
        self._predict = tf.function(self._probabilities, autograph=False)  # step by step in Python it takes seconds
        self._writer: tf.summary.SummaryWriter | None = None

    def _probabilities(self) -> tf.Tensor:
        """Posterior probabilities of the window, [time, 84 or more]."""
        return tf.sigmoid(posterior_logits(self._config.loss, self.model(self._window, training=False)))[0]

    def on_train_begin(self, logs=None):
        """Opens the log and writes the settings, once."""
        if self._writer is None:
            from tensorboard.plugins.hparams import api

            self._writer = tf.summary.create_file_writer(os.fsencode(self._folder))
            with self._writer.as_default(step=0):
                api.hparams(hparams(self._config))

    def on_epoch_end(self, epoch, logs=None):
        """Writes scalars and the picture."""
        targets = self._window["targets"][0].numpy() != 0
        picture = roll_picture(targets, self._predict()[:, : targets.shape[1]].numpy())
        with self._writer.as_default(step=epoch + 1):
            for name, value in logs.items():
                tf.summary.scalar(scalar_tag(name), value)
            tf.summary.scalar(scalar_tag("learning_rate"), self.model.optimizer.learning_rate)
            tf.summary.image("quality/validation roll above prediction", picture[None])
            self._writer.flush()
