"""Measures of a trained model on the test split: its judged numbers, and those of sparsity."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, LossConfig, RunConfig
from pianoroll_tf.data.loading import Corpus
from pianoroll_tf.data.pipeline import evaluation_dataset
from pianoroll_tf.modeling.evaluation import Evaluator, model_evaluator
from pianoroll_tf.modeling.metrics import Statistics
from tuner.study.measures import RARITY

MAX_NOTES = 12  # rows of the table of polyphony; steps with more are in its last row


def sparsity_statistics(threshold: float):
    """The function that sums the statistics of sparsity over a batch, for `evaluation.Evaluator`.

    A cell is called sounding from a probability of `threshold` on.

    Returns:
        Function of (logits, inputs, targets, mask), as `metrics.batch_statistics`, to a dict of sums: `hits` and
        `sounding` [84], sounding cells that were called, and all; `steps` and `expected` [MAX_NOTES + 1], by the true
        number of notes of a step, how many steps and how many notes were expected in them; `error`, the sum of
        |expected - true| notes; `silent_predicted` and `silent_true`, steps in which no cell is called, or sounds.
    """
    least = math.log(threshold / (1 - threshold)) if 0 < threshold < 1 else math.inf * (2 * threshold - 1)

    def measure(logits, inputs, targets, mask):
        logits, targets = (tf.boolean_mask(part, mask > 0.5) for part in (logits, targets))  # [steps, pitch]
        called, sounds = logits >= least, targets > 0.5
        notes = tf.reduce_sum(tf.cast(sounds, tf.int32), axis=1)
        expected = tf.reduce_sum(tf.cast(tf.sigmoid(logits), tf.float64), axis=1)
        row = tf.minimum(notes, MAX_NOTES)
        return {
            "hits": _count(called & sounds, axis=0),
            "sounding": _count(sounds, axis=0),
            "steps": tf.math.unsorted_segment_sum(tf.ones_like(expected), row, MAX_NOTES + 1),
            "expected": tf.math.unsorted_segment_sum(expected, row, MAX_NOTES + 1),
            "error": tf.reduce_sum(tf.abs(expected - tf.cast(notes, tf.float64))),
            "silent_predicted": _count(~tf.reduce_any(called, axis=1)),
            "silent_true": _count(notes == 0),
        }

    return measure


def _count(chosen: tf.Tensor, axis: int | None = None) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(chosen, tf.float64), axis=axis)


class Sums(dict):
    """Sums of any tensors by name, for `evaluation.Evaluator`."""

    def add(self, batch: dict[str, tf.Tensor]) -> None:
        """Adds what one batch gives."""
        for name, value in batch.items():
            self[name] = self.get(name, 0.0) + value.numpy()


def sparsity(sums: dict, pitch_frequency: np.ndarray) -> tuple[dict[str, float | None], dict[str, dict[str, list]]]:
    """The measures and the tables `pitch` and `polyphony` of a `results_model.Run`, from the sums over a split.

    `pitch_frequency` [84] is the share of the training steps in which each pitch sounds.
    """
    steps = sums["steps"].sum()
    measures: dict[str, float | None] = {
        "step_density_error": float(sums["error"] / steps),
        "silent_predicted": float(sums["silent_predicted"] / steps),
        "silent_ratio": _ratio(sums["silent_predicted"], sums["silent_true"]),
    }
    lower = 0.0
    for name, (upper, _) in RARITY.items():
        chosen = (pitch_frequency >= lower) & (pitch_frequency < upper)
        measures[f"recall_{name}"] = _ratio(sums["hits"][chosen].sum(), sums["sounding"][chosen].sum())
        lower = upper
    return measures, {
        "pitch": {
            "frequency": [float(share) for share in pitch_frequency],
            "cells": [int(cells) for cells in sums["sounding"]],
            "recall": [_ratio(*pair) for pair in zip(sums["hits"], sums["sounding"], strict=True)],
        },
        "polyphony": {
            "notes": list(range(MAX_NOTES + 1)),
            "steps": [int(count) for count in sums["steps"]],
            "predicted": [_ratio(*pair) for pair in zip(sums["expected"], sums["steps"], strict=True)],
        },
    }


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def reliability(sums: Statistics) -> dict[str, list]:
    """The reliability curve as lists; None where a bin has no cell."""
    curve = {name: values.tolist() for name, values in sums.reliability().items()}
    return {name: [None if value != value else value for value in values] for name, values in curve.items()}


@dataclasses.dataclass(frozen=True)
class Splits:
    """The splits on which models are evaluated: `val` for thresholds, `test` for everything else."""

    val: Corpus
    test: Corpus


def judge(model, config: RunConfig, splits: Splits) -> tuple[dict[str, float | None], dict[str, dict[str, list]]]:
    """Measures of quality (without music) and sparsity, and the tables for figures."""
    numbers, sums = judged(model_evaluator(model, config.loss), config, splits)
    results, tables, raw = numbers["test"], {"reliability": reliability(sums)}, sums
    test = evaluation_dataset(splits.test, config.dataset)
    if not config.loss.proper:
        raw = model_evaluator(model, config.loss, posterior=False).statistics(test)
        tables["reliability_raw"] = reliability(raw)
    measure = sparsity_statistics(results["threshold"])
    sparse = model_evaluator(model, config.loss, measure=measure, sums=Sums).statistics(test)
    measures, more = sparsity(sparse, np.asarray(config.data.pitch_frequency).reshape(NUM_PITCHES))
    quality = {name: results[name] for name in ("nll", "pr_auc", "f1", "onset_f1", "ece")}
    quality |= {"val_nll": numbers["val"]["nll"], "ece_raw": raw.ece()}
    density = _ratio(results["density_predicted"], results["density_true"])
    return {**quality, "density_ratio": density, **measures}, tables | more


def judged(evaluator: Evaluator, config: RunConfig, splits: Splits) -> tuple[dict[str, dict[str, float]], Statistics]:
    """The judged numbers by split, "val" and "test", with thresholds from the former, and the sums of the latter."""
    val = evaluator.statistics(evaluation_dataset(splits.val, config.dataset)).results()
    sums = evaluator.statistics(evaluation_dataset(splits.test, config.dataset))
    return {"val": val, "test": sums.results(val["threshold"], val["onset_threshold"])}, sums


def without_correction(config: RunConfig) -> RunConfig:
    """The same run with the output of its model taken as the posterior, as the ablation `raw` does."""
    return dataclasses.replace(config, loss=LossConfig(loss="bce"))
