"""Executes a plan: several studies that answer one question.

Usage: python -m tuner.plan PLAN.toml DIR [--data DATA] [--dry-run] [settings]

The plan is fixed in DIR before the first run (tuner/plan/plan.py describes its file, tuner/plan/folder.py the folder).
The same command resumes a plan that was stopped; `python -m tuner.report DIR` makes a report of what it holds. With
`--results RESULTS` it resumes on another machine too (tuner/plan/results.py).
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.errors import UsageError, UserError
from pianoroll_tf.tensorflow_startup import load_tensorflow
from tuner.plan import folder as plan_folder
from tuner.plan.plan import Plan, read_plan
from tuner.terminal import format_duration, format_table, parse_duration

# Each study has one thread, so that `--workers` share the cores; an estimate is of one thread too
THREADS = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
EXIT_STOPPED = 143  # after SIGTERM, which ends the studies too


def build_parser(argv: Sequence[str] | None = ()) -> argparse.ArgumentParser:
    """The command's flags."""
    parser = cli.make_parser("tuner.plan", "Execute several studies by a plan. The same command resumes it.")
    cli.add_plugins(parser, argv)
    parser.add_argument("plan", type=Path, help="TOML file of the plan")
    parser.add_argument("folder", type=Path, metavar="dir", help="folder of the plan: created, or resumed if it exists")
    parser.add_argument("--data", type=Path, default=Path(), help="folder that {data} stands for in the plan")
    parser.add_argument(
        "--results",
        type=Path,
        help="folder that keeps the results, without weights and records: runs that have one there are not executed "
        "again, and those of other runs are added",
    )
    parser.add_argument("--dry-run", action="store_true", help="train nothing; tell how long each study takes")
    parser.add_argument("--workers", type=int, default=2, help="studies at a time, of one thread each (default: 2)")
    parser.add_argument("--budget", metavar="TIME", help="start no run after this time, as in 90s, 30m or 3h")
    parser.add_argument(
        "--amend", metavar="REASON", help="accept a plan that has changed since it was fixed, and say why"
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    given = sys.argv[1:] if argv is None else argv
    if argv is None:  # the process is this command's own; TensorFlow, which is not loaded yet, reads these once
        os.environ.update(THREADS)
    return cli.run(body, build_parser(given), given)


def body(args: argparse.Namespace) -> None:
    """Reads the plan, fixes it, builds the records, and executes or estimates its studies."""
    deadline = None if args.budget is None else time.monotonic() + parse_duration(args.budget)
    plan = read_plan(args.plan)
    if args.workers < 1:
        raise UsageError(f"workers must be >= 1. Received: --workers {args.workers}")
    from tuner.plan import results as plan_results
    from tuner.plan.corpora import build_records
    from tuner.plan.run import check_studies, run_studies

    if args.dry_run:
        with tempfile.TemporaryDirectory() as scratch:
            build_records(plan, Path(scratch), args.data)
            load_tensorflow(args)
            _estimate(plan, Path(scratch), args.workers)
        return
    begun = None if args.results is None else plan_folder.read_fixed(args.results)
    with plan_folder.sole_use(args.folder, plan, args.amend, begun) as fixed, cli.exit_on_sigterm(EXIT_STOPPED):
        print(f"plan of {fixed['fixed']}, sha256 {plan_folder.current(fixed)}", flush=True)
        if begun is not None:
            print(f"{plan_results.take(plan, args.results, args.folder)} runs taken from {args.results}", flush=True)
        build_records(plan, args.folder, args.data)
        check_studies(plan, args.folder)
        left, failed = run_studies(plan, args.folder, args.workers, deadline, _keeper(plan, args))
        _keeper(plan, args)()
    if left:
        print(f"not finished: {', '.join(left)}. The same command resumes")
    if failed:
        raise UserError(
            f"studies failed: {', '.join(sorted(failed))}. {args.folder / plan_folder.LOGS} has their output"
        )
    print(f"next: python -m tuner.report {args.folder}")


def _keeper(plan: Plan, args: argparse.Namespace) -> Callable[[], None]:
    """A function that keeps the results of the plan, as far as they exist; it does nothing without --results."""
    from tuner.plan import results as plan_results

    return (lambda: None) if args.results is None else lambda: plan_results.keep(plan, args.folder, args.results)


def _estimate(plan: Plan, folder: Path, workers: int) -> None:
    """Prints how long each study takes."""
    from tuner.plan.estimate import estimate

    rows, total = [["study", "corpus", "tuning runs", "runs", "s per epoch", "time"]], 0.0
    for name, study in plan.studies.items():
        found = estimate(plan, folder, name)
        total += found.hours
        numbers = [str(found.tuning_runs), str(found.runs), f"{found.seconds_per_epoch:.1f}"]
        rows.append([name, study.corpus, *numbers, format_duration(3600 * found.hours)])
    print(format_table(rows))
    time_left = f"{format_duration(3600 * total / workers)} with {workers} workers"
    print(f"{time_left}, if every run takes all its epochs; more if a best value is at an edge after these tuning runs")


if __name__ == "__main__":
    sys.exit(main())
