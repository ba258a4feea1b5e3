"""Tests of pianoroll_tf.modeling.replica_step: a step of replicas with shares of a batch is that of one device."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from repository import ROOT
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.data.pipeline import load_corpus, make_dataset
from pianoroll_tf.modeling.replica_step import all_reduced_bytes, flat, make_step, unflat
from pianoroll_tf.modeling.training import compiled_model, fit_batch

ROWS = 5  # of two replicas, one has three and one two


def test_flat_and_back():
    tensors = [tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant(5.0), tf.zeros([0, 3])]
    vector = flat(tensors)
    assert vector.numpy().tolist() == [1, 2, 3, 4, 5]
    for one, two in zip(tensors, unflat(vector, [(2, 2), (), (0, 3)]), strict=True):
        np.testing.assert_array_equal(one, two)


def batches(records):
    """Three batches of the tiny records."""
    config = tiny_config(records, dataset={"batch_size": ROWS})
    return list(make_dataset(load_corpus(records, "train"), config.dataset, 0).map(fit_batch).take(3))


def weights_after(records, strategy):
    """Losses, wishes to stop, and the weights after three steps of `make_step`."""
    model = compiled_model(tiny_config(records), 10, strategy)
    step = make_step(model, strategy, 1, ROWS)
    results = [step(batch, number == 1) for number, batch in enumerate(batches(records))]
    return [loss for loss, _ in results], [stop for _, stop in results], [weight.numpy() for weight in model.weights]


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return tiny_records(tmp_path_factory.mktemp("data") / "records")


def test_one_replica_steps_as_fit_does(records):
    model = compiled_model(tiny_config(records), 10, tf.distribute.get_strategy())
    losses = []
    for inputs, targets, step_weights in batches(records):
        model.reset_metrics()
        losses.append(model.train_on_batch(inputs, targets, sample_weight=step_weights))
    found, stops, weights = weights_after(records, tf.distribute.get_strategy())
    assert found == pytest.approx(losses, rel=1e-6)
    assert stops == [False, True, False]
    for one, two in zip(weights, model.weights, strict=True):
        np.testing.assert_allclose(one, two.numpy(), rtol=1e-5, atol=1e-6)
    assert all_reduced_bytes(model) == 4 * (sum(weight.size for weight in weights if weight.dtype == np.float32) + 2)


def test_two_devices_with_unequal_shares_step_as_one(records):
    """In a process of its own: logical devices must be made before TensorFlow begins."""
    code = (
        "import json, sys\n"
        "import tensorflow as tf\n"
        "cpu = tf.config.list_physical_devices('CPU')[0]\n"
        "tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)\n"
        "from test_replica_step import weights_after\n"
        "losses, stops, weights = weights_after(sys.argv[1], tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1']))\n"
        "print(json.dumps([losses, stops, [weight.tolist() for weight in weights]]))\n"
    )
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "support", ROOT / "tests" / "pianoroll_tf" / "modeling")))
    environment = os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", code, records], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    losses, stops, weights = json.loads(done.stdout.splitlines()[-1])
    expected, _, there = weights_after(records, tf.distribute.get_strategy())
    assert losses == pytest.approx(expected, rel=1e-6)
    assert stops == [False, True, False]
    for one, two in zip(weights, there, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)
