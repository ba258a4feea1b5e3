"""A folder of a study with synthetic numbers, as described in tuner/study/folder.py; nothing is trained.

python tests/support/synthetic_study.py DIR [NAME=JSON ...]
"""

import csv
import dataclasses
import json
import sys
from collections.abc import Collection
from pathlib import Path

import numpy as np

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.modeling.run_folder import HISTORY
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage.checksummed_json import write_checksummed
from tuner.study import factorial, tasks
from tuner.study import folder as study_folder
from tuner.study.measures import FACTS, MUSIC
from tuner.study.measures_curves import course
from tuner.study.results_model import COLLAPSED, DIVERGED, FINISHED, Run, Study, TuningRun
from tuner.study.settings import RAW, RUNS, AllSettings, Combination, StudyConfig

STEPS_PER_EPOCH = 20
BASELINES = {
    "copy_last_step": {"nll": 6.54, "pr_auc": 0.572, "f1": 0.710, "onset_f1": 0.052, "ece": 0.0030},
    "note_frequency": {"nll": 12.06, "pr_auc": 0.085, "f1": 0.147, "onset_f1": 0.053, "ece": 0.0017},
}
LEAD = {"adam": 0.0, "adamw": -0.004, "rmsprop": 0.05}  # of the NLL
FOCAL_LEAD = 0.02


def write_study(
    folder: Path,
    settings: AllSettings,
    skipped: Collection[tuple[str, int]] = (),
    diverged: Collection[tuple[str, int]] = (),
    collapsed: Collection[tuple[str, int]] = (),
    with_music: bool = True,
    grid: str = "seconds",
) -> Path:
    """Writes study.json, baselines.json and all runs; neither comparison.json nor results.csv.

    Args:
        folder: Is created.
        settings: Of the study.
        skipped: Runs (combination, seed) without a result.
        diverged: Runs that diverged.
        collapsed: Runs that collapsed.
        with_music: Write music.csv too, as a study that has ended does.
        grid: Of the records.
    """
    study = settings.study
    combinations = factorial.combinations(study)
    records = {
        "path": "/somewhere/tfrecords/made-up",
        "manifest_sha256": "ab" * 32,
        "settings": to_dict(RecordsConfig(grid=grid, include="*.mid")),
        "density": 0.0362,
        "splits": {"train": {"pieces": 80, "steps": 90000}, "val": {"pieces": 9, "steps": 9000}}
        | {"test": {"pieces": 11, "steps": 9999}},
    }
    versions = {"python": "3.11.2", "pianoroll_tf": "0.1"}
    described = Study(settings, combinations, factorial.design(study), records, versions)
    _write_checksummed(folder / study_folder.STUDY, dataclasses.asdict(described))
    _write_checksummed(folder / study_folder.BASELINES, {"val": BASELINES, "test": BASELINES})
    tuned: dict[str, list[TuningRun]] = {each.name: [] for each in factorial.main_combinations(study)}
    while left := tasks.tuning_tasks(study, tuned):
        combination, number = left[0].combination, left[0].number
        own = tuned[combination.name]
        chosen = factorial.chosen(study, combination, [run.val_nll for run in own], number)
        own.append(TuningRun(combination.name, number, chosen, FINISHED, "", 6.0 + 0.1 * number, study.epochs))
        _write_checksummed(folder / left[0].folder / study_folder.OUTCOME, dataclasses.asdict(own[-1]))
    for index, combination in enumerate(combinations):
        for seed in range(study.seeds):
            key = (combination.name, seed)
            if key not in skipped:
                outcome = DIVERGED if key in diverged else COLLAPSED if key in collapsed else FINISHED
                _write_run(folder, study, combination, index, seed, outcome)
    (folder / study_folder.MUSIC).mkdir()
    real = [_roll(study.piece_steps, seed=100 + number, density=0.03 + 0.002 * number) for number in range(4)]
    study_folder.write_pieces(folder / study_folder.MUSIC / f"{study_folder.TEST}.npz", real)
    if with_music:
        _write_music(folder / study_folder.MUSIC_CSV, combinations)
        _write_facts(folder / study_folder.FACTS_CSV)
    return folder


