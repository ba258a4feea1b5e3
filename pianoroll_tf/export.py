"""A trained run as a SavedModel, which generates music with TensorFlow alone.

Usage: python -m pianoroll_tf.export runs/NAME saved_models/NAME

Writes the next version, saved_models/NAME/1, 2, ..., whole or not at all. A run that is exported
already is not exported again.
"""

import argparse
import sys
from pathlib import Path

from pianoroll_tf import cli


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = cli.make_parser("pianoroll_tf.export", "Export a trained run as a SavedModel.")
    parser.add_argument("run", type=Path, help="folder of the run: runs/NAME")
    parser.add_argument("model", type=Path, help="folder of the model's versions: saved_models/NAME")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.run(body, build_parser(), argv)


def body(args: argparse.Namespace) -> None:
    """Loads the run, exports it, says what was found."""
    if not (args.run / "config.json").exists():  # before the seconds that TensorFlow takes
        raise cli.UserError(f"{args.run} must be the folder of a run: it has no config.json")
    cli.load_tensorflow(args)
    export_run(args.run, args.model)


def export_run(run: Path, folder: Path) -> None:
    """Exports a run as the next version in `folder`, unless it is there already, and says what was found."""
    from pianoroll_tf.generation import archive, saved_model
    from pianoroll_tf.modeling.run import load_run

    config, model = load_run(run)
    if config.data.density:
        print("setting the density of its music to that of its data ...", flush=True)
    version, is_new = archive.export(model, config, folder)
    if not is_new:
        print(f"{version} holds this run already")
        return
    found = saved_model.read_config(version)["calibration"]
    if found:
        print(
            f"active cells: data {config.data.density:.2%}, music {found['corrected']:.2%} "
            f"(uncorrected {found['uncorrected']:.2%}; shift {found['shift']:+.2f}, gain {found['gain']:g})"
        )
    print(f"exported {version}")


if __name__ == "__main__":
    sys.exit(main())
