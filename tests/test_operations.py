"""Graphs that could do more than compute are refused."""

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.generation.operations import ALLOWED, SAVER, check_operations


def save(folder, function):
    module = tf.Module()
    module.weight = tf.Variable(2.0)
    module.function = tf.function(lambda x: function(module.weight * x), input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, str(folder), signatures=module.function)
    return folder


def read(x):
    return x + tf.strings.to_number(tf.io.read_file("/etc/hostname"))


def write(x):
    with tf.control_dependencies([tf.io.write_file("/tmp/never", "")]):
        return x + 1


def python(x):
    return tf.reshape(tf.numpy_function(np.sin, [x], tf.float32), [])


def restore(x):
    [value] = tf.raw_ops.RestoreV2(prefix="p", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32])
    return x + tf.reshape(value, [])


def in_a_branch(function):
    return lambda x: tf.cond(x > 0, lambda: function(x), lambda: x)


def in_a_loop(function):
    return lambda x: tf.while_loop(lambda x: x < 3, lambda x: [function(x)], [x])[0]


def test_a_graph_that_computes_is_allowed(tmp_path):
    check_operations(save(tmp_path / "m", in_a_loop(in_a_branch(lambda x: tf.tanh(x) + 2))))


@pytest.mark.parametrize("where", [lambda function: function, in_a_branch, in_a_loop])
@pytest.mark.parametrize(
    ("function", "operation"),
    [(read, "ReadFile"), (write, "WriteFile"), (python, "PyFunc"), (restore, "RestoreV2")],
)
def test_a_graph_that_does_more_is_refused(tmp_path, function, operation, where):
    with pytest.raises(ValueError, match=r"only operations that compute. Received: (\w+) in ") as caught:
        check_operations(save(tmp_path / "m", where(function)))
    if operation != "ReadFile":  # which comes with operations on texts, one of which may be met first
        assert operation in str(caught.value)


def test_no_file_operation_is_on_the_list():
    assert not ALLOWED & set(SAVER.split())
    assert not [name for name in ALLOWED if "File" in name or "Py" in name or "Xla" in name or "Print" in name]


@pytest.mark.parametrize("content", [b"\xff\xff", b"hello"])
def test_what_is_no_graph(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ValueError, match=r"saved_model\.pb must be a SavedModel"):
        check_operations(tmp_path)
