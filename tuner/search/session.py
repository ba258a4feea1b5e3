"""A search as it runs: alone in this process, or as chief with workers on this machine or others."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from pianoroll_tf.modeling.callbacks import StoppedError, Termination
from pianoroll_tf.progress import Progress
from pianoroll_tf.storage.checksummed_json import write_checksummed
from tuner.search import results as search_results
from tuner.search.chief import Chief
from tuner.search.oracle import Trial
from tuner.search.repair import VALUES, restore
from tuner.search.settings import (
    LOGS,
    TENSORBOARD,
    TRIALS,
    Budget,
    SearchSettings,
)
from tuner.search.supervisor import Supervisor, start_workers
from tuner.search.tuner import SearchTuner
from tuner.search.worker import limit_threads, new_oracle, run_tuner


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Search:
    """A search in its folder, with all trials that it has.

    Args:
        folder: The folder; its settings are written there with a checksum.
        settings: Those of the search.
        most: Trials in all.
        budget_seconds: Time in all; None: no end.
    """

    def __init__(self, folder: Path, settings: SearchSettings, most: int, budget_seconds: float | None) -> None:
        self._folder, self._settings = folder, settings
        self._budget = Budget(folder, budget_seconds)
        self._oracle = new_oracle(settings, folder)
        self._oracle.most, self._oracle.may_start = most, self._budget.may_start
        self._oracle.on_create = self._keep_values
        restore(self._oracle, folder, _say)
        search_results.write_experiment(folder / TENSORBOARD, settings)
        self._at_work: dict[str, int] = {}  # trial → epochs done
        self._ended = 0
        self._found: list[dict] = []
        self._workers = 1
        self._progress = Progress(most, "trials")

    def _keep_values(self, trial: Trial) -> None:
        """The search's own copy of a trial's hyper-parameters, with a checksum."""
        path = self._folder / TRIALS / trial.trial_id / VALUES
        path.parent.mkdir(parents=True, exist_ok=True)
        write_checksummed(path, trial.hyperparameters.values)

    def alone(self, threads: int | None = None) -> None:
        """Runs the trials in this process, one by one.

        Args:
            threads: Processor cores to use; None: all.

        Raises:
            UserError: Nothing more can be done here.
        """
        limit_threads(threads)
        tuner = SearchTuner(self._oracle, self._settings, self._folder, on_change=self._changed)
        with self._progress:
            self._changed("", 0)
            run_tuner(tuner)

    def lead(self, address: str, lease: float, workers: int, command: Sequence[str], threads: int | None) -> None:
        """Is the chief.

        Args:
            address: HOST:PORT to listen on.
            lease: Seconds that a trial stays with a silent worker.
            workers: Workers to start on this machine; 0: they come from elsewhere.
            command: What such a worker runs.
            threads: Cores of each; None: an equal share.

        Raises:
            UserError: Nothing more can be done here, or SIGTERM came.
        """
        chief = Chief(self._oracle, address, lease)
        _say(
            f"the chief listens on {chief.address}; the port has no authentication: who reaches it can alter the search"
        )
        self._workers = workers
        termination = Termination()
        supervisor = None
        with self._progress, termination.watched():
            if workers:
                gpus = len(tf.config.list_physical_devices("GPU"))
                ours = start_workers(workers, [*command, "--chief", chief.address], self._folder / LOGS, threads, gpus)
                supervisor = Supervisor(ours, self._oracle, _say)

            def poll() -> None:
                if termination.requested:
                    raise StoppedError("stopped by SIGTERM, everything is saved; the same command goes on")
                if supervisor is not None:
                    supervisor.poll()
                else:
                    self._workers = max(1, chief.leases.alive())
                self._changed("", 0)

            try:
                poll()
                chief.serve(poll, _say)
            finally:
                if supervisor is not None:
                    supervisor.stop()

    def _changed(self, trial_id: str, epochs: int) -> None:
        """Shows how far the search is; when a trial has ended, brings the results up to date."""
        if trial_id:
            self._at_work = {trial_id: epochs} if epochs else {}
        ended = len(self._oracle.end_order)
        if ended != self._ended or (self._oracle.trials and not self._found):
            self._found = search_results.rows(self._oracle, self._settings, self._folder)
            search_results.write_results(self._found, self._settings, self._folder)
            self._budget.save()
        self._progress.update(ended - self._ended, self._note(ended))
        self._ended = ended

    def _note(self, ended: int) -> str:
        """The best so far, the trials at work and the time left, in a few words."""
        parts = []
        if self._found and self._found[0]["status"] == "completed":
            best, objective = self._found[0], self._settings.base.training.objective
            parts.append(f"best {objective} {best['objective']:.4f} ({best['trial']})")
        parts += [f"{name}: {epochs} epochs" for name, epochs in self._at_work.items()]
        left = time_left(self._found, self._oracle.most - ended, self._workers, self._budget.left())
        if left is not None:
            parts.append(f"about {_duration(left)} left")
        return ", ".join(parts)

    def finish(self) -> int:
        """Writes the results and prints the ranked table.

        Returns:
            0, or 1 where there is no trial that ended well.
        """
        self._budget.save()
        found = search_results.rows(self._oracle, self._settings, self._folder)
        search_results.write_results(found, self._settings, self._folder)
        print(search_results.table(found))
        failed = [row for row in found if row["status"] == "failed"]
        for row in failed:
            print(f"trial {row['trial']} failed: {row['cause']}")
        if self._oracle.exhausted:
            print(f"the space holds no more than these {len(found)} trials")
        if not self._budget.may_start():
            print("the budget is spent; the same command with a larger --budget goes on")
        if not found or found[0]["status"] != "completed":
            why = f"all {len(failed)} trials failed, the last: {failed[-1]['cause']}" if failed else "no trial was done"
            _say(f"{self._folder} has no model: {why}")
            return 1
        print(f"best: trial {found[0]['trial']}, {self._folder / 'best'}")
        print(f"next: python -m pianoroll_tf.export {shlex.quote(str(self._folder / 'best'))} saved_models/NAME")
        return 0


def time_left(found: list[dict], trials: int, workers: int, budget: float | None) -> float | None:
    """Seconds that the trials to come will take, by the mean of those that ended; None: nothing to go by.

    >>> time_left([{"seconds": 60.0}, {"seconds": 120.0}, {"seconds": None}], trials=4, workers=2, budget=None)
    180.0
    """
    times = [row["seconds"] for row in found if row["seconds"]]
    if not times:
        return budget
    expected = sum(times) / len(times) * max(trials, 0) / max(workers, 1)
    return expected if budget is None else min(expected, budget)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
