"""Beyond one machine and its memory: a stream of records, two workers, and Apache Beam."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks import workers
from benchmarks.fixtures import COPIES, QUICK_COPIES
from benchmarks.harness import Experiment, Variant, run_python
from benchmarks.results_table import Row
from benchmarks.worker import MissingPeerError, cpu_count

NAMES = ("stream_batches", "stream_training", "workers", "runners")
BATCH = 64  # windows of a training step, of all workers together


def training_on(hosts: int, rate: str, steps: int, scratch: str) -> Iterator[dict[str, float]]:
    """Windows per second of workers with one CPU each, on hosts of their own with this bandwidth between them."""
    try:
        workers.require_network()
    except RuntimeError as error:
        raise MissingPeerError(str(error)) from error
    records = Path(scratch) / "records"
    workers.write_records(records)
    yield {}
    while True:
        found = workers.measure(hosts, rate, 0.0, records, steps)
        yield {"windows": BATCH / found["seconds"], "milliseconds": 1000 * found["seconds"]}


def building(midi: str, runner: str, scratch: str) -> Iterator[dict[str, float]]:
    """Seconds of the whole command with a runner, all CPUs."""
    if runner == "beam":
        try:
            import apache_beam  # noqa: F401
        except ImportError as error:
            raise MissingPeerError(f"Apache Beam is not installed ({error})") from error
    for number in itertools.count():
        out = Path(scratch) / f"{runner}-{number}"
        flags = ["--runner", runner, "--workers", str(cpu_count())]
        seconds, _ = run_python("-m", "pianoroll_tf.build_records", midi, str(out), *flags)
        shutil.rmtree(out)
        yield {"seconds": seconds} if number else {}


def experiments(fixtures) -> Iterator[Experiment]:
    """The experiments of `NAMES`."""
    repeats = fixtures.repeats(3)
    for name, train in (("batches", False), ("training", True)):
        variants = {
            way: Variant(
                function="benchmarks.stream:reading",
                arguments={"records": fixtures.copied_records, "stream": way == "stream", "train": train},
            )
            for way in ("stream", "memory")
        }
        yield Experiment(name=f"stream_{name}", variants=variants, repeats=repeats)
    networks = {"one": (1, ""), "two": (2, ""), "two_1gbit": (2, "1gbit")}
    variants = {
        name: Variant(
            function="benchmarks.rows.scale:training_on",
            arguments={
                "hosts": hosts,
                "rate": rate,
                "steps": 5 if fixtures.quick else 15,
                "scratch": fixtures.folder(f"workers-{name}"),
            },
        )
        for name, (hosts, rate) in networks.items()
    }
    yield Experiment(name="workers", variants=variants, repeats=repeats)
    scratch = fixtures.folder("runners")
    variants = {
        runner: Variant(
            function="benchmarks.rows.scale:building",
            arguments={"midi": fixtures.midi, "runner": runner, "scratch": scratch},
        )
        for runner in ("beam", "direct")
    }
    yield Experiment(name="runners", variants=variants, repeats=repeats)


def rows() -> list[Row]:
    """Their rows of the table."""
    note = f"the classical training split {COPIES} times ({QUICK_COPIES} with --quick), transposed and cut"
    lines = [
        Row(
            name=f"a stream: {words}",
            unit="windows/s",
            ours=f"stream_{name}/stream.speed",
            peers=(f"stream_{name}/memory.speed",),
            peer_name="in memory",
            goal=0.9,
            note=note,
        )
        for name, words in (("batches", "batches alone"), ("training", "training the default model"))
    ]
    lines.append(
        Row(
            name="a stream: peak memory of that training",
            unit="MB",
            ours="stream_training/stream.peak_mb",
            peers=("stream_training/memory.peak_mb",),
            peer_name="in memory",
            more=False,
            at_most=2000,
            note=note,
        )
    )
    note = "the default model, float32, batch 64; a worker has one CPU, and is on a network namespace of its own"
    lines += [
        Row(
            name=f"training on two workers, {words}",
            unit="windows/s",
            ours=f"workers/{name}.windows",
            peers=("workers/one.windows",),
            peer_name="one worker",
            note=note,
        )
        for name, words in (("two", "network without limit"), ("two_1gbit", "1 Gbit/s between them"))
    ]
    lines.append(
        Row(
            name="build_records by Beam, 295 files, whole command",
            unit="s",
            ours="runners/beam.seconds",
            peers=("runners/direct.seconds",),
            peer_name="--runner direct",
            more=False,
            note="for one folder the direct runner is the better choice: Beam is for several machines",
        )
    )
    return lines
