"""The results of an evaluation in the folder of its run: found while they are up to date, shown, written.

Needs no framework.
"""

import dataclasses
import hashlib
import shlex
from pathlib import Path

import pianoroll_tf
from pianoroll_tf.config import RunConfig
from pianoroll_tf.data.records import manifest_sha256, read_manifest, resolved
from pianoroll_tf.errors import DamagedError, UserError
from pianoroll_tf.messages import count
from pianoroll_tf.modeling.advice import fault
from pianoroll_tf.modeling.run_folder import best_path
from pianoroll_tf.settings import dumps, to_dict
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from pianoroll_tf.storage.files import write_whole

# Key in the results → label; the baselines are those of `modeling.baselines`
LABELS = {"model": "this model", "copy_last_step": "copy the last step", "note_frequency": "note frequency"}
COLUMNS = {
    "nll": "NLL per step",
    "nll_strikes": "of strikes",
    "pr_auc": "PR-AUC",
    "f1": "F1",
    "onset_f1": "onset F1",
    "ece": "ECE",
    "density_predicted": "density",
    "density_true": "true",
}


def find_records(config: RunConfig, given: Path | None) -> Path:
    """The folder of records to judge on: the one that is given, else that of the training.

    Raises:
        UserError: The folder is missing or has another grid, or none is given and the records have changed.
    """
    records = given or Path(config.data.path)
    if given is None and not records.is_dir():
        raise UserError(f"the run's records are no longer at {records}; say where they are with --records DIR")
    grid = resolved(read_manifest(records))
    if given is None and not is_training_data(config, records):
        raise UserError(
            f"{records} has changed since the training: train again, or judge on it all the same with "
            f"--records {shlex.quote(str(records))}"
        )
    ours, theirs = (f"{one.steps_per_unit} steps a {one.grid[:-1]}" for one in (config.records, grid))
    if ours != theirs:
        raise UserError(f"{records} must have the grid of the run, {ours}. Received: {theirs}")
    return records


def is_training_data(config: RunConfig, records: Path) -> bool:
    """Whether a folder holds the records that the run was trained on."""
    return manifest_sha256(records) == config.data.manifest_sha256


def identity(run_dir: Path, config: RunConfig, records: Path) -> dict[str, str]:
    """What the results depend on: sha256 of weights, settings and records, and the version of the package."""
    anywhere = dataclasses.replace(config, data=dataclasses.replace(config.data, path=""))
    return {
        "weights": hashlib.sha256(best_path(run_dir).read_bytes()).hexdigest(),
        "settings": hashlib.sha256(dumps(to_dict(anywhere)).encode()).hexdigest(),
        "records": manifest_sha256(records),
        "version": pianoroll_tf.__version__,
    }


def read_results(folder: Path, name: str, subject: dict[str, str]) -> dict | None:
    """The results in NAME.json, if they are undamaged and belong to this subject (from `identity`); else None."""
    try:
        results = read_checksummed(folder / f"{name}.json")
    except (FileNotFoundError, DamagedError):
        return None
    return results if results.get("subject") == subject and (folder / f"{name}.png").is_file() else None


def write_results(folder: Path, name: str, results: dict, picture: bytes) -> None:
    """Writes NAME.png, then NAME.json, whose presence says that both are complete."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{name}.png", picture)
    write_checksummed(folder / f"{name}.json", results)


def table(results: dict) -> str:
    """The numbers of model and baselines, as `judging.judge` returns them, as text, one line each."""
    head = f"{results['split']}: {count(results['pieces'], 'piece')}, {count(results['steps'], 'step')}"
    lines = [f"{head:<32}" + "".join(f"{title:>12}" for title in COLUMNS.values())]
    for name, label in LABELS.items():
        values = (results[name].get(column) for column in COLUMNS)
        lines.append(f"{label:<32}" + "".join(f"{'–':>12}" if value is None else f"{value:>12.4f}" for value in values))
    if found := fault(results["model"], {name: results[name]["nll"] for name in ("copy_last_step", "note_frequency")}):
        lines.append(f"{found}: train longer (--epochs), on more files, or with a lower --learning-rate.")
    return "\n".join(lines)
