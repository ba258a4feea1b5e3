"""Goes through the runs of a study, skips what is done, stops when its budget is spent, and says what came out."""

import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import keras

from pianoroll_tf.choices import CHOICES
from pianoroll_tf.config import DataFacts, RecordsConfig
from pianoroll_tf.progress import Progress
from pianoroll_tf.settings import check_entry
from tuner.study import factorial
from tuner.study import terminal_summary as study_words
from tuner.study.factorial import Task
from tuner.study.folder import Comparison, Run, Study, TuningRun
from tuner.study.results import write_results
from tuner.study.run_one import Bench, do, open_bench, standing
from tuner.study.settings import AllSettings

RUNS_A_PROCESS = 25


def check_choices(settings: AllSettings) -> None:
    """Raises ValueError unless the losses and optimizers to compare are in the tables."""
    for loss in settings.study.losses:
        check_entry("losses", loss, CHOICES["loss"])
    for optimizer in settings.study.optimizers:
        check_entry("optimizers", optimizer, CHOICES["optimizer"])


def go_on(
    folder: Path, study: Study, records: RecordsConfig, data: DataFacts, deadline: float | None
) -> Comparison | None:
    """Does the runs that are not done, and writes the results of all that are.

    It ends after `RUNS_A_PROCESS` runs, because TensorFlow never lets go of a graph that it has the gradient of a
    custom operation from: a process grows by some 11 MB a run.

    Args:
        folder: Of the study, in sole use.
        study: Its settings.
        records: How the records were made.
        data: Where they lie, and what is to be remembered of them.
        deadline: `time.monotonic()` after which no run begins; None: there is none.

    Returns:
        The comparison; None where runs are left for another process.
    """
    bench = open_bench(folder, study, records, data)
    tasks = factorial.plan(study.settings.study)
    done = {task: found for task in tasks if (found := standing(folder, task, _say))}
    left = [task for task in tasks if task not in done]
    if done:
        print(f"{len(done)} of {len(tasks)} runs are done already", flush=True)
    if left:
        with Clock(left) as clock:
            for count, task in enumerate(left):
                if count == RUNS_A_PROCESS:
                    return None
                if deadline is not None and time.monotonic() >= deadline:
                    break
                done[task] = _do(bench, task, done, clock)
    comparison = write_results(folder, study, bench.steps_per_epoch, bench.real)
    print(study_words.table(study, comparison))
    print(study_words.headline(comparison))
    if len(done) < len(tasks):
        print(f"the budget is spent, {len(tasks) - len(done)} of {len(tasks)} runs are left: the same command goes on")
    print(f"next: python -m tuner.report {shlex.quote(str(folder))}")
    return comparison


def _do(bench: Bench, task: Task, done: dict, clock: "Clock") -> TuningRun | Run:
    """Does one run with the settings that tuning has found for it."""
    clock.begin(task)
    found = do(bench, task, _chosen(bench.study, task, done), [clock.epochs()])
    if found.cause:
        _say(f"{task.folder}: {found.outcome}: {found.cause}")
    clock.end()
    return found


def _chosen(study: Study, task: Task, done: dict) -> dict[str, float | None]:
    name = task.combination.parent
    design = study.design[name]
    if task.tuning:
        return design[task.number]
    own = [found for found in done.values() if isinstance(found, TuningRun) and found.combination == name]
    return design[factorial.best(own)]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Clock:
    """The progress of a study in epochs, with the time that is left if all runs take all of theirs.

    An ablation without training counts as one.

    Args:
        tasks: What is to be done.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._weights = {task: max(task.epochs, 1) for task in tasks}
        self._progress = Progress(sum(self._weights.values()), "epochs")
        self._started, self._task, self._counted = time.monotonic(), None, 0

    def begin(self, task: Task) -> None:
        """A run begins."""
        self._task, self._counted = task, 0

    def epoch(self, logs: dict) -> None:
        """An epoch of it has ended."""
        if self._counted < self._weights[self._task]:
            self._counted += 1
            self._update(1, f"{self._task.folder}, validation NLL {logs['val_nll']:.3f}")

    def end(self) -> None:
        """The run has ended, perhaps early."""
        self._update(self._weights[self._task] - self._counted, f"{self._task.folder} done")

    def _update(self, count: int, note: str) -> None:
        done = self._progress.done + count
        left = (time.monotonic() - self._started) * (self._progress.total - done) / max(done, 1)
        self._progress.update(count, f"{note}, {duration(left)} left")

    def epochs(self) -> keras.callbacks.Callback:
        """The callback that tells of epochs."""
        return keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: self.epoch(logs))

    def __enter__(self) -> "Clock":
        self._progress.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.__exit__(*exc)


def duration(seconds: float) -> str:
    """A time to read.

    >>> duration(45), duration(600), duration(9000)
    ('45 s', '10 min', '2 h 30 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
