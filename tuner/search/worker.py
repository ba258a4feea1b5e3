"""What runs trials: this process alone, or as a worker of a chief whose folder it shares."""

import os
import socket
import sys
import time
import zlib
from pathlib import Path

import grpc
import keras_tuner
import tensorflow as tf

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.callbacks import StoppedError
from pianoroll_tf.settings import from_dict
from tuner.search.chief import name_in_environment
from tuner.search.hyperparameters import hyperparameters
from tuner.search.oracle import Lasting, make_oracle
from tuner.search.parsing import DIRECTIONS, read_entry
from tuner.search.settings import SETTINGS, SearchSettings, check_same, read_settings
from tuner.search.space import make_space
from tuner.search.supervisor import STOPPED
from tuner.search.tuner import SearchTuner, set_patience

WAIT_SECONDS = 600.0  # of a worker for its chief


def new_oracle(settings: SearchSettings, folder: Path) -> Lasting:
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
    """How many cores TensorFlow uses in this process; before its first operation."""
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def run_tuner(tuner: SearchTuner) -> None:
    """Runs trials until there are none; what ended them comes out as it was raised."""
    try:
        tuner.search()
    except keras_tuner.errors.FatalError as error:
        raise (error.__cause__ or error) from error


def work(folder: Path, settings: SearchSettings, given: bool, chief: str, lease: float, threads: int | None) -> int:
    """Is a worker of a chief, whose folder it shares.

    Args:
        folder: The folder of the search.
        settings: As the flags name them.
        given: Whether any flag does; else those of the folder are taken.
        chief: HOST:PORT.
        lease: The chief's; there are six heart-beats in it.
        threads: Cores to use; None: all.

    Returns:
        Exit code.
    """
    limit_threads(threads)
    until = time.monotonic() + WAIT_SECONDS
    while not (folder / SETTINGS).exists():
        if time.monotonic() > until:
            raise UserError(f"{folder} must be shared with the chief, who makes {SETTINGS} there: it does not appear")
        time.sleep(1)
    there = read_settings(folder)
    if given:
        check_same(folder, settings.to_dict())
    settings = shared_settings(there, settings)
    name = os.environ.get("KERASTUNER_TUNER_ID", "")
    if (
        not name or "chief" in name
    ):  # the host's own name could hold the word "chief", by which KerasTuner knows a chief
        name = f"worker-{zlib.crc32(socket.gethostname().encode()):08x}-{os.getpid()}"
    name_in_environment(chief, name)
    set_patience(WAIT_SECONDS)
    try:
        run_tuner(SearchTuner(new_oracle(settings, folder), settings, folder, beat_seconds=lease / 6))
    except StoppedError as error:
        print(error, file=sys.stderr, flush=True)
        return STOPPED
    except grpc.RpcError as error:
        raise UserError(f"the chief at {chief} does not answer: {error.code().name}") from error
    return 0


def shared_settings(there: dict, here: SearchSettings) -> SearchSettings:
    """The settings of the folder's search, with the records where they lie for this process.

    Raises:
        UserError: The records are others.
    """
    base = from_dict(type(here.base), there["base"])
    if base.data.manifest_sha256 != here.base.data.manifest_sha256:
        raise UserError(f"{here.base.data.path} must hold the records of the search, but its manifest is another")
    base = from_dict(type(here.base), there["base"] | {"data": there["base"]["data"] | {"path": here.base.data.path}})
    space = make_space({name: read_entry(name, value) for name, value in there["space"].items()})
    return SearchSettings(tuner=there["tuner"], base=base, space=space)
