"""Runs the benchmarks and prints one table: `make bench`, or `make bench-full` with the long growth benchmarks."""

import argparse
import dataclasses
import fnmatch
import importlib
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import harness, machine
from benchmarks.fixtures import Fixtures
from benchmarks.results_table import Row, outcome, table
from benchmarks.rows import LONG, SHORT


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parses the flags of the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"), help="output folder")
    parser.add_argument("--rows", default="*", metavar="GLOB,...", help="run only experiments whose names match")
    parser.add_argument("--quick", action="store_true", help="one measurement per variant: a trial run")
    parser.add_argument("--long", action="store_true", help="run the growth benchmarks instead: most of an hour")
    parser.add_argument("--list", action="store_true", help="list the names of the experiments")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    args = parse(argv)
    if not args.list and not (args.data / "classical-piano-midi").is_dir():
        print(f"data must hold the folder classical-piano-midi. Received: data={args.data}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="pianoroll_tf-bench-") as scratch:
        fixtures = Fixtures(args.data.resolve(), Path(scratch).resolve(), args.quick)
        modules = [load(name) for name in (LONG if args.long else SHORT)]
        if args.list:
            print("\n".join(name for module in modules for name in names(module)))
            return 0
        report(args, modules, fixtures)
    return 0


def load(name: str):
    """Imports a module of experiments."""
    return importlib.import_module(f"benchmarks.rows.{name}")


def names(module) -> tuple[str, ...]:
    """The names of a module's experiments."""
    return getattr(module, "NAMES", (module.__name__.rpartition(".")[2],))


def report(args: argparse.Namespace, modules: list, fixtures: Fixtures) -> None:
    """Runs the selected experiments; rewrites table and JSON after each module, so that an interrupt loses little."""
    facts, start = machine.machine(), time.monotonic()
    results: dict[str, dict[str, harness.Measurements]] = {}
    lines: list[Row] = []
    details: list[str] = []
    args.out.mkdir(parents=True, exist_ok=True)
    stem = "growth" if args.long else "bench"
    for module in modules:
        if not any(selected(name, args.rows) for name in names(module)):
            continue
        for experiment in module.experiments(fixtures):
            if selected(experiment.name, args.rows):
                results[experiment.name] = harness.measure(experiment, log)
        lines += [row for row in module.rows() if row.ours.partition("/")[0] in results]
        if hasattr(module, "details"):
            details.append(module.details(results, args.out))
        outcomes = [outcome(row, results) for row in lines]
        text = "\n\n".join([table(outcomes), *filter(None, details), machine.describe(facts)]) + "\n"
        (args.out / f"{stem}.md").write_text(text)
        (args.out / f"{stem}.json").write_text(as_json(facts, results, outcomes, time.monotonic() - start))
    print(text)
    print(f"{time.monotonic() - start:.0f} s; written: {args.out / stem}.md and .json")


def selected(name: str, globs: str) -> bool:
    """Whether a name matches one of the comma-separated globs."""
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs.split(","))


def log(line: str) -> None:
    """Prints a line of progress with the time."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def as_json(facts: dict, results: dict, outcomes: list[dict[str, Any]], seconds: float) -> str:
    """All results as JSON, with every measured number."""
    raw = {
        name: {variant: dataclasses.asdict(measured) for variant, measured in variants.items()}
        for name, variants in results.items()
    }
    return json.dumps({"machine": facts, "seconds": round(seconds), "rows": outcomes, "measured": raw}, indent=1) + "\n"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that scratch folder and workers are cleaned up
    sys.exit(main())
