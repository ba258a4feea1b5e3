"""Executes the runs of a study that have no result yet, until its budget is spent, and prints a summary."""

import itertools
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras

from pianoroll_tf.config import DataFacts, RecordsConfig
from pianoroll_tf.plugins import plugin_flags
from pianoroll_tf.progress import Progress
from tuner.study import factorial, tasks
from tuner.study.results import write_results
from tuner.study.results_model import Run, Study, TuningRun
from tuner.study.run_one import Context, execute, prepare, read_result
from tuner.study.settings import Combination, StudyConfig
from tuner.study.tasks import Task
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
    context, config = prepare(folder, study, records, data), study.settings.study
    tuned = {each.name: _read_tuning(folder, each) for each in context.main}
    seeds = tasks.seed_tasks(config)
    done = {task: result for task in seeds if isinstance(result := read_result(folder, task), Run)}
    count = len(done) + sum(map(len, tuned.values()))
    if count:
        print(f"{count} of {count + len(_left(config, tuned, done))} runs are done already", flush=True)
    is_spent = False
    with StudyProgress(_left(config, tuned, done)) as progress:
        for started in itertools.count():
            left = _left(config, tuned, done)
            is_spent = bool(left) and deadline is not None and time.monotonic() >= deadline
            if not left or is_spent:
                break
            if started == RUNS_PER_PROCESS:
                return False
            progress.plan(left)
            task, result = left[0], _execute(context, left[0], tuned, progress)
            if isinstance(result, Run):
                done[task] = result
            else:
                tuned[task.combination.name].append(result)
    write_results(folder, study, context.steps_per_epoch, context.real)
    print_study(folder)
    if is_spent:
        print(f"the budget is spent, {len(_left(config, tuned, done))} runs are left: the same command resumes")
    print(f"next: python -m tuner.report {shlex.join([str(folder), *plugin_flags(study.plugins)])}")
    return True


def _read_tuning(folder: Path, combination: Combination) -> list[TuningRun]:
    """The tuning runs of a combination that are done, by number, up to the first that is not."""
    found: list[TuningRun] = []
    while isinstance(result := read_result(folder, Task(combination, len(found), True, 0)), TuningRun):
        found.append(result)
    return found


def _left(config: StudyConfig, tuned: tasks.Results, done: Mapping[Task, Run]) -> list[Task]:
    """The runs that are left, in their order, as far as the results so far tell."""
    return tasks.tuning_tasks(config, tuned) + [task for task in tasks.seed_tasks(config) if task not in done]


def _execute(context: Context, task: Task, tuned: tasks.Results, progress: "StudyProgress") -> TuningRun | Run:
    """Executes one run with the settings that tuning has found for it."""
    own = tuned[task.combination.parent]
    if task.tuning:
        results = [run.val_nll for run in own]
        settings = factorial.chosen(context.study.settings.study, task.combination, results, task.number)
    else:
        settings = own[factorial.best(own)].settings
    result = execute(context, task, settings, [progress.begin(task)])
    if result.cause:
        log(f"{task.folder}: {result.outcome}: {result.cause}")
    progress.end()
    return result


class StudyProgress(Progress):
    """The progress of a study in epochs, with the time left if all of these runs take all of theirs.

    An ablation without training counts as one epoch.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__(sum(max(task.epochs, 1) for task in tasks), "epochs")
        self._started = time.monotonic()
        self._folder, self._uncounted = Path(), 0

    def plan(self, tasks: Sequence[Task]) -> None:
        """Tells the runs that are left: tuning may need more than were known before."""
        self.total = self.done + sum(max(task.epochs, 1) for task in tasks)

    def begin(self, task: Task) -> keras.callbacks.Callback:
        """A run begins; returns a callback of its training, which counts its epochs."""
        self._folder, self._uncounted = task.folder, max(task.epochs, 1)
        return keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: self._epoch(logs))

    def _epoch(self, logs: dict) -> None:
        if self._uncounted:
            self._uncounted -= 1
            self._count(1, f"{self._folder}, validation NLL {logs['val_nll']:.3f}")

    def end(self) -> None:
        """The run has ended, perhaps early."""
        self._count(self._uncounted, f"{self._folder} done")

    def _count(self, count: int, note: str) -> None:
        done = self.done + count
        left = (time.monotonic() - self._started) * (self.total - done) / max(done, 1)
        self.update(count, f"{note}, {format_duration(left)} left")
