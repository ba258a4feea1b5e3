"""From the runs of a study to its tables and its comparison."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf.modeling.run_folder import HISTORY
from pianoroll_tf.storage.checksummed_json import write_checksummed
from pianoroll_tf.storage.tables import read_csv, write_csv
from tuner.study import factorial
from tuner.study import folder as study_folder
from tuner.study.measure_table import HIGHER, MEASURES, MUSIC, ONE
from tuner.study.measures import NEAR, effort, reached
from tuner.study.music_distance import compare, distribution
from tuner.study.results_model import COLLAPSED, DIVERGED, FINISHED, Compared, Comparison, Run, Study, TuningRun
from tuner.study.settings import RAW
from tuner.study.statistics import Ranks, rank, summarise
from tuner.study.statistics import compare as compare_pairs

Values = dict[str, list[float | None]]  # combination → a value a seed


def write_results(folder: Path, study: Study, steps_per_epoch: int, real) -> Comparison:
    """Writes the CSV files and comparison.json of all runs with a result.

    Args:
        folder: Of the study.
        study: Its settings.
        steps_per_epoch: Batches per epoch.
        real: `measures_music.Reference`.
    """
    runs, tuning = study_folder.read_runs(folder), study_folder.read_tuning(folder)
    runs = with_efforts(folder, study, runs, steps_per_epoch)
    write_csv(folder / study_folder.TUNING_CSV, tuning_rows(tuning), ["combination"])
    write_csv(folder / study_folder.RESULTS_CSV, result_rows(study, runs), ["combination"])
    write_csv(folder / study_folder.MUSIC_CSV, music_rows(folder, study, real), ["combination"])
    comparison = compared(study, runs)
    write_checksummed(folder / study_folder.COMPARISON, dataclasses.asdict(comparison))
    return comparison


def with_efforts(folder: Path, study: Study, runs: Sequence[Run], steps_per_epoch: int) -> list[Run]:
    """The runs, with epochs, steps and seconds to within 2 % of the best validation NLL of all of them."""
    trained = {each.name for each in study.combinations if each.ablation != RAW}
    ended = [run for run in runs if run.outcome != DIVERGED and run.combination in trained]
    if not ended:
        return list(runs)
    target = NEAR * min(nll for run in ended if (nll := run.measures["val_nll"]) is not None)
    found = []
    for run in runs:
        if run in ended:
            rows = read_csv(folder / study_folder.RUNS / run.combination / str(run.seed) / HISTORY)
            epoch = reached([row["val_nll"] for row in rows], target)
            more = effort("to_best", epoch, steps_per_epoch, [row["seconds"] for row in rows])
            run = dataclasses.replace(run, measures=run.measures | more)
        found.append(run)
    return found


def tuning_rows(tuning: Sequence[TuningRun]) -> list[dict[str, Any]]:
    """The rows of tuning.csv."""
    rows = []
    for combination in dict.fromkeys(run.combination for run in tuning):
        own = [run for run in tuning if run.combination == combination]
        chosen = factorial.best(own)
        for run in own:
            row = dataclasses.asdict(run)
            rows.append(
                {"combination": row.pop("combination"), "run": row.pop("run"), "chosen": int(run.run == chosen)}
                | factorial.in_order(row.pop("settings"))
                | row
            )
    return rows


def result_rows(study: Study, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The rows of results.csv."""
    named = {each.name: each for each in study.combinations}
    return [
        {"combination": run.combination}
        | {name: getattr(named[run.combination], name) for name in ("loss", "optimizer", "ablation")}
        | {"seed": run.seed}
        | factorial.in_order(run.settings)
        | {"outcome": run.outcome, "cause": run.cause}
        | {name: run.measures.get(name) for name in MEASURES}
        for run in runs
    ]


def music_rows(folder: Path, study: Study, real) -> list[dict[str, Any]]:
    """The rows of music.csv."""
    rows = [_music_row(study_folder.CEILING, name, *real.ceiling[name]) for name in MUSIC]
    for combination in study.combinations:
        paths = [
            folder / study_folder.RUNS / combination.name / str(seed) / study_folder.PIECES
            for seed in range(study.settings.study.seeds)
        ]
        pieces = [piece for path in paths if path.is_file() for piece in study_folder.read_pieces(path)]
        for name in MUSIC if pieces else ():
            found = compare(name, distribution(name, pieces), real.features[name])
            rows.append(_music_row(combination.name, name, *found))
    return rows


def _music_row(combination: str, measure: str, overlap: float, distance: float | None) -> dict[str, Any]:
    return {"combination": combination, "measure": measure, "overlap": overlap, "distance": distance}


def compared(study: Study, runs: Sequence[Run]) -> Comparison:
    """The comparison of the runs by each measure."""
    config, by_key = study.settings.study, {(run.combination, run.seed): run for run in runs}
    names = [each.name for each in study.combinations]
    outcomes = {
        name: {
            outcome: sum(run.outcome == outcome for run in runs if run.combination == name)
            for outcome in (FINISHED, COLLAPSED, DIVERGED)
        }
        for name in names
    }
    measures = {}
    for measure in MEASURES:
        values = {
            name: [
                run.measures.get(measure) if (run := by_key.get((name, seed))) else None for seed in range(config.seeds)
            ]
            for name in names
        }
        done = {name: [(name, seed) in by_key for seed in range(config.seeds)] for name in names}
        measures[measure] = compared_measure(study, measure, values, done)
    return Comparison(len(names) * config.seeds - len(runs), outcomes, measures)


def compared_measure(study: Study, measure: str, values: Values, done: dict[str, list[bool]]) -> Compared:
    """The comparison by one measure.

    Args:
        study: Its settings.
        measure: Entry of `measure_table.MEASURES`.
        values: One value per seed for every combination, ablations too; None: no value.
        done: Whether the run has a result; if not, its value does not count as missing.
    """
    config = study.settings.study
    main = {each.name: values[each.name] for each in study.combinations if not each.ablation}
    summaries = {
        name: summarise([value for value, there in zip(row, done[name], strict=True) if there])
        for name, row in values.items()
    }
    losses = {loss: _mean([main[f"{loss}-{each}"] for each in config.optimizers]) for loss in config.losses}
    optimizers = {each: _mean([main[f"{loss}-{each}"] for loss in config.losses]) for each in config.optimizers}
    ablations = [(each.name, each.parent) for each in study.combinations if each.ablation]
    whole = [seed for seed in range(config.seeds) if all(done[name][seed] for name in main)]
    return Compared(
        summaries=summaries,
        pairs=compare_pairs(main),
        losses=compare_pairs(losses),
        optimizers=compare_pairs(optimizers),
        ablations=compare_pairs(values, ablations),
        ranks=_ranks(measure, {name: [row[seed] for seed in whole] for name, row in main.items()}),
    )


def _mean(rows: Iterable[Sequence[float | None]]) -> list[float | None]:
    """The mean for each seed; None if one of the values is None."""
    return [None if None in column else math.fsum(column) / len(column) for column in zip(*rows, strict=True)]


def _ranks(measure: str, values: Values) -> Ranks | None:
    """The ranks; None if no value is better than another, or without two combinations and a complete seed."""
    better = MEASURES[measure].better
    if not better or len(values) < 2 or not all(values.values()):
        return None
    if better == ONE:
        values = {
            name: [abs(math.log(value)) if value else None if value is None else math.inf for value in row]
            for name, row in values.items()
        }
    return rank(values, lower_is_better=better != HIGHER)
