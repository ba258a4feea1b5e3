"""Start-up time of the commands: how long --help and the refusal of a wrong argument take."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import ROOT, Experiment, Variant
from benchmarks.rows import Row
from benchmarks.worker import Stopwatch

PACKAGES = ("pianoroll_tf", "tuner")
WRONG_ARGUMENT = "--no-such-flag"


def commands() -> list[str]:
    """The modules that are commands: those of a package's top level, and `__main__` modules, with a __main__ block."""
    names = []
    for package in PACKAGES:
        folder = ROOT / package
        for path in sorted([*folder.glob("*.py"), *folder.glob("*/__main__.py")]):
            tree = ast.parse(path.read_text())
            if any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in tree.body):
                parts = path.relative_to(ROOT).with_suffix("").parts
                names.append(".".join(part for part in parts if part != "__main__"))
    return names


def run_seconds(arguments: list[str], codes: tuple[int, ...] = (0,)) -> float:
    """Wall time of `python ARGUMENTS`.

    Raises:
        RuntimeError: Its exit code is not one of `codes`.
    """
    watch = Stopwatch()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT)
    seconds = watch.lap()
    if done.returncode not in codes:
        raise RuntimeError(
            f"{' '.join(arguments)} ended with exit code {done.returncode}: {done.stderr.strip()[-200:]}"
        )
    return seconds


def all_commands() -> Iterator[dict[str, float]]:
    """Seconds of every command with --help and with a wrong argument, and the slowest of each."""
    names = commands()
    run_seconds(["-m", names[0], "--help"])
    yield {"commands": names}
    while True:
        helped = {f"help {name}": run_seconds(["-m", name, "--help"]) for name in names}
        refused = {f"wrong {name}": run_seconds(["-m", name, WRONG_ARGUMENT], codes=(2,)) for name in names}
        yield {**helped, **refused, "slowest_help": max(helped.values()), "slowest_wrong": max(refused.values())}


def python(code: str) -> Iterator[dict[str, float]]:
    """Seconds of `python -c CODE`."""
    run_seconds(["-c", code])
    yield {}
    while True:
        yield {"seconds": run_seconds(["-c", code])}


def experiments(fixtures) -> list[Experiment]:
    """The experiment `startup`."""
    variants = {
        "commands": Variant(function="benchmarks.startup:all_commands"),
        "pass": Variant(function="benchmarks.startup:python", arguments={"code": "pass"}),
        "tensorflow": Variant(function="benchmarks.startup:python", arguments={"code": "import tensorflow"}),
    }
    return [Experiment(name="startup", variants=variants, repeats=fixtures.repeats(5))]


def rows() -> list[Row]:
    """Its rows of the table."""
    names = ", ".join(Path(name.replace(".", "/")).name for name in commands())
    shared = {
        "unit": "s",
        "peers": ("startup/tensorflow.seconds",),
        "peer_name": "`import tensorflow`",
        "more": False,
        "at_most": 0.5,
        "limit": "startup/pass.seconds",
        "limit_name": "`python -c pass`",
    }
    return [
        Row(name="start-up, `--help`", ours="startup/commands.slowest_help", note=f"slowest of: {names}", **shared),
        Row(name="start-up, wrong argument", ours="startup/commands.slowest_wrong", note="slowest of all", **shared),
    ]
