"""What happens during a fit: validation, the best model, early stopping, checkpoints, NaN and SIGTERM."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from pianoroll_tf.config import RunConfig
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run, run_folder
from pianoroll_tf.modeling.checkpoints import CheckpointStore, NotFiniteError, capture
from pianoroll_tf.modeling.evaluation import model_evaluator
from pianoroll_tf.modeling.training_state import Standing, write_history


class StoppedError(UserError):
    """A signal asked the training to leave; everything is saved."""


class DivergedError(UserError):
    """A number of the training became NaN or infinite; the same training would do so again."""


class Termination:
    """Notes that SIGTERM came; the fit leaves at the end of the batch."""

    def __init__(self) -> None:
        self.asked = False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Within it SIGTERM is noted instead of ending the process. Only the main thread can do so."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _note(self, *_: object) -> None:
        self.asked = True


class Validation(keras.callbacks.Callback):
    """Adds the judged numbers on the validation split to an epoch's logs, as val_nll, val_pr_auc, …

    Args:
        dataset: As `evaluation_dataset` makes it.
        config: The run's settings.
    """

    def __init__(self, dataset, config: RunConfig) -> None:
        super().__init__()
        self._dataset, self._config, self._evaluator = dataset, config, None

    def on_epoch_end(self, epoch, logs=None):
        """Evaluates, with the state carried through each piece."""
        self._evaluator = self._evaluator or model_evaluator(self.model, self._config.loss)
        results = self._evaluator.statistics(self._dataset).results()
        logs.update({f"val_{name}": float(value) for name, value in results.items()})


class Average(keras.callbacks.Callback):
    """Puts the moving average of the weights in their place between the end of an epoch's steps and its checkpoint.

    Two of them stand around the callbacks that judge and keep the model; each exchanges weights and averages, so that
    the second undoes what the first did. Without `OptimizerConfig.ema` they do nothing.
    """

    def on_epoch_end(self, epoch, logs=None):
        """Exchanges."""
        averages = getattr(self.model.optimizer, "_model_variables_moving_average", None)
        if not self.model.optimizer.use_ema:
            return
        for weight, average in zip(self.model.trainable_variables, averages, strict=True):
            value = weight.numpy()
            weight.assign(average)
            average.assign(value)


class Bookkeeping(keras.callbacks.Callback):
    """Keeps the standing, the best weights and history.csv, and stops the fit early, or at a NaN.

    Args:
        run_dir: The run folder.
        config: The run's settings.
        standing: Where the training stands; kept up to date.
        best: The best weights so far; kept up to date.

    Raises:
        DivergedError: Loss or validation NLL is not finite; names epoch and step.
    """

    def __init__(self, run_dir: Path, config: RunConfig, standing: Standing, best: dict[str, np.ndarray]) -> None:
        super().__init__()
        self._run_dir, self._config, self.standing, self.best = run_dir, config, standing, best
        self._started = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the epoch's clock."""
        self._started = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        """Counts the batch, unless its loss is not finite."""
        if not math.isfinite(logs["loss"]):
            raise self.not_finite(f"the loss became {logs['loss']}", self.standing.batch + 1)
        self.standing.batch += 1

    def on_epoch_end(self, epoch, logs=None):
        """Takes in the epoch's results."""
        if not math.isfinite(logs["val_nll"]):
            raise self.not_finite(f"the validation NLL became {logs['val_nll']}", self.standing.batch)
        rate = float(self.model.optimizer.learning_rate)
        seconds = round(time.monotonic() - self._started, 2)
        row = {"loss": float(logs["loss"]), "learning_rate": rate, **_validated(logs), "seconds": seconds}
        training = self._config.training
        if self.standing.end_epoch(row, training.epochs, training.patience, training.objective):
            self.best.update(run.weight_arrays(self.model))
            run.save_best(self._run_dir, self.best, best_meta(self.standing))
        write_history(self._run_dir / run_folder.HISTORY, self.standing.rows)
        self.model.stop_training = bool(self.standing.finished)

    def not_finite(self, what: str, step: int) -> DivergedError:
        """The error that says what broke, in which step of the epoch at work, and what stays."""
        stays = (
            f"the best model (epoch {self.standing.best_epoch}) stays in {self._run_dir}"
            if self.standing.best_nll is not None
            else "there is no model yet"
        )
        where = f"in epoch {self.standing.epoch + 1}, step {step}"
        return DivergedError(f"{what} {where}; {stays}. Try a lower --learning-rate in a new folder")


def best_meta(standing: Standing) -> dict:
    """What the file of the best weights says of them."""
    return {"epoch": standing.best_epoch, "val_nll": standing.best_nll}


def _validated(logs: dict) -> dict[str, float]:
    return {name: value for name, value in logs.items() if name.startswith("val_")}


class Checkpointing(keras.callbacks.Callback):
    """Saves at the end of an epoch, every so many seconds, and when SIGTERM came; must be the last callback.

    Args:
        store: Where checkpoints go.
        books: The bookkeeping, whose standing and best weights are saved.
        steps_per_epoch: Batches an epoch.
        termination: Says whether SIGTERM came.
        every_seconds: Least time between two checkpoints within an epoch.
        running: State of the metrics of an epoch that was interrupted, which its first fit goes on from.

    Raises:
        StoppedError: SIGTERM came; all is saved.
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
        """Gives an interrupted epoch its running loss back; Keras has just set it to zero."""
        if self._books.standing.batch:
            for variable, value in zip(self.model.metrics_variables, self._running, strict=True):
                variable.assign(value)

    def on_train_batch_end(self, batch, logs=None):
        """Saves if it is time; the last batch of an epoch is left to `on_epoch_end`."""
        if self._books.standing.batch < self._steps_per_epoch:
            self._save(only_if_due=True)

    def on_epoch_end(self, epoch, logs=None):
        """Saves."""
        self._save(only_if_due=False)

    def _save(self, only_if_due: bool) -> None:
        asked, standing = self._termination.asked, self._books.standing
        if only_if_due and not asked and time.monotonic() - self._saved < self._every:
            return
        try:
            arrays = capture(self.model, self._books.best)
        except NotFiniteError as error:
            raise self._books.not_finite(f"{error},", standing.batch) from error
        self._store.save(standing.epoch * self._steps_per_epoch + standing.batch, arrays, standing.to_meta())
        self._saved = time.monotonic()
        if asked and not standing.finished:
            raise StoppedError("stopped by SIGTERM, everything is saved; the same command goes on")
