"""Callbacks of a training: validation, best weights, early stopping, checkpoints, NaN and SIGTERM."""

import contextlib
import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from pianoroll_tf.config import RunConfig
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run, run_folder
from pianoroll_tf.modeling.advice import lower_rate
from pianoroll_tf.modeling.checkpoints import CheckpointStore, NotFiniteError, capture
from pianoroll_tf.modeling.evaluation import Evaluator, model_evaluator
from pianoroll_tf.modeling.metrics import Statistics
from pianoroll_tf.modeling.training_state import TrainingState, write_history
from pianoroll_tf.settings import to_dict

_log = logging.getLogger(__name__)


class StoppedError(UserError):
    """SIGTERM ended the training; everything is saved."""


class DivergedError(UserError):
    """The loss or a variable became NaN or infinite; the same training would diverge again."""


class Termination:
    """Remembers that SIGTERM came, so that the training ends after the current batch."""

    def __init__(self) -> None:
        self.requested = False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Within the context, SIGTERM is remembered instead of ending the process; only in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _note(self, *_: object) -> None:
        self.requested = True


class Validation(keras.callbacks.Callback):
    """Adds the metrics of the validation split to an epoch's logs, as val_nll, val_pr_auc, …

    The weights of another run, where the training starts from them, are evaluated before the first epoch too.

    Args:
        dataset: From `pipeline.evaluation_dataset`.
        config: The run's settings.
        state: The state of the training.
        sums: Called at the end of an epoch for the sums over the dataset; None: they are made here.
    """

    def __init__(
        self, dataset, config: RunConfig, state: TrainingState, sums: Callable[[], Statistics] | None = None
    ) -> None:
        super().__init__()
        self._dataset, self._config, self._state, self._sums = dataset, config, state, sums
        self._evaluator: Evaluator | None = None

    def on_train_begin(self, logs=None):
        """Sets `initial_nll` of the state, once."""
        started = self._state.epoch or self._state.batch
        if "init" in self._config.provenance and not started and self._state.initial_nll is None:
            self._state.initial_nll = float(self._results()["nll"])
            _log.info("validation NLL of these weights: %.4f nats per step", self._state.initial_nll)

    def on_epoch_end(self, epoch, logs=None):
        """Evaluates the model."""
        results = self._sums().results() if self._sums else self._results()
        logs.update({f"val_{name}": float(value) for name, value in results.items()})

    def _results(self) -> dict[str, float]:
        """The metrics, with the model's state carried through each piece."""
        self._evaluator = self._evaluator or model_evaluator(self.model, self._config.loss)
        return self._evaluator.statistics(self._dataset).results()


class SwapAverages(keras.callbacks.Callback):
    """Exchanges the weights and their moving averages at the end of an epoch.

    One is placed before and one after the callbacks that judge and save the model, so that these see the averages and
    the training continues from the weights. Without `OptimizerConfig.ema` it does nothing.
    """

    def on_epoch_end(self, epoch, logs=None):
        """Exchanges weights and averages."""
        optimizer = self.model.optimizer
        if not optimizer.use_ema:
            return
        averages = optimizer._model_variables_moving_average
        for weight, average in zip(self.model.trainable_variables, averages, strict=True):
            value = weight.numpy()
            weight.assign(average)
            average.assign(value)


class Bookkeeping(keras.callbacks.Callback):
    """Updates `state` and `best`, the best weights, in place, and their files; stops the fit early, or at a NaN.

    Raises:
        DivergedError: Loss or validation NLL is not finite; the message names epoch and step.
    """

    def __init__(self, run_dir: Path, config: RunConfig, state: TrainingState, best: dict[str, np.ndarray]) -> None:
        super().__init__()
        self._run_dir, self._config, self.state, self.best = run_dir, config, state, best
        self._started = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the epoch's clock."""
        self._started = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        """Counts the batch, unless its loss is not finite."""
        if not math.isfinite(logs["loss"]):
            raise self.not_finite(f"the loss became {logs['loss']}", self.state.batch + 1)
        self.state.batch += 1

    def on_epoch_end(self, epoch, logs=None):
        """Adds the epoch's results."""
        if not math.isfinite(logs["val_nll"]):
            raise self.not_finite(f"the validation NLL became {logs['val_nll']}", self.state.batch)
        rate = float(self.model.optimizer.learning_rate)
        seconds = round(time.monotonic() - self._started, 2)
        validated = {name: value for name, value in logs.items() if name.startswith("val_")}
        row = {"loss": float(logs["loss"]), "learning_rate": rate, **validated, "seconds": seconds}
        training = self._config.training
        if self.state.end_epoch(row, training.epochs, training.patience, training.objective):
            self.best.update(run.weight_arrays(self.model))
            run.save_best(self._run_dir, self.best, best_meta(self.state))
        write_history(self._run_dir / run_folder.HISTORY, self.state.rows)
        self.model.stop_training = bool(self.state.finished)

    def not_finite(self, what: str, step: int) -> DivergedError:
        """The error that names what is not finite, the step of the current epoch, and the best model so far."""
        stays = "there is no model yet"
        if self.state.best_nll is not None:
            stays = f"the best model (epoch {self.state.best_epoch}) stays in {self._run_dir}"
        where = f"in epoch {self.state.epoch + 1}, step {step}"
        return DivergedError(
            f"{what} {where}; {stays}. Try a lower --learning-rate in a new folder: {lower_rate(self._config)}"
        )


def best_meta(state: TrainingState) -> dict:
    """Metadata of the file of the best weights."""
    return {"epoch": state.best_epoch, "val_nll": state.best_nll}


class Checkpointing(keras.callbacks.Callback):
    """Saves at the end of an epoch, at an interval in seconds, and after SIGTERM; must be the last callback.

    Args:
        books: The bookkeeping, whose state and best weights are saved.
        every_seconds: Minimum time between two checkpoints within an epoch.
        running: State of the metrics of an interrupted epoch, from which its first fit resumes.

    Raises:
        StoppedError: SIGTERM came; everything is saved.
    """

    def __init__(
        self,
        store: CheckpointStore,
        books: Bookkeeping,
        steps_per_epoch: int,
        termination: Termination,
        every_seconds: float,
        running: list[np.ndarray],
    ) -> None:
        super().__init__()
        self._store, self._books, self._steps_per_epoch = store, books, steps_per_epoch
        self._termination, self._every, self._running = termination, every_seconds, running
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        """Restores the running loss of an interrupted epoch, which Keras has just reset to zero."""
        if self._books.state.batch:
            for variable, value in zip(self.model.metrics_variables, self._running, strict=True):
                variable.assign(value)

    def on_train_batch_end(self, batch, logs=None):
        """Saves if a checkpoint is due; after the last batch of an epoch, `on_epoch_end` does."""
        if self._books.state.batch < self._steps_per_epoch:
            self._save(only_if_due=True)

    def on_epoch_end(self, epoch, logs=None):
        """Saves."""
        self._save(only_if_due=False)

    def _save(self, only_if_due: bool) -> None:
        requested, state = self._termination.requested, self._books.state
        if only_if_due and not requested and time.monotonic() - self._saved < self._every:
            return
        try:
            arrays = capture(self.model, self._books.best)
        except NotFiniteError as error:
            raise self._books.not_finite(f"{error},", state.batch) from error
        self._store.save(state.epoch * self._steps_per_epoch + state.batch, arrays, to_dict(state))
        self._saved = time.monotonic()
        if requested and not state.finished:
            raise StoppedError("stopped by SIGTERM, everything is saved; the same command resumes")
