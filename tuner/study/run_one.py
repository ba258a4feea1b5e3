"""Executes one run of a study: trains it, measures it, and writes its result."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from pianoroll_tf.config import DataFacts, RecordsConfig, RunConfig
from pianoroll_tf.data.loading import load_corpus
from pianoroll_tf.data.pipeline import batches_per_epoch
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.baselines import BASELINES
from pianoroll_tf.modeling.run import load_model
from pianoroll_tf.storage.checksummed_json import write_checksummed
from pianoroll_tf.storage.files import write_whole
from tuner.study import folder as study_folder
from tuner.study import tasks
from tuner.study.gradient_norms import GradientNorms, read_norms
from tuner.study.measures_curves import collapse, course
from tuner.study.measures_judged import Splits, judge, judged, without_correction
from tuner.study.measures_music import Reference, as_midi, generate, measure_splits, music_measures
from tuner.study.results_model import COLLAPSED, DIVERGED, FINISHED, Run, Study, TuningRun
from tuner.study.settings import RAW, Combination
from tuner.study.tasks import Task
from tuner.terminal import log
from tuner.training import train_run

MIDI_PIECES = 3  # of each combination's first seed, and of the test split, that are written as MIDI


@dataclasses.dataclass(frozen=True)
class Context:
    """What every run of a study needs; `baselines` is split → baseline → judged numbers."""

    folder: Path
    study: Study
    records: RecordsConfig
    data: DataFacts
    splits: Splits
    steps_per_epoch: int
    baselines: dict[str, dict[str, dict[str, float]]]
    real: Reference

    @property
    def main(self) -> list[Combination]:
        """The combinations, without ablations."""
        return [each for each in self.study.combinations if not each.ablation]

    def config(self, task: Task, chosen: dict[str, float | None]) -> RunConfig:
        """The configuration of a run with the settings chosen for it."""
        return tasks.run_config(self.study.settings, task, chosen, self.records, self.data)


def prepare(folder: Path, study: Study, records: RecordsConfig, data: DataFacts) -> Context:
    """Loads the records, evaluates the baselines unless that is done, and measures the real music."""
    training, *others = (load_corpus(data.path, split) for split in ("train", "val", "test"))
    splits, settings = Splits(*others), study.settings
    config = RunConfig(records=records, data=data, dataset=settings.dataset, model=settings.model)
    real = measure_splits(splits.test, training, config, settings.study.piece_steps, settings.study.pieces_of(0))
    _write_music(folder / study_folder.MUSIC, study_folder.TEST, real.parts, records, "")
    study_folder.write_pieces(folder / study_folder.MUSIC / f"{study_folder.TEST}.npz", real.parts)
    return Context(
        folder=folder,
        study=study,
        records=records,
        data=data,
        splits=splits,
        steps_per_epoch=settings.study.steps_per_epoch or batches_per_epoch(training, settings.dataset),
        baselines=_baselines(folder, config, splits, training),
        real=real,
    )


def _baselines(folder: Path, config: RunConfig, splits: Splits, training) -> dict[str, Any]:
    path = folder / study_folder.BASELINES
    try:
        return study_folder.read_checksummed(path)
    except UserError:
        found = {name: judged(make(training), config, splits) for name, make in BASELINES.items()}
        values = {split: {name: numbers[split] for name, (numbers, _) in found.items()} for split in ("val", "test")}
        write_checksummed(path, values)
        return values


def _write_music(folder: Path, name: str, pieces: Sequence, grid: RecordsConfig, prefix: str) -> None:
    """Writes the first pieces as MIDI."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    for number, piece in enumerate(pieces[:MIDI_PIECES]):
        write_whole(folder / name / f"{prefix}{number:03d}.mid", as_midi(piece, grid))


def execute(context: Context, task: Task, chosen: dict[str, float | None], callbacks: Sequence) -> TuningRun | Run:
    """Executes a run with the settings chosen for it, or resumes it, and writes its outcome.json or measures.json."""
    try:
        result = (_tune if task.tuning else _measure)(context, task, chosen, callbacks)
    finally:
        keras.backend.clear_session()  # graphs and layer names of this run, so that memory stays flat
    (context.folder / task.folder).mkdir(parents=True, exist_ok=True)
    write_checksummed(context.folder / result_path(task), dataclasses.asdict(result))
    return result