def _write_checksummed(path: Path, values: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_checksummed(path, values)


def _write_run(folder: Path, study: StudyConfig, combination: Combination, index: int, seed: int, outcome: str) -> None:
    run_dir = folder / RUNS / combination.name / str(seed)
    run_dir.mkdir(parents=True)
    draws = np.random.default_rng(seed)  # the same for all combinations: their differences are paired
    own = np.random.default_rng(1000 * seed + index)
    final = 5.5 + LEAD.get(combination.optimizer, 0.0) + draws.normal(0, 0.02) + own.normal(0, 0.004)
    final += FOCAL_LEAD * (combination.loss == "focal") + 3 * (combination.ablation == RAW)
    measures, tables, cause = {}, {}, ""
    if combination.ablation != RAW:
        measures = _course(run_dir, study, final - 0.1, own, outcome)
    if outcome == DIVERGED:
        measures, cause = {}, "the loss became nan in epoch 2, step 31"
    else:
        measures |= _judged(final, combination, own)
        tables = _tables(combination, own)
        number = study.pieces_of(seed)
        rolls = [_roll(study.piece_steps, seed=1000 * index + 10 * seed + each) for each in range(number)]
        study_folder.write_pieces(run_dir / study_folder.PIECES, rolls)
    if outcome == COLLAPSED:
        cause = "silent: it predicts a density of 0.10 %, the data have 3.60 %"
    chosen = factorial.chosen(study, combination, [], 0)
    run = Run(combination.name, seed, chosen, outcome, cause, measures, tables, STEPS_PER_EPOCH)
    _write_checksummed(run_dir / study_folder.MEASURES, dataclasses.asdict(run))


def _course(run_dir: Path, study: StudyConfig, final: float, own: np.random.Generator, outcome: str) -> dict:
    """Writes history.csv and gradient_norms.csv; returns what follows from them."""
    epochs = 2 if outcome == DIVERGED else study.epochs
    curve = final + 4 * np.exp(-6 * np.arange(1, epochs + 1) / study.epochs) + own.normal(0, 0.01, epochs)
    rows = [
        {"epoch": epoch, "loss": nll, "learning_rate": 0.002, "val_nll": nll, "val_pr_auc": 0.7, "seconds": 12.5}
        for epoch, nll in enumerate(curve, 1)
    ]
    norms = own.lognormal(0, 0.4, epochs * STEPS_PER_EPOCH)
    _write_rows(run_dir / HISTORY, rows)
    _write_rows(
        run_dir / study_folder.NORMS, [{"step": step, "norm": norm} for step, norm in enumerate(norms.tolist(), 1)]
    )
    return course(rows, norms, study.epochs, STEPS_PER_EPOCH, BASELINES["copy_last_step"]["nll"])


def _judged(final: float, combination: Combination, own: np.random.Generator) -> dict[str, float]:
    """Measures of quality, sparsity and music."""
    improper = combination.loss == "focal"
    noise = dict(zip(("pr_auc", "f1", "onset_f1", "ece", "recall", "music"), own.normal(0, 1, 6), strict=True))
    ece = 0.085 if combination.ablation == RAW else 0.0015
    measures = {
        "nll": final,
        "pr_auc": 0.706 + 0.002 * noise["pr_auc"],
        "f1": 0.71 + 0.002 * noise["f1"],
        "onset_f1": 0.19 + 0.004 * noise["onset_f1"] + 0.006 * improper,
        "ece": ece + 0.0001 * noise["ece"],
        "ece_raw": 0.085 if improper else ece + 0.0001 * noise["ece"],
        "music_overlap": 0.78 + 0.01 * noise["music"],
        "free_density_ratio": 1.3,
        "density_ratio": 4.0 if combination.ablation == RAW else 0.98,
        "step_density_error": 0.9,
        "silent_ratio": 0.8,
        "silent_predicted": 0.05,
    }
    for place, name in enumerate(("rare", "uncommon", "common", "frequent")):
        measures[f"recall_{name}"] = 0.2 + 0.15 * place + 0.01 * noise["recall"]
    for name in FACTS:
        measures |= {f"music_{name}": 0.4, f"music_{name}_gap": 0.1 + 0.01 * noise["music"]}
    measures |= {"music_auc": 0.95 + 0.005 * noise["music"], "music_best_auc": 0.8}
    for name in MUSIC:
        measures |= {f"music_{name}_overlap": 0.75, f"music_{name}_distance": 1.5}
    return measures


def _tables(combination: Combination, own: np.random.Generator) -> dict[str, dict[str, list]]:
    """Reliability, recall of each pitch, notes by true number of notes."""
    middle = (np.arange(15) + 0.5) / 15
    cells = (1e6 * np.exp(-6 * middle)).astype(int).tolist()
    raw = middle**2 / (middle**2 + (1 - middle) ** 2)  # frequency where the raw output is `middle`
    frequency = 0.09 * np.exp(-(((np.arange(84) - 40) / 18) ** 2))
    hits = np.clip(0.2 + 5 * frequency + own.normal(0, 0.03, 84), 0, 1)
    tables = {
        "reliability": {"probability": [*middle[:-1].tolist(), None], "frequency": [*(middle[:-1] ** 1.05), None]},
        "pitch": {
            "frequency": frequency.tolist(),
            "cells": (frequency * 10000).astype(int).tolist(),
            "recall": [None if share < 1e-4 else hit for hit, share in zip(hits.tolist(), frequency, strict=True)],
        },
        "polyphony": {
            "notes": list(range(13)),
            "steps": [1000 - 80 * notes for notes in range(12)] + [0],
            "predicted": [0.5 + 0.8 * notes for notes in range(12)] + [None],
        },
    }
    tables["reliability"]["cells"] = [*cells[:-1], 0]
    if combination.loss == "focal" and combination.ablation != RAW:
        table = {"probability": middle.tolist(), "frequency": raw.tolist(), "cells": cells}
        tables["reliability_raw"] = table
    return tables


def _roll(steps: int, seed: int, density: float = 0.035) -> np.ndarray:
    """Notes of some steps each, uint8 [steps, 84]."""
    draws = np.random.default_rng(seed)
    roll = np.zeros((steps, 84), np.uint8)
    for _ in range(round(steps * 84 * density / 4)):
        start, pitch = draws.integers(steps), int(np.clip(draws.normal(40, 12), 0, 83))
        roll[start : start + draws.integers(1, 8), pitch] = 1
    return roll


def _write_music(path: Path, combinations: list[Combination]) -> None:
    rows = []
    for place, name in enumerate([study_folder.CEILING, *(each.name for each in combinations)]):
        for fact in MUSIC:
            overlap = 0.9 - 0.01 * place
            rows.append({"combination": name, "measure": fact, "overlap": overlap, "distance": 0.5 + 0.1 * place})
    _write_rows(path, rows)


def _write_facts(path: Path) -> None:
    values = {f"music_{name}": 0.5 for name in FACTS}
    ceiling = {f"music_{name}_gap": 0.02 for name in FACTS} | {"music_auc": 0.52, "music_best_auc": 0.6}
    rows = [
        {"combination": name, "measure": measure, "value": value}
        for name, found in ((study_folder.TEST, values), (study_folder.CEILING, ceiling))
        for measure, value in found.items()
    ]
    _write_rows(path, rows)


def _write_rows(path: Path, rows: list[dict]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def tiny_settings(**changes: object) -> AllSettings:
    """Two losses, two optimizers, three seeds, eight epochs."""
    settings = {"optimizers": ("adam", "rmsprop"), "seeds": 3, "epochs": 8, "tuning_runs": 2}
    return AllSettings(study=StudyConfig(**settings | {"pieces": 3, "piece_steps": 64} | changes))


if __name__ == "__main__":
    given = dict(text.split("=", 1) for text in sys.argv[2:])
    values = {name: json.loads(value) for name, value in given.items()}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    bad = {"diverged": [("focal-rmsprop", 3)], "collapsed": [("bce-rmsprop", 1)]}
    write_study(Path(sys.argv[1]), AllSettings(study=StudyConfig(**values)), **bad)
