"""Runners: Dask's on hosts of their own, of which one is lost; a failure is one line."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from beam_corpus import contents, write_mixed
from namespaces_beam import Host, hosts

pytest.importorskip("apache_beam")

import apache_beam as beam

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.beam import engine as engine_module
from pianoroll_tf.data.beam.engine import Beam
from pianoroll_tf.data.beam.options import pipeline_options
from pianoroll_tf.data.beam.running import run_pipeline
from pianoroll_tf.data.build import build
from pianoroll_tf.errors import UserError

PORT = 8786
CONFIG = RecordsConfig(grid="seconds", shards=3)


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def answers(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, PORT), timeout=1):
        return True
    return False


@contextlib.contextmanager
def dask_cluster(tmp_path: Path) -> Iterator[tuple[str, dict[str, subprocess.Popen]]]:
    """A scheduler and two workers, each on a host of its own; yields its address, and the workers by theirs."""
    with hosts(3) as (first, *others), contextlib.ExitStack() as stack:

        def start(host: Host, *command: str) -> subprocess.Popen:
            log = stack.enter_context((tmp_path / f"{host.name}.log").open("w"))
            process = host.start(sys.executable, "-m", *command, stdout=log, stderr=log, cwd=tmp_path)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        start(first, "distributed.cli.dask_scheduler", "--no-dashboard", "--port", str(PORT))
        wait_until(lambda: answers(first.address))
        address = f"tcp://{first.address}:{PORT}"
        worker = ("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        workers = {host.address: start(host, *worker) for host in others}
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, workers


def test_a_host_that_is_lost_has_its_work_done_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    midi = write_mixed(tmp_path / "midi", pieces=24)
    build(midi, tmp_path / "direct", CONFIG)
    monkeypatch.setattr(engine_module, "FILES_PER_CHUNK", 4)
    chunks = tmp_path / ".beam.partial" / "chunks"

    def chunks_are_converted() -> bool:
        return len(list(chunks.glob("*.facts"))) >= 2

    given: list[str] = []  # unfinished tasks of the worker that is lost

    def lose(worker: subprocess.Popen, host: str, address: str) -> None:
        from distributed import Client

        wait_until(chunks_are_converted)
        with Client(address) as client:
            given.extend(task for name, tasks in client.processing().items() if host in name for task in tasks)
        worker.kill()

    with dask_cluster(tmp_path) as (address, workers):
        host, worker = max(workers.items())
        worker.send_signal(signal.SIGSTOP)  # it is given work, and never does it
        killer = threading.Thread(target=lose, args=[worker, host, address])
        killer.start()
        engine = Beam(f"--runner=DaskRunner --dask_client_address={address}")
        build(midi, tmp_path / "beam", CONFIG, engine=engine)
        killer.join()
        assert contents(tmp_path / "beam") == contents(tmp_path / "direct")
        assert worker.wait() == -signal.SIGKILL
        assert given
        assert engine.counters == {}


def test_a_pipeline_that_fails_is_one_line() -> None:
    def fail(element: int) -> None:
        raise ValueError(f"cannot do {element}\nat all")

    def pipeline(pipeline: beam.Pipeline) -> None:
        _ = pipeline | beam.Create([7]) | beam.Map(fail)

    with pytest.raises(
        UserError, match=r"^the Beam pipeline failed; the same command resumes: cannot do 7.*"
    ) as caught:
        run_pipeline(pipeline_options("", 1), pipeline)
    assert "\n" not in str(caught.value)
