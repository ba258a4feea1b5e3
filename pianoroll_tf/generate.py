"""Music from an exported model: the continuation of a MIDI file, bars within one, or a piece from scratch.

Usage: python -m pianoroll_tf.generate saved_models/NAME OUT.mid [--primer FILE [--infill 8..12]] [--seconds 60] [--png]

Without --steps or --seconds a piece ends where the model ends it. Only the exported model is needed. The same seed
gives the same music; with --count, piece i is that of seed + i.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from pianoroll_tf import cli
from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.errors import usage_errors
from pianoroll_tf.extras import require
from pianoroll_tf.flags import add_flags, from_args
from pianoroll_tf.generation.piece_options import PieceOptions
from pianoroll_tf.generation.steering import Steering
from pianoroll_tf.tensorflow_startup import load_tensorflow


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = cli.make_parser("pianoroll_tf.generate", "Generate music with an exported model.")
    parser.add_argument("model", type=Path, help="saved_models/NAME, or one of its versions: saved_models/NAME/1")
    parser.add_argument("out", type=Path, help="MIDI file to write: OUT.mid; with --count OUT-1.mid, OUT-2.mid ...")
    for settings in (PieceOptions, SamplingConfig, Steering):
        add_flags(parser, settings)
    return cli.run(body, parser, argv)


def body(args: argparse.Namespace) -> None:
    """Checks the arguments, generates the pieces, and prints a line for each."""
    with usage_errors():
        sampling, options = from_args(SamplingConfig, args), from_args(PieceOptions, args)
        steering = from_args(Steering, args)
        if args.out.suffix.lower() not in (".mid", ".midi"):
            raise ValueError(f"out must end in .mid. Received: out={args.out}")
    for package, is_needed in (("matplotlib", options.png or options.report), ("music21", options.musicxml)):
        if is_needed:
            require(package)
    from pianoroll_tf.generation.versions import find_version

    version = find_version(args.model)  # before the seconds that TensorFlow takes
    load_tensorflow(args)
    from pianoroll_tf.generation import continuation, filled_pieces, pieces, saved_model

    model = saved_model.load(version)
    whole = continuation.read_primer(options.primer, model.grid) if options.primer else continuation.NO_PRIMER
    whole = whole if options.infill else whole.from_first_bar(model.steps_per_beat)  # bars count as in the file
    with usage_errors():
        pieces.check_outputs(args.out, options)
        model.check_steering(steering)
        module: Any = filled_pieces if options.infill else pieces
        plan = module.plan_pieces(model, whole, options)
    records = pieces.read_report_records(model, options.report) if options.report else None
    if options.primer and not options.infill:
        print(continuation.describe_primer(plan.primer, whole, options.primer, model.steps_per_beat))
    if model.config.get("worse_than_copying"):
        print(f"warning: {args.model} predicts worse than copying the last step: train longer", file=sys.stderr)
    if records and not records.are_of_model:
        print(f"warning: {args.model} was not trained on the records {options.report}", file=sys.stderr)
    written, densities = [], []
    for piece in module.write_pieces(model, plan, sampling, args.out, options, steering):
        print(*piece.lines, sep="\n")
        written += [piece] if records else []
        densities.append(piece.density)
        warning = continuation.density_warning(piece.density, model.density * sampling.density)
        if warning and not options.infill:  # a gap of a few bars may well be unlike the average of whole pieces
            print(f"warning: {piece.path}: {warning}", file=sys.stderr)
    if options.count > 1:
        mean = f"{options.count} pieces: {sum(densities) / options.count:.2%} of the cells active on average"
        print(f"{mean}; {model.density:.2%} in the training data")
    for line in pieces.write_reports(written, plan, records) if records else ():
        print(line)


if __name__ == "__main__":
    sys.exit(main())
