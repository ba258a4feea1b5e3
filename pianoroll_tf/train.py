"""Trains a model on a folder of records, or resumes an earlier training of the same run.

Usage: python -m pianoroll_tf.train tfrecords/NAME runs/NAME [settings]
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from pianoroll_tf import cli, config
from pianoroll_tf.errors import usage_errors
from pianoroll_tf.extras import require
from pianoroll_tf.flags import add_flags, from_args, tell_apart
from pianoroll_tf.plugins import plugin_flags
from pianoroll_tf.tensorflow_startup import load_tensorflow


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = cli.make_parser(
        "pianoroll_tf.train", "Train a model on records. The same command resumes a training that was stopped."
    )
    cli.add_plugins(parser, argv)
    parser.add_argument("records", type=Path, help="folder of records: tfrecords/NAME")
    parser.add_argument("run", type=Path, help="folder of the run, created, or resumed if it exists: runs/NAME")
    parser.add_argument(
        "--export", type=Path, metavar="DIR", help="export the best model at the end: saved_models/NAME"
    )
    parser.add_argument(
        "--init",
        type=Path,
        metavar="RUN",
        help="start from the best weights of another run, whose model settings it takes",
    )
    for group in config.SECTIONS.values():
        add_flags(parser, group)
    tell_apart(parser, config.ModelConfig)
    return cli.run(body, parser, argv)


def body(args: argparse.Namespace) -> None:
    """Trains the run and prints the result."""
    require("matplotlib", "tensorboard")
    from pianoroll_tf.modeling import run_folder, warm_start

    defaults = {"model": warm_start.model_settings(args.run, args.init)}
    with usage_errors():
        settings: dict[str, Any] = {
            name: from_args(group, args, defaults.get(name)) for name, group in config.SECTIONS.items()
        }
    records, data = run_folder.data_facts(args.records)
    run_config = config.RunConfig(records=records, data=data, **settings)
    run_config = warm_start.with_provenance(run_config, args.run, args.init)
    load_tensorflow(args)
    from pianoroll_tf.generation.training_samples import TrainingSamples
    from pianoroll_tf.modeling.advice import training_advice
    from pianoroll_tf.modeling.baselines import baseline_nlls
    from pianoroll_tf.modeling.training import train

    samples = TrainingSamples(args.run / run_folder.TENSORBOARD, run_config)
    with cli.shown_log():
        state = train(run_config, args.run, extra_callbacks=[samples], init=args.init)
    print(f"{args.run} is finished: {state.finished}")
    before = "" if state.initial_nll is None else f"; {state.initial_nll:.4f} nats per step before"
    print(f"best validation NLL {state.best_nll:.4f} nats per step, epoch {state.best_epoch}{before}")
    for sentence in training_advice(state, run_config, baseline_nlls(run_config)):
        print(sentence)
    print(f"next: python -m pianoroll_tf.evaluate {shlex.join([str(args.run), *plugin_flags(run_config.plugins)])}")
    if args.export is not None:
        from pianoroll_tf.export import export_run

        export_run(args.run, args.export)


if __name__ == "__main__":
    sys.exit(main())
