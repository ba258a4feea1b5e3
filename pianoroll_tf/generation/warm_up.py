"""Warm-up requests of an export, which TensorFlow Serving runs before it serves a version.

It reads `assets.extra/tf_serving_warmup_requests`, a TFRecord file of `PredictionLog` messages. Only a few fields
are needed, so they are encoded here in the wire format of protocol buffers, without the package of TensorFlow Serving.

Reference: https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, SamplingConfig
from pianoroll_tf.data.tfrecord import frame

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
# Numbers of the fields in tensorflow_serving/apis: prediction_log.proto, predict.proto, model.proto
PREDICT_LOG, REQUEST, MODEL_SPEC, SIGNATURE_NAME, INPUTS, KEY, VALUE = 6, 1, 1, 3, 2, 1, 2
PRIMER = np.zeros((1, 2, NUM_PITCHES), np.uint8)
ONE = {"steps": np.int32(1), "seed": np.int64(0)}
SETTINGS = {name: np.float32(getattr(SamplingConfig, name)) for name in ("temperature", "top_p", "density")}
ROW = {name: np.array([value]) for name, value in (ONE | SETTINGS).items()}
REQUESTS: dict[str, dict[str, Any]] = {
    "serving_default": {"primer": PRIMER} | ONE | SETTINGS,
    "generate": {"primer": PRIMER} | ONE | SETTINGS,
    "generate_simple": {"primer": PRIMER} | ONE,
    "generate_rows": {"primer": PRIMER} | ROW,
    "compose_rows": ROW,
    "predict": {"roll": PRIMER},
    "log_likelihood": {"roll": PRIMER, "meter": np.array([4, 4], np.int32), "place": np.int32(0)},
}


def write_requests(folder: Path) -> None:
    """Writes one request for each signature of the SavedModel in `folder` that clients call directly."""
    path = folder / FILE
    path.parent.mkdir()
    path.write_bytes(b"".join(frame(record) for record in _records()))


def _records() -> Iterator[bytes]:
    """Serialized `PredictionLog` messages."""
    for signature, inputs in REQUESTS.items():
        request = field(MODEL_SPEC, field(SIGNATURE_NAME, signature.encode()))
        for name, value in inputs.items():
            tensor = tf.make_tensor_proto(value).SerializeToString(deterministic=True)
            request += field(INPUTS, field(KEY, name.encode()) + field(VALUE, tensor))
        yield field(PREDICT_LOG, field(REQUEST, request))


def field(number: int, content: bytes) -> bytes:
    """A field of a message whose value has a length: a text, bytes, or a message.

    Reference: https://protobuf.dev/programming-guides/encoding

    >>> field(2, b"testing").hex(" ")
    '12 07 74 65 73 74 69 6e 67'
    """
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """A whole number >= 0, seven bits a byte, the lowest first.

    >>> varint(150).hex(" ")
    '96 01'
    """
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + varint(value >> 7)
