"""The judged numbers against numbers made by hand and exact oracles without bins."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.modeling import metrics
from pianoroll_tf.modeling.metrics import BINS, Statistics


def statistics(logits, targets, inputs=None, mask=None, batches=1):
    """Sums over arrays [batch, time, pitch], added in so many batches of equal size."""
    logits, targets = np.asarray(logits, np.float32), np.asarray(targets, np.float32)
    inputs = np.zeros_like(targets) if inputs is None else np.asarray(inputs, np.float32)
    mask = np.ones(targets.shape[:2], np.float32) if mask is None else np.asarray(mask, np.float32)
    sums = Statistics()
    for part in zip(*(np.split(x, batches) for x in (logits, inputs, targets, mask)), strict=True):
        sums.add(metrics.batch_statistics(*map(tf.constant, part)))
    return sums


def noisy(seed=0, shape=(8, 50, 84), rate=0.05, spread=2.0):
    """Targets, and log-odds that know something of them."""
    rng = np.random.default_rng(seed)
    targets = (rng.random(shape) < rate).astype(np.float32)
    return (rng.normal(-3, spread, shape) + 3 * targets).astype(np.float32), targets


def average_precision(logits, targets):
    """Exact, without ties: mean precision at the rank of each sounding cell."""
    hits = targets.ravel()[np.argsort(-logits.ravel(), kind="stable")]
    return float(np.sum(hits * hits.cumsum() / np.arange(1, hits.size + 1)) / hits.sum())


def f1(called, targets):
    return 2 * np.sum(called * targets) / (np.sum(called) + np.sum(targets))


def test_by_hand():
    even, sure = 0.0, np.log(3)  # probabilities 1/2 and 3/4
    results = statistics([[[sure, even, -sure, -sure]]], [[[1, 0, 1, 0]]]).results(threshold=0.5)
    nll = np.log(4 / 3) + np.log(2) + np.log(4) + np.log(4 / 3)
    assert results["nll"] == pytest.approx(nll, rel=1e-6)
    assert results["f1"] == pytest.approx(0.5)  # called: 2, one rightly; sounding: 2
    # Descending: the first is right (precision 1, recall 1/2); then two tied, one right: 2/4, recall 1.
    assert results["pr_auc"] == pytest.approx(0.5 * 1 + 0.5 * 0.5)
    assert results["density_predicted"] == pytest.approx((0.75 + 0.5 + 0.25 + 0.25) / 4)
    assert results["density_true"] == 0.5
    # Bins of 1/15: {3/4}: |0.75 - 1|; {1/2}: |0.5 - 0|; {1/4, 1/4}: |0.25 - 0.5|.
    assert results["ece"] == pytest.approx((0.25 + 0.5 + 2 * 0.25) / 4)


def test_onset_f1_counts_only_what_was_silent_before():
    logits = [[[9.0, -9.0, 9.0, 9.0, -9.0]]]
    inputs = [[[1, 1, 0, 0, 0]]]  # held, ended | struck, wrongly called, missed
    targets = [[[1, 0, 1, 0, 1]]]
    results = statistics(logits, targets, inputs).results(threshold=0.5, onset_threshold=0.5)
    assert results["onset_f1"] == pytest.approx(2 * 1 / (2 + 2))
    assert results["f1"] == pytest.approx(2 * 2 / (3 + 3))


def test_pr_auc_f1_and_densities_equal_exact_oracles():
    logits, targets = noisy()
    threshold = metrics.sigmoid(metrics.bin_edges()[metrics.bin_at(0.3)])  # what 0.3 is moved to
    assert threshold == pytest.approx(0.3, abs=2e-4)
    results = statistics(logits, targets).results(threshold=0.3)
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
    assert results["pr_auc"] == pytest.approx(average_precision(logits, targets), abs=1e-4)
    assert results["f1"] == pytest.approx(f1(probability >= threshold, targets), abs=5e-5)
    assert results["density_predicted"] == pytest.approx(probability.mean(), rel=1e-6)
    assert results["density_true"] == pytest.approx(targets.mean(), rel=1e-6)
    nll = np.logaddexp(0, np.where(targets > 0, -1.0, 1.0) * logits).sum() / (8 * 50)
    assert results["nll"] == pytest.approx(nll, rel=1e-6)


@pytest.mark.parametrize("spread", [0.5, 20.0])
def test_pr_auc_keeps_its_resolution_for_other_scales(spread):
    logits, targets = noisy(seed=1, spread=spread)
    assert statistics(logits, targets).pr_auc() == pytest.approx(average_precision(logits, targets), abs=1e-4)


def test_ece_equals_an_exact_oracle():
    logits, targets = noisy(seed=2)
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
    bins = (probability * 15).astype(int).ravel()
    gaps = np.bincount(bins, (probability - targets).ravel(), 15)
    assert statistics(logits, targets).ece() == pytest.approx(np.abs(gaps).sum() / targets.size, abs=2e-5)


def test_a_calibrated_predictor_has_a_small_calibration_error():
    rng = np.random.default_rng(3)
    logits = rng.normal(-2, 2, (4, 100, 84)).astype(np.float32)
    targets = rng.random(logits.shape) < 1 / (1 + np.exp(-logits))
    sums = statistics(logits, targets)
    assert sums.ece() < 0.01
    curve = sums.reliability()
    np.testing.assert_allclose(curve["probability"], curve["frequency"], atol=0.08)
    assert curve["cells"].sum() == logits.size


def test_padding_does_not_count():
    logits, targets = noisy(seed=4, shape=(4, 10, 84))
    mask = np.ones((4, 10))
    mask[:, 6:] = 0
    logits[:, 6:], targets[:, 6:] = 50, 0
    full, cut = statistics(logits, targets, mask=mask), statistics(logits[:, :6], targets[:, :6])
    assert full.results() == cut.results()
    assert full.steps == 24


def test_batches_add_up():
    logits, targets = noisy(seed=5)
    one, many = statistics(logits, targets), statistics(logits, targets, batches=8)
    np.testing.assert_array_equal(one.cells, many.cells)
    for name, value in one.results().items():
        assert many.results()[name] == pytest.approx(value, rel=1e-6)


def test_best_threshold_is_the_best_of_all():
    logits, targets = noisy(seed=6, shape=(2, 50, 84))
    sums = statistics(logits, targets)
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
    best = max(f1(probability >= cut, targets) for cut in np.unique(probability))
    assert sums.results()["f1"] == pytest.approx(best, abs=2e-3)
    again = json.loads(json.dumps(sums.results()["threshold"]))  # as it goes from validation to test
    assert sums.results(threshold=again)["f1"] == sums.results()["f1"] == sums.f1_by_bin().max()


def test_bins_are_ascending_and_their_edges_are_their_own():
    edges = metrics.bin_edges()
    assert edges.shape == (BINS,)
    assert (np.diff(edges) > 0).all()
    middle = (edges[1:-1] + edges[2:]) / 2
    np.testing.assert_array_equal(metrics.bin_of(tf.constant(middle, tf.float32)), np.arange(1, BINS - 1))
    extremes = metrics.bin_of(tf.constant([-1e30, -1e4, -100.0, 100.0, 1e4, 1e30])).numpy()
    assert (np.diff(extremes) >= 0).all()
    assert extremes[0] == 0
    assert extremes[-1] == BINS - 1


def test_a_split_without_sounding_cells_or_without_steps():
    logits = np.full((1, 3, 84), -2.0)
    results = statistics(logits, np.zeros_like(logits)).results()
    assert (results["pr_auc"], results["f1"], results["onset_f1"], results["density_true"]) == (0, 0, 0, 0)
    with pytest.raises(ValueError, match=r"at least one step. Received: steps=0"):
        Statistics().results()


def test_not_a_number_is_shown_not_hidden():
    logits, targets = noisy(shape=(1, 2, 84))
    logits[0, 0, 0] = np.nan
    assert np.isnan(statistics(logits, targets).results()["nll"])


@pytest.mark.parametrize("kind", ["random", "decided", "silent"])
def test_f1_equals_addons(kind):
    rows = json.loads((Path(__file__).parent / "golden" / "addons.json").read_text())
    logits, targets = (np.array(rows["inputs"][f"{kind}_{name}"])[None] for name in ("logits", "targets"))
    for index, threshold in enumerate(rows["inputs"]["thresholds"]):
        results = statistics(logits, targets).results(threshold)
        assert results["f1"] == pytest.approx(rows["addons"][f"f1_{index}_{kind}"], rel=1e-6)


def test_bincount_stays_on_the_cpu_inside_a_graph():
    """On a GPU it has no deterministic kernel; that it is placed can be seen without one."""
    cells, steps = (tf.TensorSpec([2, 3, *rest]) for rest in ((84,), ()))
    graph = tf.function(metrics.batch_statistics).get_concrete_function(cells, cells, cells, steps).graph
    counting = [operation for operation in graph.get_operations() if "bincount" in operation.type.lower()]
    assert len(counting) == 2
    for operation in counting:
        assert tf.DeviceSpec.from_string(operation.device).device_type == "CPU"


def test_vectors_of_sums_add_up_to_the_sums_of_all():
    logits, targets = noisy()
    whole = statistics(logits, targets)
    whole.others["ends"] = 0.5
    halves = [statistics(logits[rows], targets[rows]) for rows in (slice(0, 3), slice(3, 8))]
    halves[0].others["ends"] = 0.5
    found = Statistics.of_vector(sum(part.vector() for part in [*halves, Statistics()]))
    np.testing.assert_array_equal(found.cells, whole.cells)
    assert (found.steps, found.others) == (400, {"ends": 0.5})
    assert found.results() == pytest.approx(whole.results(), rel=1e-12)
    np.testing.assert_array_equal(Statistics.of_vector(whole.vector()).probability, whole.probability)
