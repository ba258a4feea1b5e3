"""Judges a model on a split beside the baselines, and draws the curves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from pianoroll_tf.config import RunConfig
from pianoroll_tf.data.pipeline import evaluation_dataset, load_corpus
from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import count
from pianoroll_tf.modeling.baselines import BASELINES
from pianoroll_tf.modeling.curves import draw_curves
from pianoroll_tf.modeling.evaluation import model_evaluator
from pianoroll_tf.modeling.evaluation_folder import LABELS
from pianoroll_tf.modeling.metrics import Statistics


def pass_count(config: RunConfig) -> int:
    """How many passes over a split `judge` takes."""
    return 2 * (1 + len(BASELINES)) + (not config.loss.proper)


def judge(
    config: RunConfig,
    model: keras.Model,
    records: Path | str,
    split: str,
    on_pass: Callable[[str], Any] = lambda label: None,
) -> tuple[dict[str, Any], dict[str, Statistics]]:
    """Model and baselines on a split, with thresholds from the validation split.

    Args:
        config: The run's settings.
        model: The model of the run with its best weights, as `run.load_run` loads it.
        records: Folder of records.
        split: "train", "val" or "test".
        on_pass: Called after each pass with the label of what was judged.

    Returns:
        The results, JSON-ready: numbers of "model", "copy_last_step" and "note_frequency", and `pieces`, `steps`,
        `split`, `records`. And the sums over the split by the same names; where the loss is not proper, also
        "uncorrected", the sums of the network's own sigmoid.

    Raises:
        UserError: A split that is needed has no piece.
    """
    corpora = {name: load_corpus(records, name) for name in dict.fromkeys(("train", "val", split))}
    for name, corpus in corpora.items():
        if not len(corpus.counts):
            raise UserError(f"the {name} split of {records} must hold at least one piece. Received: pieces=0")
    corpus = corpora[split]
    evaluators = {"model": model_evaluator(model, config.loss)}
    evaluators |= {name: make(corpora["train"]) for name, make in BASELINES.items()}
    results = {"split": split, "records": str(records), "pieces": len(corpus.piece_steps), "steps": len(corpus.counts)}
    sums = {}
    for name, evaluator in evaluators.items():
        chosen = evaluator.statistics(evaluation_dataset(corpora["val"], config.dataset)).results()
        on_pass(LABELS[name])
        sums[name] = evaluator.statistics(evaluation_dataset(corpus, config.dataset))
        results[name] = sums[name].results(chosen["threshold"], chosen["onset_threshold"])
        on_pass(LABELS[name])
    if not config.loss.proper:
        raw = model_evaluator(model, config.loss, posterior=False)
        sums["uncorrected"] = raw.statistics(evaluation_dataset(corpus, config.dataset))
        results["uncorrected_ece"] = sums["uncorrected"].ece()
        on_pass("uncorrected")
    return results, sums


def picture(name: str, results: dict[str, Any], sums: dict[str, Statistics]) -> bytes:
    """The reliability and precision-recall curves of a split, a PNG file.

    Args:
        name: Of the run, for the title.
        results: From `judge`.
        sums: From `judge`.
    """
    reliability = {LABELS["model"]: sums["model"]}
    if "uncorrected" in sums:
        reliability["its output, uncorrected"] = sums["uncorrected"]
    precision_recall = {label: (sums[key], results[key]["threshold"]) for key, label in LABELS.items()}
    title = f"{name}, {results['split']} split: {count(results['pieces'], 'piece')}"
    return draw_curves(title, reliability, precision_recall)
