"""From the runs of a study to its tables and its comparison."""

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.modeling.run_folder import HISTORY
from pianoroll_tf.settings import from_dict
from pianoroll_tf.storage.checksummed_json import write_checksummed
from pianoroll_tf.storage.tables import read_csv, write_csv
from tuner.study import factorial, tuning
from tuner.study import folder as study_folder
from tuner.study.ladder import Ladder
from tuner.study.measures import HIGHER, MEASURES, MUSIC, ONE
from tuner.study.measures_curves import NEAR, SETTLED, cost, effort, last_gain, reached
from tuner.study.music_distance import compare, distribution
from tuner.study.music_facts import real_measures
from tuner.study.operations import batch_operations
from tuner.study.results_model import COLLAPSED, DIVERGED, FINISHED, Compared, Comparison, Run, Study, TuningRun
from tuner.study.settings import RAW
from tuner.study.statistics import Ranks, compare_rows, rank, summarise
from tuner.study.statistics import compare as compare_pairs

Values = dict[str, list[float | None]]  # combination → a value a seed


def write_results(folder: Path, study: Study, steps_per_epoch: int, real) -> None:
    """Writes the CSV files and comparison.json of all runs with a result; `real` is a `measures_music.Reference`."""
    runs = with_efforts(folder, study, study_folder.read_runs(folder), steps_per_epoch)
    tables = {
        study_folder.TUNING_CSV: tuning_rows(study, study_folder.read_tuning(folder)),
        study_folder.RESULTS_CSV: result_rows(study, runs),
        study_folder.MUSIC_CSV: music_rows(folder, study, real),
        study_folder.FACTS_CSV: fact_rows(real),
    }
    for name, rows in tables.items():
        write_csv(folder / name, rows, ["combination"])
    write_checksummed(folder / study_folder.COMPARISON, dataclasses.asdict(compared(study, runs)))


def complete(folder: Path, study: Study, runs: Sequence[Run]) -> list[Run]:
    """The runs as they are read, with the measures of `with_efforts` if their steps per epoch are known."""
    steps = study.settings.study.steps_per_epoch or _steps_per_epoch(runs)
    return with_efforts(folder, study, runs, steps) if steps else list(runs)


def _steps_per_epoch(runs: Sequence[Run]) -> int | None:
    """Batches per epoch; in studies of earlier versions from a run that reached the baseline; None: unknown."""
    for run in runs:
        epochs, steps = run.measures.get("epochs_to_copy"), run.measures.get("steps_to_copy")
        if run.steps_per_epoch:
            return run.steps_per_epoch
        if epochs and steps:
            return round(steps / epochs)
    return None


def with_efforts(folder: Path, study: Study, runs: Sequence[Run], steps_per_epoch: int) -> list[Run]:
    """The runs, with all measures of convergence that follow from their validation curves, of earlier versions too."""
    trained = {each.name for each in study.combinations if each.ablation != RAW}
    ended = [run for run in runs if run.outcome != DIVERGED and run.combination in trained]
    if not ended:
        return list(runs)
    target = NEAR * min(nll for run in ended if (nll := run.measures["val_nll"]) is not None)
    found = []
    for run in runs:
        if run in ended:
            rows = read_csv(folder / study_folder.RUNS / run.combination / str(run.seed) / HISTORY)
            more = _convergence(study, run, rows, target, steps_per_epoch)
            run = dataclasses.replace(run, measures=run.measures | more)
        found.append(run)
    return found


def _convergence(
    study: Study, run: Run, rows: Sequence[dict[str, Any]], target: float, steps_per_epoch: int
) -> dict[str, float | None]:
    """What it took a run to reach the baseline, `target`, and its own best."""
    curve = [row["val_nll"] for row in rows]
    copied = run.measures.get("epochs_to_copy")
    points = {
        "to_copy": None if copied is None else round(copied),
        "to_best": reached(curve, target),
        "to_settled": reached(curve, SETTLED * min(curve)),
        "to_own_best": reached(curve, min(curve)),
    }
    windows, operations = _batch_cost(study)
    measures = effort("to_best", points["to_best"], steps_per_epoch, [row["seconds"] for row in rows])
    for point, epoch in points.items():
        measures |= cost(point, epoch, steps_per_epoch, windows, operations)
    return measures | {"last_gain": last_gain(curve)}


def _batch_cost(study: Study) -> tuple[int | None, float | None]:
    """Windows and floating-point operations of a batch of training; None where they are not known."""
    settings, windows = study.settings, study.settings.dataset.batch_size
    if windows is None:
        return None, None
    records = from_dict(RecordsConfig, study.records["settings"])
    density, steps = study.records["density"], settings.dataset.window_steps
    found = batch_operations(settings.model, records, density, windows, steps)
    return windows, None if found is None else found.training


def tuning_rows(study: Study, tuning: Sequence[TuningRun]) -> list[dict[str, Any]]:
    """The rows of tuning.csv."""
    rows = []
    for combination in dict.fromkeys(run.combination for run in tuning):
        own = [run for run in tuning if run.combination == combination]
        chosen = factorial.best(own)
        at_edges = edge_names(study, combination, own)
        for run in own:
            row = dataclasses.asdict(run)
            is_chosen = run.run == chosen
            rows.append(
                {"combination": row.pop("combination"), "run": row.pop("run"), "chosen": int(is_chosen)}
                | {"edges": " ".join(at_edges) if is_chosen else ""}
                | factorial.in_order(row.pop("settings"))
                | row
            )
    return rows


