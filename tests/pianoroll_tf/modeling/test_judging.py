"""Judging a model as a library does: labels, passes, results; the picture of full, sparse and empty curves."""

import struct

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure
from tiny_run import random_piece, tiny_config, write_records

from pianoroll_tf.modeling import judging
from pianoroll_tf.modeling.baselines import BASELINES
from pianoroll_tf.modeling.evaluation_folder import LABELS, table
from pianoroll_tf.modeling.metrics import Statistics, batch_statistics
from pianoroll_tf.modeling.run import run_model


def test_every_baseline_has_a_label():
    assert LABELS.keys() == {"model", *BASELINES}


def test_judging_prints_nothing_and_calls_back_after_each_pass(tmp_path, capsys):
    pieces = {split: [random_piece(20, seed=number)] for number, split in enumerate(("train", "val", "test"))}
    records = write_records(tmp_path / "records", pieces)
    config, passes = tiny_config(records, loss={"loss": "focal"}), []
    results, sums = judging.judge(config, run_model(config), records, "test", passes.append)
    assert len(passes) == judging.pass_count(config) == 7
    assert passes[-1] == "uncorrected"
    assert sums.keys() == {*LABELS, "uncorrected"}
    assert results["uncorrected_ece"] == sums["uncorrected"].ece()
    assert table(results).splitlines()[0].startswith("test: 1 piece, 20 steps")
    assert judging.picture("run", results, sums)[:4] == b"\x89PNG"
    output = capsys.readouterr()
    assert output.out + output.err == ""


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
    results = {"split": "test", "pieces": 1, **{key: {"threshold": 0.5} for key in LABELS}}
    shown = dict(zip((*LABELS, "uncorrected"), (*sums.values(), sums["silence"]), strict=True))
    content = judging.picture("title", results, shown)
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width > 1000
    assert height > 600
    assert content == judging.picture("title", results, shown)


def test_lines_hold_the_curves_and_axes_are_labelled(sums):
    left, right = Figure().subplots(1, 2)
    judging._draw_reliability(left, sums)
    judging._draw_precision_recall(right, {"good": (sums["good"], 0.5), "constant": (sums["constant"], 0.01)})
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
    assert len({style["color"] for style in judging.STYLES}) == len({s["marker"] for s in judging.STYLES}) == 4
