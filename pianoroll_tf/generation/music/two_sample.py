"""A two-sample test: how well a classifier tells generated music from real music, and by which facts.

Reference:
    Lopez-Paz and Oquab 2017, "Revisiting Classifier Two-Sample Tests".
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from pianoroll_tf.generation.music.window_features import window_facts, windows

FOLDS, TREES = 5, 300
TOLD = 5  # facts that are named


@dataclasses.dataclass(frozen=True)
class TwoSample:
    """What a test found; an AUC of 0.5 is chance, 1 tells every window apart.

    Attributes:
        auc: Of the classifier, cross-validated, no piece being in training and test at once.
        facts: (name, AUC of that fact alone) of the facts that tell most, the best first.
        windows: Windows of either side.
    """

    auc: float
    facts: tuple[tuple[str, float], ...]
    windows: tuple[int, int]


def two_sample(one: Sequence[np.ndarray], other: Sequence[np.ndarray], seed: int = 0) -> TwoSample:
    """Tests whether two sets of pieces differ.

    Args:
        one: Pieces, states on sixteenths, [steps, 84] each; at least `FOLDS`.
        other: Likewise.
        seed: Of the classifier.

    Raises:
        ValueError: A side has fewer pieces than folds.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    if min(len(one), len(other)) < FOLDS:
        raise ValueError(f"pieces must be >= {FOLDS} on either side. Received: {len(one)} and {len(other)}")
    rows, sides, groups = [], [], []
    for number, (side, piece) in enumerate([*((0, piece) for piece in one), *((1, piece) for piece in other)]):
        for window in windows(piece):
            rows.append(window_facts(window))
            sides.append(side)
            groups.append(number)
    names = list(rows[0])
    table, side = np.array([list(row.values()) for row in rows]), np.array(sides)
    forest = RandomForestClassifier(TREES, min_samples_leaf=2, class_weight="balanced", random_state=seed)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    judged = cross_val_predict(forest, table, side, groups=groups, cv=folds, method="predict_proba")[:, 1]
    alone = [roc_auc_score(side, table[:, column]) for column in range(len(names))]
    told = sorted(((max(auc, 1 - auc), name) for auc, name in zip(alone, names, strict=True)), reverse=True)
    return TwoSample(
        auc=float(roc_auc_score(side, judged)),
        facts=tuple((name, float(auc)) for auc, name in told[:TOLD]),
        windows=(int((side == 0).sum()), int((side == 1).sum())),
    )


def halves(pieces: Sequence[np.ndarray], seed: int = 0) -> TwoSample | None:
    """The test of two random halves of the same pieces, which is what no difference looks like; None: too few."""
    if len(pieces) < 2 * FOLDS:
        return None
    order = np.random.default_rng(seed).permutation(len(pieces))
    one, other = ([pieces[i] for i in part] for part in (order[::2], order[1::2]))
    return two_sample(one, other, seed)
