"""Converts the JSON values and gRPC messages of TensorFlow Serving's APIs to the tensors of a signature, and back."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.framework.types_pb2 import DataType

from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.strict_json import format_value, type_name

Specs = Mapping[str, tf.TensorSpec]  # of the inputs of a signature


def from_protos(protos: Mapping[str, TensorProto], inputs: Specs, max_cells: int) -> dict[str, np.ndarray]:
    """The tensors of a gRPC request, of at most `max_cells` numbers, because a small message may claim any shape.

    Raises:
        InvalidRequestError: Inputs are missing, or their values do not fit.
    """
    if set(protos) != set(inputs):
        raise InvalidRequestError(
            f"inputs must be {', '.join(inputs)}. Received: {', '.join(sorted(protos)) or 'none'}"
        )
    tensors = {}
    for name, spec in inputs.items():
        proto = protos[name]
        shape = [dim.size for dim in proto.tensor_shape.dim]
        if min(shape, default=0) < 0 or math.prod(shape) > max_cells or not spec.shape.is_compatible_with(shape):
            raise _error(name, spec, f"shape={shape}")
        if proto.dtype != spec.dtype.as_datatype_enum:
            kind = DataType.Name(proto.dtype) if proto.dtype in DataType.values() else f"type {proto.dtype}"
            raise _error(name, spec, kind)
        try:
            tensors[name] = tf.make_ndarray(proto)
        except (ValueError, TypeError, OverflowError) as error:
            raise _error(name, spec, "other content than its shape says") from error
        if spec.dtype.is_floating and not np.isfinite(tensors[name]).all():
            raise _error(name, spec, "another number in it", "finite ")
    return tensors


def from_columns(value: Any, inputs: Specs) -> dict[str, np.ndarray]:
    """The tensors of a request in columnar format, `"inputs"`."""
    if not isinstance(value, dict):
        if len(inputs) > 1:
            raise InvalidRequestError(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        [name] = inputs
        value = {name: value}
    for name in value:
        if name not in inputs:
            raise InvalidRequestError(f"inputs must be among {', '.join(inputs)}. Received: {name}")
    for name in inputs:
        if name not in value:
            raise InvalidRequestError(f"Missing named input: {name} in 'inputs' object.")
    return {name: to_tensor(name, value[name], inputs[name]) for name in inputs}


def from_rows(value: Any, inputs: Specs) -> dict[str, np.ndarray]:
    """The tensors of a request in row format, `"instances"`; the rows become the first axis of each tensor."""
    if not isinstance(value, list):
        raise InvalidRequestError(f"instances must be a list. Received: {type_name(value)}")
    if not value:
        raise InvalidRequestError("No values in 'instances' array")
    if not isinstance(value[0], dict) and len(inputs) > 1:
        raise InvalidRequestError(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    columns: dict[str, list[Any]] = {name: [] for name in inputs}
    for row, item in enumerate(value):
        named = item if isinstance(item, dict) else {next(iter(inputs)): item}
        if set(named) != set(inputs):
            raise InvalidRequestError(
                f"Failed to process element: {row} of 'instances' list. JSON object must only have keys: "
                f"{','.join(inputs)}"
            )
        for name, column in columns.items():
            column.append(named[name])
    return {name: to_tensor(name, column, inputs[name]) for name, column in columns.items()}


def to_tensor(name: str, value: Any, spec: tf.TensorSpec) -> np.ndarray:
    """The tensor of a JSON value; after an empty list the remaining axes may be missing.

    Raises:
        InvalidRequestError: The value does not fit.

    >>> to_tensor("primer", [[]], tf.TensorSpec([None, None, 84], tf.uint8)).shape
    (1, 0, 84)
    """
    nested = np.array(value, object)  # cells of it are lists where the lists of one level differ in length
    shape, flat = nested.shape, nested.ravel().tolist()
    if 0 in shape:
        shape += tuple(length or 0 for length in spec.shape[len(shape) :])
    if isinstance(next(iter(flat), None), list) or not spec.shape.is_compatible_with(shape):
        raise _error(name, spec, format_value(value))
    is_float = spec.dtype.is_floating
    others = [item for item in flat if type(item) is not int and not (is_float and type(item) is float)]
    if others:
        raise _error(name, spec, f"{format_value(others[0])} in it")
    try:
        numbers = np.array(flat, np.float64 if is_float else np.int64)
    except OverflowError as error:
        raise _error(name, spec, "a number out of range") from error
    with np.errstate(over="ignore"):
        tensor = numbers.astype(spec.dtype.as_numpy_dtype)
    does_not_fit = ~np.isfinite(tensor) if is_float else tensor != numbers
    if does_not_fit.any():
        raise _error(name, spec, f"{numbers[does_not_fit][0]} in it", "finite " if is_float else "")
    return tensor.reshape(shape)


def _error(name: str, spec: tf.TensorSpec, received: str, adjective: str = "") -> InvalidRequestError:
    """The error of an input that must be, for example, "float32 numbers of shape [?, 84]"."""
    axes = ", ".join("?" if length is None else str(length) for length in spec.shape)
    allowed = f"{adjective}{spec.dtype.name} numbers of shape [{axes}]"
    return InvalidRequestError(f"{name} must be {allowed}. Received: {received}")


def to_json(tensor: np.ndarray) -> Any:
    """A tensor as nested lists; float32 numbers with as few digits as identify them."""
    if tensor.dtype != np.float32:
        return tensor.tolist()
    digits = tensor.astype(str).ravel().tolist()  # the shortest form of a float32
    return np.array(list(map(float, digits)), object).reshape(tensor.shape).tolist()
