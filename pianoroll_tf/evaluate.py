"""Judges a run on a split, beside the baselines.

Usage: python -m pianoroll_tf.evaluate runs/NAME [--split test] [--records DIR] [--music]

Prints a table and writes runs/NAME/evaluation/SPLIT.json and SPLIT.png (reliability and precision-recall curves); for
an unchanged run, only prints it. Thresholds of F1 are chosen on the validation split. With the nade head, all numbers
but the NLL are those of conditionals: each cell is predicted given the lower cells of its step. With --music, the MIDI
files of generated pieces are judged beside the real ones instead: SPLIT-music.json and .png, and music/*.mid.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.errors import UsageError
from pianoroll_tf.extras import require
from pianoroll_tf.progress import Progress
from pianoroll_tf.tensorflow_startup import load_tensorflow


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = cli.make_parser("pianoroll_tf.evaluate", "Judge a trained model on a split, beside the baselines.")
    cli.add_plugins(parser, argv)
    parser.add_argument("run", type=Path, help="folder of the run, as train made it")
    parser.add_argument("--split", choices=("train", "val", "test"), default="test", help="default: test")
    parser.add_argument("--records", type=Path, help="take these records, not those the run was trained on")
    parser.add_argument("--music", action="store_true", help="judge generated music beside that of the split")
    parser.add_argument("--pieces", type=int, default=24, metavar="INT", help="pieces to generate with --music (24)")
    return cli.run(body, parser, argv)


def body(args: argparse.Namespace) -> None:
    """Judges, prints and writes; results that are up to date are only printed."""
    from pianoroll_tf.modeling import evaluation_folder, run_folder

    config = run_folder.load_config(args.run)
    records = evaluation_folder.find_records(config, args.records)
    if not evaluation_folder.is_training_data(config, records):
        print(f"note: {records} is not what the run was trained on; the baselines are fitted on its training split")
    require("matplotlib", *["sklearn"] * args.music)
    if args.pieces < 1:
        raise UsageError(f"pieces must be >= 1. Received: pieces={args.pieces}")
    subject = evaluation_folder.identity(args.run, config, records)
    folder, name = args.run / run_folder.EVALUATION, args.split
    table: Callable[[dict], str] = evaluation_folder.table
    if args.music:
        from pianoroll_tf.generation.music.comparison import comparison_table

        name, table, subject = f"{args.split}-music", comparison_table, subject | {"pieces": str(args.pieces)}
    found = evaluation_folder.read_results(folder, name, subject)
    if found:
        print(f"{table(found)}\n{folder / name}.json and .png are up to date")
        return
    load_tensorflow(args)
    from pianoroll_tf.generation.music.run_comparison import compare_run
    from pianoroll_tf.modeling import judging, run

    model = run.load_model(args.run, config)
    if args.music:
        results, picture = compare_run(model, config, args.run, records, args.split, args.pieces)
    else:
        with Progress(judging.pass_count(config), "passes") as progress:
            results, sums = judging.judge(config, model, records, args.split, lambda what: progress.update(note=what))
        picture = judging.picture(args.run.name, results, sums)
    print(table(results))
    evaluation_folder.write_results(folder, name, results | {"subject": subject}, picture)
    print(f"written: {folder / name}.json and .png")


if __name__ == "__main__":
    sys.exit(main())
