"""On a GPU, no operation of a training step is left to the CPU: every one has a kernel for its types.

The steps are traced as on a machine with a GPU. TensorFlow's Linux packages list the kernels of GPUs everywhere.
"""

import functools

import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from pianoroll_tf.config import LossConfig, ModelConfig, OptimizerConfig
from pianoroll_tf.modeling.evaluation import model_evaluator
from pianoroll_tf.modeling.losses import LOSSES, make_loss
from pianoroll_tf.modeling.network import build_model, initial_state
from pianoroll_tf.modeling.optimizers import OPTIMIZERS, make_optimizer
from pianoroll_tf.modeling.training import fit_batch

STEPS = 8
SMALL = {"conv_filters": 8, "gru_units": 8, "head_units": 4}


@functools.cache
def gpu_kernels(operation: str) -> list[dict[str, set[int]]]:
    """The types, by name of the attribute, that each GPU kernel of an operation takes."""
    found = kernels.get_registered_kernels_for_op(operation).kernel
    return [
        {limit.name: set(limit.allowed_values.list.type) for limit in kernel.constraint}
        for kernel in found
        if kernel.device_type in ("GPU", "DEFAULT")
    ]


def nodes_of(function: tf.types.experimental.ConcreteFunction) -> list:
    """The operations of a graph and of the functions it calls."""
    graph = function.graph.as_graph_def()
    known = {called.signature.name for called in graph.library.function}
    nodes = [*graph.node, *(node for called in graph.library.function for node in called.node_def)]
    return [node for node in nodes if node.op not in known]


def without_gpu_kernel(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    """The operations that no GPU kernel computes with their types, but for those that are placed on the CPU."""

    def fits(node, limits: dict[str, set[int]]) -> bool:
        return all(node.attr[name].type in types for name, types in limits.items())

    nodes = [node for node in nodes_of(function) if "CPU" not in node.device]
    return {node.op for node in nodes if not any(fits(node, limits) for limits in gpu_kernels(node.op))}


@pytest.fixture(autouse=True)
def a_gpu(monkeypatch):
    if not gpu_kernels("CudnnRNN"):
        pytest.skip("this package of TensorFlow was built without GPU kernels")
    known = tf.config.list_logical_devices
    monkeypatch.setattr(
        tf.config, "list_logical_devices", lambda kind=None: ["a GPU"] if kind == "GPU" else known(kind)
    )


def training_step(
    head: str, precision: str, loss: str, optimizer: str, **options
) -> tf.types.experimental.ConcreteFunction:
    model = build_model(ModelConfig(head=head, **SMALL, **options), steps_per_beat=4, precision=precision)
    chosen = make_optimizer(OptimizerConfig(optimizer=optimizer, ema=0.9), 10)
    chosen.build(model.trainable_variables)
    objective = make_loss(LossConfig(loss=loss))

    @tf.function(autograph=False)
    def step(batch):
        inputs, targets, weights = fit_batch(batch)
        with tf.GradientTape() as tape:
            value = objective(targets, model(inputs, training=True), sample_weight=weights)
        gradients = tape.gradient(value, model.trainable_variables)
        chosen.apply(gradients, model.trainable_variables)
        return value

    return step.get_concrete_function(batch_spec())


def batch_spec() -> dict[str, tf.TensorSpec]:
    """The batches of `data.pipeline.make_dataset`."""
    cells = tf.TensorSpec((32, STEPS, 84), tf.uint8)
    return {
        "inputs": cells,
        "targets": cells,
        "clock": tf.TensorSpec((32, STEPS), tf.int32),
        "ends": tf.TensorSpec((32, STEPS), tf.float32),
        "mask": tf.TensorSpec((32, STEPS), tf.float32),
    }


@pytest.mark.parametrize("head", ["independent", "nade"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_operation_of_a_training_step_has_a_gpu_kernel(head, precision):
    step = training_step(head, precision, "focal", "adamw")
    assert without_gpu_kernel(step) == set()
    kinds = {node.op for node in nodes_of(step)}
    assert "CudnnRNNV3" in kinds or "CudnnRNN" in kinds
    assert "While" not in kinds and "StatelessWhile" not in kinds  # no loop over the steps
    # The deterministic mode, in which runs are trained, computes scatters on the CPU.
    assert not {kind for kind in kinds if "Scatter" in kind}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_loss_and_optimizer_has_gpu_kernels(loss, optimizer):
    assert without_gpu_kernel(training_step("independent", "float32", loss, optimizer)) == set()


def test_an_evaluation_leaves_its_histograms_to_the_cpu_and_nothing_else():
    model = build_model(ModelConfig(head="nade", **SMALL), steps_per_beat=4)
    state = initial_state(model, 32)
    batch = batch_spec() | {"reset": tf.TensorSpec((32,), tf.bool)}
    step = model_evaluator(model, LossConfig())._step.get_concrete_function(batch, state, state)
    assert without_gpu_kernel(step) == set()
    assert {node.op for node in nodes_of(step) if "CPU" in node.device} & {"Bincount", "DenseBincount"}


def test_a_missing_kernel_is_found():
    def histogram(cells):
        return tf.math.bincount(cells, weights=tf.cast(cells, tf.float64), minlength=3, maxlength=3)

    function = tf.function(histogram, autograph=False).get_concrete_function(tf.TensorSpec((4,), tf.int32))
    assert without_gpu_kernel(function) in ({"Bincount"}, {"DenseBincount"})
