"""A trained run as a SavedModel, which generates music with TensorFlow alone.

Usage: python -m pianoroll_tf.export runs/NAME saved_models/NAME

Writes the next version, saved_models/NAME/1, 2, ..., as a whole or not at all. A run that has been
exported already is not exported again.
"""

import argparse
import sys
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.errors import UserError
from pianoroll_tf.settings import from_dict
from pianoroll_tf.tensorflow_startup import load_tensorflow


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = cli.make_parser("pianoroll_tf.export", "Export a trained run as a SavedModel.")
    cli.add_plugins(parser, argv)
    parser.add_argument("run", type=Path, help="folder of the run: runs/NAME")
    parser.add_argument("model", type=Path, help="folder of the model's versions: saved_models/NAME")
    return cli.run(body, parser, argv)


def body(args: argparse.Namespace) -> None:
    """Loads the run and exports it."""
    if not (args.run / "config.json").exists():  # before the seconds that TensorFlow takes
        raise UserError(f"{args.run} must be the folder of a run: it has no config.json")
    load_tensorflow(args)
    export_run(args.run, args.model)


def export_run(run: Path, folder: Path) -> None:
    """Exports a run as the next version in `folder`, unless the latest one holds it already; prints the result."""
    from pianoroll_tf.generation import run_export, saved_model
    from pianoroll_tf.generation.calibration.calibrate import Calibration

    def announce() -> None:
        print("calibrating: generating music at several temperatures and densities ...", flush=True)

    done = run_export.export_run(run, folder, announce)
    if not done.is_new:
        print(f"{done.version} holds this run already")
        return
    values = saved_model.read_config(done.version)["calibration"]
    if values:
        print(f"active cells: data {done.density:.2%}, music {from_dict(Calibration, values).in_words()}")
    if done.worse_than_copying:
        print("warning: it predicts worse than copying the last step: train longer", file=sys.stderr)
    print(f"exported {done.version}")


if __name__ == "__main__":
    sys.exit(main())
