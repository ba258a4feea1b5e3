"""The folder of a study: its files, and functions that read them. Needs no framework.

    DIR/study.json                     checksummed: a `Study`
    DIR/baselines.json                 checksummed: split (val, test) → baseline (copy_last_step, note_frequency) →
                                       judged numbers, named as in `metrics.Statistics.results`: nll in nats per step, …
    DIR/tuning/COMBINATION/K/          run folders of the first stage, each with outcome.json, a `TuningRun`
    DIR/runs/COMBINATION/SEED/         run folders of the second stage, each with
        measures.json                    checksummed: a `Run`; written when the run is measured
        gradient_norms.csv               step (from 1), norm: global norm of the gradient before it is clipped
        history.csv                      one row per epoch, as in every run folder: epoch (from 1), loss,
                                         learning_rate, val_nll (nats per step), val_pr_auc, …, seconds (of the epoch)
        music.npz                        the pieces it generated (`read_pieces`)
    DIR/music/test.npz                 the test split, cut as long as generated pieces (`read_pieces`)
    DIR/music/COMBINATION/SEED-K.mid   piece K, for the first few, as MIDI; DIR/music/test/K.mid real ones
    DIR/tuning.csv                     one row per tuning run: combination, run, chosen (0 or 1), edges (settings whose
                                       best value is at an edge of what was tried, with "up" or "down"; in the chosen
                                       row), settings, outcome, cause, val_nll, epochs
    DIR/results.csv                    one row per run: combination, loss, optimizer, ablation, seed, settings, outcome,
                                       cause, and a column for each of `measures.MEASURES`; empty: no value
    DIR/music.csv                      one row for each combination (pieces of all seeds together) and each of
                                       `measures.MUSIC`: combination, measure, overlap (0..1), distance (in the
                                       measure's unit); and the same with combination "test halves": the ceiling
    DIR/facts.csv                      combination, measure (of `measures.MEASURES`), value: the facts of the real
                                       music ("test"), gaps and AUCs of its halves ("test halves"): the ceiling
    DIR/comparison.json                checksummed: a `Comparison`

The CSV files and comparison.json are written whenever the study ends, also when its budget is spent before all
runs are done. A combination is "LOSS-OPTIMIZER", or an ablation "LOSS-OPTIMIZER-ABLATION": `zero-bias` is trained again
with an output bias that starts at 0 (as a combination of its own it is tuned too); `raw` is not trained: its folders
hold only measures.json and music.npz of the very models of "LOSS-OPTIMIZER", judged and sampled as if their output were
the posterior.
"""

import contextlib
import dataclasses
import itertools
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import pianoroll_tf
from pianoroll_tf.choices import origins
from pianoroll_tf.config import NUM_PITCHES, DataFacts, RecordsConfig
from pianoroll_tf.data.records import read_manifest
from pianoroll_tf.data.roll import STRUCK, as_states
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.run_folder import differences
from pianoroll_tf.plugins import require
from pianoroll_tf.settings import from_dict, to_dict
from pianoroll_tf.storage import checksummed_json
from pianoroll_tf.storage.arrays import read_arrays, write_arrays
from pianoroll_tf.storage.files import remove_temporaries
from pianoroll_tf.storage.folders import check_folder, exclusive_folder
from tuner.study import factorial
from tuner.study.results_model import Compared, Comparison, Run, Study, TuningRun
from tuner.study.settings import RUNS, TUNING, AllSettings, Combination
from tuner.study.statistics import Pair, Ranks, Summary

STUDY, BASELINES, COMPARISON = "study.json", "baselines.json", "comparison.json"
MUSIC = "music"
OUTCOME, MEASURES, NORMS, PIECES = "outcome.json", "measures.json", "gradient_norms.csv", "music.npz"
RESULTS_CSV, TUNING_CSV, MUSIC_CSV, FACTS_CSV = "results.csv", "tuning.csv", "music.csv", "facts.csv"
TEST = "test"  # folder and file of the real pieces
CEILING = "test halves"  # in music.csv
PACKAGES = ("tensorflow", "keras", "numpy", "scipy")  # whose versions study.json holds


def read_checksummed(path: Path) -> dict[str, Any]:
    """Reads a checksummed JSON file; raises UserError if it is missing or damaged."""
    try:
        return checksummed_json.read_checksummed(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"{path} must be there: run the study to its end first") from error


def read_study(folder: Path | str) -> Study:
    """What study.json holds; raises UserError if the folder is no study, it is damaged, or a plugin is not loaded."""
    path = Path(folder) / STUDY
    if not path.is_file():
        raise UserError(f"{folder} must be the folder of a study: it has no {STUDY}")
    return as_study(read_checksummed(path), path)


def as_study(values: dict[str, Any], path: Path) -> Study:
    """The content of study.json, which is `path` in messages; raises UserError as `read_study` does."""
    values = dict(values)
    try:
        require(values.get("plugins", {}), path.parent)
        settings = from_dict(AllSettings, _migrated(values.pop("settings")))
        combinations = [Combination(**entry) for entry in values.pop("combinations")]
        return Study(settings=settings, combinations=combinations, **values)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged: {error!r}") from error


