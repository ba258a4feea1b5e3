"""The loop of a training on several workers, with Keras's callbacks on the chief.

`Model.fit` cannot do it: in Keras 3 it fails under MultiWorkerMirroredStrategy.
"""

import sys
from collections.abc import Callable, Iterator, Sequence

import keras

from pianoroll_tf.modeling.callbacks import Termination
from pianoroll_tf.modeling.replica_step import Batch, make_step
from pianoroll_tf.modeling.team import Message, Team
from pianoroll_tf.modeling.training_state import TrainingState
from pianoroll_tf.settings import from_dict, to_dict


class Loop:
    """Steps and epochs of a team.

    The chief calls its callbacks as `fit` does. At the end of an epoch all validate, before its callbacks, which judge
    the result. Then, and when a worker wants to stop, the others wait for it and take over its state, or the error with
    which it ends the training.

    Args:
        team: The workers.
        model: Compiled in the scope of their strategy.
        rows: Yields this worker's rows of one batch after the other.
        batch_size: Rows of the whole batch.
        state: The state of the training, which is updated.
        steps_per_epoch: Batches per epoch.
        termination: Whether SIGTERM came to this worker.
        validate: Called on all workers at the end of an epoch.
    """

    def __init__(
        self,
        team: Team,
        model: keras.Model,
        rows: Iterator[Batch],
        batch_size: int,
        state: TrainingState,
        steps_per_epoch: int,
        termination: Termination,
        validate: Callable[[], None],
    ) -> None:
        self._team, self._model, self._rows, self._state = team, model, rows, state
        self._batch_size, self._steps_per_epoch, self._termination = batch_size, steps_per_epoch, termination
        self._validate = validate
        self._step = make_step(model, team.strategy, team.size, batch_size)
        self._callbacks = keras.callbacks.CallbackList([], model=model)
        self._logs: dict[str, float] = {}
        self._failure: Exception | None = None  # of the chief between two steps, which the others learn after the next

    def run(self, callbacks: Sequence[keras.callbacks.Callback], epochs: int, quiet: bool) -> None:
        """Trains to the end of `epochs`, or to an earlier end; `callbacks` are the chief's."""
        verbose = 0 if quiet or not self._team.is_chief else 1 if sys.stdout.isatty() else 2
        self._callbacks = keras.callbacks.CallbackList(
            list(callbacks),
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=epochs,
            steps=self._steps_per_epoch,
            model=self._model,
        )
        self._on_chief(self._callbacks.on_train_begin)
        while not self._state.finished and self._state.epoch < epochs:
            self._run_epoch()
        if self._team.is_chief:
            self._callbacks.on_train_end()

    def _run_epoch(self) -> None:
        """The rest of an epoch."""
        epoch, left = self._state.epoch, self._steps_per_epoch - self._state.batch
        self._model.reset_metrics()
        self._on_chief(lambda: self._callbacks.on_epoch_begin(epoch))
        for number in range(left):
            rows = next(self._rows)
            loss, stop = self._step(rows, self._termination.requested or self._failure is not None)
            self._end_batch(number, loss, stop)
        self._on_chief(self._raise_failure)
        self._validate()
        self._on_chief(lambda: self._callbacks.on_epoch_end(epoch, dict(self._logs)))

    def _end_batch(self, number: int, loss: float, stop: bool) -> None:
        """Calls the chief's callbacks; after a wish to stop, all workers learn what they led to."""
        if stop:
            self._termination.requested = True
            self._on_chief(lambda: self._count(number, loss))
        elif self._team.is_chief:
            try:
                self._count(number, loss)
            except Exception as error:
                self._failure = error
        else:
            self._state.batch += 1

    def _count(self, number: int, loss: float) -> None:
        """Adds the loss of a batch to the epoch's, as `fit` does; the callback of the books counts the batch."""
        self._raise_failure()
        (mean,) = self._model.metrics
        mean.update_state(loss, sample_weight=self._batch_size)
        self._logs = {"loss": float(mean.result())}
        self._callbacks.on_train_batch_end(number, self._logs)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _on_chief(self, action: Callable[[], None]) -> None:
        """Calls `action` on the chief while the others wait; then all have its state."""

        def act() -> Message:
            action()
            return {}, to_dict(self._state)

        _, state = self._team.from_chief(act)
        if not self._team.is_chief:
            vars(self._state).update(vars(from_dict(TrainingState, state)))
