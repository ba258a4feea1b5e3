"""What a report on a study is made of: all that its folder holds, also while it is unfinished. Needs no framework."""

import csv
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.run_folder import HISTORY
from tuner.study import folder as study_folder
from tuner.study import results as study_results
from tuner.study.measure_table import CONVERGENCE, MEASURES, STABILITY
from tuner.study.results_model import Comparison, Run, Study, TuningRun
from tuner.study.settings import RAW, RUNS, Combination

Key = tuple[str, int]  # combination and seed


@dataclasses.dataclass(frozen=True)
class StudyData:
    """What stands in the folder of a study.

    Attributes:
        folder: Of the study.
        study: Its settings.
        runs: Those that are measured, with all their measures.
        tuning: Tuning runs that are done.
        comparison: Of these runs.
        baselines: Split → baseline → judged numbers; empty: not judged yet.
        music: The rows of music.csv; empty: not written yet.
        histories: Run → the rows of its history.csv.
        missing: Combination → seeds whose run is not done.
        missing_tuning: Tuning runs that are not done.
    """

    folder: Path
    study: Study
    runs: list[Run]
    tuning: list[TuningRun]
    comparison: Comparison
    baselines: dict[str, dict[str, dict[str, float]]]
    music: list[dict[str, Any]]
    histories: dict[Key, list[dict[str, Any]]]
    missing: dict[str, list[int]]
    missing_tuning: int

    @property
    def seeds(self) -> int:
        """Runs that each combination is to have."""
        return self.study.settings.study.seeds

    @property
    def main(self) -> list[Combination]:
        """The combinations, without ablations."""
        return [each for each in self.study.combinations if not each.ablation]

    def measured(self, ablations: bool = True) -> list[Combination]:
        """The combinations of which at least one run is measured."""
        there = {run.combination for run in self.runs}
        return [each for each in self.study.combinations if each.name in there and (ablations or not each.ablation)]

    def shown(self, measures: Sequence[str]) -> list[Combination]:
        """The combinations to show with some measures: without those that have no training, if they are of training."""
        of_training = all(MEASURES[name].group in (STABILITY, CONVERGENCE) for name in measures)
        return [each for each in self.measured() if trained(each) or not of_training]

    def of(self, combination: Combination) -> list[Run]:
        """The runs of a combination, by seed."""
        return [run for run in self.runs if run.combination == combination.name]

    def values(self, measure: str, combination: Combination) -> list[float]:
        """The values of a measure, one a run that has it."""
        found = (run.measures.get(measure) for run in self.of(combination))
        return [value for value in found if value is not None]

    def pieces(self, combination: Combination) -> list[np.ndarray]:
        """The music of the first run that has some, uint8 [steps, 84] each."""
        for run in self.of(combination):
            path = self.folder / RUNS / run.combination / str(run.seed) / study_folder.PIECES
            if path.is_file():
                return study_folder.read_pieces(path)
        return []

    def real_pieces(self) -> list[np.ndarray]:
        """The music of the test split, cut as long as the generated pieces."""
        path = self.folder / study_folder.MUSIC / f"{study_folder.TEST}.npz"
        return study_folder.read_pieces(path) if path.is_file() else []


def read(folder: Path) -> StudyData:
    """Reads the folder of a study; what the study has compared itself is taken where it is of the very runs there.

    Raises:
        UserError: The folder is no study, or a file is damaged.
    """
    study = study_folder.read_study(folder)
    tuning = study_folder.read_tuning(folder)
    runs = study_folder.read_runs(folder)
    histories = {(run.combination, run.seed): _rows(_run_dir(folder, run) / HISTORY) for run in runs}
    steps = study.settings.study.steps_per_epoch or _steps_per_epoch(runs)
    if steps:
        runs = study_results.with_efforts(folder, study, runs, steps)
    done = {(run.combination, run.seed) for run in runs}
    seeds = range(study.settings.study.seeds)
    return StudyData(
        folder=folder,
        study=study,
        runs=runs,
        tuning=tuning,
        comparison=_comparison(folder, study, runs),
        baselines=_baselines(folder),
        music=_rows(folder / study_folder.MUSIC_CSV),
        histories=histories,
        missing={
            each.name: left
            for each in study.combinations
            if (left := [seed for seed in seeds if (each.name, seed) not in done])
        },
        missing_tuning=sum(map(len, study.design.values())) - len(tuning),
    )


def _comparison(folder: Path, study: Study, runs: Sequence[Run]) -> Comparison:
    """comparison.json, if it is of as many runs of each combination as there are; else it is made anew."""
    try:
        found = study_folder.read_comparison(folder)
    except UserError:
        found = None
    counts = {each.name: sum(run.combination == each.name for run in runs) for each in study.combinations}
    if found is not None and {name: sum(each.values()) for name, each in found.outcomes.items()} == counts:
        return found
    return study_results.compared(study, runs)


def _baselines(folder: Path) -> dict[str, Any]:
    path = folder / study_folder.BASELINES
    return study_folder.read_checksummed(path) if path.is_file() else {}


def _rows(path: Path) -> list[dict[str, Any]]:
    return study_folder.read_rows(path) if path.is_file() else []


def _run_dir(folder: Path, run: Run) -> Path:
    return folder / RUNS / run.combination / str(run.seed)


def _steps_per_epoch(runs: Sequence[Run]) -> int | None:
    """Batches per epoch; in studies of earlier versions from a run that reached the baseline; None: unknown."""
    for run in runs:
        epochs, steps = run.measures.get("epochs_to_copy"), run.measures.get("steps_to_copy")
        if run.steps_per_epoch or (epochs and steps):
            return run.steps_per_epoch or round(steps / epochs)
    return None


def results_csv(data: StudyData) -> bytes:
    """A row a run, with all its measures; as results.csv of the study, but of the runs that are there now."""
    rows = study_results.result_rows(data.study, data.runs)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["combination"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def curve(rows: Sequence[dict[str, Any]], column: str = "val_nll") -> list[float]:
    """A column of a history, up to its first value that is no finite number.

    >>> curve([{"val_nll": 9.0}, {"val_nll": None}, {"val_nll": 8.0}])
    [9.0]
    """
    values: list[float] = []
    for row in rows:
        value = row.get(column)
        if not isinstance(value, float) or not np.isfinite(value):
            break
        values.append(value)
    return values


def trained(combination: Combination) -> bool:
    """Whether a combination has trainings of its own."""
    return combination.ablation != RAW
