"""Converts the JSON values and gRPC messages of TensorFlow Serving's APIs to the tensors of a signature, and back."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.framework.types_pb2 import DataType
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.python.framework.dtypes import as_dtype
from tensorflow.python.framework.tensor_util import MakeNdarray

from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.strict_json import format_value, type_name


@dataclasses.dataclass(frozen=True)
class InputSpec:
    """Type and shape of an input of a signature.

    Attributes:
        dtype: Of its numbers.
        shape: Length of each axis; None: any length.
    """

    dtype: np.dtype
    shape: tuple[int | None, ...]

    @property
    def description(self) -> str:
        """For error messages: "float32 numbers of shape [?, 84]"."""
        axes = ", ".join("?" if length is None else str(length) for length in self.shape)
        return f"{self.dtype} numbers of shape [{axes}]"

    def error(self, name: str, received: str, adjective: str = "") -> InvalidRequestError:
        """The error of an input that does not fit."""
        return InvalidRequestError(f"{name} must be {adjective}{self.description}. Received: {received}")


def inputs_of(signature: SignatureDef) -> dict[str, InputSpec]:
    """The inputs of a signature, by name."""
    return {
        name: InputSpec(
            np.dtype(as_dtype(info.dtype).as_numpy_dtype),
            tuple(dim.size if dim.size >= 0 else None for dim in info.tensor_shape.dim),
        )
        for name, info in sorted(signature.inputs.items())
    }


def from_protos(
    protos: Mapping[str, TensorProto], inputs: dict[str, InputSpec], max_cells: int
) -> dict[str, np.ndarray]:
    """The tensors of a gRPC request.

    Args:
        protos: By name.
        inputs: Of the signature.
        max_cells: Numbers in a tensor; a small message may claim any shape.

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
        shape = tuple(dim.size for dim in proto.tensor_shape.dim)
        if not _fits(shape, spec.shape) or min(shape, default=0) < 0 or math.prod(shape) > max_cells:
            raise spec.error(name, f"shape={list(shape)}")
        if _as_numpy_type(proto.dtype) != spec.dtype:
            raise spec.error(name, _type_description(proto.dtype))
        try:
            tensors[name] = MakeNdarray(proto)
        except (ValueError, TypeError, OverflowError) as error:
            raise spec.error(name, "other content than its shape says") from error
        if spec.dtype.kind == "f" and not np.isfinite(tensors[name]).all():
            raise spec.error(name, "another number in it", "finite ")
    return tensors


def _as_numpy_type(kind: int) -> np.dtype | None:
    """The numpy type of one of TensorFlow's data types; None if there is none."""
    try:
        return np.dtype(as_dtype(kind).as_numpy_dtype)
    except TypeError:
        return None


def _type_description(kind: int) -> str:
    return DataType.Name(kind) if kind in DataType.values() else f"type {kind}"


def _fits(shape: tuple[int, ...], allowed: tuple[int | None, ...]) -> bool:
    return len(shape) == len(allowed) and all(n is None or n == m for n, m in zip(allowed, shape, strict=True))


def from_columns(value: Any, inputs: dict[str, InputSpec]) -> dict[str, np.ndarray]:
    """The tensors of a request in columnar format, `"inputs"`.

    Raises:
        InvalidRequestError: Inputs are missing, or their values do not fit.
    """
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


def from_rows(value: Any, inputs: dict[str, InputSpec]) -> dict[str, np.ndarray]:
    """The tensors of a request in row format, `"instances"`; the rows become the first axis of each tensor.

    Raises:
        InvalidRequestError: Inputs are missing, or their values do not fit.
    """
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


def to_tensor(name: str, value: Any, spec: InputSpec) -> np.ndarray:
    """The tensor of a JSON value; after an empty list the remaining axes may be missing.

    Raises:
        InvalidRequestError: The value does not fit.

    >>> to_tensor("primer", [[]], InputSpec(np.dtype("uint8"), (None, None, 84))).shape
    (1, 0, 84)
    """
    is_float = spec.dtype.kind == "f"
    shape = _shape(value)
    flat = _flatten(value, shape)
    if 0 in shape:
        shape += tuple(length or 0 for length in spec.shape[len(shape) :])
    if flat is None or not _fits(shape, spec.shape):
        raise spec.error(name, format_value(value))
    others = [item for item in flat if type(item) is not int and not (is_float and type(item) is float)]
    if others:
        raise spec.error(name, f"{format_value(others[0])} in it")
    try:
        numbers = np.array(flat, np.float64 if is_float else np.int64)
    except OverflowError as error:
        raise spec.error(name, "a number out of range") from error
    with np.errstate(over="ignore"):
        tensor = numbers.astype(spec.dtype)
    does_not_fit = ~np.isfinite(tensor) if is_float else tensor != numbers
    if does_not_fit.any():
        raise spec.error(name, f"{numbers[does_not_fit][0]} in it", "finite " if is_float else "")
    return tensor.reshape(shape)


def _shape(value: Any) -> tuple[int, ...]:
    """Length of the first list on each level of nesting."""
    shape: tuple[int, ...] = ()
    while isinstance(value, list):
        shape += (len(value),)
        value = value[0] if value else None
    return shape


def _flatten(value: Any, shape: tuple[int, ...]) -> list[Any] | None:
    """The numbers in nested lists; None if lists of one level differ in length."""
    flat = [value]
    for length in shape:
        if not all(isinstance(part, list) and len(part) == length for part in flat):
            return None
        flat = [item for part in flat for item in part]
    return flat


def to_json(tensor: np.ndarray) -> Any:
    """A tensor as nested lists; float32 numbers with as few digits as identify them."""
    if tensor.dtype != np.float32:
        return tensor.tolist()
    digits = tensor.astype(str).ravel().tolist()  # the shortest form of a float32
    return np.array(list(map(float, digits)), object).reshape(tensor.shape).tolist()
