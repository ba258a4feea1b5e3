"""Serves an exported model: music over HTTP, TensorFlow Serving's REST API, and a page.

Usage: python -m pianoroll_tf.serve saved_models/NAME [--port 8501] [--host 127.0.0.1]

New versions in the folder are served as they appear. After SIGTERM or Ctrl-C, requests in progress are still answered.
"""

import argparse
import sys
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.errors import UserError, usage_errors
from pianoroll_tf.flags import add_flags, from_args
from pianoroll_tf.serving.settings import Address, Limits, Versions
from pianoroll_tf.tensorflow_startup import limit_threads, load_tensorflow


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = cli.make_parser("pianoroll_tf.serve", "Serve an exported model over HTTP.")
    parser.add_argument("model", type=Path, help="saved_models/NAME, with its versions in it")
    for settings in (Address, Versions, Limits):
        add_flags(parser, settings)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.run(body, build_parser(), argv)


def body(args: argparse.Namespace) -> None:
    """Checks the settings, loads the model and serves it."""
    with usage_errors():
        address, versions = from_args(Address, args), from_args(Versions, args)
        limits = from_args(Limits, args)
    from pianoroll_tf.generation.versions import find_version

    find_version(args.model)  # raises its error before TensorFlow is imported, which takes seconds
    # Process 1 of a container would ignore SIGTERM until the server handles it, and be killed after the grace period.
    with cli.exit_on_sigterm(0):
        load_tensorflow(args)
        limit_threads(versions.threads)
        try:
            from pianoroll_tf.serving.server import serve
        except ModuleNotFoundError as error:
            needs = f"serving needs more packages ({error.name}): pip install 'pianoroll_tf[serve]'"
            raise UserError(needs) from error
        serve(args.model, address, versions, limits)


if __name__ == "__main__":
    sys.exit(main())
