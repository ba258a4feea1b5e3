"""The operations of a step against every product that TensorFlow executes."""

import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.op_callbacks import add_op_callback, remove_op_callback

from pianoroll_tf.config import ModelConfig, RecordsConfig
from pianoroll_tf.modeling.network import build_model
from tuner.study.operations import batch_operations, features, products

BATCH, STEPS = 3, 7
SECONDS, BEATS = RecordsConfig(grid="seconds"), RecordsConfig(grid="beats", steps_per_beat=4)


class Counter:
    """Adds up the operations of the products and convolutions that are executed, loops too, each time they are."""

    def __init__(self):
        self.total = 0

    def __enter__(self):
        add_op_callback(self)
        return self

    def __exit__(self, *_):
        remove_op_callback(self)

    def __call__(self, op_type, inputs, attrs, outputs, op_name=None, graph=None):
        op_type, *names = (
            name.decode() if isinstance(name, bytes) else name for name in (op_type, *(attrs or ())[::2])
        )
        given = dict(zip(names, (attrs or ())[1::2], strict=True))
        shapes = [tuple(each.shape) for each in inputs]
        if op_type == "MatMul":
            rows, columns = outputs[0].shape
            inner = shapes[0][0] if given["transpose_a"] else shapes[0][1]
            if rows > 1:  # the GRU's sums over steps for its biases are written as products with a row of ones
                self.total += 2 * rows * inner * columns
        elif op_type == "Conv2D":
            self.total += 2 * math.prod(outputs[0].shape) * math.prod(shapes[1][:3])
        elif op_type == "Conv2DBackpropInput":  # of the gradient, with the filter
            self.total += 2 * math.prod(shapes[2]) * math.prod(shapes[1][:3])
        elif op_type == "Conv2DBackpropFilter":
            self.total += 2 * math.prod(shapes[2]) * math.prod(outputs[0].shape[:3])
        else:
            assert "MatMul" not in op_type
            assert "Conv" not in op_type


def cells(notes):
    """Cells with `notes` pitches in every step, uint8 [BATCH, STEPS, 84]."""
    found = np.zeros((BATCH, STEPS, 84), np.uint8)
    for row, step in np.ndindex(BATCH, STEPS):
        found[row, step, np.random.default_rng(row * STEPS + step).permutation(84)[:notes]] = 2
    return tf.constant(found)


def executed(model, records, notes):
    """Operations that TensorFlow executes: (forward, forward and backward)."""
    network = build_model(model, steps_per_beat=records.steps_per_beat if records.grid == "beats" else None)
    given = {"inputs": cells(notes), "targets": cells(notes), "clock": tf.zeros([BATCH, STEPS], tf.int32)}
    with Counter() as forward:
        network(given, training=True)
    with Counter() as both:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(given, training=True))
        tape.gradient(loss, network.trainable_variables)
    return forward.total, both.total


SMALL = {"conv_filters": 6, "conv_kernel": 3, "gru_units": 5, "input_noise": 0.0}


@pytest.mark.parametrize(
    ("model", "records"),
    [
        ({"head": "independent", "articulation": False}, SECONDS),
        ({"head": "independent", "conv_layers": 2, "gru_layers": 2}, BEATS),
        ({"head": "independent", "conv_layers": 0, "gru_layers": 2}, SECONDS),
        ({"head": "nade", "head_units": 4, "articulation": False}, BEATS),
        ({"head": "nade", "head_units": 4}, BEATS),
        ({"head": "nade", "head_units": 4, "clock": False}, BEATS),
    ],
)
def test_the_operations_are_those_that_tensorflow_executes(model, records):
    """One by one, it computes the first layer's gradient for its input too, which the next test shows to be pruned."""
    config, notes = ModelConfig(**SMALL | model), 3
    found = batch_operations(config, records, notes / 84, BATCH, STEPS)
    forward, both = executed(config, records, notes)
    first = products(config, features(config, records), notes)[0]
    assert forward == round(found.forward)
    assert both == round(found.training) + 2 * BATCH * STEPS * first.multiplications


def test_in_a_graph_the_first_layer_has_no_gradient_for_its_input():
    network = build_model(ModelConfig(head="independent", conv_layers=2, **SMALL))

    @tf.function(autograph=False)
    def gradients(given):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(given, training=True))
        return tape.gradient(loss, network.trainable_variables)

    given = {"inputs": cells(3), "targets": cells(3), "clock": tf.zeros([BATCH, STEPS], tf.int32)}
    graph = gradients.get_concrete_function(given).graph
    needed = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), [each.op.name for each in graph.outputs])
    kinds = [node.op for node in needed.node]
    assert (kinds.count("Conv2D"), kinds.count("Conv2DBackpropFilter"), kinds.count("Conv2DBackpropInput")) == (2, 2, 1)


def test_the_founding_model_by_hand():
    """84 cells → 5 × 84 × 128, (128 + 256) × 768, 256 × 85 multiply-adds; the first layer has one gradient less."""
    model = ModelConfig(head="independent", articulation=False, clock=False)
    found = batch_operations(model, SECONDS, 0.04, 64, 128)
    conv, gru, head = 53_760, 294_912, 21_760
    assert found.forward == 2 * 64 * 128 * (conv + gru + head)
    assert found.training == 2 * 64 * 128 * (2 * conv + 3 * gru + 3 * head)
    assert 2.5 < found.training / found.forward < 3


def test_notes_cost_operations_in_the_nade_head_alone():
    few, many = (batch_operations(ModelConfig(), BEATS, density, 1, 1).forward for density in (0.0, 1 / 84))
    assert many - few == pytest.approx(2 * (3 * 84 * 64 + 64 * 84))  # a row of both products with 64 units
    independent = ModelConfig(head="independent")
    assert batch_operations(independent, BEATS, 0.0, 1, 1) == batch_operations(independent, BEATS, 0.5, 1, 1)


def test_features_with_and_without_strikes_and_clock():
    assert features(ModelConfig(), BEATS) == 84 * 2 + 21
    assert features(ModelConfig(), SECONDS) == features(ModelConfig(clock=False), BEATS) == 168
    assert features(ModelConfig(articulation=False), SECONDS) == 84


def test_an_unknown_head_has_no_number(monkeypatch):
    monkeypatch.setattr("tuner.study.operations.HEADS", {})
    assert products(ModelConfig(), 84, 1.0) is None
    assert batch_operations(ModelConfig(), SECONDS, 0.1, 1, 1) is None
