"""The figure of an evaluation: reliability curves and precision-recall curves."""

import io

import numpy as np
from matplotlib.figure import Figure

from pianoroll_tf.modeling.metrics import Statistics, bin_at

# Okabe and Ito's colours, which can be told apart with any colour vision; line styles and markers differ too
STYLES = (
    {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    {"color": "#009E73", "linestyle": "-.", "marker": "^"},
    {"color": "#CC79A7", "linestyle": ":", "marker": "D"},
)


def draw_curves(
    title: str, reliability: dict[str, Statistics], precision_recall: dict[str, tuple[Statistics, float]]
) -> bytes:
    """Both panels as a PNG.

    Args:
        title: Title of the figure.
        reliability: Label → sums of one predictor, up to `len(STYLES)` entries.
        precision_recall: Label → sums of one predictor and the threshold of its F1.

    Returns:
        The content of a PNG file.
    """
    figure = Figure(figsize=(10, 6.4), dpi=120, layout="constrained")
    figure.suptitle(title)
    left, right = figure.subplots(1, 2)
    _draw_reliability(left, reliability)
    _draw_precision_recall(right, precision_recall)
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
