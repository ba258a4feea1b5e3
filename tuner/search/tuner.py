"""KerasTuner's tuner with run folders as trials: alone, or as a worker that sends heartbeats to its chief."""

import contextlib
import io
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import keras
import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.src import protos

from pianoroll_tf.errors import InUseError, UserError
from pianoroll_tf.storage.files import write_whole
from tuner.search.hyperparameters import HYPERBAND_PREFIX, settings_of
from tuner.search.oracle import ResumableOracle, Trial
from tuner.search.settings import TRIALS, SearchSettings
from tuner.search.trials import Outcome, run_trial
from tuner.terminal import log

IDLE_SECONDS = 0.5  # between two requests for a trial while none is available
TUNER_ID = "tuner-id"  # key in the metadata of a heartbeat


class LeaseLostError(UserError):
    """The chief has given the trial of this worker to another."""


class Heartbeat:
    """Tells the chief at regular intervals that this worker is running a trial.

    A heartbeat is KerasTuner's GetTrial with the worker's name in the metadata, so that any chief understands it.
    """

    def __init__(self, stub: Any, tuner_id: str, trial_id: str, every_seconds: float) -> None:
        self._stub, self._tuner_id, self._every = stub, tuner_id, every_seconds
        self._request = protos.get_service().GetTrialRequest(trial_id=trial_id)
        self.over, self.lost = threading.Event(), threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self.over.wait(self._every):
            try:
                self._stub.GetTrial(self._request, metadata=((TUNER_ID, self._tuner_id),), timeout=self._every)
            except grpc.RpcError as error:  # an unreachable chief may come back
                if error.code() == grpc.StatusCode.FAILED_PRECONDITION:
                    self.lost.set()


class SearchTuner(BaseTuner):
    """Runs the trials that an oracle proposes; KerasTuner makes it a worker if its environment variables name a chief.

    Args:
        oracle: With its files read.
        settings, folder: Of the search.
        heartbeat_seconds: Time between two heartbeats of a worker.
        on_change: Called with a trial and the number of its epochs done, 0 when the trial has ended.
        run: Runs a trial; None: `run_trial`.
    """

    def __init__(
        self,
        oracle: ResumableOracle,
        settings: SearchSettings,
        folder: Path,
        heartbeat_seconds: float = 10.0,
        on_change: Callable[[str, int], None] = lambda trial_id, epochs: None,
        run: Callable[..., Outcome] | None = None,
    ) -> None:
        with contextlib.redirect_stdout(io.StringIO()):  # KerasTuner prints that it reloads
            super().__init__(oracle, directory=str(folder), project_name=oracle._project_name)
        self._settings, self._folder, self._run = settings, folder, run or run_trial
        self._heartbeat_seconds, self._on_change = heartbeat_seconds, on_change
        self._heartbeat: Heartbeat | None = None
        self._began = True

    def pre_create_trial(self) -> None:
        """Waits a moment if there was no trial; KerasTuner would ask again at once."""
        if not self._began:
            time.sleep(IDLE_SECONDS)
        self._began = False

    def on_trial_begin(self, trial: Trial) -> None:
        """Starts the heartbeat of a worker."""
        self._began = True
        if self._is_worker():
            self._heartbeat = Heartbeat(self.oracle.stub, self.tuner_id, trial.trial_id, self._heartbeat_seconds)

    def run_trial(self, trial: Trial) -> dict[str, float]:
        """Runs a trial in its folder and returns the objective.

        Raises:
            keras_tuner.errors.FailedTrialError: The trial failed; the search continues.
            keras_tuner.errors.FatalError: No further trial can be run; its cause says why.
        """
        values, trials = trial.hyperparameters.values, self._folder / TRIALS
        past = values.get(f"{HYPERBAND_PREFIX}trial_id")
        callback = keras.callbacks.LambdaCallback(
            on_train_batch_end=self._stop_if_lost,
            on_epoch_end=lambda epoch, logs=None: self._on_change(trial.trial_id, epoch + 1),
        )
        config = self._settings.space.run_config(self._settings.base, settings_of(self._settings.space, values))
        try:
            outcome = self._when_free(
                config,
                trials / trial.trial_id,
                until=values.get(f"{HYPERBAND_PREFIX}epochs"),
                origin=trials / past if past else None,
                callbacks=[callback],
            )
        except LeaseLostError:
            raise
        except (UserError, OSError) as error:
            raise keras_tuner.errors.FatalError(str(error)) from error
        if outcome.cause or outcome.objective is None:
            raise keras_tuner.errors.FailedTrialError(outcome.cause)
        return {self.oracle.objective.name: outcome.objective}

    def _stop_if_lost(self, batch: int, logs: object = None) -> None:
        """Ends the training of a trial that was given to another worker."""
        if self._heartbeat is not None and self._heartbeat.lost.is_set():
            raise LeaseLostError("the trial was given to another worker")

    def _when_free(self, *arguments: Any, **named: Any) -> Outcome:
        """Runs the trial as soon as no other worker uses its folder."""
        until = time.monotonic() + 6 * self._heartbeat_seconds
        while True:
            try:
                return self._run(*arguments, **named)
            except InUseError:
                if time.monotonic() > until:
                    raise
                time.sleep(IDLE_SECONDS)

    def on_trial_end(self, trial: Trial) -> None:
        """Reports the result, unless the trial was given to another worker."""
        heartbeat, self._heartbeat = self._heartbeat, None
        if heartbeat is not None:
            heartbeat.over.set()
            if heartbeat.lost.is_set():
                log(f"trial {trial.trial_id} was given to another worker")
                return
        super().on_trial_end(trial)
        self._on_change(trial.trial_id, 0)

    def save(self) -> None:
        """Saves the oracle; a worker has nothing to save."""
        if not self._is_worker():
            self.oracle.save()
            write_whole(Path(self._get_tuner_fname()), b"{}")

    def reload(self) -> None:
        """Does nothing: `repair.restore` has read the files."""

    def _get_tuner_fname(self) -> str:
        return str(Path(self.directory) / self.project_name / "tuner0.json")  # also for a chief
