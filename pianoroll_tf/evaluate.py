"""Judges a run on a split, beside the baselines.

Usage: python -m pianoroll_tf.evaluate runs/NAME [--split test] [--records DIR] [--music]

Prints a table and writes runs/NAME/evaluation/SPLIT.json and SPLIT.png (reliability and precision-recall
curves). Thresholds of F1 are chosen on the validation split. The same command on an unchanged run
prints the table again. With the nade head the numbers but for the NLL are those of conditionals: each cell knows the
lower ones of its step.

With --music, pieces are generated from scratch instead, and their MIDI files are judged beside the real ones of the
split: runs/NAME/evaluation/SPLIT-music.json and .png, and music/*.mid.
"""

import argparse
import dataclasses
import hashlib
import sys
from pathlib import Path

import pianoroll_tf
from pianoroll_tf import cli, config
from pianoroll_tf.errors import DamagedError, UsageError, UserError
from pianoroll_tf.messages import count
from pianoroll_tf.progress import Progress
from pianoroll_tf.settings import dumps, to_dict
from pianoroll_tf.tensorflow_startup import load_tensorflow

# What is judged, as the results name it → as a person reads it; the baselines are those of `modeling.baselines`.
LABELS = {"model": "this model", "copy_last_step": "copy the last step", "note_frequency": "note frequency"}
COLUMNS = {
    "nll": "NLL per step",
    "nll_strikes": "of strikes",
    "pr_auc": "PR-AUC",
    "f1": "F1",
    "onset_f1": "onset F1",
    "ece": "ECE",
    "density_predicted": "density",
    "density_true": "true",
}


