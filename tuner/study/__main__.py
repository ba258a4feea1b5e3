"""Compares losses and optimizers on a folder of records: the same tuning for each, then runs over several seeds.

Usage: python -m tuner.study tfrecords/NAME DIR [settings]

DIR holds every run and the results (tuner/study/folder.py describes them). The same command resumes a study that was
stopped; `python -m tuner.report DIR` makes a report of what it holds.
"""

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf import cli
from pianoroll_tf.errors import UserError, usage_errors
from pianoroll_tf.flags import add_flags, from_args
from pianoroll_tf.settings import Settings
from pianoroll_tf.tensorflow_startup import load_tensorflow
from tuner.study.factorial import check_choices
from tuner.study.settings import AllSettings
from tuner.terminal import log, parse_duration

RESTART = 75  # never the exit code of the command, which starts itself again instead
GROUPS: dict[str, type[Settings]] = dict(AllSettings.__annotations__)


def build_parser(argv: Sequence[str] | None = ()) -> argparse.ArgumentParser:
    """The command's flags: one a setting."""
    parser = cli.make_parser(
        "tuner.study", "Compare losses and optimizers on records. The same command resumes a study that was stopped."
    )
    cli.add_plugins(parser, argv)
    parser.add_argument("records", type=Path, help="folder of records: tfrecords/NAME")
    parser.add_argument("study", type=Path, help="folder of the study: created, or resumed if it exists")
    parser.add_argument("--budget", metavar="TIME", help="start no run after this time, as in 90s, 30m or 3h")
    for name, group in GROUPS.items():
        add_flags(parser, group, getattr(AllSettings(), name))
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    given = sys.argv[1:] if argv is None else argv
    begun = time.monotonic()
    while (code := cli.run(body, build_parser(given), given)) == RESTART:
        given = _with_remaining_budget(given, time.monotonic() - begun)
        begun = time.monotonic()
        if argv is None:  # run as a command: replace this process
            sys.stdout.flush()
            os.execv(sys.executable, [sys.executable, "-m", "tuner.study", *given])
    return code


def _with_remaining_budget(argv: list[str], spent: float) -> list[str]:
    """The arguments with a budget reduced by the seconds spent; of repeated flags the last counts."""
    budget = build_parser().parse_args(argv).budget
    return argv if budget is None else [*argv, "--budget", f"{max(parse_duration(budget) - spent, 0.001)}s"]


def body(args: argparse.Namespace) -> int:
    """Executes the runs without a result, writes and prints the results; returns 0, or `RESTART` if runs are left."""
    with usage_errors():
        sections: dict[str, Any] = {name: from_args(group, args) for name, group in GROUPS.items()}
        settings = AllSettings(**sections)
        check_choices(settings.study)
    budget = None if args.budget is None else parse_duration(args.budget)
    if importlib.util.find_spec("scipy") is None:
        raise UserError("the study needs SciPy: python -m pip install --constraint constraints.txt '.[tuner]'")
    from pianoroll_tf.modeling import run_folder
    from tuner.study import folder as study_folder

    records, data = run_folder.data_facts(args.records)
    study = study_folder.describe(settings, records, data)
    existing = study_folder.check(args.study, study)
    if existing is not None and existing.versions != study.versions:
        log(f"note: {args.study} was started with other versions, {existing.versions}")
    load_tensorflow(args)
    from tuner.study.run_all import run_remaining

    deadline = None if budget is None else time.monotonic() + budget
    with study_folder.sole_use(args.study, study):
        return 0 if run_remaining(args.study, study, records, data, deadline) else RESTART


if __name__ == "__main__":
    sys.exit(main())
