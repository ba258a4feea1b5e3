"""Executes the studies of a plan, several at a time, each as a command of its own."""

import dataclasses
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from pianoroll_tf.choices import origins
from pianoroll_tf.errors import UserError
from pianoroll_tf.flags import to_flags
from pianoroll_tf.modeling.run_folder import differences
from pianoroll_tf.plugins import plugin_flags
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage.tables import read_csv
from tuner.plan import folder as plan_folder
from tuner.plan.corpora import records_folder
from tuner.plan.plan import Plan, PlannedStudy, choose_combinations
from tuner.study import factorial, tasks
from tuner.study import folder as study_folder
from tuner.study.settings import AllSettings, StudyConfig
from tuner.terminal import log

POLL_SECONDS = 1.0
START_SECONDS = 30.0  # after which the waiting studies are looked at again: it takes reading the results of others
KEEP_SECONDS = 600.0  # between two times that results are kept


def check_studies(plan: Plan, folder: Path) -> None:
    """Raises UserError if a study that was begun has other settings than the plan."""
    for name, study in plan.studies.items():
        there, settings = study_folder_of(folder, name), resolved(folder, study)
        if settings is None or not (there / study_folder.STUDY).is_file():
            continue
        found, now = study_folder.read_study(there), to_dict(settings)
        differing = differences(to_dict(found.settings), now)
        if differing:
            raise UserError(
                f"study {name} was begun with other settings: {'; '.join(differing)}. Remove {there} to run it anew"
            )


def study_folder_of(folder: Path, study: str) -> Path:
    """The folder of a study."""
    return folder / plan_folder.STUDIES / study


def arguments(folder: Path, name: str, study: PlannedStudy, budget: float | None) -> list[str] | None:
    """The arguments of `tuner.study`; None if a study that they depend on is not far enough."""
    settings = resolved(folder, study)
    if settings is None:
        return None
    defaults = AllSettings()
    sections = [field.name for field in dataclasses.fields(AllSettings)]
    found = [flag for key in sections for flag in to_flags(getattr(settings, key), getattr(defaults, key))]
    config, head = settings.study, settings.model.head
    plugins = plugin_flags(origins({"loss": config.losses, "optimizer": config.optimizers, "head": [head]}))
    limit = [] if budget is None else ["--budget", f"{max(budget, 1):.0f}s"]
    folders = [str(records_folder(folder, study.corpus)), str(study_folder_of(folder, name))]
    return [*folders, *plugins, *found, *limit]


def resolved(folder: Path, study: PlannedStudy) -> AllSettings | None:
    """The settings of a study, with the combinations and the start of the tuning that earlier ones determine.

    None if the study that chooses the combinations has not finished, or the tuning of the other one.
    """
    config = study.settings.study
    if study.after:
        earlier = study_folder_of(folder, study.after)
        if not is_finished(earlier):
            return None
        config = dataclasses.replace(config, combinations=choose_combinations(study.choose, validation_means(earlier)))
    if study.start:
        chosen = tuned_settings(study_folder_of(folder, study.start))
        if chosen is None:
            return None
        config = dataclasses.replace(config, starts=starts(config, chosen))
    return dataclasses.replace(study.settings, study=config)


