"""The metrics: streaming, from log-odds of the posterior, in the same way for every loss.

One pass sorts every unmasked cell into a fine histogram of its log-odds, one for each combination of whether the cell
sounds at this step and whether it did at the previous one. All metrics but the NLL are computed from these histograms,
so the memory does not depend on the length of a split.
"""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

BINS = 2**14  # of the log-odds
SCALE = 4.0  # log-odds: half of all bins lie within ±SCALE
RELIABILITY_BINS = 15  # of the probability, equally wide
_OTHERS = ("strikes", "ends")


def bin_of(logits: tf.Tensor) -> tf.Tensor:
    """Bin of each log-odds, int32: `z / (|z| + SCALE)` maps all real numbers to (-1, 1), divided evenly into `BINS`.

    A bin is 0.0005 wide around even odds, 0.006 at ±10 and 0.33 at ±100; no value falls outside.

    >>> print(bin_of(tf.constant([-1e9, 0.0, 4.0, 1e9])).numpy())
    [    0  8192 12288 16383]
    """
    share = logits / (tf.abs(logits) + SCALE)
    return tf.clip_by_value(tf.cast((share + 1.0) * (BINS / 2), tf.int32), 0, BINS - 1)


@functools.cache
def bin_edges() -> np.ndarray:
    """Log-odds at the lower edge of each bin, float64 [BINS]; the first is -inf.

    >>> print(bin_edges()[[0, 8192, 12288]])
    [-inf   0.   4.]
    """
    share = np.arange(BINS) / (BINS / 2) - 1.0
    with np.errstate(divide="ignore"):
        return SCALE * share / (1.0 - np.abs(share))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probability of log-odds, float64, without overflow."""
    return np.exp(-np.logaddexp(0.0, -np.asarray(logits, np.float64)))


def bin_at(probability: float) -> int:
    """The first bin whose lower edge is at least `probability`; the last bin, if there is none.

    >>> bin_at(0.5) - BINS // 2
    0
    """
    return min(int(np.searchsorted(sigmoid(bin_edges()), probability)), BINS - 1)


def batch_statistics(logits: tf.Tensor, inputs: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
    """The sums of one batch.

    Args:
        logits: Log-odds of the posterior, float32 [batch, time, pitch].
        inputs: Whether each cell sounded at the previous step, 0 or 1, like `logits`.
        targets: Whether each cell sounds, likewise.
        mask: float32 [batch, time]; only steps with 1 count.

    Returns:
        `cells` int32 [4 * BINS]: number of cells by (2 * input + target) * BINS + bin; `probability` float64
        [BINS]: sum of their probabilities by bin; `nll` float64 []: nats over all steps; `steps` int32 [].
    """
    counted = mask > 0.5
    logits, inputs, targets = (tf.boolean_mask(x, counted) for x in (logits, inputs, targets))  # [steps, pitch]
    bins = tf.reshape(bin_of(logits), [-1])
    group = tf.reshape(2 * tf.cast(inputs > 0.5, tf.int32) + tf.cast(targets > 0.5, tf.int32), [-1])
    probability = tf.reshape(tf.cast(tf.sigmoid(logits), tf.float64), [-1])
    nll = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(targets, logits), axis=-1)
    with tf.device("CPU:0"):  # on a GPU, bincount has no deterministic kernel and would raise in training
        cells = tf.math.bincount(group * BINS + bins, minlength=4 * BINS, maxlength=4 * BINS)
        sums = tf.math.bincount(bins, weights=probability, minlength=BINS, maxlength=BINS, dtype=tf.float64)
    return {
        "cells": cells,
        "probability": sums,
        "nll": tf.reduce_sum(tf.cast(nll, tf.float64)),
        "steps": tf.shape(logits)[0],
    }


def other_decisions(logits: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor, pitches: int) -> dict[str, tf.Tensor]:
    """The sums of one batch for the decisions other than "sounds?", in nats: `ends` and, where decided, `strikes`.

    `logits` and `targets` [batch, time, decisions] are those of all decisions; see `heads.decision_targets`.
    """
    losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    losses = tf.where(targets < 0, 0.0, losses) * mask[..., tf.newaxis]
    sums = {"ends": losses[..., -1]}
    if logits.shape[-1] > pitches + 1:
        sums["strikes"] = losses[..., pitches:-1]
    return {name: tf.reduce_sum(tf.cast(values, tf.float64)) for name, values in sums.items()}


@dataclasses.dataclass
class Statistics:
    """Sums over any number of batches, and the metrics computed from them.

    `cells` counts by [input, target, bin], `probability` sums by [bin], `others` are the sums of `other_decisions`.
    """

    cells: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((2, 2, BINS), np.int64))
    probability: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(BINS))
    nll: float = 0.0
    steps: int = 0
    others: dict[str, float] = dataclasses.field(default_factory=dict)

    def add(self, batch: dict[str, tf.Tensor]) -> None:
        """Adds the `batch_statistics` of one batch."""
        self.cells += batch["cells"].numpy().reshape(2, 2, BINS)
        self.probability += batch["probability"].numpy()
        self.nll += float(batch["nll"])
        self.steps += int(batch["steps"])
        for name in _OTHERS:
            if name in batch:
                self.others[name] = self.others.get(name, 0.0) + float(batch[name])

    def vector(self) -> np.ndarray:
        """All sums, float64 [5 * BINS + 6], so that those of several processes can be added; counts are exact."""
        others = [self.others.get(name, 0.0) for name in _OTHERS]
        there = [float(name in self.others) for name in _OTHERS]
        return np.concatenate([self.cells.ravel(), self.probability, [self.nll, self.steps, *others, *there]])

    @classmethod
    def of_vector(cls, vector: np.ndarray) -> "Statistics":
        """The sums in a vector, or in the sum of several."""
        cells, probability, rest = np.split(vector, [4 * BINS, 5 * BINS])
        nll, steps, *others = rest.tolist()
        values, there = others[: len(_OTHERS)], others[len(_OTHERS) :]
        named = {name: value for name, value, some in zip(_OTHERS, values, there, strict=True) if some}
        return cls(cells.astype(np.int64).reshape(2, 2, BINS), probability, nll, int(steps), named)

    def precision_recall(self) -> tuple[np.ndarray, np.ndarray]:
        """Precision and recall, float64 [BINS], when the cells of bin k and above are predicted to sound.

        Precision is 1 where no cell is predicted to sound; recall is 0 where no cell sounds.
        """
        hits, called = self._at_least(onsets=False)
        precision = np.divide(hits, called, out=np.ones(BINS), where=called > 0)
        return precision, hits / max(hits[0], 1)

    def _at_least(self, onsets: bool) -> tuple[np.ndarray, np.ndarray]:
        """Sounding cells, and all cells, in the bins >= k, int64 [BINS] each; of onsets: of cells silent before."""
        silent, sounding = self.cells[0] if onsets else self.cells.sum(axis=0)
        return sounding[::-1].cumsum()[::-1], (sounding + silent)[::-1].cumsum()[::-1]

    def pr_auc(self) -> float:
        """Average precision: the sum of precision times gained recall, from the highest log-odds down.

        The step-wise area, without interpolation. Cells in one bin count as a tie.
        """
        precision, recall = self.precision_recall()
        return float(np.sum(precision * -np.diff(recall, append=0.0)))

    def f1_by_bin(self, onsets: bool = False) -> np.ndarray:
        """F1, float64 [BINS], when the cells of bin k and above are predicted to sound; 0 where it is 0/0."""
        hits, called = self._at_least(onsets)
        total = called + hits[0]
        return np.divide(2.0 * hits, total, out=np.zeros(BINS), where=total > 0)

    def reliability(self) -> dict[str, np.ndarray]:
        """The reliability curve: `probability` (mean), `frequency` (share sounding), `cells`, [RELIABILITY_BINS] each.

        Bins of probability are equally wide, their borders moved to the next border of a bin of log-odds. Empty
        ones hold NaN.
        """
        coarse = np.minimum((sigmoid(bin_edges()) * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
        silent, sounding = self.cells.sum(axis=0)
        cells, hits, probability = (
            np.bincount(coarse, weights, RELIABILITY_BINS)
            for weights in (sounding + silent, sounding, self.probability)
        )
        with np.errstate(invalid="ignore"):
            return {"probability": probability / cells, "frequency": hits / cells, "cells": cells}

    def ece(self) -> float:
        """Expected calibration error: |mean probability - share sounding|, weighted by the bins' cells.

        Reference:
            Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 5.
        """
        curve = self.reliability()
        gaps = np.abs(curve["probability"] - curve["frequency"]) * curve["cells"]
        return float(np.nansum(gaps) / max(curve["cells"].sum(), 1))

    def results(self, threshold: float | None = None, onset_threshold: float | None = None) -> dict[str, float]:
        """The metrics.

        Args:
            threshold: Probability from which a cell is predicted to sound, for F1. None: the best for these very
                cells, which is right only on the validation split.
            onset_threshold: Likewise for the F1 of onsets. It is a separate threshold because held notes are far more
                probable than new ones: at the threshold of all cells, almost no onset is predicted.

        Returns:
            `nll` (nats per step, over all pitches); where they were added, `nll_ends` and `nll_strikes`, likewise;
            `pr_auc`, `f1`, `onset_f1`, `threshold`, `onset_threshold`, `ece`, `density_predicted` and `density_true`
            (share of cells).

        Raises:
            ValueError: No step was added.
        """
        if not self.steps:
            raise ValueError("the split must hold at least one step. Received: steps=0")
        f1, onset_f1 = self.f1_by_bin(), self.f1_by_bin(onsets=True)
        threshold = _best_threshold(f1) if threshold is None else threshold
        onset_threshold = _best_threshold(onset_f1) if onset_threshold is None else onset_threshold
        cells = self.cells.sum()
        return {
            "nll": self.nll / self.steps,
            **{f"nll_{name}": value / self.steps for name, value in self.others.items()},
            "pr_auc": self.pr_auc(),
            "f1": float(f1[bin_at(threshold)]),
            "onset_f1": float(onset_f1[bin_at(onset_threshold)]),
            "threshold": threshold,
            "onset_threshold": onset_threshold,
            "ece": self.ece(),
            "density_predicted": float(self.probability.sum() / cells),
            "density_true": float(self.cells[:, 1].sum() / cells),
        }


def _best_threshold(f1: np.ndarray) -> float:
    """The probability at the lower edge of the bin with the highest F1."""
    return float(sigmoid(bin_edges()[int(np.argmax(f1))]))
