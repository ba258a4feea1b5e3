"""Does one run of a study at a time: trains it, measures it, and writes down what was found."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from pianoroll_tf.config import DataFacts, RecordsConfig, RunConfig
from pianoroll_tf.data.loading import load_corpus
from pianoroll_tf.data.pipeline import batches_per_epoch
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.baselines import BASELINES
from pianoroll_tf.modeling.callbacks import DivergedError
from pianoroll_tf.modeling.run import load_model
from pianoroll_tf.modeling.training import train
from pianoroll_tf.modeling.training_state import TrainingState
from pianoroll_tf.storage.checksummed_json import write_checksummed
from pianoroll_tf.storage.files import write_whole
from tuner.study import factorial
from tuner.study import folder as study_folder
from tuner.study.factorial import Task
from tuner.study.folder import COLLAPSED, DIVERGED, FINISHED, Run, Study, TuningRun
from tuner.study.gradient_norms import GradientNorms, read_norms
from tuner.study.measures import collapse, course
from tuner.study.measures_judged import Splits, judge, judged, unproper
from tuner.study.measures_music import Reference, as_midi, generate, music_measures, reference, rolls
from tuner.study.settings import RAW

MIDI_PIECES = 3  # of each combination's first seed, and of the test split, that are written as MIDI


@dataclasses.dataclass(frozen=True)
class Bench:
    """What every run of a study needs.

    Attributes:
        folder: Of the study.
        study: Its settings.
        records: How the records were made.
        data: What is to be remembered of them.
        splits: To judge on.
        steps_per_epoch: Batches an epoch.
        baselines: Split → baseline → judged numbers.
        real: The music of the test split.
    """

    folder: Path
    study: Study
    records: RecordsConfig
    data: DataFacts
    splits: Splits
    steps_per_epoch: int
    baselines: dict[str, dict[str, dict[str, float]]]
    real: Reference

    def config(self, task: Task, chosen: dict[str, float | None]) -> RunConfig:
        """The settings of a run with what was chosen for it."""
        seed = factorial.TUNING_SEED if task.tuning else task.number
        epochs = task.epochs or self.study.settings.study.epochs
        return factorial.run_config(
            self.study.settings, task.combination, chosen, seed, epochs, self.records, self.data
        )


def open_bench(folder: Path, study: Study, records: RecordsConfig, data: DataFacts) -> Bench:
    """Loads the records, judges the baselines, takes the facts of the real music; what stands is read.

    Raises:
        UserError: A split has no piece.
    """
    corpora = {split: load_corpus(data.path, split) for split in ("train", "val", "test")}
    for split, corpus in corpora.items():
        if not len(corpus.counts):
            raise UserError(f"the {split} split of {data.path} must hold at least one piece. Received: pieces=0")
    splits = Splits(corpora["val"], corpora["test"])
    settings = study.settings
    real = reference(rolls(splits.test, settings.model.articulation), settings.study.piece_steps)
    _write_music(folder / study_folder.MUSIC, study_folder.TEST, real.parts, records, "")
    study_folder.write_pieces(folder / study_folder.MUSIC / f"{study_folder.TEST}.npz", real.parts)
    return Bench(
        folder=folder,
        study=study,
        records=records,
        data=data,
        splits=splits,
        steps_per_epoch=settings.study.steps_per_epoch or batches_per_epoch(corpora["train"], settings.dataset),
        baselines=_baselines(folder, RunConfig(data=data, dataset=settings.dataset), splits, corpora["train"]),
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


def do(bench: Bench, task: Task, chosen: dict[str, float | None], callbacks: Sequence) -> TuningRun | Run:
    """Does a run, or what is left of it, and writes its outcome.json or measures.json.

    Args:
        bench: What runs need.
        task: Which.
        chosen: Learning rate and so on.
        callbacks: Of the training.
    """
    try:
        return tune(bench, task, chosen, callbacks) if task.tuning else measure(bench, task, chosen, callbacks)
    finally:
        keras.backend.clear_session()  # graphs and layer names of this run; memory stays flat


def tune(bench: Bench, task: Task, chosen: dict[str, float | None], callbacks: Sequence) -> TuningRun:
    """Does a tuning run."""
    standing, cause = _train(bench, task, chosen, callbacks)
    done = TuningRun(
        combination=task.combination.name,
        run=task.number,
        settings=chosen,
        outcome=DIVERGED if cause else FINISHED,
        cause=cause,
        val_nll=None if cause else standing.best_nll,
        epochs=standing.epoch,
    )
    _write(bench, task, study_folder.OUTCOME, done)
    return done


def measure(bench: Bench, task: Task, chosen: dict[str, float | None], callbacks: Sequence) -> Run:
    """Does a run of the second stage: trains it unless it is an ablation without training, judges it, lets it play."""
    raw = task.combination.ablation == RAW
    source = dataclasses.replace(task, combination=dataclasses.replace(task.combination, ablation="")) if raw else task
    config = bench.config(source, chosen)
    run_dir = bench.folder / source.folder
    if raw:
        parent = Run(**study_folder.read_checksummed(run_dir / study_folder.MEASURES))
        outcome, cause, measures = parent.outcome, parent.cause, {}
        config = unproper(config)
    else:
        standing, cause = _train(bench, task, chosen, callbacks)
        outcome, measures = (DIVERGED, {}) if cause else (FINISHED, _course(bench, run_dir, config, standing))
        if not cause and (cause := collapse(standing.rows[-1], bench.baselines["val"]["note_frequency"]["nll"])):
            outcome = COLLAPSED
    tables = {}
    if outcome != DIVERGED:
        found, tables = _judge(bench, task, run_dir, config)
        measures = found | measures
    done = Run(task.combination.name, task.number, chosen, outcome, cause, _finite(measures), tables)
    _write(bench, task, study_folder.MEASURES, done)
    return done


def _train(bench: Bench, task: Task, chosen: dict, callbacks: Sequence) -> tuple[TrainingState, str]:
    """Trains; returns where it stands, and why it diverged, if it did."""
    run_dir = bench.folder / task.folder
    watch = _Watch()
    norms = [] if task.tuning else [GradientNorms(run_dir / study_folder.NORMS)]
    try:
        standing = train(
            bench.config(task, chosen),
            run_dir,
            extra_callbacks=[watch, *norms, *callbacks],
            strategy=tf.distribute.get_strategy(),  # one device: a GradientNorms works on one
            quiet=True,
        )
    except DivergedError as error:
        return TrainingState(epoch=watch.epochs), str(error).partition(";")[0]
    finally:
        for callback in norms:
            callback.close()
    return standing, ""


class _Watch(keras.callbacks.Callback):
    """Knows how many epochs have ended, also of a training that ends by an error."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs = epoch


