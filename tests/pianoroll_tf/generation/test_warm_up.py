"""Warm-up requests, read with TensorFlow Serving's own messages and asked of the model."""

import io

import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from pianoroll_tf.data.tfrecord import read_records
from pianoroll_tf.generation import saved_model
from pianoroll_tf.generation.warm_up import FILE, REQUESTS, varint


def test_an_export_has_a_request_for_every_signature_that_its_model_answers(exported):
    model = saved_model.load(exported)
    content = (exported / "1" / FILE).read_bytes()
    asked = [PredictionLog.FromString(record).predict_log.request for record in read_records(io.BytesIO(content))]
    assert [request.model_spec.signature_name for request in asked] == list(REQUESTS)
    assert set(REQUESTS) == set(model.program.signatures) - {"begin", "uniforms", "draw", "draw_steered"}
    for request in asked:
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        answer = model.program.signatures[request.model_spec.signature_name](**inputs)
        assert all(value.shape[0] == 1 for value in answer.values())


def test_tensorflow_reads_the_file(exported):
    assert len(list(tf.data.TFRecordDataset(str(exported / "1" / FILE)))) == len(REQUESTS) <= 1000


def test_long_lengths():
    assert [varint(value).hex() for value in (0, 127, 128, 16384)] == ["00", "7f", "8001", "808001"]
