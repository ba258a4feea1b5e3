"""The whole workflow on the embedded corpus: Bach → records → training → model → two pieces of music.

Usage: python -m pianoroll_tf.demo [FOLDER]

Every step is one of the package's commands, printed before it runs, so that the demo can be repeated by hand. Steps
whose results are up to date are skipped.
"""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.errors import UsageError, UserError
from pianoroll_tf.progress import Progress
from pianoroll_tf.storage.folders import check_folder

RECORDS, RUN, MODEL = Path("tfrecords/demo"), Path("runs/demo"), Path("saved_models/demo")
EPOCHS, BATCH_SIZE = 40, 16  # some minutes on two cores; the corpus is small, and small batches learn more from it
CORPUS = "bach"  # folder of the MIDI files, in that of the demo
PRIMER_STEPS = 64  # 4 bars of Bach on the grid of beats


def run_command(name: str, *words: object) -> None:
    """Prints and runs `python -m pianoroll_tf.NAME WORDS`; raises UserError if it fails, having said why."""
    shown = f"python -m pianoroll_tf.{name} {shlex.join(map(str, words))}"
    print(f"\n$ {shown}", flush=True)
    done = subprocess.run([sys.executable, "-m", f"pianoroll_tf.{name}", *map(str, words)])
    if done.returncode:
        raise UserError(f"the demo must stop here, because this failed (exit code {done.returncode}): {shown}")


def generate(folder: Path, name: str, *words: object) -> None:
    """Generates NAME.mid, .png and .wav in `folder`, unless they exist and are newer than the model."""
    files = [folder / f"{name}{ending}" for ending in (".mid", ".png", ".wav")]
    model = max(path.stat().st_mtime for path in MODEL.iterdir() if path.name.isdigit())
    if all(path.is_file() and path.stat().st_mtime >= model for path in files):
        print(f"\n{files[0]}, .png and .wav are up to date")
        return
    run_command("generate", MODEL, files[0], *words, "--png", "--wav", "--overwrite")


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = cli.make_parser("pianoroll_tf.demo", "Train on Bach and generate music, in less than ten minutes.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("demo"), help="folder for the music")
    parser.add_argument("--works", type=int, default=None, help="use only the first N works (default: all)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"epochs of training (default: {EPOCHS})")
    return cli.run(body, parser, argv)


def body(args: argparse.Namespace) -> None:
    """The demo, step by step."""
    for name, value in (("works", args.works), ("epochs", args.epochs)):
        if value is not None and value < 1:
            raise UsageError(f"{name} must be a whole number >= 1. Received: {name}={value}")
    check_folder(args.folder, "a folder that the demo has made", CORPUS)
    from pianoroll_tf.data.corpus import pick_primer, write_corpus
    from pianoroll_tf.generation.demo_summary import demo_summary

    midi = args.folder / CORPUS
    print(f"\nWriting music21's works of Bach as MIDI files into {midi}", flush=True)
    print(write_corpus(midi, limit=args.works, progress=Progress), flush=True)
    run_command("build_records", midi, RECORDS)
    run_command("train", RECORDS, RUN, "--epochs", args.epochs, "--batch-size", BATCH_SIZE, "--export", MODEL)
    run_command("evaluate", RUN, "--split", "test")
    primer = midi / pick_primer(RECORDS)
    generate(args.folder, "continuation", "--primer", primer, "--primer-steps", PRIMER_STEPS, "--primer-from", "start")
    generate(args.folder, "from_scratch")
    run_command("evaluate", RUN, "--split", "test", "--music")
    print(demo_summary(args.folder, f"the first {PRIMER_STEPS} steps of {primer.name}", RUN, MODEL))


if __name__ == "__main__":
    sys.exit(main())
