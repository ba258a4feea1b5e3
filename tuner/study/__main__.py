"""Compares losses and optimizers on a folder of records: the same tuning for each, then runs over several seeds.

Usage: python -m tuner.study tfrecords/NAME DIR [settings]

DIR holds every run, results.csv and what follows from it (tuner/study/folder.py describes it). The same command goes on
where it was stopped; `python -m tuner.report DIR` makes a report of what is there.
"""

import argparse
import dataclasses
import importlib.util
import os
import sys
import time
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.errors import UserError, usage_errors
from pianoroll_tf.flags import add_flags, from_args
from pianoroll_tf.tensorflow_startup import load_tensorflow
from tuner.study.settings import AllSettings

AGAIN = 75  # no exit code of the command: it calls itself again
GROUPS = {field.name: field.type for field in dataclasses.fields(AllSettings)}


def build_parser() -> argparse.ArgumentParser:
    """The command's flags: one a setting."""
    parser = cli.make_parser(
        "tuner.study", "Compare losses and optimizers on records. The same command goes on after it was stopped."
    )
    parser.add_argument("records", type=Path, help="folder of records: tfrecords/NAME")
    parser.add_argument("study", type=Path, help="folder of the study, made or gone on with")
    parser.add_argument("--budget", type=seconds, metavar="TIME", help="begin no run after so long: 90s, 30m, 3h")
    for name, group in GROUPS.items():
        add_flags(parser, group, getattr(AllSettings(), name))
    return parser


def seconds(text: str) -> float:
    """Seconds of a time as one types it.

    >>> seconds("90"), seconds("30m"), seconds("1.5h")
    (90.0, 1800.0, 5400.0)
    """
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:], 0)
    try:
        value = float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"must be a time such as 90s, 30m or 3h. Received: {text!r}")
    return value


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    given = sys.argv[1:] if argv is None else argv
    begun = time.monotonic()
    while (code := cli.run(body, build_parser(), given)) == AGAIN:
        given = _with_budget_left(given, time.monotonic() - begun)
        begun = time.monotonic()
        if argv is None:  # a process of its own, else this one goes on
            sys.stdout.flush()
            os.execv(sys.executable, [sys.executable, "-m", "tuner.study", *given])
    return code


def _with_budget_left(argv: list[str], spent: float) -> list[str]:
    """The arguments with what is left of the budget; the last flag of a name counts."""
    budget = build_parser().parse_args(argv).budget
    return argv if budget is None else [*argv, "--budget", f"{max(budget - spent, 0.001)}s"]


def body(args: argparse.Namespace) -> int:
    """Reads the settings, does the runs that are not done, writes and says what they show.

    Returns:
        Exit code 0, or `AGAIN` where runs are left for another process.
    """
    with usage_errors():
        settings = AllSettings(**{name: from_args(group, args) for name, group in GROUPS.items()})
    if importlib.util.find_spec("scipy") is None:
        raise UserError("the study needs SciPy: python -m pip install --constraint constraints.txt '.[tuner]'")
    from pianoroll_tf.modeling import run_folder
    from tuner.study import open_study as study_open

    records, data = run_folder.data_facts(args.records)
    study = study_open.describe(settings, records, data)
    there = study_open.check(args.study, study)
    if there is not None and there.versions != study.versions:
        print(f"note: {args.study} was begun with other versions, {there.versions}", file=sys.stderr)
    load_tensorflow(args)
    from tuner.study.run_all import check_choices, go_on

    with usage_errors():
        check_choices(settings)
    deadline = time.monotonic() + args.budget if args.budget else None
    with study_open.sole_use(args.study, study):
        return 0 if go_on(args.study, study, records, data, deadline) else AGAIN


if __name__ == "__main__":
    sys.exit(main())