def result_path(task: Task) -> Path:
    """The file of a run's result, within the folder of the study."""
    return task.folder / (study_folder.OUTCOME if task.tuning else study_folder.MEASURES)


def read_result(folder: Path, task: Task) -> TuningRun | Run | None:
    """The result of a run; None if there is none. A damaged file is removed, so that the run is measured again."""
    path = folder / result_path(task)
    if not path.is_file():
        return None
    try:
        return (TuningRun if task.tuning else Run)(**study_folder.read_checksummed(path))
    except (UserError, TypeError) as error:
        log(f"{error}; it is removed, and the run is measured again")
        path.unlink()
        return None


def _tune(context: Context, task: Task, chosen: dict[str, float | None], callbacks: Sequence) -> TuningRun:
    """Executes a run of the first stage."""
    rows, cause = train_run(
        context.config(task, chosen), context.folder / task.folder, callbacks, strategy=tf.distribute.get_strategy()
    )
    return TuningRun(
        combination=task.combination.name,
        run=task.number,
        settings=chosen,
        outcome=DIVERGED if cause else FINISHED,
        cause=cause,
        val_nll=None if cause else min(row["val_nll"] for row in rows),
        epochs=len(rows),
    )


def _measure(context: Context, task: Task, chosen: dict[str, float | None], callbacks: Sequence) -> Run:
    """Executes a run of the second stage: trains it unless it is an ablation without training, and measures it."""
    raw = task.combination.ablation == RAW
    source = dataclasses.replace(task, combination=dataclasses.replace(task.combination, ablation="")) if raw else task
    config = context.config(source, chosen)
    run_dir = context.folder / source.folder
    measures: dict[str, float | None]
    if raw:
        parent = Run(**study_folder.read_checksummed(run_dir / study_folder.MEASURES))
        outcome, cause, measures = parent.outcome, parent.cause, {}
        config = without_correction(config)
    else:
        outcome, cause, measures = _train(context, run_dir, config, callbacks)
    tables: dict[str, dict[str, list]] = {}
    if outcome != DIVERGED:
        found, tables = _evaluate(context, task, run_dir, config)
        measures = found | measures
    return Run(
        combination=task.combination.name,
        seed=task.number,
        settings=chosen,
        outcome=outcome,
        cause=cause,
        # JSON has no NaN and no infinity: such a value counts as none
        measures={name: value if value is None or math.isfinite(value) else None for name, value in measures.items()},
        tables=tables,
        steps_per_epoch=context.steps_per_epoch,
    )


def _train(
    context: Context, run_dir: Path, config: RunConfig, callbacks: Sequence
) -> tuple[str, str, dict[str, float | None]]:
    """Trains a run and records the norms of its gradients; returns its outcome, the cause, measures of its course."""
    norms = GradientNorms(run_dir / study_folder.NORMS)
    try:  # on one device, as GradientNorms needs it
        rows, cause = train_run(config, run_dir, [norms, *callbacks], strategy=tf.distribute.get_strategy())
    finally:
        norms.close()
    if cause:
        return DIVERGED, cause, {}
    found = [norm for _, norm in read_norms(run_dir / study_folder.NORMS)]
    baselines = context.baselines["val"]
    copy = baselines["copy_last_step"]["nll"]
    measures = course(rows, found, config.training.epochs, context.steps_per_epoch, copy)
    cause = collapse(rows[-1], baselines["note_frequency"]["nll"])
    return COLLAPSED if cause else FINISHED, cause, measures


def _evaluate(context: Context, task: Task, run_dir: Path, config: RunConfig) -> tuple[dict, dict]:
    """Measures and tables of the best weights of a run and of their music, which is written."""
    study = context.study.settings.study
    model = load_model(run_dir, config)
    measures, tables = judge(model, config, context.splits)
    pieces, free = generate(
        model, config, study.pieces_of(task.number), study.piece_steps, tasks.music_seed(study, task.number)
    )
    folder = context.folder / task.folder
    folder.mkdir(parents=True, exist_ok=True)
    study_folder.write_pieces(folder / study_folder.PIECES, pieces)
    if task.number == 0:
        _write_music(context.folder / study_folder.MUSIC, task.combination.name, pieces, context.records, "0-")
    return measures | music_measures(pieces, context.real) | {"free_density_ratio": free}, tables
