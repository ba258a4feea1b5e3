"""JSON values as tensors of a signature."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.tf_serving.tensors import from_columns, from_rows, to_json, to_tensor

FLOATS = tf.TensorSpec([None, 2], tf.float32)
BYTES = tf.TensorSpec([None], tf.uint8)
SCALAR = tf.TensorSpec([], tf.int64)


@settings(max_examples=30)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=5)))
def test_there_and_back(array):
    spec = tf.TensorSpec([None, None, None], tf.uint8)
    np.testing.assert_array_equal(to_tensor("x", array.tolist(), spec), array)


@settings(max_examples=30)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_is_written_so_that_it_is_read_as_the_same(value):
    assert np.float32(to_json(np.array([value], np.float32))[0]) == np.float32(value)


def test_a_float_has_no_more_digits_than_it_needs():
    assert to_json(np.array([[0.2, 1.0]], np.float32)) == [[0.2, 1.0]]


@pytest.mark.parametrize(
    ("value", "spec", "words"),
    [
        ([[1, 2], [3]], FLOATS, "x must be float32 numbers of shape [?, 2]. Received: a list"),
        ([[1, 2, 3]], FLOATS, "of shape [?, 2]"),
        ([1, 2], FLOATS, "of shape [?, 2]"),
        (1, FLOATS, "Received: 1"),
        ([[1, [2]]], FLOATS, "Received: a list in it"),
        ([[[1], 2]], FLOATS, "x must be"),
        ([[1, None]], FLOATS, "Received: null in it"),
        ([[1, True]], FLOATS, "Received: true in it"),
        ([[1, "2"]], FLOATS, "Received: '2' in it"),
        ([[1, float("nan")]], FLOATS, "x must be finite float32 numbers of shape [?, 2]. Received: nan in it"),
        ([[1, 1e39]], FLOATS, "Received: 1e+39 in it"),
        ([[1, 10**399]], FLOATS, "a number out of range"),
        ([256], BYTES, "x must be uint8 numbers of shape [?]. Received: 256 in it"),
        ([-1], BYTES, "Received: -1 in it"),
        ([1.0], BYTES, "Received: 1.0 in it"),
        (2**63, SCALAR, "a number out of range"),
        ([1], SCALAR, "of shape []"),
        ({}, SCALAR, "Received: an object"),
    ],
)
def test_what_is_refused(value, spec, words):
    with pytest.raises(InvalidRequestError) as caught:
        to_tensor("x", value, spec)
    assert words in str(caught.value)


def test_columns_and_rows_give_the_same_tensors():
    inputs = {"a": FLOATS, "b": tf.TensorSpec([None], tf.int64)}
    columns = from_columns({"a": [[1, 2], [3, 4]], "b": [5, 6]}, inputs)
    rows = from_rows([{"a": [1, 2], "b": 5}, {"b": 6, "a": [3, 4]}], inputs)
    for name in inputs:
        np.testing.assert_array_equal(columns[name], rows[name])
        assert columns[name].dtype == rows[name].dtype == inputs[name].dtype.as_numpy_dtype


def test_a_single_input_needs_no_name():
    assert from_columns([1, 2], {"x": BYTES})["x"].tolist() == from_rows([1, 2], {"x": BYTES})["x"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("read", "value", "words"),
    [
        (from_columns, [1], "inputs is a plain value/list"),
        (from_columns, {"a": [1]}, "Missing named input: b in 'inputs' object."),
        (from_columns, {"a": [1], "b": [1], "c": 1}, "inputs must be among a, b. Received: c"),
        (from_rows, {}, "instances must be a list. Received: an object"),
        (from_rows, [], "No values in 'instances' array"),
        (from_rows, [1], "instances is a plain list"),
        (from_rows, [{"a": 1}], "Failed to process element: 0 of 'instances' list."),
        (from_rows, [{"a": 1, "b": 2}, 3], "Failed to process element: 1 of 'instances' list."),
    ],
)
def test_requests_that_do_not_fit(read, value, words):
    with pytest.raises(InvalidRequestError) as caught:
        read(value, {"a": BYTES, "b": BYTES})
    assert words in str(caught.value)
