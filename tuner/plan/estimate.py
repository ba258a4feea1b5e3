"""How long the studies of a plan take on this machine, from the time of a few training steps of each."""

import dataclasses
import tempfile
from pathlib import Path

from pianoroll_tf.config import RunConfig
from pianoroll_tf.data.loading import load_corpus
from pianoroll_tf.data.pipeline import batches_per_epoch
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.modeling.run_folder import HISTORY
from pianoroll_tf.storage.tables import read_csv
from tuner.plan.corpora import records_folder
from tuner.plan.plan import Plan, choose_combinations
from tuner.study import factorial, tasks
from tuner.study.settings import AllSettings
from tuner.training import train_run

STEPS = 10  # per epoch of the training whose second epoch is timed
MEASURING = 10.0  # seconds that judging a run and generating its music take


@dataclasses.dataclass(frozen=True)
class Estimate:
    """How long a study takes.

    Attributes:
        tuning_runs: At least; more if a best value is at an edge.
        runs: Of the second stage.
        seconds_per_epoch: With validation.
        hours: On one thread, if every run takes all its epochs.
    """

    tuning_runs: int
    runs: int
    seconds_per_epoch: float
    hours: float


def estimate(plan: Plan, folder: Path, name: str) -> Estimate:
    """Times a few training steps of a study; its records must be there."""
    study = plan.studies[name]
    config = study.settings.study
    combinations = len(factorial.main_combinations(config))
    if study.after:
        names = [each.name for each in factorial.main_combinations(plan.studies[study.after].settings.study)]
        combinations = len(choose_combinations(study.choose, dict.fromkeys(names, 0.0)))
    tuning = combinations * config.tuning_runs
    runs = (len(factorial.combinations(config)) if not study.choose else combinations) * config.seeds
    seconds = seconds_per_epoch(records_folder(folder, study.corpus), study.settings)
    epochs = tuning * (config.tuning_epochs or config.epochs) + runs * config.epochs
    return Estimate(tuning, runs, seconds, (epochs * seconds + runs * MEASURING) / 3600)


def seconds_per_epoch(records: Path, settings: AllSettings) -> float:
    """Seconds of an epoch of training, with its validation, on this machine."""
    made, data = run_folder.data_facts(records)
    training = load_corpus(data.path, "train")
    steps = settings.study.steps_per_epoch or batches_per_epoch(training, settings.dataset)
    first = factorial.main_combinations(settings.study)[0]
    chosen = factorial.chosen(settings.study, first, [], 0)
    config = tasks.run_config(settings, tasks.Task(first, 0, True, 3), chosen, made, data)
    times = {}
    for count in (STEPS, 3 * STEPS):
        times[count] = _last_epoch(
            dataclasses.replace(
                config, training=dataclasses.replace(config.training, steps_per_epoch=count, epochs=2, patience=0)
            )
        )
    per_step = max(times[3 * STEPS] - times[STEPS], 0.0) / (2 * STEPS)
    validation = max(times[STEPS] - STEPS * per_step, 0.0)
    return steps * per_step + validation


def _last_epoch(config: RunConfig) -> float:
    """Seconds of the last epoch of a short training."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        train_run(config, run)
        return float(read_csv(run / HISTORY)[-1]["seconds"])
