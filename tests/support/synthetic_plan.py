"""A folder of a plan with synthetic studies of known differences, as described in tuner/plan/folder.py; no training.

Copying the last step has a test NLL of 8 nats per step everywhere, so that 0.08 nats are 1 % of it. The focal loss is
lower than BCE by 1 % of it (`SHARES` of that in the corpora, so that their standard deviation is 0.0816 %), and RMSprop
higher than Adam by 5 %, with a little noise of mean 0 over five seeds.

python tests/support/synthetic_plan.py DIR
"""

import dataclasses
import json
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from synthetic_study import tiny_settings, write_study

from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from pianoroll_tf.storage.tables import write_csv
from tuner.plan import folder as plan_folder
from tuner.plan.plan import as_plan
from tuner.report.data import read
from tuner.study import folder as study_folder
from tuner.study import results
from tuner.study.results_model import Study

COPY, BCE = 8.0, 6.0  # test NLL, nats per step
EFFECTS = {"focal": -0.08, "weighted_bce": -0.04, "rmsprop": 0.4, "adamw": 0.0}  # added to that of BCE with Adam
NOISE = (-0.01, -0.005, 0.0, 0.005, 0.01)  # of a difference, by seed
CORPORA = ("jsb", "pop909", "nottingham", "classical")
SHARES = dict(zip(CORPORA, (1.0, 0.9, 1.1, 1.0), strict=True))  # of the effects, by corpus
DENSITIES = {"density-rare": 0.01, "density-middle": 0.02, "density-dense": 0.04}
SHARED: dict[str, Any] = {
    "seeds": 5,
    "epochs": 8,
    "tuning_runs": 2,
    "most_tuning_runs": 2,
    "pieces": 5,
    "piece_steps": 16,
}
MAIN = {"losses": ["bce", "focal"], "combinations": ["bce-adam", "focal-adam", "bce-rmsprop"]}


def plan_values(**changes: Any) -> dict[str, Any]:
    """A plan of four corpora, three conditions of density, and a control with the nade head."""
    density = {"losses": ["bce", "focal"], "combinations": ["bce-adam", "focal-adam"]}
    studies: dict[str, Any] = {name: {"corpus": name, **MAIN} for name in CORPORA}
    studies |= {name: {"corpus": name.removeprefix("density-"), **density} for name in DENSITIES}
    studies["jsb-nade"] = {"corpus": "jsb", "after": "jsb", "choose": "extremes", "head": "nade", **MAIN}
    midi = {"midi": "{data}/made-up", "grid": "seconds"}
    corpora = {entry["corpus"]: midi for entry in studies.values()}
    return {
        "title": "A made-up plan",
        "question": "Which loss,\nand which optimizer?",
        "hypotheses": ["H1. Focal is lower.", "H2. The optimizers differ."],
        "analysis": ["Means over the seeds."],
        "corpora": corpora,
        "defaults": SHARED,
        "studies": studies,
    } | changes


def write_plan(
    folder: Path,
    begun: Collection[str] | None = None,
    unfinished: Mapping[str, Collection[tuple[str, int]]] | None = None,
    diverged: Mapping[str, Collection[tuple[str, int]]] | None = None,
    effects: Mapping[str, Mapping[str, float]] | None = None,
    amendments: Collection[dict[str, Any]] = (),
) -> Path:
    """Writes plan.json and the folders of its studies.

    Args:
        folder: Is created.
        begun: The studies to write; None: all.
        unfinished: Study → runs (combination, seed) without a result.
        diverged: Study → runs that diverged.
        effects: Study → entries of `EFFECTS` that it has otherwise.
        amendments: Of the plan.
    """
    values = plan_values()
    folder.mkdir(parents=True)
    fixed = plan_folder.content(as_plan(values)) | {"fixed": "2026-11-27T09:30:00+00:00"}
    write_checksummed(folder / plan_folder.PLAN, fixed | {"amendments": list(amendments)})
    for name, entry in values["studies"].items():
        if begun is None or name in begun:
            skipped, bad = (found.get(name, ()) if found else () for found in (unfinished, diverged))
            _write(folder / plan_folder.STUDIES / name, name, entry, skipped, bad, (effects or {}).get(name, {}))
    return folder


def _write(folder: Path, name: str, entry: Mapping[str, Any], skipped, diverged, effects: Mapping[str, float]) -> None:
    """Writes a study, with the numbers of this module in place of the noise of `write_study`."""
    settings = tiny_settings(**SHARED | {key: tuple(MAIN[key]) for key in MAIN} | {"optimizers": ("adam", "rmsprop")})
    given = {key: tuple(entry[key]) for key in ("losses", "combinations")}
    settings = dataclasses.replace(settings, study=dataclasses.replace(settings.study, **given))
    if "head" in entry:
        settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, head=entry["head"]))
    write_study(folder, settings, skipped=skipped, diverged=diverged)
    study = read_checksummed(folder / study_folder.STUDY)
    study["records"] |= {"density": DENSITIES.get(name, 0.036), "path": f"/somewhere/{entry['corpus']}"}
    write_checksummed(folder / study_folder.STUDY, study)
    baselines = read_checksummed(folder / study_folder.BASELINES)
    for split in baselines.values():
        split["copy_last_step"]["nll"] = COPY
    write_checksummed(folder / study_folder.BASELINES, baselines)
    for path in folder.glob(f"runs/*/*/{study_folder.MEASURES}"):
        run = read_checksummed(path)
        if "nll" in run["measures"]:
            run["measures"]["nll"] = nll(name, run["combination"], run["seed"], effects)
            write_checksummed(path, run)
    if not skipped:
        _finish(folder)


def nll(study: str, combination: str, seed: int, effects: Mapping[str, float]) -> float:
    """The test NLL of a run: that of its seed, and the effects of its loss and its optimizer."""
    known = {**EFFECTS, **effects}
    if study in DENSITIES:  # 4 % of copying's NLL at a density of 0.01, 2 % at 0.02, 1 % at 0.04
        known["focal"] = -0.0032 / DENSITIES[study]
    parts = [known[word] * SHARES.get(study, 1.0) + NOISE[seed] for word in combination.split("-") if word in known]
    return BCE + 0.1 * seed + sum(parts)


def _finish(folder: Path) -> None:
    """Writes what a study writes at its end."""
    data = read(folder)
    study: Study = data.study
    write_csv(folder / study_folder.RESULTS_CSV, results.result_rows(study, data.runs))
    write_checksummed(folder / study_folder.COMPARISON, dataclasses.asdict(results.compared(study, data.runs)))


if __name__ == "__main__":
    write_plan(
        Path(sys.argv[1]), **{key: json.loads(value) for key, value in (text.split("=", 1) for text in sys.argv[2:])}
    )