PIECES = 24


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = cli.make_parser("pianoroll_tf.evaluate", "Judge a trained model on a split, beside the baselines.")
    parser.add_argument("run", type=Path, help="folder of the run, as train made it")
    parser.add_argument("--split", choices=("train", "val", "test"), default="test", help="default: test")
    parser.add_argument(
        "--records", type=Path, default=None, help="take these records, not those the run was trained on"
    )
    parser.add_argument("--music", action="store_true", help="judge generated music beside that of the split")
    parser.add_argument(
        "--pieces", type=int, default=PIECES, metavar="INT", help=f"pieces to generate with --music ({PIECES})"
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.run(body, build_parser(), argv)


def body(args: argparse.Namespace) -> None:
    """Loads, judges, prints, writes; what stands already is only printed."""
    from pianoroll_tf.modeling import run_folder

    settings = run_folder.load_config(args.run)
    records = find_records(settings, args.records)
    subject = identity(args.run, settings, records)
    folder = args.run / run_folder.EVALUATION
    if args.pieces < 1:
        raise UsageError(f"pieces must be >= 1. Received: pieces={args.pieces}")
    name, show = (f"{args.split}-music", music_table) if args.music else (args.split, table)
    if args.music:
        subject["pieces"] = str(args.pieces)
    standing = read_standing(folder, name, subject)
    if standing:
        print(show(standing))
        print(f"{folder / name}.json and .png are up to date")
        return
    load_tensorflow(args)
    from pianoroll_tf.modeling.run import load_model

    model = load_model(args.run, settings)
    if args.music:
        from pianoroll_tf.generation.music.run_comparison import compare_run

        results, picture = compare_run(model, settings, args.run, records, args.split, args.pieces)
    else:
        results, sums = judge(settings, model, records, args.split)
        picture = curves(folder, results, sums)
    print(show(results))
    write(folder, name, results | {"subject": subject}, picture)


def music_table(results: dict) -> str:
    """The numbers of `--music`."""
    from pianoroll_tf.generation.music.comparison import comparison_table

    ended = f"{results['ended']} of {results['pieces']['generated']} pieces were ended by the model"
    return f"{comparison_table(results)}\n{ended}"


def identity(run: Path, settings: config.RunConfig, records: Path) -> dict[str, str]:
    """What the numbers of a split follow from: sha256 of weights, settings and records, and the package's version.

    Raises:
        UserError: The run has no trained model yet.
    """
    from pianoroll_tf.data.records import manifest_sha256
    from pianoroll_tf.modeling.run_folder import best_path

    anywhere = dataclasses.replace(settings, data=dataclasses.replace(settings.data, path=""))
    return {
        "weights": hashlib.sha256(best_path(run).read_bytes()).hexdigest(),
        "settings": hashlib.sha256(dumps(to_dict(anywhere)).encode()).hexdigest(),
        "records": manifest_sha256(records),
        "version": pianoroll_tf.__version__,
    }


def read_standing(folder: Path, split: str, subject: dict[str, str]) -> dict | None:
    """The results that stand in the folder, if they are whole and of this very subject."""
    from pianoroll_tf.storage.checksummed_json import read_checksummed

    try:
        results = read_checksummed(folder / f"{split}.json")
    except (FileNotFoundError, DamagedError):
        return None
    return results if results.get("subject") == subject and (folder / f"{split}.png").is_file() else None


def find_records(settings: config.RunConfig, given: Path | None) -> Path:
    """The folder of records to judge on.

    Raises:
        UserError: It is not there, or of another grid, or not given and not what the run was trained on.
    """
    from pianoroll_tf.data.records import manifest_sha256, read_manifest, resolved

    records = given or Path(settings.data.path)
    if given is None and not records.is_dir():
        raise UserError(f"the run's records are no longer at {records}; say where they are with --records DIR")
    grid = resolved(read_manifest(records))
    if manifest_sha256(records) != settings.data.manifest_sha256:
        if given is None:
            raise UserError(
                f"{records} has changed since the training: train again, or judge on it all the same with "
                f"--records {records}"
            )
        ours, theirs = (f"{one.steps_per_unit} steps a {one.grid[:-1]}" for one in (settings.records, grid))
        if ours != theirs:
            raise UserError(f"{records} must have the grid of the run, {ours}. Received: {theirs}")
        print(f"note: {records} is not what the run was trained on; the baselines are fitted on its training split")
    return records


def judge(settings: config.RunConfig, model, records: Path, split: str) -> tuple[dict, dict]:
    """Model and baselines on a split, thresholds from the validation split.

    Returns:
        Results, JSON-ready: numbers of "model", "copy_last_step", "note_frequency", and `pieces`, `steps`,
        `split`, `records`. And sums: name → `metrics.Statistics`; where the loss is not proper, "uncorrected"
        too: the network's own sigmoid.

    Raises:
        UserError: A split that is needed has no piece.
    """
    from pianoroll_tf.data.pipeline import evaluation_dataset, load_corpus
    from pianoroll_tf.modeling.baselines import BASELINES
    from pianoroll_tf.modeling.evaluation import model_evaluator
    from pianoroll_tf.modeling.losses import LOSSES

    corpora = {name: load_corpus(records, name) for name in dict.fromkeys(("train", "val", split))}
    for name, corpus in corpora.items():
        if not len(corpus.counts):
            raise UserError(f"the {name} split of {records} must hold at least one piece. Received: pieces=0")
    corpus = corpora[split]
    evaluators = {"model": model_evaluator(model, settings.loss)}
    evaluators |= {name: make(corpora["train"]) for name, make in BASELINES.items()}
    results = {"split": split, "records": str(records), "pieces": len(corpus.piece_steps), "steps": len(corpus.counts)}
    sums, proper = {}, LOSSES[settings.loss.loss].proper
    with Progress(2 * len(evaluators) + (not proper), "passes") as progress:
        for name, evaluator in evaluators.items():
            chosen = evaluator.statistics(evaluation_dataset(corpora["val"], settings.dataset)).results()
            progress.update(note=LABELS[name])
            sums[name] = evaluator.statistics(evaluation_dataset(corpus, settings.dataset))
            results[name] = sums[name].results(chosen["threshold"], chosen["onset_threshold"])
            progress.update(note=LABELS[name])
        if not proper:
            raw = model_evaluator(model, settings.loss, posterior=False)
            sums["uncorrected"] = raw.statistics(evaluation_dataset(corpus, settings.dataset))
            results["uncorrected_ece"] = sums["uncorrected"].ece()
            progress.update(note="uncorrected")
    return results, sums


def table(results: dict) -> str:
    """The numbers of model and baselines, a line each."""
    head = f"{results['split']}: {count(results['pieces'], 'piece')}, {count(results['steps'], 'step')}"
    lines = [f"{head:<32}" + "".join(f"{title:>12}" for title in COLUMNS.values())]
    for name, label in LABELS.items():
        values = (results[name].get(column) for column in COLUMNS)
        lines.append(f"{label:<32}" + "".join(f"{'–':>12}" if value is None else f"{value:>12.4f}" for value in values))
    if results["model"]["nll"] > results["copy_last_step"]["nll"]:
        lines.append("The model predicts worse than copying the last step: train it longer, or on more files.")
    return "\n".join(lines)


def curves(folder: Path, results: dict, sums: dict) -> bytes:
    """The picture of a split: reliability and precision-recall curves, a PNG file."""
    from pianoroll_tf.modeling.curves import draw_curves

    reliability = {LABELS["model"]: sums["model"]}
    if "uncorrected" in sums:
        reliability["its output, uncorrected"] = sums["uncorrected"]
    precision_recall = {label: (sums[name], results[name]["threshold"]) for name, label in LABELS.items()}
    title = f"{folder.parent.name}, {results['split']} split: {count(results['pieces'], 'piece')}"
    return draw_curves(title, reliability, precision_recall)


def write(folder: Path, name: str, results: dict, picture: bytes) -> None:
    """Writes NAME.png and NAME.json, each whole or not at all; the JSON last: it says that both are complete."""
    from pianoroll_tf.storage.checksummed_json import write_checksummed
    from pianoroll_tf.storage.files import write_whole

    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{name}.png", picture)
    write_checksummed(folder / f"{name}.json", results)
    print(f"written: {folder / name}.json and .png")


if __name__ == "__main__":
    sys.exit(main())