def starts(study: StudyConfig, chosen: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """`StudyConfig.starts` at what another study has chosen: combination → settings; a change of it has its start."""
    return tuple(
        factorial.format_start(each.name, name, values[name])
        for each in factorial.main_combinations(study)
        if (values := chosen.get(each.name) or chosen.get(f"{each.loss}-{each.optimizer}"))
        for name in factorial.ladders(study, each)
        if values.get(name) is not None
    )


def tuned_settings(folder: Path) -> dict[str, dict[str, Any]] | None:
    """Combination → the settings that the first stage of a study has chosen; None if that is not done."""
    if not (folder / study_folder.STUDY).is_file():
        return None
    study = study_folder.read_study(folder)
    runs = {name: list(study_folder.read_tuning_of(folder, name)) for name in study.design}
    if tasks.tuning_tasks(study.settings.study, runs):
        return None
    return {name: own[factorial.best(own)].settings for name, own in runs.items()}


def is_finished(folder: Path) -> bool:
    """Whether all runs of a study have a result and are compared."""
    if not (folder / study_folder.COMPARISON).is_file():
        return False
    study = study_folder.read_study(folder)
    count = len(study.combinations) * study.settings.study.seeds
    return len(study_folder.read_runs(folder)) == len(read_csv(folder / study_folder.RESULTS_CSV)) == count


def validation_means(folder: Path) -> dict[str, float]:
    """Combination, without ablations → its mean validation NLL over the seeds; runs that diverged count as infinite."""
    study, means = study_folder.read_study(folder), {}
    runs = study_folder.read_runs(folder)
    for each in study.combinations:
        if not each.ablation and not each.change:
            found = [run.measures.get("val_nll") for run in runs if run.combination == each.name]
            means[each.name] = sum(float("inf") if nll is None else nll for nll in found) / len(found)
    return means


@dataclasses.dataclass
class _Running:
    """A study that is being executed."""

    process: subprocess.Popen
    output: IO[bytes]


def run_studies(
    plan: Plan, folder: Path, workers: int, deadline: float | None, keep: Callable[[], None] = lambda: None
) -> tuple[list[str], set[str]]:
    """Executes the studies that are not finished, `workers` at a time, in the order of the plan.

    A study that chooses its combinations by the results of another waits for it. A study that fails is named, and the
    others continue.

    Args:
        plan: The plan.
        folder: Of the plan, locked by this process.
        workers: Processes at a time, of one thread each.
        deadline: `time.monotonic()` after which no run is started; None: no limit.
        keep: Called now and then, whenever a study has ended, and at the end; an error of it is logged.

    Returns:
        (names of the studies that are not finished, names of those that failed).
    """
    (folder / plan_folder.LOGS).mkdir(exist_ok=True)
    waiting, running, failed = dict(plan.studies), dict[str, _Running](), set[str]()
    kept, looked, has_ended = time.monotonic(), 0.0, True
    try:
        while waiting or running:
            if has_ended or time.monotonic() - looked > START_SECONDS:
                _start_some(folder, waiting, running, workers, deadline)
                looked = time.monotonic()
            if not running:
                break
            time.sleep(POLL_SECONDS)
            before = len(running)
            failed |= _collect(folder, running)
            has_ended = len(running) < before
            if has_ended or time.monotonic() - kept > KEEP_SECONDS:
                kept = _keep(keep)
    finally:
        for each in running.values():
            each.process.terminate()
            each.process.wait()
            each.output.close()
        _keep(keep)
    for name in failed:
        log(f"study {name} failed: see {folder / plan_folder.LOGS / name}.log")
    return [name for name in plan.studies if not is_finished(study_folder_of(folder, name))], failed


def _keep(keep: Callable[[], None]) -> float:
    """Keeps the results; returns `time.monotonic()`."""
    try:
        keep()
    except (UserError, OSError) as error:
        log(f"results could not be kept: {error}")
    return time.monotonic()


def _start_some(
    folder: Path,
    waiting: dict[str, PlannedStudy],
    running: dict[str, _Running],
    workers: int,
    deadline: float | None,
) -> None:
    """Starts studies until all workers are busy; those that are finished are dropped."""
    for name, study in list(waiting.items()):
        if is_finished(study_folder_of(folder, name)):
            del waiting[name]
            continue
        budget = None if deadline is None else deadline - time.monotonic()
        if len(running) >= workers or (budget is not None and budget <= 0):
            return
        given = arguments(folder, name, study, budget)
        if given is not None:
            running[name] = _start(folder, name, given)
            del waiting[name]


def _start(folder: Path, name: str, given: Sequence[str]) -> _Running:
    print(f"study {name} begins", flush=True)
    output = (folder / plan_folder.LOGS / f"{name}.log").open("ab")
    command = [sys.executable, "-m", "tuner.study", *given]
    return _Running(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT), output)


def _collect(folder: Path, running: dict[str, _Running]) -> set[str]:
    """Removes the studies that have ended; returns those that failed."""
    failed = set()
    for name, each in list(running.items()):
        if (code := each.process.poll()) is not None:
            each.output.close()
            del running[name]
            if code:
                failed.add(name)
            else:
                state = "finished" if is_finished(study_folder_of(folder, name)) else "stopped, as its budget is spent"
                print(f"study {name} {state}", flush=True)
    return failed
