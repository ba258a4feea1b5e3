"""The data of a report on a study, finished or not, read from its folder. Needs no framework."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.run_folder import HISTORY
from pianoroll_tf.storage.tables import read_csv, to_csv
from tuner.study import folder as study_folder
from tuner.study import results as study_results
from tuner.study import tasks
from tuner.study.measures import CONVERGENCE, MEASURES, STABILITY
from tuner.study.results_model import Comparison, Run, Study, TuningRun
from tuner.study.settings import RAW, RUNS, Combination


@dataclasses.dataclass(frozen=True)
class StudyData:
    """The contents of the folder of a study.

    Attributes:
        comparison: Of the runs.
        baselines: Split → baseline → judged numbers; empty if not judged yet.
        music: The rows of music.csv; empty if not written yet.
        facts: The rows of facts.csv; empty in studies of earlier versions too.
        histories: Combination and seed of a run → the rows of its history.csv.
        missing: Combination → seeds whose run has no result.
        missing_tuning: Number of tuning runs without a result.
    """

    folder: Path
    study: Study
    runs: list[Run]
    tuning: list[TuningRun]
    comparison: Comparison
    baselines: dict[str, dict[str, dict[str, float]]]
    music: list[dict[str, Any]]
    facts: list[dict[str, Any]]
    histories: dict[tuple[str, int], list[dict[str, Any]]]
    missing: dict[str, list[int]]
    missing_tuning: int

    @property
    def seeds(self) -> int:
        """Number of seeds of each combination."""
        return self.study.settings.study.seeds

    @property
    def main(self) -> list[Combination]:
        """The combinations, without ablations."""
        return [each for each in self.study.combinations if not each.ablation]

    def measured(self, ablations: bool = True) -> list[Combination]:
        """The combinations with at least one measured run."""
        there = {run.combination for run in self.runs}
        return [each for each in self.study.combinations if each.name in there and (ablations or not each.ablation)]

    def shown(self, measures: Sequence[str]) -> list[Combination]:
        """The measured combinations; without those that are not trained if all measures are of the training."""
        of_training = all(MEASURES[name].group in (STABILITY, CONVERGENCE) for name in measures)
        return [each for each in self.measured() if each.ablation != RAW or not of_training]

    def of(self, combination: Combination) -> list[Run]:
        """The runs of a combination, by seed."""
        return [run for run in self.runs if run.combination == combination.name]

    def values(self, measure: str, combination: Combination) -> list[float]:
        """The values of a measure, one for each run that has it."""
        return [value for run in self.of(combination) if (value := run.measures.get(measure)) is not None]

    def pieces(self, combination: Combination) -> list[np.ndarray]:
        """The music of the first run with music, uint8 [steps, 84] each."""
        for run in self.of(combination):
            path = _run_dir(self.folder, run) / study_folder.PIECES
            if path.is_file():
                return study_folder.read_pieces(path)
        return []

    def real_pieces(self) -> list[np.ndarray]:
        """The music of the test split, cut to the length of the generated pieces."""
        path = self.folder / study_folder.MUSIC / f"{study_folder.TEST}.npz"
        return study_folder.read_pieces(path) if path.is_file() else []


def read(folder: Path) -> StudyData:
    """Reads the folder of a study; its comparison is computed unless comparison.json is of these runs.

    Raises:
        UserError: The folder is no study, or a file is damaged.
    """
    study = study_folder.read_study(folder)
    tuning = study_folder.read_tuning(folder)
    runs = study_folder.read_runs(folder)
    seeds = range(study.settings.study.seeds)
    runs = study_results.complete(folder, study, runs)
    baselines, music, facts = (
        folder / name for name in (study_folder.BASELINES, study_folder.MUSIC_CSV, study_folder.FACTS_CSV)
    )
    histories = {(run.combination, run.seed): _run_dir(folder, run) / HISTORY for run in runs}
    missing = {each.name: [seed for seed in seeds if (each.name, seed) not in histories] for each in study.combinations}
    return StudyData(
        folder=folder,
        study=study,
        runs=runs,
        tuning=tuning,
        comparison=_comparison(folder, study, runs),
        baselines=study_folder.read_checksummed(baselines) if baselines.is_file() else {},
        music=read_csv(music) if music.is_file() else [],
        facts=read_csv(facts) if facts.is_file() else [],
        histories={run: read_csv(path) for run, path in histories.items() if path.is_file()},
        missing={name: left for name, left in missing.items() if left},
        missing_tuning=_missing_tuning(study, tuning),
    )


def _missing_tuning(study: Study, tuning: Sequence[TuningRun]) -> int:
    """Tuning runs without a result, as far as the others tell."""
    if any(isinstance(runs, list) for runs in study.design.values()):  # a fixed list in earlier versions
        return sum(map(len, study.design.values())) - len(tuning)
    own = {each.name: [run for run in tuning if run.combination == each.name] for each in study.combinations}
    return len(tasks.tuning_tasks(study.settings.study, own))


def _comparison(folder: Path, study: Study, runs: Sequence[Run]) -> Comparison:
    """The comparison in comparison.json if it has all measures and as many runs as exist, else a new one."""
    try:
        found = study_folder.read_comparison(folder)
    except UserError:
        found = None
    counts = {each.name: sum(run.combination == each.name for run in runs) for each in study.combinations}
    if found is None or not found.measures.keys() >= MEASURES.keys():
        return study_results.compared(study, runs)
    same = {name: sum(each.values()) for name, each in found.outcomes.items()} == counts
    return found if same else study_results.compared(study, runs)


def _run_dir(folder: Path, run: Run) -> Path:
    return folder / RUNS / run.combination / str(run.seed)


def results_csv(data: StudyData) -> bytes:
    """One row per run with all its measures, like results.csv of the study, but of the runs that exist now."""
    return to_csv(study_results.result_rows(data.study, data.runs), ["combination"])


def curve(rows: Sequence[dict[str, Any]], column: str = "val_nll") -> list[float]:
    """A column of a history, up to its first value that is not finite.

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
