"""Start-up time of the commands: how long --help and the refusal of a wrong argument take."""

import ast
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import ROOT, Experiment, Variant, run_python
from benchmarks.results_table import Row

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


def all_commands() -> Iterator[dict[str, float]]:
    """Seconds of every command with --help and with a wrong argument, and the slowest of each."""
    names = commands()
    run_python("-m", names[0], "--help")
    yield {"commands": names}
    while True:
        helped = {f"help {name}": run_python("-m", name, "--help")[0] for name in names}
        refused = {f"wrong {name}": run_python("-m", name, WRONG_ARGUMENT, code=2)[0] for name in names}
        yield {**helped, **refused, "slowest_help": max(helped.values()), "slowest_wrong": max(refused.values())}


def python(code: str) -> Iterator[dict[str, float]]:
    """Seconds of `python -c CODE`."""
    run_python("-c", code)
    yield {}
    while True:
        yield {"seconds": run_python("-c", code)[0]}


def experiments(fixtures) -> list[Experiment]:
    """The experiment `startup`."""
    variants = {
        "commands": Variant(function="benchmarks.rows.startup:all_commands"),
        "pass": Variant(function="benchmarks.rows.startup:python", arguments={"code": "pass"}),
        "tensorflow": Variant(function="benchmarks.rows.startup:python", arguments={"code": "import tensorflow"}),
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
