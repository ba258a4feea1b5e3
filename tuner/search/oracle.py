"""KerasTuner's oracles, made resumable: files are written whole, lost trials requeued, limits may be raised."""

import contextlib
import json
import random
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine import trial as kt_trial
from keras_tuner.engine.trial import Trial
from keras_tuner.src.engine import conditions as kt_conditions
from keras_tuner.src.engine import oracle as kt_oracle
from keras_tuner.src.engine.metrics_tracking import MetricsTracker
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from pianoroll_tf.storage.files import write_whole
from tuner.search.hyperparameters import hyperparameters, point_at, rounded
from tuner.search.parsing import DIRECTIONS
from tuner.search.settings import PROJECT, SearchSettings

CANDIDATES = 2000  # points among which Bayesian optimization chooses
INITIAL_POINTS = 8  # random trials before Bayesian optimization; KerasTuner takes three per dimension
Status = kt_trial.TrialStatus
kt_conditions.print = lambda *values: None  # KerasTuner prints every condition that it sends to a worker


class ResumableOracle(kt_oracle.Oracle):
    """A mixin before one of KerasTuner's oracles, by which a search survives the loss of workers, chief and files.

    Attributes:
        trial_limit: Trials of the search in total.
        may_start: Whether there is time to start another trial.
        exhausted: Whether the space has no untried values left.
        on_create: Called with each new trial before its files are written.
    """

    def __init__(self, **arguments: Any) -> None:
        self.lock = threading.RLock()
        self.exhausted, self.trial_limit = False, 0
        self.may_start: Callable[[], bool] = lambda: True
        self.on_create: Callable[[Trial], None] = lambda trial: None
        super().__init__(
            allow_new_entries=False, tune_new_entries=False, max_consecutive_failed_trials=None, **arguments
        )
        self.max_trials = None  # KerasTuner's limit is part of the names of trials, so it could not be raised
        self.verbose = 0

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Holds the oracle's lock; KerasTuner's own lock would stay locked after an exception."""
        with self.lock:
            try:
                yield
            except BaseException:
                kt_oracle.THREADS[self] = None
                if kt_oracle.LOCKS[self].locked():
                    kt_oracle.LOCKS[self].release()
                raise

    def create_trial(self, tuner_id: str) -> Trial:
        """The next trial for a worker: one that was interrupted, or a new one.

        While other workers run trials a worker is told to wait, not to stop: one of them may get lost.
        """
        with self.exclusive():
            if tuner_id not in self.ongoing_trials and (self._none_left() or not self.may_start()):
                return self._no_trial(tuner_id)
            trial = super().create_trial(tuner_id)
            if trial.status == Status.STOPPED:
                self.exhausted = True
                return self._no_trial(tuner_id)
            return trial

    def _none_left(self) -> bool:
        """Whether no trial is queued and no further one is to be made."""
        return not self._retry_queue and (self.exhausted or len(self.trials) >= self.trial_limit)

    def _no_trial(self, tuner_id: str) -> Trial:
        status = Status.IDLE if self.ongoing_trials and self.may_start() else Status.STOPPED
        if status == Status.STOPPED:
            self.tuner_ids.discard(tuner_id)
        else:
            self.tuner_ids.add(tuner_id)
        return Trial(hyperparameters=self.hyperparameters.copy(), trial_id="none", status=status)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """KerasTuner's proposal, with numbers rounded to a few digits."""
        response = super().populate_space(trial_id)
        if response.get("values"):
            response["values"] = rounded(self.hyperparameters.space, response["values"])
        return response

    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> Trial:
        """Records the objective of a trial, unless the trial has ended already."""
        with self.exclusive():
            if trial_id not in self.trials or self.objective.name not in metrics:
                raise ValueError(f"a report must be on a trial of this search. Received: {trial_id}, {list(metrics)}")
            if trial_id in self.end_order:
                return self.trials[trial_id]
            self.trials[trial_id].metrics = MetricsTracker()
            return super().update_trial(trial_id, metrics, step=step)

    def end_trial(self, trial: Trial) -> None:
        """Records that a trial has ended; a second report on the same trial changes nothing."""
        with self.exclusive():
            known = self.trials.get(trial.trial_id)
            if known is None or trial.trial_id in self.end_order:
                return
            if trial.status == Status.COMPLETED and not known.metrics.exists(self.objective.name):
                trial.status = Status.FAILED
            trial.hyperparameters = known.hyperparameters
            if trial.trial_id in self._retry_queue:
                self._retry_queue.remove(trial.trial_id)
            super().end_trial(trial)
            self.save()  # KerasTuner saves before it removes the trial from the running ones

    def fail(self, trial_id: str, cause: str) -> None:
        """Ends a trial as failed."""
        with self.exclusive():
            trial = self.trials[trial_id]
            trial.status, trial.message = Status.FAILED, cause
            self.end_trial(trial)

    def requeue(self, tuner_id: str) -> str | None:
        """Puts the trial of a lost worker back into the queue; returns its name, None if the worker had none."""
        with self.exclusive():
            self.tuner_ids.discard(tuner_id)
            trial = self.ongoing_trials.pop(tuner_id, None)
            if trial is None:
                return None
            self._retry_queue.append(trial.trial_id)
            self.save()
            return trial.trial_id

    def holds(self, tuner_id: str, trial_id: str) -> bool:
        """Whether a worker holds a trial. A requeued trial that no other worker has taken is given back to it."""
        with self.exclusive():
            if trial_id in self._retry_queue and tuner_id not in self.ongoing_trials:
                self._retry_queue.remove(trial_id)
                self.tuner_ids.add(tuner_id)
                self.ongoing_trials[tuner_id] = self.trials[trial_id]
                self.save()
            held = self.ongoing_trials.get(tuner_id)
            return held is not None and held.trial_id == trial_id

    def finished(self) -> bool:
        """Whether no trial is running and none is to be started."""
        with self.exclusive():
            return not self.ongoing_trials and (self._none_left() or not self.may_start())

    def save(self) -> None:
        """Writes oracle.json atomically."""
        write_whole(Path(self._get_oracle_fname()), json.dumps(self.get_state()).encode())

    def _save_trial(self, trial: Trial) -> None:
        if trial.status == Status.RUNNING:
            self.on_create(trial)
        write_whole(Path(self._get_trial_dir(trial.trial_id)) / "trial.json", json.dumps(trial.get_state()).encode())