def _migrated(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of study.json; versions that tried a fixed list of learning rates had no moving average."""
    study = dict(settings["study"])
    if "lowest_rate" in study:
        study = {name: value for name, value in study.items() if name not in ("lowest_rate", "highest_rate")}
        study |= {"ema": 0.0, "most_tuning_runs": study["tuning_runs"]}
    return settings | {"study": study}


def read_runs(folder: Path | str) -> list[Run]:
    """The runs that are measured, by combination and seed."""
    study = read_study(folder)
    paths = [
        Path(folder) / RUNS / combination.name / str(seed) / MEASURES
        for combination in study.combinations
        for seed in range(study.settings.study.seeds)
    ]
    return [Run(**read_checksummed(path)) for path in paths if path.is_file()]


def read_tuning(folder: Path | str) -> list[TuningRun]:
    """The tuning runs that are done, by combination and number."""
    return [run for combination in read_study(folder).design for run in read_tuning_of(folder, combination)]


def read_tuning_of(folder: Path | str, combination: str) -> Iterator[TuningRun]:
    """The tuning runs of a combination that are done, by number, up to the first that is not."""
    for run in itertools.count():
        path = Path(folder) / TUNING / combination / str(run) / OUTCOME
        if not path.is_file():
            return
        yield TuningRun(**read_checksummed(path))


def read_comparison(folder: Path | str) -> Comparison:
    """The comparison of the runs."""
    values = read_checksummed(Path(folder) / COMPARISON)
    values.pop("sentences", None)  # earlier versions wrote the result in words too
    values["measures"] = {name: _compared(entry) for name, entry in values["measures"].items()}
    return Comparison(**values)


def _compared(values: dict[str, Any]) -> Compared:
    summaries = {name: Summary(**entry) for name, entry in values.pop("summaries").items()}
    ranks = values.pop("ranks")
    pairs = {name: [Pair(**entry) for entry in entries] for name, entries in values.items()}
    return Compared(summaries=summaries, ranks=ranks and Ranks(**ranks), **pairs)


def write_pieces(path: Path, rolls: list[np.ndarray]) -> None:
    """Writes rolls [steps, 84] in any form that `data.roll.as_states` reads: lengths and cells, one bit each.

    The strikes have one bit each as well if a pitch is struck while it sounds.
    """
    steps = np.array([len(roll) for roll in rolls], np.int64)
    nothing = [np.zeros((0, NUM_PITCHES), bool)]
    sounds = np.concatenate(nothing + [np.asarray(roll) != 0 for roll in rolls])
    struck = np.concatenate(nothing + [as_states(roll) == STRUCK for roll in rolls])
    implied = np.concatenate(nothing + [as_states(np.asarray(roll) != 0) == STRUCK for roll in rolls])
    arrays: dict[str, np.ndarray] = {"steps": steps, "bits": np.packbits(sounds)}
    if (struck != implied).any():
        arrays["struck"] = np.packbits(struck)
    write_arrays(path, arrays, meta={})


def read_pieces(path: Path | str) -> list[np.ndarray]:
    """The pieces of an .npz file, uint8 [steps, 84] each; raises UserError if it is missing or damaged.

    Cells are 0 and 1, or with strikes of sounding pitches 0 silent, 1 held, 2 struck.
    """
    arrays, _ = read_arrays(Path(path))
    steps = arrays["steps"]
    joined = sum(
        np.unpackbits(arrays[name], count=int(steps.sum()) * NUM_PITCHES).reshape(-1, NUM_PITCHES)
        for name in ("bits", "struck")
        if name in arrays
    )
    return np.split(joined, np.cumsum(steps)[:-1]) if len(steps) else []


def describe(settings: AllSettings, records: RecordsConfig, data: DataFacts) -> Study:
    """The content of study.json, from what `run_folder.data_facts` gives; raises UserError if a split is empty."""
    splits = read_manifest(data.path)["splits"]
    sizes = {split: {name: entry.get(name, 0) for name in ("pieces", "steps")} for split, entry in splits.items()}
    for split in ("train", "val", "test"):
        if not sizes.get(split, {}).get("steps"):
            raise UserError(f"{data.path} must hold pieces in the splits train, val and test, but {split} is empty")
    return Study(
        settings=settings,
        combinations=factorial.combinations(settings.study),
        design=factorial.design(settings.study),
        records={
            "path": data.path,
            "manifest_sha256": data.manifest_sha256,
            "settings": to_dict(records),
            "density": data.density,
            "splits": sizes,
        },
        versions={
            "python": platform.python_version(),
            "pianoroll_tf": pianoroll_tf.__version__,
            **{name: metadata.version(name) for name in PACKAGES},
        },
        plugins=origins(
            {"loss": settings.study.losses, "optimizer": settings.study.optimizers, "head": [settings.model.head]}
        ),
    )


def check(folder: Path, study: Study) -> Study | None:
    """The study in a folder, None if there is none; raises UserError if it is another one, or something else.

    The path of the records and versions may differ.
    """
    if not check_folder(folder, "a study", STUDY):
        return None
    there = read_study(folder)
    if differing := study_differences(there, study):
        raise UserError(
            f"{folder} holds a study with other settings: {'; '.join(differing)}. Use these, or another folder"
        )
    return there


def study_differences(there: Study, here: Study) -> list[str]:
    """What makes two studies different ones, one sentence each; the path of the records and versions may differ."""
    differing = differences(to_dict(there.settings), to_dict(here.settings))
    if there.records["manifest_sha256"] != here.records["manifest_sha256"]:
        differing.append("the records differ")
    if not differing and there.design != here.design:
        differing.append("the tuning runs of this version differ")
    return differing


@contextlib.contextmanager
def sole_use(folder: Path, study: Study) -> Iterator[None]:
    """Makes the folder and study.json when needed and keeps other processes out; raises UserError like `check`."""
    check(folder, study)
    with exclusive_folder(folder, "a study", STUDY):
        remove_temporaries(folder)
        if check(folder, study) is None:
            checksummed_json.write_checksummed(folder / STUDY, dataclasses.asdict(study))
        yield
