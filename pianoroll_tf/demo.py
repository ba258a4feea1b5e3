"""The whole workflow on the embedded corpus: Bach → records → training → model → two pieces of music.

Usage: python -m pianoroll_tf.demo [FOLDER]

Every step is one of the package's commands, printed before it runs, so that the demo can be repeated by
hand. Steps whose results are up to date are skipped.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.errors import UsageError, UserError
from pianoroll_tf.progress import Progress

RECORDS, RUN, MODEL = Path("tfrecords/demo"), Path("runs/demo"), Path("saved_models/demo")
EPOCHS, BATCH_SIZE = 40, 16  # some minutes on two cores; the corpus is small, and small batches learn more from it
PRIMER_STEPS = 64  # 4 bars of Bach on the grid of beats


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = cli.make_parser("pianoroll_tf.demo", "Train on Bach and generate music, in less than ten minutes.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("demo"), help="folder for the music")
    parser.add_argument("--works", type=int, default=None, help="use only the first N works (default: all)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"epochs of training (default: {EPOCHS})")
    return parser


def run_command(name: str, *words: object) -> None:
    """Prints and runs `python -m pianoroll_tf.NAME WORDS`.

    Raises:
        UserError: The command failed; it has printed the reason.
    """
    shown = " ".join(["python -m", f"pianoroll_tf.{name}", *(shlex.quote(str(word)) for word in words)])
    print(f"\n$ {shown}", flush=True)
    done = subprocess.run([sys.executable, "-m", f"pianoroll_tf.{name}", *map(str, words)])
    if done.returncode:
        raise UserError(f"the demo must stop here, because this failed (exit code {done.returncode}): {shown}")


def pick_primer(corpus: Path) -> Path:
    """Picks the primer: the piece with the median number of notes of the test split, which the model has never seen.

    Raises:
        UserError: The corpus is too small to have a test split.
    """
    from pianoroll_tf.data.records import read_manifest

    files = [entry for entry in read_manifest(RECORDS, with_files=True)["files"] if entry["split"] == "test"]
    if not files:
        raise UserError("the test split must hold at least one piece. Received: 0 (use more --works)")
    files.sort(key=lambda entry: (entry["notes"], entry["path"]))
    return corpus / files[len(files) // 2]["path"]


def generate(folder: Path, name: str, *words: object) -> None:
    """Generates NAME.mid, .png and .wav in `folder`, unless they exist and are newer than the model."""
    files = [folder / f"{name}{ending}" for ending in (".mid", ".png", ".wav")]
    model = max(path.stat().st_mtime for path in MODEL.iterdir() if path.name.isdigit())
    if all(path.is_file() and path.stat().st_mtime >= model for path in files):
        print(f"\n{files[0]}, .png and .wav are up to date")
        return
    run_command("generate", MODEL, files[0], *words, "--png", "--wav")


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.run(body, build_parser(), argv)


def body(args: argparse.Namespace) -> None:
    """The demo, step by step."""
    for name in ("works", "epochs"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise UsageError(f"{name} must be a whole number >= 1. Received: {name}={value}")
    from pianoroll_tf.data import corpus

    midi = args.folder / "bach"
    print(f"\nWriting music21's works of Bach as MIDI files into {midi}", flush=True)
    print(corpus.write_corpus(midi, limit=args.works, progress=Progress), flush=True)
    run_command("build_records", midi, RECORDS)
    run_command("train", RECORDS, RUN, "--epochs", args.epochs, "--batch-size", BATCH_SIZE, "--export", MODEL)
    run_command("evaluate", RUN, "--split", "test")
    primer = pick_primer(midi)
    generate(args.folder, "continuation", "--primer", primer, "--primer-steps", PRIMER_STEPS)
    generate(args.folder, "from_scratch")
    run_command("evaluate", RUN, "--split", "test", "--music")
    print(summary(args.folder, primer))


def summary(folder: Path, primer: Path) -> str:
    """The files, the scores of the model, and the commands for the user's own files."""
    from pianoroll_tf.generation.music.comparison import sentences
    from pianoroll_tf.modeling.evaluation_folder import LABELS

    scores = json.loads((RUN / "evaluation" / "test.json").read_text())
    rows = [(label, scores[key]) for key, label in LABELS.items()]
    table = "\n".join(f"  {name:<20}{row['nll']:>14.3f}{row['pr_auc']:>10.3f}{row['f1']:>8.3f}" for name, row in rows)
    music = sentences(json.loads((RUN / "evaluation" / "test-music.json").read_text()), "Bach")
    return f"""
Made:
  {folder}/continuation.mid .png .wav   the first {PRIMER_STEPS} steps of {primer.name}, continued
  {folder}/from_scratch.mid .png .wav   a piece from scratch; {RUN}/evaluation/music: 24 more
  {MODEL}                    the model; {RUN}: its training (tensorboard --logdir {RUN})

How good it is, on {scores["pieces"]} pieces it has not seen:
  {"":<20}{"NLL per step":>14}{"PR-AUC":>10}{"F1":>8}
{table}

How its music compares with Bach's (24 pieces from scratch, the whole table is above):
{music}

The same with your own folder of MIDI files (after: source .venv/bin/activate):
  python -m pianoroll_tf.build_records MY_MIDI_FOLDER tfrecords/mine
  python -m pianoroll_tf.train tfrecords/mine runs/mine --export saved_models/mine
  python -m pianoroll_tf.generate saved_models/mine music.mid --png --wav
"""


if __name__ == "__main__":
    sys.exit(main())
