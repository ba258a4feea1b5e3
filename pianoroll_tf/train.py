"""Trains a model on a folder of records, or resumes an earlier training of the same run.

Usage: python -m pianoroll_tf.train tfrecords/NAME runs/NAME [settings]
"""

import argparse
import functools
import importlib
import sys
from pathlib import Path
from typing import Any

from pianoroll_tf import cli, config
from pianoroll_tf.errors import usage_errors
from pianoroll_tf.extras import require
from pianoroll_tf.flags import add_flags, from_args, tell_apart
from pianoroll_tf.tensorflow_startup import load_tensorflow


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = cli.make_parser("pianoroll_tf.train", "Train a model on records, or resume a training that was stopped.")
    cli.add_plugins(parser, argv)
    parser.add_argument("records", type=Path, help="folder of records: tfrecords/NAME")
    parser.add_argument("run", type=Path, help="folder of the run, created, or resumed if it exists: runs/NAME")
    text = "export the best model at the end: saved_models/NAME"
    parser.add_argument("--export", type=Path, metavar="DIR", help=text)
    text = "start from the best weights of another run, whose model settings it takes"
    parser.add_argument("--init", type=Path, metavar="RUN", help=text)
    # No setting of the run, which may be resumed elsewhere
    text = "all GPUs of this machine, or all machines that TF_CONFIG or Slurm names (default: auto)"
    parser.add_argument("--strategy", choices=("auto", "multi_worker"), default="auto", help=text)
    for group in config.SECTIONS.values():
        add_flags(parser, group)
    tell_apart(parser, config.ModelConfig)
    return cli.run(body, parser, argv)


def run_settings(args: argparse.Namespace) -> config.RunConfig:
    """The settings of the run, from the flags and what the folders hold."""
    from pianoroll_tf.modeling import run_folder, warm_start

    defaults = {"model": warm_start.model_settings(args.run, args.init)}
    with usage_errors():
        settings: dict[str, Any] = {
            name: from_args(group, args, defaults.get(name)) for name, group in config.SECTIONS.items()
        }
    records, data = run_folder.data_facts(args.records)
    return warm_start.with_provenance(config.RunConfig(records=records, data=data, **settings), args.run, args.init)


def body(args: argparse.Namespace) -> None:
    """Trains the run and prints the result."""
    require("matplotlib", "tensorboard")
    team = None
    if args.strategy == "multi_worker":
        load_tensorflow(args)
        team = importlib.import_module("pianoroll_tf.modeling.team").join()
    run_config = team.all_succeed(lambda: run_settings(args)) if team else run_settings(args)
    load_tensorflow(args)
    from pianoroll_tf.generation.training_samples import TrainingSamples
    from pianoroll_tf.modeling import multi_worker, result_lines, run_folder, training

    train = functools.partial(multi_worker.train_together, team) if team else training.train
    samples = TrainingSamples(args.run / run_folder.TENSORBOARD, run_config)
    with cli.shown_log():
        state = train(run_config, args.run, extra_callbacks=[samples], init=args.init)
    if team and not team.is_chief:
        return
    for line in result_lines.result_lines(args.run, state, run_config):
        print(line)
    if args.export is not None:
        from pianoroll_tf.export import export_run

        export_run(args.run, args.export)


if __name__ == "__main__":
    sys.exit(main())
