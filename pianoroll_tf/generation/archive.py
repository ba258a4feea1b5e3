"""Writes a trained run as a SavedModel that needs only TensorFlow, as a whole or not at all."""

import contextlib
import dataclasses
import errno
import hashlib
import itertools
import os
import platform
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import pianoroll_tf
from pianoroll_tf.config import RunConfig, SamplingConfig
from pianoroll_tf.data.clock import parse_meter
from pianoroll_tf.errors import DamagedError
from pianoroll_tf.generation import saved_model, versions, warm_up
from pianoroll_tf.generation.calibration.calibrate import Calibration, calibrate
from pianoroll_tf.generation.calibration.trials import make_governor
from pianoroll_tf.generation.endpoints import SamplingModel, make_endpoints
from pianoroll_tf.generation.manifest import write_manifest
from pianoroll_tf.generation.plain_paths import plain_path
from pianoroll_tf.modeling.gru import portable_kernels
from pianoroll_tf.modeling.run import steps_per_beat
from pianoroll_tf.settings import dumps, from_dict, to_dict
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from pianoroll_tf.storage.folders import whole_folder
from pianoroll_tf.storage.locks import exclusive_lock

REVISION = 8  # of the exported graph; after a change, runs are exported again


def export(
    model: keras.Model,
    config: RunConfig,
    folder: Path,
    facts: dict[str, Any] | None = None,
    cache: Path | None = None,
    **calibration: Any,
) -> tuple[Path, bool]:
    """Exports the next version of a model.

    Args:
        model: Model with the weights to export.
        config: Settings of its run.
        folder: `saved_models/NAME`; the version, an integer, becomes a folder in it.
        facts: Additional entries of `config.json`, JSON-ready.
        cache: File of the calibration, which later exports of the same model reuse.
        **calibration: `rows`, `window_steps` and `with_shaping` of `calibrate`, where they are not the defaults.

    Returns:
        (folder of the version, True), or (folder of the latest version, False) if that already
        holds these weights and settings, undamaged.

    Raises:
        OSError: The folder cannot be written; nothing new remains in it.
    """
    identity = fingerprint(model, config, calibration)
    with exclusive_lock(folder, is_folder=True):
        latest = max(versions.versions(folder), default=0)
        if latest and _identity(folder / str(latest)) == identity:
            return folder / str(latest), False
        sampler = SamplingModel(model, config.loss, steps_per_beat(config), meter=parse_meter(config.data.meter))
        found = _calibrated(sampler, config, identity, cache, **calibration) if config.data.density else None
        numbers = itertools.count(latest + 1)
        final = next(path for path in (folder / str(number) for number in numbers) if not os.path.lexists(path))
        with whole_folder(final) as partial:
            _write(sampler, config, found, _describe(config, found, identity) | (facts or {}), partial)
    return final, True


def _calibrated(
    sampler: SamplingModel, config: RunConfig, identity: str, cache: Path | None, **settings: Any
) -> Calibration:
    """The calibration in the cache; if that is missing, damaged or of another model, calibrates and tries to cache."""
    with contextlib.suppress(OSError, DamagedError):
        values = read_checksummed(cache) if cache else {}
        if values.get("fingerprint") == identity:
            return from_dict(Calibration, values["calibration"])
    found = calibrate(sampler, config.data, **settings)
    if cache:
        with contextlib.suppress(OSError):
            write_checksummed(cache, {"fingerprint": identity, "calibration": dataclasses.asdict(found)})
    return found


def fingerprint(model: keras.Model, config: RunConfig, calibration: dict[str, Any] | None = None) -> str:
    """sha256 of the settings, the format, and all weights with their names and shapes.

    Where plugins lie and from which run the training started make no difference.
    """
    run = {name: value for name, value in to_dict(config).items() if name not in ("plugins", "provenance")}
    settings = {"format": saved_model.FORMAT, "revision": REVISION, "run": run}
    if calibration:
        settings["calibration"] = calibration
    digest = hashlib.sha256(dumps(settings).encode())
    for weight in model.weights:
        values = weight.value.numpy()
        digest.update(f"{weight.path} {values.shape} {values.dtype}".encode() + values.tobytes())
    return digest.hexdigest()


def _describe(config: RunConfig, found: Calibration | None, identity: str) -> dict[str, Any]:
    """Content of `config.json` of an exported model."""
    return {
        "format": saved_model.FORMAT,
        "fingerprint": identity,
        "run": to_dict(config),
        "sampling": to_dict(SamplingConfig()),
        "density": config.data.density,
        "calibration": dataclasses.asdict(found) if found else None,
        "versions": {
            "pianoroll_tf": pianoroll_tf.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "python": platform.python_version(),
        },
    }


def _write(
    sampler: SamplingModel, config: RunConfig, found: Calibration | None, description: dict, partial: Path
) -> None:
    """Writes all files of a version."""
    if found:
        governor = make_governor(config.data, found.shift, found.gain, found.brakes)
        sampler = dataclasses.replace(sampler, governor=governor, shaping=found.shaping)
    archive = keras.export.ExportArchive()
    archive.track(sampler.model)
    with portable_kernels(sampler.model):
        for name, function in make_endpoints(sampler).items():
            archive.add_endpoint(name, _caller(function))
        _save(archive, partial)
    (partial / saved_model.CONFIG).write_text(dumps(description), encoding="utf-8")
    warm_up.write_requests(partial)
    write_manifest(partial)


def _caller(function):
    """A traced function that only calls `function`: a SavedModel holds an endpoint twice, but so its graph once."""
    trace = function.get_concrete_function()
    caller = tf.function(lambda *inputs: trace(*inputs), input_signature=function.input_signature, autograph=False)
    caller.get_concrete_function()
    return caller


def _save(archive: keras.export.ExportArchive, partial: Path) -> None:
    """Writes the SavedModel by Keras; an error of TensorFlow's writer becomes an OSError."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # without space for AutoGraph's temporary files, it warns and continues without them
    try:
        with plain_path(partial) as plain:
            archive.write_out(str(plain), verbose=False)
    except tf.errors.OpError as error:
        reason = error.message.rpartition(";")[2].partition("[Op:")[0].strip()
        raise OSError(errno.EIO, f"TensorFlow could not write ({reason})", str(partial)) from error
    finally:
        logger.setLevel(level)


def _identity(version: Path) -> str | None:
    """The fingerprint of an exported version; None if it is damaged."""
    try:
        return saved_model.read_config(version)["fingerprint"]
    except ValueError:
        return None
