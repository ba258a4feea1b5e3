"""The training of one run of a search or a study, in which a divergence is a result and not an error."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from pianoroll_tf.config import RunConfig
from pianoroll_tf.modeling.callbacks import DivergedError
from pianoroll_tf.modeling.run_folder import HISTORY
from pianoroll_tf.modeling.training import train
from pianoroll_tf.storage.tables import read_csv


def train_run(
    config: RunConfig,
    run_dir: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    until: int | None = None,
    strategy: tf.distribute.Strategy | None = None,
) -> tuple[list[dict[str, Any]], str]:
    """Trains a run, from its last checkpoint if there is one.

    Args:
        config: Settings of the run.
        run_dir: Its folder; made when needed.
        callbacks: Called during the training.
        until: Epochs after which to stop, without marking the run finished; a later call resumes it. None: no limit.
        strategy: How to spread batches over devices; None: over all GPUs when there are several.

    Returns:
        (rows of the history, one per epoch; why the training diverged, empty unless it did).

    Raises:
        UserError: The records are damaged, the run is in use (`InUseError`), or SIGTERM came.
        OSError: The disk is full or cannot be read.
    """
    cause = ""
    try:
        train(config, run_dir, extra_callbacks=callbacks, until=until, strategy=strategy, quiet=True)
    except DivergedError as error:
        cause = str(error).partition(";")[0]
    return read_history(run_dir / HISTORY), cause


def read_history(path: Path) -> list[dict[str, Any]]:
    """Rows of history.csv; None where a number is not finite; no rows without a file."""
    return read_csv(path) if path.exists() else []
