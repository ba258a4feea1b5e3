"""Runs trials: alone in this process, or as a worker of a chief with which it shares a folder."""

import dataclasses
import json
import os
import socket
import time
import zlib
from pathlib import Path

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_client

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.callbacks import StoppedError
from pianoroll_tf.settings import from_dict
from pianoroll_tf.tensorflow_startup import limit_threads
from tuner.search.chief import set_environment
from tuner.search.oracle import new_oracle
from tuner.search.parsing import read_entry
from tuner.search.settings import SETTINGS, SearchSettings, check_same, read_settings
from tuner.search.space import make_space
from tuner.search.supervisor import EXIT_STOPPED
from tuner.search.tuner import SearchTuner
from tuner.terminal import log

WAIT_SECONDS = 600.0  # how long a worker waits for its chief
# gRPC waits for a chief that is not there, but fails a call during which the chief is lost; all calls may be repeated
RETRIES = {"maxAttempts": 5, "initialBackoff": "1s", "maxBackoff": "30s", "backoffMultiplier": 2}
CHANNEL = {"methodConfig": [{"name": [{}], "retryPolicy": RETRIES | {"retryableStatusCodes": ["UNAVAILABLE"]}}]}


def run_tuner(tuner: SearchTuner) -> None:
    """Runs trials until there are none left; raises the original cause of a fatal error."""
    try:
        tuner.search()
    except keras_tuner.errors.FatalError as error:
        raise (error.__cause__ or error) from error


def connect(tuner: SearchTuner, chief: str) -> None:
    """Replaces KerasTuner's connection to the chief by one that repeats a call during which the chief was lost."""
    channel = grpc.insecure_channel(chief, options=[("grpc.service_config", json.dumps(CHANNEL))])
    tuner.oracle.stub = protos.get_service_grpc().OracleStub(channel)


def run_worker(
    folder: Path, settings: SearchSettings, given: bool, chief: str, lease: float, threads: int | None
) -> int:
    """Runs as a worker of the chief at HOST:PORT, with which it shares the folder; returns its exit code.

    Args:
        folder: Of the search.
        settings: Those of the flags.
        given: Whether any flag was given; if so, they must be the settings of the folder.
        chief: HOST:PORT.
        lease: Seconds, in which six heartbeats are sent.
        threads: Cores to use; None: all.
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
    oracle_client.TIMEOUT = WAIT_SECONDS  # for a response of the chief; KerasTuner's default is an hour
    try:
        tuner = SearchTuner(new_oracle(settings, folder), settings, folder, heartbeat_seconds=lease / 6)
        connect(tuner, chief)
        run_tuner(tuner)
    except StoppedError as error:
        log(str(error))
        return EXIT_STOPPED
    except grpc.RpcError as error:
        raise UserError(f"the chief at {chief} does not respond: {error.code().name}") from error
    return 0


def shared_settings(saved: dict, own: SearchSettings) -> SearchSettings:
    """The settings of the folder's search, with the path of the records here; raises UserError if these differ."""
    base = from_dict(type(own.base), saved["base"])
    if base.data.manifest_sha256 != own.base.data.manifest_sha256:
        raise UserError(f"{own.base.data.path} must hold the records of the search, but its manifest is different")
    base = dataclasses.replace(base, data=dataclasses.replace(base.data, path=own.base.data.path))
    space = make_space({name: read_entry(name, value) for name, value in saved["space"].items()})
    return SearchSettings(tuner=saved["tuner"], base=base, space=space)