def _course(bench: Bench, run_dir: Path, config: RunConfig, standing: TrainingState) -> dict[str, float | None]:
    norms = [norm for _, norm in read_norms(run_dir / study_folder.NORMS)]
    copy = bench.baselines["val"]["copy_last_step"]["nll"]
    return course(standing.rows, norms, config.training.epochs, bench.steps_per_epoch, copy)


def _judge(bench: Bench, task: Task, run_dir: Path, config: RunConfig) -> tuple[dict, dict]:
    """Measures and tables of the weights that the run kept, and of their music, which is written."""
    study = bench.study.settings.study
    model = load_model(run_dir, config)
    measures, tables = judge(model, config, bench.splits)
    pieces, free = generate(
        model, config, study.pieces_of(task.number), study.piece_steps, factorial.music_seed(study, task.number)
    )
    folder = bench.folder / task.folder
    folder.mkdir(parents=True, exist_ok=True)
    study_folder.write_pieces(folder / study_folder.PIECES, pieces)
    if task.number == 0:
        _write_music(bench.folder / study_folder.MUSIC, task.combination.name, pieces, bench.records, "0-")
    return measures | music_measures(pieces, bench.real) | {"free_density_ratio": free}, tables


def _finite(measures: dict[str, float | None]) -> dict[str, float | None]:
    """JSON has no NaN and no infinity: there is no such value then."""
    return {name: value if value is None or math.isfinite(value) else None for name, value in measures.items()}


def _write(bench: Bench, task: Task, name: str, done: TuningRun | Run) -> None:
    (bench.folder / task.folder).mkdir(parents=True, exist_ok=True)
    write_checksummed(bench.folder / task.folder / name, dataclasses.asdict(done))


def standing(folder: Path, task: Task, say: Callable[[str], None]) -> TuningRun | Run | None:
    """What a run that is done has left, or None; a damaged file is removed, so that the run is measured again."""
    path = folder / task.folder / (study_folder.OUTCOME if task.tuning else study_folder.MEASURES)
    if not path.is_file():
        return None
    try:
        return (TuningRun if task.tuning else Run)(**study_folder.read_checksummed(path))
    except (UserError, TypeError) as error:
        say(f"{error}; it is removed, and the run is measured again")
        path.unlink()
        return None
