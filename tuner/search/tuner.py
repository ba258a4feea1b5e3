"""KerasTuner's tuner around trials that are run folders: alone, or as a worker of a chief that it tells it is alive."""

import contextlib
import io
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import keras
import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_client

from pianoroll_tf.errors import InUseError, UserError
from pianoroll_tf.storage.files import write_whole
from tuner.search.hyperparameters import OF_HYPERBAND, settings_of
from tuner.search.oracle import Lasting, Trial
from tuner.search.settings import TRIALS, SearchSettings
from tuner.search.trials import Outcome, run_trial

IDLE_SECONDS = 0.5  # between two questions for a trial while others are at work
TUNER_ID = "tuner-id"  # in the metadata of a heart-beat


class LeaseLostError(UserError):
    """The chief has given this worker's trial to another."""


class Watch(keras.callbacks.Callback):
    """Follows a trial's training: says how far it is, and leaves when the lease is lost.

    Args:
        lost: Whether the trial is no longer this worker's.
        on_epoch: Called with the number of epochs done.

    Raises:
        LeaseLostError: It is not.
    """

    def __init__(self, lost: Callable[[], bool], on_epoch: Callable[[int], None]) -> None:
        super().__init__()
        self._lost, self._on_epoch = lost, on_epoch

    def on_train_batch_end(self, batch, logs=None):
        """Leaves if the lease is lost."""
        if self._lost():
            raise LeaseLostError("the trial was given to another worker")

    def on_epoch_end(self, epoch, logs=None):
        """Says how far it is."""
        self._on_epoch(epoch + 1)


class HeartBeat:
    """Tells the chief every so often that this worker is at work on a trial.

    The call is KerasTuner's own GetTrial with the worker's name beside it, so that any chief understands it.

    Args:
        stub: KerasTuner's client.
        tuner_id: The worker's name.
        trial_id: The trial.
        every_seconds: Time between two.
    """

    def __init__(self, stub: object, tuner_id: str, trial_id: str, every_seconds: float) -> None:
        self._stub, self._tuner_id, self._every = stub, tuner_id, every_seconds
        self._request = protos.get_service().GetTrialRequest(trial_id=trial_id)
        self._over, self.lost = threading.Event(), threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """No more of them."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(self._every):
            try:
                self._stub.GetTrial(self._request, metadata=((TUNER_ID, self._tuner_id),), timeout=self._every)
            except grpc.RpcError as error:  # a chief that is away for a while may come back
                if error.code() == grpc.StatusCode.FAILED_PRECONDITION:
                    self.lost.set()


class SearchTuner(BaseTuner):
    """Runs the trials that an oracle proposes.

    Args:
        oracle: Its files are read already.
        settings: Those of the search.
        folder: Its folder.
        beat_seconds: Time between two heart-beats of a worker.
        on_change: Called with a trial and the number of its epochs done, and when a trial has ended.
        run: What runs a trial; None: `run_trial`.

    KerasTuner itself makes it a worker where its environment variables name a chief.
    """

    def __init__(
        self,
        oracle: Lasting,
        settings: SearchSettings,
        folder: Path,
        beat_seconds: float = 10.0,
        on_change: Callable[[str, int], None] = lambda trial_id, epochs: None,
        run: Callable[..., Outcome] | None = None,
    ) -> None:
        with contextlib.redirect_stdout(io.StringIO()):  # it says that it reloads
            super().__init__(oracle, directory=str(folder), project_name=oracle._project_name)
        self._settings, self._folder, self._run = settings, folder, run or run_trial
        self._beat_seconds, self._on_change = beat_seconds, on_change
        self._beat: HeartBeat | None = None
        self._began = True

    def pre_create_trial(self) -> None:
        """Waits a moment where there was no trial; KerasTuner would ask again at once."""
        if not self._began:
            time.sleep(IDLE_SECONDS)
        self._began = False

    def on_trial_begin(self, trial: Trial) -> None:
        """Starts the heart-beat of a worker."""
        self._began = True
        if self._is_worker():
            self._beat = HeartBeat(self.oracle.stub, self.tuner_id, trial.trial_id, self._beat_seconds)

    def run_trial(self, trial: Trial) -> dict[str, float]:
        """Runs a trial in its folder.

        Returns:
            The objective.

        Raises:
            keras_tuner.errors.FailedTrialError: It failed; the search goes on.
            keras_tuner.errors.FatalError: Nothing more can be done here; its cause says why.
        """
        values = trial.hyperparameters.values
        past = values.get(f"{OF_HYPERBAND}trial_id")
        watch = Watch(
            lost=lambda: self._beat is not None and self._beat.lost.is_set(),
            on_epoch=lambda epochs: self._on_change(trial.trial_id, epochs),
        )
        config = self._settings.space.run_config(self._settings.base, settings_of(self._settings.space, values))
        try:
            outcome = self._when_free(
                config,
                self._folder / TRIALS / trial.trial_id,
                until=values.get(f"{OF_HYPERBAND}epochs"),
                origin=self._folder / TRIALS / past if past else None,
                callbacks=[watch],
            )
        except LeaseLostError:
            raise
        except (UserError, OSError) as error:
            raise keras_tuner.errors.FatalError(str(error)) from error
        if outcome.cause or outcome.objective is None:
            raise keras_tuner.errors.FailedTrialError(outcome.cause)
        return {self.oracle.objective.name: outcome.objective}

    def _when_free(self, *arguments: object, **named: object) -> Outcome:
        """Runs the trial once the worker that had it has left its folder."""
        until = time.monotonic() + 6 * self._beat_seconds
        while True:
            try:
                return self._run(*arguments, **named)
            except InUseError:
                if time.monotonic() > until:
                    raise
                time.sleep(IDLE_SECONDS)

    def on_trial_end(self, trial: Trial) -> None:
        """Reports, unless the trial is another's by now."""
        beat, self._beat = self._beat, None
        if beat is not None:
            beat.stop()
            if beat.lost.is_set():
                print(f"trial {trial.trial_id} was given to another worker", file=sys.stderr, flush=True)
                return
        super().on_trial_end(trial)
        self._on_change(trial.trial_id, 0)

    def save(self) -> None:
        """The oracle's files are all there is to keep; a worker has none."""
        if not self._is_worker():
            self.oracle.save()
            write_whole(Path(self._get_tuner_fname()), b"{}")

    def reload(self) -> None:
        """Nothing: `repair.restore` has read the files."""

    def _get_tuner_fname(self) -> str:
        return str(Path(self.directory) / self.project_name / "tuner0.json")  # also for a chief


def set_patience(seconds: float) -> None:
    """How long a worker waits for an answer of its chief before it gives up; KerasTuner's own is an hour."""
    oracle_client.TIMEOUT = seconds
