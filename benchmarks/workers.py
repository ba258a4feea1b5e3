"""Measures the time of a training step by the number of workers and the network between them.

Usage: python -m benchmarks.workers [--hosts 1 2] [--steps 15]

Workers are processes on network namespaces, each with one thread on a CPU of its own, so that 1 and 2 are comparable
on a machine with two CPUs. The default model, in float32. Needs root, ip and tc. The table ends with the model

    t = compute + a · round trip · 2 (n - 1) + b · bytes / bandwidth · 2 (n - 1) / n

whose factors a and b are fitted to the measurements: a ring sums up in 2 (n - 1) messages of an nth of the bytes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
NETWORKS = (("", 0.0), ("1gbit", 0.0), ("100mbit", 0.0), ("1gbit", 0.001), ("1gbit", 0.005), ("1gbit", 0.02))
WARM_UP = 4  # steps
SUPPORT = ROOT / "tests" / "support"  # the networks and records of the tests


def require_network() -> None:
    """Raises RuntimeError, which says what is missing, where this machine cannot have hosts on a network."""
    _import_support()
    from network_namespaces import unavailable

    if reason := unavailable():
        raise RuntimeError(f"hosts on a network: {reason}")


def _import_support() -> None:
    """Makes the modules in `SUPPORT` importable."""
    if str(SUPPORT) not in sys.path:
        sys.path.insert(0, str(SUPPORT))


def write_records(folder: Path) -> None:
    """Forty pieces of 1,000 random steps, as dense as music."""
    _import_support()
    from tiny_run import random_piece
    from tiny_run import write_records as write

    write(folder, {"train": [random_piece(1000, seed, 0.04) for seed in range(40)], "val": [random_piece(100, 40)]})


def worker(records: Path, steps: int) -> None:
    """One worker: prints the seconds of each step and what is all-reduced, if it is the chief."""
    from pianoroll_tf.config import DatasetConfig, RunConfig, TrainingConfig
    from pianoroll_tf.data.pipeline import load_corpus, make_dataset
    from pianoroll_tf.modeling.replica_step import all_reduced_bytes, make_step
    from pianoroll_tf.modeling.run_folder import data_facts
    from pianoroll_tf.modeling.team import join
    from pianoroll_tf.modeling.training import compiled_model, fit_batch
    from pianoroll_tf.tensorflow_startup import limit_threads

    limit_threads(1)
    team = join()
    made, data = data_facts(records)
    training = TrainingConfig(precision="float32")
    config = RunConfig(records=made, data=data, dataset=DatasetConfig(batch_size=64), training=training)
    model = compiled_model(config, 100, team.strategy)
    step = make_step(model, team.strategy, team.size, 64)
    share = (team.cluster.rank, team.size)
    batches = iter(make_dataset(load_corpus(records, "train"), config.dataset, 0, 0, share).map(fit_batch))
    seconds = []
    for _ in range(WARM_UP + steps):
        batch = next(batches)
        began = time.perf_counter()
        step(batch, False)
        seconds.append(time.perf_counter() - began)
    if team.is_chief:
        print(json.dumps({"seconds": seconds[WARM_UP:], "bytes": all_reduced_bytes(model)}))


def measure(hosts: int, rate: str, delay: float, records: Path, steps: int) -> dict:
    """Median seconds of a step, and the bytes that are all-reduced."""
    _import_support()
    from network_namespaces import network

    with network(hosts, rate, delay) as made:
        addresses = [f"{address}:2222" for address in made.addresses]
        processes = []
        for index in range(hosts):
            cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            environment = os.environ | {"TF_CONFIG": json.dumps(cluster), "TF_CPP_MIN_LOG_LEVEL": "3"}
            cpu = str(index % (os.cpu_count() or 1))
            words = ["taskset", "-c", cpu, sys.executable, "-m", "benchmarks.workers", "--steps", str(steps)]
            command = made.command(index, [*words, "--worker", str(records)])
            processes.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            )
        outputs = [process.communicate() for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError(outputs[0][1] + outputs[-1][1])
    found = json.loads(outputs[0][0].splitlines()[-1])
    return {"seconds": statistics.median(found["seconds"]), "bytes": found["bytes"]}


def bits_per_second(rate: str) -> float:
    """A bandwidth of `tc` as a number; infinite if it is not limited."""
    units = {"gbit": 1e9, "mbit": 1e6}
    return float(rate[:-4]) * units[rate[-4:]] if rate else float("inf")


def terms(hosts: int, rate: str, delay: float, size: int) -> tuple[float, float]:
    """What a and b of the model are multiplied by, in seconds.

    >>> terms(2, "100mbit", 0.005, 1_000_000)
    (0.02, 0.08)
    """
    return 2 * (hosts - 1) * 2 * delay, 2 * (hosts - 1) / hosts * 8 * size / bits_per_second(rate)


def fit(rows: list[dict]) -> tuple[float, float]:
    """The factors a and b, by least squares over the rows of several hosts, against those without limits."""
    free = {row["hosts"]: row["seconds"] for row in rows if not row["rate"] and not row["delay"]}
    limited = [row for row in rows if row["hosts"] > 1 and (row["rate"] or row["delay"])]
    matrix = [terms(row["hosts"], row["rate"], row["delay"], row["bytes"]) for row in limited]
    extra = [row["seconds"] - free[row["hosts"]] for row in limited]
    (a, b), *_ = np.linalg.lstsq(np.array(matrix), np.array(extra), rcond=None)
    return float(a), float(b)


def main() -> None:
    """Measures and prints the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(args.worker, args.steps)
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records"
        write_records(records)
        for rate, delay in NETWORKS:
            for hosts in args.hosts:
                if hosts == 1 and (rate or delay):
                    continue
                found = measure(hosts, rate, delay, records, args.steps)
                rows.append({"hosts": hosts, "rate": rate, "delay": delay} | found)
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    a, b = fit(rows)
    free = {row["hosts"]: row["seconds"] for row in rows if not row["rate"] and not row["delay"]}
    print("| workers | bandwidth | round trip | step, measured | step, model |\n|---|---|---|---|---|")
    for row in rows:
        latency, transfer = terms(row["hosts"], row["rate"], row["delay"], row["bytes"])
        model = free[row["hosts"]] + a * latency + b * transfer
        trip = f"{2000 * row['delay']:g} ms" if row["delay"] else "< 0.1 ms"
        cells = (
            row["hosts"],
            row["rate"] or "not limited",
            trip,
            f"{1000 * row['seconds']:.0f} ms",
            f"{1000 * model:.0f} ms",
        )
        print("| " + " | ".join(map(str, cells)) + " |")
    print(f"\n{rows[0]['bytes'] / 1e6:.2f} MB are all-reduced per step; a = {a:.2f}, b = {b:.2f}")


if __name__ == "__main__":
    main()
