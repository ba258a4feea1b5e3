"""Executes the runs of a study that have no result yet, until its budget is spent, and prints a summary."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

import keras

from pianoroll_tf.config import DataFacts, RecordsConfig
from pianoroll_tf.plugins import plugin_flags
from pianoroll_tf.progress import Progress
from tuner.study import factorial
from tuner.study.factorial import Task
from tuner.study.results import write_results
from tuner.study.results_model import Run, Study, TuningRun
from tuner.study.run_one import Context, execute, prepare, read_result
from tuner.summary import print_study
from tuner.terminal import format_duration, log

RUNS_PER_PROCESS = 25  # TensorFlow keeps the graph of each gradient of a custom operation: some 11 MB per run


def run_remaining(folder: Path, study: Study, records: RecordsConfig, data: DataFacts, deadline: float | None) -> bool:
    """Executes the runs without a result, at most `RUNS_PER_PROCESS`, then writes and prints the results of all.

    Args:
        folder: Of the study, locked by this process.
        study: What the folder holds.
        records, data: From `run_folder.data_facts`.
        deadline: `time.monotonic()` after which no run is started; None: no limit.

    Returns:
        False where runs are left for another process, else True.
    """
    context = prepare(folder, study, records, data)
    tasks = factorial.plan(study.settings.study)
    done = {task: result for task in tasks if (result := read_result(folder, task))}
    left = [task for task in tasks if task not in done]
    if done:
        print(f"{len(done)} of {len(tasks)} runs are done already", flush=True)
    if left:
        with StudyProgress(left) as progress:
            for count, task in enumerate(left):
                if count == RUNS_PER_PROCESS:
                    return False
                if deadline is not None and time.monotonic() >= deadline:
                    break
                done[task] = _execute(context, task, done, progress)
    write_results(folder, study, context.steps_per_epoch, context.real)
    print_study(folder)
    if len(done) < len(tasks):
        print(f"the budget is spent, {len(tasks) - len(done)} of {len(tasks)} runs are left: the same command resumes")
    print(f"next: python -m tuner.report {shlex.join([str(folder), *plugin_flags(study.plugins)])}")
    return True


def _execute(context: Context, task: Task, done: dict, progress: "StudyProgress") -> TuningRun | Run:
    """Executes one run with the settings that tuning has found for it."""
    result = execute(context, task, _chosen(context.study, task, done), [progress.begin(task)])
    if result.cause:
        log(f"{task.folder}: {result.outcome}: {result.cause}")
    progress.end()
    return result


def _chosen(study: Study, task: Task, done: dict) -> dict[str, float | None]:
    """The settings of a run: those of the design while tuning, afterwards those of the best tuning run."""
    name = task.combination.parent
    design = study.design[name]
    if task.tuning:
        return design[task.number]
    own = [result for result in done.values() if isinstance(result, TuningRun) and result.combination == name]
    return design[factorial.best(own)]


class StudyProgress(Progress):
    """The progress of a study in epochs, with the time left if all of these runs take all of theirs.

    An ablation without training counts as one epoch.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__(sum(max(task.epochs, 1) for task in tasks), "epochs")
        self._started = time.monotonic()
        self._task, self._uncounted = tasks[0], 0

    def begin(self, task: Task) -> keras.callbacks.Callback:
        """A run begins; returns a callback of its training, which counts its epochs."""
        self._task, self._uncounted = task, max(task.epochs, 1)
        return keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: self._epoch(logs))

    def _epoch(self, logs: dict) -> None:
        if self._uncounted:
            self._uncounted -= 1
            self._count(1, f"{self._task.folder}, validation NLL {logs['val_nll']:.3f}")

    def end(self) -> None:
        """The run has ended, perhaps early."""
        self._count(self._uncounted, f"{self._task.folder} done")

    def _count(self, count: int, note: str) -> None:
        done = self.done + count
        left = (time.monotonic() - self._started) * (self.total - done) / max(done, 1)
        self.update(count, f"{note}, {format_duration(left)} left")
