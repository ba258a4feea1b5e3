"""Serves an exported model: music over HTTP, TensorFlow Serving's REST API, and a page.

Usage: python -m pianoroll_tf.serve saved_models/NAME [--port 8501] [--host 127.0.0.1]

New versions in the folder are served as they appear. SIGTERM or Ctrl-C finishes what is in flight.
"""

import argparse
import sys
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.config import add_flags, from_args
from pianoroll_tf.serving.limits import Address, Limits, Versions


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = cli.make_parser("pianoroll_tf.serve", "Serve an exported model over HTTP.")
    parser.add_argument("model", type=Path, help="saved_models/NAME, with its versions in it")
    for settings in (Address, Versions, Limits):
        add_flags(parser, settings)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.run(body, build_parser(), argv)


def body(args: argparse.Namespace) -> None:
    """Checks, loads, serves."""
    with cli.usage_errors():
        address, versions, limits = (from_args(kind, args) for kind in (Address, Versions, Limits))
    from pianoroll_tf.generation.versions import find_version

    find_version(args.model)  # before the seconds that TensorFlow takes
    cli.load_tensorflow(args)
    try:
        from pianoroll_tf.serving.server import serve
    except ModuleNotFoundError as error:
        raise cli.UserError(f"serving needs more packages ({error.name}): pip install 'pianoroll_tf[serve]'") from error
    serve(args.model, address, versions, limits)


if __name__ == "__main__":
    sys.exit(main())