def edge_names(study: Study, combination: str, runs: Sequence[TuningRun]) -> list[str]:
    """The settings whose best value is at an edge of what was tried, with the side that was not tried.

    Studies of earlier versions tried a fixed list of learning rates, the other settings along with them.
    """
    if not runs:
        return []
    if isinstance(study.design[combination], list):
        rates = {run["learning_rate"] for run in study.design[combination]}
        rate = runs[factorial.best(runs)].settings["learning_rate"]
        return [f"learning_rate:{'up' if rate == max(rates) else 'down'}"] if rate in (min(rates), max(rates)) else []
    design = study.design[combination]
    [own] = [each for each in study.combinations if each.name == combination]
    order = [name for name in factorial.ladders(study.settings.study, own) if name in design]  # JSON has sorted them
    ladders = {name: Ladder(**design[name] | {"values": tuple(design[name]["values"])}) for name in order}
    sides = {1: "up", -1: "down"}
    found = tuning.edges(ladders, [run.val_nll for run in runs])
    return [f"{name}:{sides[side]}" for name, side in found]


def result_rows(study: Study, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The rows of results.csv."""
    named = {each.name: each for each in study.combinations}
    return [
        {"combination": run.combination}
        | {name: getattr(named[run.combination], name) for name in ("loss", "optimizer", "change", "ablation")}
        | {"seed": run.seed}
        | factorial.in_order(run.settings)
        | {"outcome": run.outcome, "cause": run.cause}
        | {name: run.measures.get(name) for name in MEASURES}
        for run in runs
    ]


def music_rows(folder: Path, study: Study, real) -> list[dict[str, Any]]:
    """The rows of music.csv."""
    rows: list[tuple] = [(study_folder.CEILING, name, *real.ceiling[name]) for name in MUSIC]
    for combination in study.combinations:
        paths = [
            folder / study_folder.RUNS / combination.name / str(seed) / study_folder.PIECES
            for seed in range(study.settings.study.seeds)
        ]
        pieces = [piece for path in paths if path.is_file() for piece in study_folder.read_pieces(path)]
        for name in MUSIC if pieces else ():
            rows.append((combination.name, name, *compare(name, distribution(name, pieces), real.features[name])))
    return [dict(zip(("combination", "measure", "overlap", "distance"), row, strict=True)) for row in rows]


def fact_rows(real) -> list[dict[str, Any]]:
    """The rows of facts.csv."""
    found = zip((study_folder.TEST, study_folder.CEILING), real_measures(real.facts), strict=True)
    rows = [(name, measure, value) for name, values in found for measure, value in values.items()]
    return [dict(zip(("combination", "measure", "value"), row, strict=True)) for row in rows]


def compared(study: Study, runs: Sequence[Run]) -> Comparison:
    """The comparison of the runs by each measure."""
    seeds, by_key = range(study.settings.study.seeds), {(run.combination, run.seed): run for run in runs}
    rows = {each.name: [by_key.get((each.name, seed)) for seed in seeds] for each in study.combinations}
    ends = Counter((run.combination, run.outcome) for run in runs)
    return Comparison(
        missing=len(rows) * len(seeds) - len(runs),
        outcomes={name: {end: ends[name, end] for end in (FINISHED, COLLAPSED, DIVERGED)} for name in rows},
        measures={measure: _compared_by(study, measure, rows) for measure in MEASURES},
    )


def _compared_by(study: Study, measure: str, runs: dict[str, list[Run | None]]) -> Compared:
    """The comparison by one measure; a run without a result does not count as a missing value."""
    config = study.settings.study
    values = {name: [run.measures.get(measure) if run else None for run in row] for name, row in runs.items()}
    main = {each.name: values[each.name] for each in study.combinations if not each.ablation}
    combos = {each.name: each for each in study.combinations if not each.ablation}
    losses, optimizers = (
        {
            key: {
                (getattr(each, other), each.change): main[name]
                for name, each in combos.items()
                if getattr(each, table) == key
            }
            for key in keys
        }
        for table, other, keys in (("loss", "optimizer", config.losses), ("optimizer", "loss", config.optimizers))
    )
    ablations = [(each.name, each.parent) for each in study.combinations if each.ablation]
    whole = [seed for seed in range(config.seeds) if all(runs[name][seed] for name in main)]
    return Compared(
        summaries={name: summarise([run.measures.get(measure) for run in row if run]) for name, row in runs.items()},
        pairs=compare_pairs(main),
        losses=compare_rows(_averaged(losses)),
        optimizers=compare_rows(_averaged(optimizers)),
        ablations=compare_pairs(values, ablations),
        ranks=_ranks(measure, {name: [row[seed] for seed in whole] for name, row in main.items()}),
    )


def _averaged(values: Mapping[str, Mapping[Any, Sequence[float | None]]]) -> dict[tuple[str, str], tuple]:
    """Each pair of entries of a table → the values of both, averaged over the combinations that both have."""
    found = {}
    for first, second in itertools.combinations(values, 2):
        if common := [key for key in values[first] if key in values[second]]:
            found[first, second] = tuple(_mean([values[name][key] for key in common]) for name in (first, second))
    return found


def _mean(rows: Iterable[Sequence[float | None]]) -> list[float | None]:
    """The mean for each seed; None if one of the values is None."""
    return [None if None in column else math.fsum(column) / len(column) for column in zip(*rows, strict=True)]


def _ranks(measure: str, values: Values) -> Ranks | None:
    """The ranks; None if no value is better than another, or without two combinations and a complete seed."""
    better = MEASURES[measure].better
    if not better or len(values) < 2 or all(value is None for row in values.values() for value in row):
        return None
    if better == ONE:
        values = {
            name: [abs(math.log(value)) if value else None if value is None else math.inf for value in row]
            for name, row in values.items()
        }
    return rank(values, lower_is_better=better != HIGHER)
