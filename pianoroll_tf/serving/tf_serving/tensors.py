"""JSON values, and messages of gRPC, <-> tensors as TensorFlow Serving's APIs have them, by a signature's inputs."""

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

from pianoroll_tf.serving.refusals import bad
from pianoroll_tf.serving.strict_json import shown, type_name


@dataclasses.dataclass(frozen=True)
class Input:
    """What an input of a signature takes.

    Attributes:
        dtype: Of its numbers.
        shape: Of its axes; none for one of any length.
    """

    dtype: np.dtype
    shape: tuple[int | None, ...]

    @property
    def words(self) -> str:
        """As errors name it: "float32 numbers of shape [?, 84]"."""
        axes = ", ".join("?" if length is None else str(length) for length in self.shape)
        return f"{self.dtype} numbers of shape [{axes}]"


def inputs_of(signature: SignatureDef) -> dict[str, Input]:
    """The inputs of a signature, by name."""
    return {
        name: Input(
            np.dtype(as_dtype(info.dtype).as_numpy_dtype),
            tuple(dim.size if dim.size >= 0 else None for dim in info.tensor_shape.dim),
        )
        for name, info in sorted(signature.inputs.items())
    }


def from_protos(protos: Mapping[str, TensorProto], inputs: dict[str, Input], most_cells: int) -> dict[str, np.ndarray]:
    """The tensors of a gRPC request.

    Args:
        protos: By name.
        inputs: Of the signature.
        most_cells: Numbers of a tensor; a message of some bytes may claim any shape.

    Raises:
        Refusal: 400, naming the input and what it takes.
    """
    if set(protos) != set(inputs):
        raise bad(f"inputs must be {', '.join(inputs)}. Received: {', '.join(sorted(protos)) or 'none'}")
    tensors = {}
    for name, takes in inputs.items():
        proto = protos[name]
        shape = tuple(dim.size for dim in proto.tensor_shape.dim)
        if not _fits(shape, takes.shape) or min(shape, default=0) < 0 or math.prod(shape) > most_cells:
            raise bad(f"{name} must be {takes.words}. Received: shape={list(shape)}")
        if as_numpy_type(proto.dtype) != takes.dtype:
            raise bad(f"{name} must be {takes.words}. Received: {_type_words(proto.dtype)}")
        try:
            tensors[name] = MakeNdarray(proto)
        except (ValueError, TypeError, OverflowError) as error:
            raise bad(f"{name} must be {takes.words}. Received: other content than its shape says") from error
        if takes.dtype.kind == "f" and not np.isfinite(tensors[name]).all():
            raise bad(f"{name} must be finite {takes.words}. Received: another number in it")
    return tensors


def as_numpy_type(kind: int) -> np.dtype | None:
    """The numpy type of a type of TensorFlow; none if there is none for numbers."""
    try:
        return np.dtype(as_dtype(kind).as_numpy_dtype)
    except TypeError:
        return None


def _type_words(kind: int) -> str:
    return DataType.Name(kind) if kind in DataType.values() else f"type {kind}"


def _fits(shape: tuple[int, ...], takes: tuple[int | None, ...]) -> bool:
    return len(shape) == len(takes) and all(n is None or n == m for n, m in zip(takes, shape, strict=True))


def from_columns(value: Any, inputs: dict[str, Input]) -> dict[str, np.ndarray]:
    """The tensors of a request in the columnar form, `"inputs"`.

    Raises:
        Refusal: 400, naming the input and what it takes.
    """
    if not isinstance(value, dict):
        if len(inputs) > 1:
            raise bad(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        [name] = inputs
        value = {name: value}
    for name in value:
        if name not in inputs:
            raise bad(f"inputs must be among {', '.join(inputs)}. Received: {name}")
    for name in inputs:
        if name not in value:
            raise bad(f"Missing named input: {name} in 'inputs' object.")
    return {name: to_tensor(name, value[name], inputs[name]) for name in inputs}


def from_rows(value: Any, inputs: dict[str, Input]) -> dict[str, np.ndarray]:
    """The tensors of a request in the row form, `"instances"`: each gets the row as its first axis.

    Raises:
        Refusal: 400, naming the row, the input and what it takes.
    """
    if not isinstance(value, list):
        raise bad(f"instances must be a list. Received: {type_name(value)}")
    if not value:
        raise bad("No values in 'instances' array")
    if not isinstance(value[0], dict) and len(inputs) > 1:
        raise bad(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    columns: dict[str, list[Any]] = {name: [] for name in inputs}
    for row, item in enumerate(value):
        named = item if isinstance(item, dict) else {next(iter(inputs)): item}
        if set(named) != set(inputs):
            raise bad(
                f"Failed to process element: {row} of 'instances' list. JSON object must only have keys: "
                f"{','.join(inputs)}"
            )
        for name, column in columns.items():
            column.append(named[name])
    return {name: to_tensor(name, column, inputs[name]) for name, column in columns.items()}


def to_tensor(name: str, value: Any, takes: Input) -> np.ndarray:
    """One tensor of a JSON value; a list without elements may leave out the axes behind it.

    Raises:
        Refusal: 400, naming the input and what it takes.

    >>> to_tensor("primer", [[]], Input(np.dtype("uint8"), (None, None, 84))).shape
    (1, 0, 84)
    """
    refusal = bad(f"{name} must be {takes.words}. Received: {shown(value)}")
    shape = _shape(value)
    flat = _flatten(value, shape)
    if flat is None:
        raise refusal
    if 0 in shape:
        shape += tuple(length or 0 for length in takes.shape[len(shape) :])
    if not _fits(shape, takes.shape):
        raise refusal
    kinds = {float, int} if takes.dtype.kind == "f" else {int}
    wrong = next((item for item in flat if type(item) not in kinds), None)
    if wrong is not None or None in flat:
        raise bad(f"{name} must be {takes.words}. Received: {shown(wrong)} in it")
    try:
        made = np.array(flat, np.float64 if takes.dtype.kind == "f" else np.int64)
    except OverflowError as error:
        raise bad(f"{name} must be {takes.words}. Received: a number beyond them") from error
    with np.errstate(over="ignore"):
        tensor = made.astype(takes.dtype)
    fits = np.isfinite(tensor).all() if takes.dtype.kind == "f" else (tensor == made).all()
    if not fits:
        wrong = made[~np.isfinite(tensor)] if takes.dtype.kind == "f" else made[tensor != made]
        finite = "finite " if takes.dtype.kind == "f" else ""
        raise bad(f"{name} must be {finite}{takes.words}. Received: {wrong[0]} in it")
    return tensor.reshape(shape)


def _shape(value: Any) -> tuple[int, ...]:
    """Lengths of the first list of each level."""
    shape = ()
    while isinstance(value, list):
        shape += (len(value),)
        value = value[0] if value else None
    return shape


def _flatten(value: Any, shape: tuple[int, ...]) -> list[Any] | None:
    """The numbers in nested lists; none if lists of one level differ in length."""
    flat = [value]
    for length in shape:
        if not all(isinstance(part, list) and len(part) == length for part in flat):
            return None
        flat = [item for part in flat for item in part]
    return flat


def to_json(tensor: np.ndarray) -> Any:
    """Nested lists of a tensor; float32 numbers with as few digits as name them."""
    if tensor.dtype != np.float32:
        return tensor.tolist()
    words = tensor.astype(str).ravel().tolist()  # float32's own shortest form
    return np.array(list(map(float, words)), object).reshape(tensor.shape).tolist()
