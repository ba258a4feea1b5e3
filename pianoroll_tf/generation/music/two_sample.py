"""Classifier two-sample test: how well a classifier tells generated from real music, and by which features.

Reference:
    Lopez-Paz and Oquab 2017, "Revisiting Classifier Two-Sample Tests".
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pianoroll_tf.generation.music.window_features import window_features, windows

FOLDS, TREES = 5, 300
MAX_NAMED_FACTS = 5


@dataclasses.dataclass(frozen=True)
class Windows:
    """The windows of some pieces: names of the features, their table [windows, features], the piece of each window."""

    names: list[str]
    table: np.ndarray
    piece: np.ndarray


def measure_windows(pieces: Sequence[np.ndarray]) -> Windows:
    """Cuts pieces, at least one, [steps, 84] each, into windows and computes the features of each."""
    found = [(number, window_features(window)) for number, piece in enumerate(pieces) for window in windows(piece)]
    table = np.array([list(row.values()) for _, row in found])
    return Windows(list(found[0][1]), table, np.array([number for number, _ in found]))


def two_sample(one: Sequence[np.ndarray], other: Sequence[np.ndarray], seed: int = 0) -> dict[str, Any]:
    """Tests whether two sets differ, each of at least `FOLDS` pieces, states on sixteenths, [steps, 84] each.

    Returns:
        JSON-ready: `auc`, that of the classifier, cross-validated with all windows of a piece in the same fold (0.5 is
        chance, 1 classifies every window correctly); `facts`, (name, AUC of that feature alone) of the most
        discriminative features, best first; `windows`, the number of windows of either set.

    Raises:
        ValueError: A set has fewer pieces than folds.
    """
    if min(len(one), len(other)) < FOLDS:
        raise ValueError(f"pieces must be >= {FOLDS} on either side. Received: {len(one)} and {len(other)}")
    return compare_windows(measure_windows(one), measure_windows(other), seed)


def compare_windows(one: Windows, other: Windows, seed: int = 0, trees: int = TREES) -> dict[str, Any]:
    """`two_sample` for sets whose windows are measured already, so that one of them can be compared with many."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    table, names = np.concatenate([one.table, other.table]), one.names
    labels = np.repeat([0, 1], [len(one.table), len(other.table)])
    groups = np.concatenate([one.piece, other.piece + one.piece.max() + 1])
    forest = RandomForestClassifier(trees, min_samples_leaf=2, class_weight="balanced", random_state=seed)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    predicted = cross_val_predict(forest, table, labels, groups=groups, cv=folds, method="predict_proba")[:, 1]
    alone = [roc_auc_score(labels, table[:, column]) for column in range(len(names))]
    ranked = sorted(((max(auc, 1 - auc), name) for auc, name in zip(alone, names, strict=True)), reverse=True)
    return {
        "auc": float(roc_auc_score(labels, predicted)),
        "facts": tuple((name, float(auc)) for auc, name in ranked[:MAX_NAMED_FACTS]),
        "windows": (int((labels == 0).sum()), int((labels == 1).sum())),
    }


def compare_halves(pieces: Sequence[np.ndarray], seed: int = 0, trees: int = TREES) -> dict[str, Any] | None:
    """Tests two random halves of the same pieces, as a reference for no difference; None if there are too few."""
    if len(pieces) < 2 * FOLDS:
        return None
    order = np.random.default_rng(seed).permutation(len(pieces))
    one, other = ([pieces[i] for i in part] for part in (order[::2], order[1::2]))
    return compare_windows(measure_windows(one), measure_windows(other), seed, trees)
