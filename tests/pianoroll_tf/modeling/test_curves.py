"""The picture: a PNG of both panels, with labels and legends, for full, sparse and empty curves."""

import struct

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure

from pianoroll_tf.modeling import curves
from pianoroll_tf.modeling.metrics import Statistics, batch_statistics


def sums_of(logits, targets):
    sums = Statistics()
    targets = tf.constant(targets, tf.float32)
    sums.add(batch_statistics(tf.constant(logits, tf.float32), tf.zeros_like(targets), targets, tf.ones((1, 50))))
    return sums


@pytest.fixture
def sums():
    rng = np.random.default_rng(0)
    targets = (rng.random((1, 50, 84)) < 0.1).astype(np.float32)
    return {
        "good": sums_of(rng.normal(-2, 1, targets.shape) + 3 * targets, targets),
        "constant": sums_of(np.full(targets.shape, -2.0), targets),
        "silence": sums_of(np.full(targets.shape, -2.0), np.zeros_like(targets)),
    }


def test_png(sums):
    content = curves.draw_curves("title", sums, {name: (value, 0.5) for name, value in sums.items()})
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width > 1000
    assert height > 600
    assert content == curves.draw_curves("title", sums, {name: (value, 0.5) for name, value in sums.items()})


def test_lines_hold_the_curves_and_axes_are_labelled(sums):
    left, right = Figure().subplots(1, 2)
    curves._draw_reliability(left, {"good": sums["good"]})
    curves._draw_precision_recall(right, {"good": (sums["good"], 0.5), "constant": (sums["constant"], 0.01)})
    curve = sums["good"].reliability()
    filled = curve["cells"] > 0
    np.testing.assert_array_equal(left.lines[1].get_ydata(), curve["frequency"][filled])
    recall, precision = right.lines[0].get_data()
    area = np.sum(np.diff(recall) * precision[1:])  # the area under the steps that are drawn
    assert area == pytest.approx(sums["good"].pr_auc())
    mark = right.lines[3].get_data()
    assert mark[0][0] == 1.0  # all cells called sounding
    assert mark[1][0] == pytest.approx(sums["constant"].results()["density_true"])
    for axes in (left, right):
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        assert axes.get_legend() is not None
    assert len({style["color"] for style in curves.STYLES}) == len({s["marker"] for s in curves.STYLES}) == 4
