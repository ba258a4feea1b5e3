"""Runs the measurements and prints one table: `make bench`, and with the long growth runs `make bench-full`."""

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
from benchmarks.fixtures import Materials
from benchmarks.rows import Row, outcome, table

SHORT = (
    "limits",
    "building",
    "formats",
    "pipelines",
    "training",
    "sampling",
    "heads",
    "evaluating",
    "searching",
    "startup",
)
LONG = ("growth_files", "growth_training", "growth_sampling")


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command's flags."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"), help="folder of what is written")
    parser.add_argument("--rows", default="*", metavar="GLOB,...", help="only experiments with such names")
    parser.add_argument("--quick", action="store_true", help="one measurement a side: a trial run, no numbers to keep")
    parser.add_argument("--long", action="store_true", help="the growth runs instead: most of an hour")
    parser.add_argument("--list", action="store_true", help="only name the experiments")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Measures, prints, writes; returns the exit code."""
    args = parse(argv)
    if not args.list and not (args.data / "classical-piano-midi").is_dir():
        print(f"data must hold the folder classical-piano-midi. Received: data={args.data}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="pianoroll_tf-bench-") as scratch:
        materials = Materials(args.data.resolve(), Path(scratch).resolve(), args.quick)
        modules = [load(name) for name in (LONG if args.long else SHORT)]
        if args.list:
            print("\n".join(name for module in modules for name in names(module)))
            return 0
        report(args, modules, materials)
    return 0


def load(name: str):
    """A module of experiments."""
    return importlib.import_module(f"benchmarks.{name}")


def names(module) -> tuple[str, ...]:
    """Names of a module's experiments."""
    return getattr(module, "NAMES", (module.__name__.rpartition(".")[2],))


def report(args: argparse.Namespace, modules: list, materials: Materials) -> None:
    """Measures what was asked for; writes table and JSON anew after each module, so that a kill loses little."""
    facts, begin = machine.machine(), time.monotonic()
    results: dict[str, dict[str, harness.Measured]] = {}
    lines: list[Row] = []
    details: list[str] = []
    args.out.mkdir(parents=True, exist_ok=True)
    stem = "growth" if args.long else "bench"
    for module in modules:
        if not any(wanted(name, args.rows) for name in names(module)):
            continue
        for experiment in module.experiments(materials):
            if wanted(experiment.name, args.rows):
                results[experiment.name] = harness.measure(experiment, say)
        lines += [row for row in module.rows() if row.ours.partition("/")[0] in results]
        if hasattr(module, "details"):
            details.append(module.details(results, args.out))
        outcomes = [outcome(row, results) for row in lines]
        text = "\n\n".join([table(outcomes), *filter(None, details), machine.in_words(facts)]) + "\n"
        (args.out / f"{stem}.md").write_text(text)
        (args.out / f"{stem}.json").write_text(as_json(facts, results, outcomes, time.monotonic() - begin))
    print(text)
    print(f"{time.monotonic() - begin:.0f} s; written: {args.out / stem}.md and .json")


def wanted(name: str, globs: str) -> bool:
    """Whether a name matches one of some globs, given with commas between them."""
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs.split(","))


def say(line: str) -> None:
    """A line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def as_json(facts: dict, results: dict, outcomes: list[dict[str, Any]], seconds: float) -> str:
    """Everything that was measured, raw."""
    raw = {
        name: {side: dataclasses.asdict(measured) for side, measured in sides.items()}
        for name, sides in results.items()
    }
    return json.dumps({"machine": facts, "seconds": round(seconds), "rows": outcomes, "measured": raw}, indent=1) + "\n"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that scratch and sides do not stay behind
    sys.exit(main())
