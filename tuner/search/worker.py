"""Runs trials: alone in this process, or as a worker of a chief with which it shares a folder."""

import dataclasses
import os
import socket
import time
import zlib
from pathlib import Path

import grpc
import keras_tuner
import tensorflow as tf

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.callbacks import StoppedError
from pianoroll_tf.settings import from_dict
from tuner.search.chief import set_environment
from tuner.search.hyperparameters import hyperparameters
from tuner.search.oracle import ResumableOracle, make_oracle
from tuner.search.parsing import DIRECTIONS, read_entry
from tuner.search.settings import SETTINGS, SearchSettings, check_same, read_settings
from tuner.search.space import make_space
from tuner.search.supervisor import EXIT_STOPPED
from tuner.search.tuner import SearchTuner, set_patience
from tuner.terminal import log

WAIT_SECONDS = 600.0  # how long a worker waits for its chief


def new_oracle(settings: SearchSettings, folder: Path) -> ResumableOracle:
    """The oracle of a search, without its trials."""
    training = settings.base.training
    return make_oracle(
        settings.tuner,
        hyperparameters(settings.space),
        keras_tuner.Objective(training.objective, DIRECTIONS[training.objective]),
        training.epochs,
        training.seed,
        folder,
    )


def limit_threads(threads: int | None) -> None:
    """Limits the cores that TensorFlow uses in this process; to be called before its first operation."""
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def run_tuner(tuner: SearchTuner) -> None:
    """Runs trials until there are none left; raises the original cause of a fatal error."""
    try:
        tuner.search()
    except keras_tuner.errors.FatalError as error:
        raise (error.__cause__ or error) from error


def run_worker(
    folder: Path, settings: SearchSettings, given: bool, chief: str, lease: float, threads: int | None
) -> int:
    """Runs as a worker of a chief, with which it shares a folder.

    Args:
        folder: The folder of the search.
        settings: Those of the flags.
        given: Whether any flag was given; else the settings of the folder are used.
        chief: HOST:PORT.
        lease: Seconds of the chief's lease, in which six heartbeats are sent.
        threads: Cores to use; None: all.

    Returns:
        Exit code.
    """
    limit_threads(threads)
    until = time.monotonic() + WAIT_SECONDS
    while not (folder / SETTINGS).exists():
        if time.monotonic() > until:
            raise UserError(f"{folder} must be shared with the chief: its {SETTINGS} does not appear there")
        time.sleep(1)
    if given:
        check_same(folder, settings.to_dict())
    settings = shared_settings(read_settings(folder), settings)
    name = os.environ.get("KERASTUNER_TUNER_ID", "")
    if not name or "chief" in name:  # KerasTuner takes a process whose name contains "chief" for a chief
        name = f"worker-{zlib.crc32(socket.gethostname().encode()):08x}-{os.getpid()}"
    set_environment(chief, name)
    set_patience(WAIT_SECONDS)
    try:
        run_tuner(SearchTuner(new_oracle(settings, folder), settings, folder, heartbeat_seconds=lease / 6))
    except StoppedError as error:
        log(str(error))
        return EXIT_STOPPED
    except grpc.RpcError as error:
        raise UserError(f"the chief at {chief} does not respond: {error.code().name}") from error
    return 0


def shared_settings(saved: dict, own: SearchSettings) -> SearchSettings:
    """The settings of the folder's search, with the path of the records in this process.

    Raises:
        UserError: The records differ.
    """
    base = from_dict(type(own.base), saved["base"])
    if base.data.manifest_sha256 != own.base.data.manifest_sha256:
        raise UserError(f"{own.base.data.path} must hold the records of the search, but its manifest is different")
    base = dataclasses.replace(base, data=dataclasses.replace(base.data, path=own.base.data.path))
    space = make_space({name: read_entry(name, value) for name, value in saved["space"].items()})
    return SearchSettings(tuner=saved["tuner"], base=base, space=space)
