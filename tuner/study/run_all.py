"""Executes the runs of a study that have no result yet, until its budget is spent, and prints a summary."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

import keras

from pianoroll_tf.choices import CHOICES
from pianoroll_tf.config import DataFacts, RecordsConfig
from pianoroll_tf.progress import Progress
from pianoroll_tf.settings import check_entry
from tuner.study import factorial
from tuner.study.factorial import Task
from tuner.study.results import write_results
from tuner.study.results_model import Run, Study, TuningRun
from tuner.study.run_one import Context, execute, prepare, read_result
from tuner.study.settings import AllSettings
from tuner.summary import print_study
from tuner.terminal import format_duration, log

RUNS_PER_PROCESS = 25  # TensorFlow keeps the graph of each gradient of a custom operation: some 11 MB per run


def check_choices(settings: AllSettings) -> None:
    """Raises ValueError unless the losses and optimizers to compare are in the tables."""
    for loss in settings.study.losses:
        check_entry("losses", loss, CHOICES["loss"])
    for optimizer in settings.study.optimizers:
        check_entry("optimizers", optimizer, CHOICES["optimizer"])


def run_remaining(folder: Path, study: Study, records: RecordsConfig, data: DataFacts, deadline: float | None) -> bool:
    """Executes the runs without a result, at most `RUNS_PER_PROCESS`, then writes and prints the results of all.

    Args:
        folder: Of the study, locked by this process.
        study: Its settings.
        records: How the records were made.
        data: Where they are, and the facts of them that runs need.
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
    print(f"next: python -m tuner.report {shlex.quote(str(folder))}")
    return True


def _execute(context: Context, task: Task, done: dict, progress: "StudyProgress") -> TuningRun | Run:
    """Executes one run with the settings that tuning has found for it."""
    progress.begin(task)
    result = execute(context, task, _chosen(context.study, task, done), [progress.callback()])
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


class StudyProgress:
    """The progress of a study in epochs, with the time left if all runs take all of theirs.

    An ablation without training counts as one epoch.

    Args:
        tasks: The runs to execute.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._weights = {task: max(task.epochs, 1) for task in tasks}
        self._progress = Progress(sum(self._weights.values()), "epochs")
        self._started, self._counted = time.monotonic(), 0
        self._task: Task  # set by `begin`

    def begin(self, task: Task) -> None:
        """A run begins."""
        self._task, self._counted = task, 0

    def epoch(self, logs: dict) -> None:
        """An epoch of the run has ended."""
        if self._counted < self._weights[self._task]:
            self._counted += 1
            self._update(1, f"{self._task.folder}, validation NLL {logs['val_nll']:.3f}")

    def end(self) -> None:
        """The run has ended, perhaps early."""
        self._update(self._weights[self._task] - self._counted, f"{self._task.folder} done")

    def _update(self, count: int, note: str) -> None:
        done = self._progress.done + count
        left = (time.monotonic() - self._started) * (self._progress.total - done) / max(done, 1)
        self._progress.update(count, f"{note}, {format_duration(left)} left")

    def callback(self) -> keras.callbacks.Callback:
        """The callback of a training that counts its epochs."""
        return keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: self.epoch(logs))

    def __enter__(self) -> "StudyProgress":
        self._progress.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.__exit__(*exc)
