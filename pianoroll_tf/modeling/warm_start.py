"""A run that starts from the best weights of another: what must be equal, what is recorded. Needs no framework."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from pianoroll_tf.config import SECTIONS, ModelConfig, RunConfig
from pianoroll_tf.errors import DamagedError, UserError
from pianoroll_tf.modeling.run_folder import CONFIG, INIT, as_flag, best_path, load_config
from pianoroll_tf.settings import Settings, to_dict
from pianoroll_tf.storage.arrays import read_arrays
from pianoroll_tf.storage.files import write_whole

# Settings of a model that its weights do not depend on; of the clock, only what is read is compared
FREE = ("dropout", "input_dropout", "input_noise", "prior_bias", "clock")
# Settings whose change is not worth a word, or is told otherwise
_NOT_SHOWN = {"val", "test", "splits", "shards", "limit", "include", "seed"}
_NOT_SHOWN |= {"grid", "steps_per_second", "steps_per_beat"}


def model_settings(run_dir: Path | str, init: Path | str | None) -> ModelConfig:
    """Defaults of the model's settings: for a warm start, new or resumed, those of the other run.

    Raises:
        UserError: `init` is no run.
    """
    if (Path(run_dir) / CONFIG).exists():
        there = load_config(run_dir)
        return there.model if "init" in there.provenance else ModelConfig()
    return ModelConfig() if init is None else load_config(init).model


def with_provenance(config: RunConfig, run_dir: Path | str, init: Path | str | None = None) -> RunConfig:
    """The settings of a run with what is recorded about the weights that it starts from.

    A run that exists keeps its record, so that it is resumed whatever has become of the other run.

    Args:
        config: Settings of the run. If it is new and `init` is None, `config.provenance` names the other run.
        run_dir: Its folder, new or existing.
        init: Folder of the other run; None: the run that the record names, if any.

    Returns:
        Settings whose `provenance["init"]` has `run` (absolute path), `epoch` and `val_nll` of its best weights,
        `sha256` of their file, and `differs`, one text per setting that is another; no such entry for a start from
        scratch.

    Raises:
        UserError: `init` has no weights, or those of another model; the records are on a grid that its clock cannot
            read; or the run exists and started otherwise.
    """
    folder = Path(run_dir)
    if (folder / CONFIG).exists():
        there = load_config(folder).provenance
        if init is not None:
            _check_same_start(there.get("init"), Path(init), folder)
        return dataclasses.replace(config, provenance=there)
    recorded = config.provenance.get("init", {})
    if init is None and not recorded:
        return dataclasses.replace(config, provenance={})
    origin = Path(init or recorded["run"])
    facts = _facts(config, origin)
    if init is None and facts["sha256"] != recorded["sha256"]:
        raise UserError(
            f"{origin} has been trained further since its weights were recorded; start with --init {origin}"
        )
    return dataclasses.replace(config, provenance={"init": facts})


def _facts(config: RunConfig, origin: Path) -> dict[str, Any]:
    """The record of a start from the weights of `origin`, which is checked."""
    theirs, path = load_config(origin), best_path(origin)
    _check_model(theirs, config, origin)
    _, meta = read_arrays(path)
    return {
        "run": str(origin.absolute()),
        "epoch": meta.get("epoch"),
        "val_nll": meta.get("val_nll"),
        "sha256": _sha256(path),
        "differs": changes(theirs, config),
    }


def _check_same_start(recorded: dict[str, Any] | None, init: Path, folder: Path) -> None:
    """Raises UserError unless an existing run started from `init`, by its path or by its weights."""
    if init.resolve() == folder.resolve():
        raise UserError(f"--init must be another folder than that of the new run. Received: {init} for both")
    if recorded is None:
        raise UserError(f"{folder} holds a run that did not start from {init}: leave out --init, or use another folder")
    same = recorded["run"] == str(init.absolute())
    if not same and not ((init / CONFIG).exists() and _sha256(best_path(init)) == recorded["sha256"]):
        raise UserError(
            f"{folder} holds a run that started from {recorded['run']}, not from {init}; use another folder"
        )


def _check_model(theirs: RunConfig, ours: RunConfig, origin: Path) -> None:
    """Raises UserError unless the weights of `theirs` fit the model and the records of `ours`."""
    there, here = _flat(theirs.model), _flat(ours.model)
    differing = [
        f"--{name.replace('_', '-')} is {as_flag(there.get(name))} there, {as_flag(here.get(name))} here"
        for name in dict.fromkeys([*here, *there])
        if name not in FREE and there.get(name) != here.get(name)
    ]
    if differing:
        raise UserError(f"the model must be that of {origin}, whose weights it starts from: {'; '.join(differing[:3])}")
    needed = _clock(theirs)
    if needed == _clock(ours):
        return
    if needed:
        flags = f"build_records --grid beats --steps-per-beat {needed}"
        what = f"have {needed} steps a beat, as the clock of {origin} ({flags})"
    else:
        what = f"be read with --no-clock, as the model of {origin} has no clock"
    raise UserError(
        f"{ours.data.path} must {what}. Received: {_grid(ours)}{'' if ours.model.clock else ' and --no-clock'}"
    )


def _clock(config: RunConfig) -> int | None:
    """Steps per beat of the clock that the model reads; None if it reads none."""
    return config.records.steps_per_beat if config.model.clock and config.records.grid == "beats" else None


def _grid(config: RunConfig) -> str:
    return f"{config.records.steps_per_unit} steps a {config.records.grid[:-1]}"


def changes(before: RunConfig, after: RunConfig) -> list[str]:
    """The settings in which two runs differ, as "loss bce → focal", records and their grid first.

    >>> from pianoroll_tf.config import LossConfig
    >>> changes(RunConfig(), RunConfig(loss=LossConfig(loss="focal")))
    ['loss bce → focal']
    """
    found = []
    if before.data.manifest_sha256 != after.data.manifest_sha256:
        found.append(f"records {before.data.path} → {after.data.path}")
    if _grid(before) != _grid(after):
        found.append(f"grid {_grid(before)} → {_grid(after)}")
    for section in ("records", *SECTIONS):
        there, here = (_flat(getattr(config, section)) for config in (before, after))
        for name in dict.fromkeys([*there, *here]):
            if name not in _NOT_SHOWN and there.get(name) != here.get(name):
                found.append(f"{name} {as_flag(there.get(name))} → {as_flag(here.get(name))}")
    return found


def _flat(section: Settings) -> dict[str, Any]:
    """The settings of a section by name, those in its `options` among them."""
    values = to_dict(section)
    return values | values.pop("options", {})


def start_line(config: RunConfig) -> str:
    """What is said about a start from other weights: where they are from, what differs, and what is not taken over."""
    facts = config.provenance["init"]
    nll = "" if facts["val_nll"] is None else f" (validation NLL {facts['val_nll']:.4f} there)"
    differs = "; ".join(facts["differs"]) or "nothing"
    line = f"starts from {facts['run']}, epoch {facts['epoch']}{nll}, with a fresh optimizer; differs: {differs}"
    return line.replace(f"{Path.cwd()}/", "")


def copy_weights(run_dir: Path | str, config: RunConfig) -> Path | None:
    """Copies the weights that a run starts from into its folder, so that the other run is not needed any more.

    Returns:
        Their file, whose content is checked; None for a start from scratch.

    Raises:
        UserError: They have changed since they were recorded, or the copy is damaged.
    """
    facts, path = config.provenance.get("init"), Path(run_dir) / INIT
    if facts is None:
        return None
    if not path.exists():
        origin = best_path(facts["run"])
        if _sha256(origin) != facts["sha256"]:
            raise UserError(f"{origin} has changed since {run_dir} was made, which had not started; use a new folder")
        write_whole(path, origin.read_bytes())
    if _sha256(path) != facts["sha256"]:
        raise DamagedError(f"{path} must hold the weights that the run started from, but its checksum differs")
    return path


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
