"""Searches losses, optimizers, sizes and their settings for the best model, with KerasTuner.

Usage: python -m tuner.search tfrecords/NAME DIR [--tuner bayesian] [--max-trials 20] [--budget 30m]

Every trial is a run folder; the best is copied to DIR/best. The same command resumes a search that was stopped, also by
kill -9. `tensorboard --logdir DIR` shows all trials.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pianoroll_tf import cli, config
from pianoroll_tf.errors import UsageError, UserError, usage_errors
from pianoroll_tf.tensorflow_startup import load_tensorflow
from tuner.search.parsing import DIRECTIONS, TUNERS, parse_fixes, read_space
from tuner.search.space import default_space, make_space
from tuner.terminal import parse_duration

if TYPE_CHECKING:
    from tuner.search.settings import SearchSettings

LOOPBACK = {None: "127.0.0.1:0", "chief": "127.0.0.1:8470"}  # default address of a chief; port 0: any free port
SEARCH_FLAGS = ("tuner", "epochs", "objective", "seed", "fix", "space")  # of the settings that identify a search


def build_parser(argv: Sequence[str] | None = ()) -> argparse.ArgumentParser:
    """The command's flags."""
    parser = cli.make_parser(
        "tuner.search", "Search for the best loss, optimizer, sizes and settings. The same command resumes a search."
    )
    cli.add_plugins(parser, argv)
    parser.add_argument("records", type=Path, help="folder of records: tfrecords/NAME")
    parser.add_argument(
        "folder", type=Path, metavar="dir", help="folder of the search: created, or resumed if it exists"
    )
    parser.add_argument("--tuner", choices=TUNERS, default="random", help="how trials are proposed (default: random)")
    parser.add_argument("--max-trials", type=int, default=20, help="trials in total, may be raised later (default: 20)")
    parser.add_argument("--epochs", type=int, default=20, help="maximum epochs of a trial (default: 20)")
    parser.add_argument(
        "--budget", metavar="TIME", help="start no trial after this time, as in 30m or 2h, summed over all starts"
    )
    parser.add_argument(
        "--objective",
        choices=tuple(DIRECTIONS),
        default="nll",
        help="lowest NLL or highest PR-AUC on validation, from posteriors (default: nll)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the proposals and of every trial (default: 0)")
    parser.add_argument(
        "--fix",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"do not search this setting; may be given several times. Searched are {', '.join(default_space())}",
    )
    parser.add_argument("--space", type=Path, metavar="FILE", help="TOML or JSON that narrows or widens the space")
    parser.add_argument(
        "--overwrite", action="store_true", help="remove the search in the folder and start from scratch"
    )
    group = parser.add_argument_group("several workers or machines")
    group.add_argument("--workers", type=int, default=1, help="parallel trials on this machine (default: 1)")
    group.add_argument("--role", choices=("chief", "worker"), help="role of this process among several")
    group.add_argument(
        "--chief",
        metavar="HOST:PORT",
        help="where the chief listens; its port has no authentication (default: loopback)",
    )
    group.add_argument(
        "--lease", default="2m", help="time after which the trial of a silent worker is given to another (default: 2m)"
    )
    group.add_argument("--threads", type=int, help="processor cores a worker may use (default: an equal share)")
    parser.add_argument("--supervised", action="store_true", help=argparse.SUPPRESS)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.run(body, build_parser(argv), argv)


def body(args: argparse.Namespace) -> int:
    """Checks the arguments, then runs the search in the given role."""
    _check(args)
    if importlib.util.find_spec("keras_tuner") is None:
        raise UserError("the search needs KerasTuner: python -m pip install --constraint constraints.txt '.[tuner]'")
    settings = _settings(args)
    budget = None if args.budget is None else parse_duration(args.budget)
    lease = parse_duration(args.lease)
    if args.threads:
        os.environ["OMP_NUM_THREADS"] = str(args.threads)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE" if not args.debug else "INFO")
    if args.role == "worker":
        given = any(getattr(args, flag) != build_parser().get_default(flag) for flag in SEARCH_FLAGS)
        if args.supervised:
            from tuner.search.supervisor import exit_with_parent

            exit_with_parent()
        load_tensorflow(args)
        from tuner.search.worker import run_worker

        return run_worker(args.folder, settings, given, args.chief, lease, args.threads)
    from tuner.search.settings import open_search, sole_search

    with sole_search(args.folder):
        open_search(args.folder, settings, args.overwrite)
        load_tensorflow(args)
        from tuner.search.session import Search

        search = Search(args.folder, settings, args.max_trials, budget)
        if args.role is None and args.workers == 1:
            search.run_alone(args.threads)
        else:
            count = 0 if args.role == "chief" else args.workers
            search.run_as_chief(args.chief or LOOPBACK[args.role], lease, count, _worker_command(args), args.threads)
        return search.finish()


def _check(args: argparse.Namespace) -> None:
    """Raises UsageError if flags contradict each other or a number is out of range."""
    _role_from_environment(args)
    for name, least in (("max_trials", 1), ("workers", 1), ("threads", 1), ("epochs", 1)):
        value = getattr(args, name)
        if value is not None and value < least:
            raise UsageError(f"{name} must be a whole number >= {least}. Received: {name}={value}")
    if args.role and args.workers != 1:
        raise UsageError("--workers must be left out with --role: it starts chief and workers on this machine")
    if args.role == "worker" and not args.chief:
        raise UsageError("--role worker must come with --chief HOST:PORT. Received: no --chief")
    if args.role == "worker" and args.overwrite:
        raise UsageError("--overwrite must be given to the chief. Received: --role worker --overwrite")
    if args.chief is not None:
        host, _, port = args.chief.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise UsageError(f"--chief must be HOST:PORT. Received: {args.chief}")


def _role_from_environment(args: argparse.Namespace) -> None:
    """Takes the role from KerasTuner's environment variables if no flag names it."""
    host, port, name = (os.environ.get(f"KERASTUNER_{part}") for part in ("ORACLE_IP", "ORACLE_PORT", "TUNER_ID"))
    if args.role is None and args.workers == 1 and host and port and name:
        args.role = "chief" if "chief" in name else "worker"
        args.chief = args.chief or f"{host}:{port}"


def _settings(args: argparse.Namespace) -> "SearchSettings":
    """The settings that identify the search, from the flags and the records."""
    from pianoroll_tf.modeling import run_folder
    from tuner.search.settings import SearchSettings

    with usage_errors():
        fixed = parse_fixes(args.fix)
        training = config.TrainingConfig(epochs=args.epochs, seed=args.seed, objective=args.objective)
        space = make_space(({} if args.space is None else read_space(args.space)) | fixed)
    records, data = run_folder.data_facts(args.records)
    base = config.RunConfig(records=records, data=data, training=training)
    return SearchSettings(tuner=args.tuner, base=base, space=space)


def _worker_command(args: argparse.Namespace) -> list[str]:
    """The command line of a worker on this machine; the address of the chief is added."""
    arguments = [str(args.records), str(args.folder), "--role", "worker", "--supervised", "--lease", args.lease]
    arguments += [word for plugin in args.plugin for word in ("--plugin", plugin)]
    return [sys.executable, "-m", "tuner.search", *arguments, *(["--debug"] if args.debug else [])]


if __name__ == "__main__":
    sys.exit(main())
