"""Judges a model on a split beside the baselines, and draws its reliability and precision-recall curves."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from pianoroll_tf.config import RunConfig
from pianoroll_tf.data.opening import open_split, streams
from pianoroll_tf.data.pipeline import evaluation_dataset
from pianoroll_tf.data.stream import reported_failures
from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import count
from pianoroll_tf.modeling.baselines import BASELINES
from pianoroll_tf.modeling.evaluation import model_evaluator
from pianoroll_tf.modeling.evaluation_folder import LABELS
from pianoroll_tf.modeling.metrics import Statistics, bin_at

# Okabe and Ito's colours, which can be told apart with any colour vision; line styles and markers differ too
STYLES = (
    {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    {"color": "#009E73", "linestyle": "-.", "marker": "^"},
    {"color": "#CC79A7", "linestyle": ":", "marker": "D"},
)


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
        model: The model of the run with its best weights, as `run.load_run` loads it.
        split: "train", "val" or "test".
        on_pass: Called after each pass with the label of what was judged.

    Returns:
        The results, JSON-ready: numbers of "model", "copy_last_step" and "note_frequency", and `pieces`, `steps`,
        `split`, `records`. And the sums over the split by the same names; where the loss is not proper, also
        "uncorrected", the sums of the network's own sigmoid.

    Raises:
        UserError: A split that is needed has no piece.
    """
    stream = streams(config.dataset.stream, records)
    corpora = {name: open_split(records, name, stream) for name in dict.fromkeys(("train", "val", split))}
    for name, corpus in corpora.items():
        if not corpus.steps:
            raise UserError(f"the {name} split of {records} must hold at least one piece. Received: pieces=0")
    corpus = corpora[split]
    evaluators = {"model": model_evaluator(model, config.loss)}
    evaluators |= {name: make(corpora["train"]) for name, make in BASELINES.items()}
    results = {"split": split, "records": str(records), "pieces": len(corpus.piece_steps), "steps": corpus.steps}
    sums = {}
    with reported_failures(*corpora.values()):
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
    """The curves of the run `name` on a split, from what `judge` returned: the content of a PNG file."""
    reliability = {LABELS["model"]: sums["model"]}
    if "uncorrected" in sums:
        reliability["its output, uncorrected"] = sums["uncorrected"]
    figure = Figure(figsize=(10, 6.4), dpi=120, layout="constrained")
    figure.suptitle(f"{name}, {results['split']} split: {count(results['pieces'], 'piece')}")
    left, right = figure.subplots(1, 2)
    _draw_reliability(left, reliability)
    _draw_precision_recall(right, {label: (sums[key], results[key]["threshold"]) for key, label in LABELS.items()})
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _draw_reliability(axes, named: dict[str, Statistics]) -> None:
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="calibrated")
    for (label, sums), style in zip(named.items(), STYLES, strict=False):
        curve = sums.reliability()
        filled = curve["cells"] > 0
        axes.plot(
            curve["probability"][filled],
            curve["frequency"][filled],
            markersize=5,
            label=f"{label} (ECE {sums.ece():.4f})",
            **style,
        )
    axes.set(title="Reliability", xlabel="predicted probability, mean of a bin", ylabel="share of cells that sound")
    _finish(axes)


def _draw_precision_recall(axes, named: dict[str, tuple[Statistics, float]]) -> None:
    for (label, (sums, threshold)), style in zip(named.items(), STYLES, strict=False):
        precision, recall = sums.precision_recall()
        gains = np.flatnonzero(-np.diff(recall, append=0.0))[::-1]  # bins with sounding cells, the most probable first
        if not len(gains):
            continue
        steps = np.insert(recall[gains], 0, 0.0), np.insert(precision[gains], 0, precision[gains[0]])
        axes.plot(*steps, drawstyle="steps-pre", **style | {"marker": ""})
        at = bin_at(threshold)
        area = f"{label} (PR-AUC {sums.pr_auc():.3f})"
        axes.plot(recall[at], precision[at], markersize=7, label=area, **style)
    axes.set(title="Precision and recall", xlabel="recall", ylabel="precision (mark: the threshold of F1)")
    _finish(axes)


def _finish(axes) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_box_aspect(1)
    axes.grid(color="0.9")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), fontsize="small", frameon=False)
