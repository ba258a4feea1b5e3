"""A running search: alone in this process, or as the chief of workers on this machine or others."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from pianoroll_tf.modeling.callbacks import StoppedError, Termination
from pianoroll_tf.plugins import plugin_flags
from pianoroll_tf.progress import Progress
from pianoroll_tf.storage.checksummed_json import write_checksummed
from pianoroll_tf.tensorflow_startup import limit_threads
from tuner.search import results as search_results
from tuner.search.chief import Chief
from tuner.search.oracle import Trial, new_oracle
from tuner.search.repair import VALUES, restore
from tuner.search.settings import BEST, LOGS, TENSORBOARD, TRIALS, Budget, SearchSettings
from tuner.search.supervisor import Supervisor, start_workers
from tuner.search.tuner import SearchTuner
from tuner.search.worker import run_tuner
from tuner.summary import print_search
from tuner.terminal import format_duration, log


class Search:
    """A search with all trials of its folder, which `open_search` has opened. Without a budget it has no time limit."""

    def __init__(self, folder: Path, settings: SearchSettings, trial_limit: int, budget_seconds: float | None) -> None:
        self._folder, self._settings = folder, settings
        self._budget = Budget(folder, budget_seconds)
        self._oracle = new_oracle(settings, folder)
        self._oracle.trial_limit, self._oracle.may_start = trial_limit, self._budget.may_start
        self._oracle.on_create = self._write_values
        restore(self._oracle, folder, log)
        search_results.write_experiment(folder / TENSORBOARD, settings)
        self._running: dict[str, int] = {}  # trial → epochs done
        self._rows: list[dict] = []
        self._ended, self._workers = 0, 1
        self._progress = Progress(trial_limit, "trials")

    def _write_values(self, trial: Trial) -> None:
        """Writes a checksummed copy of a trial's hyper-parameters."""
        path = self._folder / TRIALS / trial.trial_id / VALUES
        path.parent.mkdir(parents=True, exist_ok=True)
        write_checksummed(path, trial.hyperparameters.values)

    def run_alone(self, threads: int | None = None) -> None:
        """Runs the trials in this process, one after the other, on `threads` cores; None: all."""
        limit_threads(threads)
        tuner = SearchTuner(self._oracle, self._settings, self._folder, on_change=self._changed)
        with self._progress:
            self._changed("", 0)
            run_tuner(tuner)

    def run_as_chief(
        self, address: str, lease: float, workers: int, command: Sequence[str], threads: int | None
    ) -> None:
        """Runs as the chief of workers.

        Args:
            address: HOST:PORT to listen on.
            lease: Seconds for which a silent worker keeps its trial.
            workers: Number of workers to start on this machine; 0: they are started elsewhere.
            command: Command line of such a worker.
            threads: Cores of each; None: an equal share.
        """
        chief = Chief(self._oracle, address, lease)
        log(
            f"the chief listens on {chief.address}; the port has no authentication: "
            "anyone who can reach it can alter the search"
        )
        termination = Termination()
        with self._progress, termination.watched():
            gpus = len(tf.config.list_physical_devices("GPU"))
            started = start_workers(workers, [*command, "--chief", chief.address], self._folder / LOGS, threads, gpus)
            supervisor = Supervisor(started, self._oracle, log)

            def poll() -> None:
                if termination.requested:
                    raise StoppedError("stopped by SIGTERM, everything is saved; the same command resumes")
                supervisor.poll()
                self._workers = workers or max(1, chief.leases.alive())
                self._changed("", 0)

            try:
                poll()
                chief.serve(poll, log)
            finally:
                supervisor.stop()

    def _changed(self, trial_id: str, epochs: int) -> None:
        """Updates the progress and, when a trial has ended, the results."""
        if trial_id:
            self._running = {trial_id: epochs} if epochs else {}
        ended = len(self._oracle.end_order)
        if ended != self._ended or (self._oracle.trials and not self._rows):
            self._write_results()
        self._progress.update(ended - self._ended, self._note(ended))
        self._ended = ended

    def _write_results(self) -> None:
        """Ranks the trials and writes the results and the time spent."""
        self._rows = search_results.rows(self._oracle, self._settings, self._folder)
        search_results.write_results(self._rows, self._settings, self._folder)
        self._budget.save()

    def _note(self, ended: int) -> str:
        """The note beside the progress bar: the best trial so far, running trials, time left."""
        parts = []
        if self._rows and self._rows[0]["status"] == "completed":
            best, objective = self._rows[0], self._settings.base.training.objective
            parts.append(f"best {objective} {best['objective']:.4f} ({best['trial']})")
        parts += [f"{name}: {epochs} epochs" for name, epochs in self._running.items()]
        left = time_left(self._rows, self._oracle.trial_limit - ended, self._workers, self._budget.left())
        if left is not None:
            parts.append(f"about {format_duration(left)} left")
        return ", ".join(parts)

    def finish(self) -> int:
        """Writes the results, prints the ranked table and a summary; returns 0, or 1 if no trial succeeded."""
        self._write_results()
        rows = self._rows
        print(search_results.table(rows))
        failed = [row for row in rows if row["status"] == "failed"]
        for row in failed:
            print(f"trial {row['trial']} failed: {row['cause']}")
        if self._oracle.exhausted:
            print(f"the search space has only these {len(rows)} trials")
        if not self._budget.may_start():
            print("the budget is spent; the same command with a larger --budget resumes")
        if not rows or rows[0]["status"] != "completed":
            why = f"all {len(failed)} trials failed, the last: {failed[-1]['cause']}" if failed else "no trial was run"
            log(f"{self._folder} has no model: {why}")
            return 1
        print_search(self._folder)
        words = [str(self._folder / BEST), "saved_models/NAME", *plugin_flags(self._settings.space.plugins())]
        print(f"next: python -m pianoroll_tf.export {shlex.join(words)}")
        return 0


def time_left(rows: list[dict], trials: int, workers: int, budget: float | None) -> float | None:
    """Estimates how long the remaining trials take, by the mean of those that ended; None if there is no estimate."""
    times = [row["seconds"] for row in rows if row["seconds"]]
    if not times:
        return budget
    expected = sum(times) / len(times) * max(trials, 0) / workers
    return expected if budget is None else min(expected, budget)