class RandomOracle(ResumableOracle, keras_tuner.oracles.RandomSearchOracle):
    """Random search: independent draws."""


class BayesianOracle(ResumableOracle, keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian optimization with a Gaussian process."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The most promising of `CANDIDATES` points drawn from the space: that of the lowest lower confidence bound.

        KerasTuner follows gradients of the bound from 50 points instead, which takes 10 to 40 s per proposal, through a
        relaxed space whose optimum is often a trial that was done already. The draws depend on the trials so far
        alone, so that a resumed search makes the same proposals.
        """
        done = [trial for trial in self.trials.values() if trial.status == Status.COMPLETED]
        values = None
        if len(done) >= self.num_initial_points:
            with warnings.catch_warnings(), threadpool_limits(1):  # the matrices are small
                warnings.simplefilter("ignore", ConvergenceWarning)  # of a length scale at its bound
                self.gpr.fit(*self._vectorize_trials())
                values = self._most_promising(np.random.RandomState((self.seed + len(self.trials)) % 2**32))
        if values is None:
            values = self._random_values()
        status = Status.STOPPED if values is None else Status.RUNNING
        return {"status": status, "values": values and rounded(self.hyperparameters.space, values)}

    def _most_promising(self, draws: np.random.RandomState) -> dict[str, Any] | None:
        """Values of the best point that is not a trial yet; None if there is none."""
        space = self.hyperparameters.space
        points = [point_at(space, row) for row in draws.uniform(size=(CANDIDATES, len(space)))]
        points = [point for point in points if not self._duplicate(rounded(space, point))]
        if not points:
            return None
        vectors = [[entry.value_to_prob(point.get(entry.name, entry.default)) for entry in space] for point in points]
        mean, deviation = self.gpr.predict(np.array(vectors), return_std=True)
        return points[int(np.argmin(mean - self.beta * deviation))]


class HyperbandOracle(ResumableOracle, keras_tuner.oracles.HyperbandOracle):
    """Hyperband: many short trials, the best of which are continued; sweeps are repeated up to `trial_limit` trials."""


ORACLES: dict[str, type[ResumableOracle]] = {
    "random": RandomOracle,
    "bayesian": BayesianOracle,
    "hyperband": HyperbandOracle,
}


def new_oracle(settings: SearchSettings, folder: Path) -> ResumableOracle:
    """The oracle of a search, without its trials; it keeps its files in the subfolder `PROJECT`.

    The same seed proposes the same trials, provided that their results are the same.
    """
    training = settings.base.training
    own: dict[str, dict[str, int]] = {
        "bayesian": {"num_initial_points": INITIAL_POINTS},
        "hyperband": {"max_epochs": training.epochs, "hyperband_iterations": 0},  # 0: no end
    }
    oracle = ORACLES[settings.tuner](
        objective=keras_tuner.Objective(training.objective, DIRECTIONS[training.objective]),
        hyperparameters=hyperparameters(settings.space),
        seed=random.Random(training.seed).randrange(1, 2**31),  # KerasTuner takes 0 for none
        **own.get(settings.tuner, {}),
    )
    (folder / PROJECT).mkdir(parents=True, exist_ok=True)
    oracle._set_project_dir(str(folder), PROJECT)
    return oracle
