"""TensorFlow Serving's gRPC API, called with tensorflow-serving-api alone."""

import asyncio
import concurrent.futures
import contextlib
import socket
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
from serving_client import TIMEOUT_SECONDS, received, running
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from pianoroll_tf.errors import UserError
from pianoroll_tf.generation.saved_model import SamplingConfig
from pianoroll_tf.serving.roll_json import to_pitches
from pianoroll_tf.serving.settings import Address
from pianoroll_tf.serving.tf_serving import grpc_service, predictions

ROWS = {"temperature": np.float32([1, 1]), "top_p": np.float32([1, 1]), "density": np.float32([1, 1])}


@contextlib.contextmanager
def listening(state, port=0):
    """Serves the API on a thread within a `with` statement; the value is its port."""
    loop, stop, found = asyncio.new_event_loop(), asyncio.Event(), concurrent.futures.Future()

    async def serve():
        try:
            async with grpc_service.serving(state, Address(grpc_port=port)) as bound:
                found.set_result(bound)
                await stop.wait()
        except UserError as error:
            found.set_exception(error)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        yield found.result(timeout=300)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def channel(server):
    with listening(server.state) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as made:
        yield made


def ask(channel, signature="", name="tiny", version=None, filtered=(), **inputs):
    request = predict_pb2.PredictRequest(output_filter=filtered)
    request.model_spec.name, request.model_spec.signature_name = name, signature
    if version is not None:
        request.model_spec.version.value = version
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(value if isinstance(value, TensorProto) else tf.make_tensor_proto(value))
    answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, 300)
    return answer.model_spec, {key: tf.make_ndarray(value) for key, value in answer.outputs.items()}


def test_predictions_are_those_of_the_model(channel, registry):
    model = registry.get().model
    primer = (np.random.default_rng(0).random((2, 5, 84)) < 0.1).astype(np.uint8)
    settings = {"temperature": np.float32(1.2), "top_p": np.float32(0.9), "density": np.float32(0.8)}
    spec, found = ask(channel, primer=primer, steps=np.int32(20), seed=np.int64(3), **settings)
    assert (spec.name, spec.version.value, spec.signature_name) == ("tiny", 1, "serving_default")
    asked = SamplingConfig(temperature=1.2, top_p=0.9, density=0.8, seed=3)
    np.testing.assert_array_equal(found["roll"], model.generate(primer, 20, asked, compiled=False))
    _, found = ask(channel, "predict", version=1, roll=primer)
    np.testing.assert_array_equal(found["probability"], model.predict(primer))


def test_music_is_that_of_the_rest_api(channel, server):
    _, found = ask(channel, "compose_rows", steps=np.int32([9, 20]), seed=np.int64([1, 2]), **ROWS)
    assert to_pitches(found["roll"][1]) == server.roll(steps=20, seed=2, temperature=1.0)


def test_outputs_can_be_chosen(channel):
    clock = {"meter": np.int32([[4, 4]]), "place": np.int32([0])}
    _, state = ask(channel, "begin", primer=np.zeros((1, 0, 84), np.uint8), density=np.float32([1]), **clock)
    one = {"temperature": np.float32([1]), "top_p": np.float32([1]), "numbers": np.zeros((1, 2, 169), np.float32)}
    _, found = ask(channel, "draw", filtered=["roll"], state=state["next_state"], **one)
    assert list(found) == ["roll"]
    assert found["roll"].all(), "a number of 0 is below any probability"


def huge():
    proto = tf.make_tensor_proto(np.zeros((1, 1, 84), np.uint8))
    proto.tensor_shape.dim[1].size = 10**12
    return proto


def torn():
    proto = tf.make_tensor_proto(np.zeros((1, 3, 84), np.uint8))
    proto.tensor_content = proto.tensor_content[:100]
    return proto


def beyond():
    proto = tf.make_tensor_proto(np.zeros((1, 1, 84), np.uint8))
    proto.ClearField("tensor_content")
    proto.int_val.append(300)
    return proto


def unknown():
    proto = tf.make_tensor_proto(np.zeros((1, 1, 84), np.uint8))
    proto.dtype = 99
    return proto


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"name": "other"}, grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(other)"),
        ({"version": 4}, grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(tiny, 4)"),
        ({"signature": "sing"}, grpc.StatusCode.INVALID_ARGUMENT, 'name: "sing" not found in signature def'),
        ({"roll": np.zeros((1, 1, 83), np.uint8)}, grpc.StatusCode.INVALID_ARGUMENT, "Received: shape=[1, 1, 83]"),
        ({"roll": np.zeros((1, 1, 84), np.float32)}, grpc.StatusCode.INVALID_ARGUMENT, "Received: DT_FLOAT"),
        ({"roll": np.full((1, 1, 84), b"x")}, grpc.StatusCode.INVALID_ARGUMENT, "Received: DT_STRING"),
        ({"roll": huge()}, grpc.StatusCode.INVALID_ARGUMENT, "Received: shape=[1, 1000000000000, 84]"),
        ({"roll": torn()}, grpc.StatusCode.INVALID_ARGUMENT, "Received: other content than its shape says"),
        ({"roll": beyond()}, grpc.StatusCode.INVALID_ARGUMENT, "Received: other content than its shape says"),
        ({"roll": unknown()}, grpc.StatusCode.INVALID_ARGUMENT, "Received: type 99"),
        ({"more": np.zeros(1)}, grpc.StatusCode.INVALID_ARGUMENT, "inputs must be roll. Received: more, roll"),
        ({"roll": np.zeros((1, 30_000, 84), np.uint8)}, grpc.StatusCode.RESOURCE_EXHAUSTED, "larger than max"),
        ({"filtered": ["x"]}, grpc.StatusCode.INVALID_ARGUMENT, "output_filter must name outputs: probability"),
    ],
)
def test_what_is_refused(channel, changes, code, words):
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, **({"signature": "predict", "roll": np.zeros((1, 1, 84), np.uint8)} | changes))
    assert caught.value.code() == code
    assert words in caught.value.details()


def test_values_out_of_their_range(channel):
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, "compose_rows", steps=np.int32([9, 0]), seed=np.int64([1, 2]), **ROWS)
    assert caught.value.details() == "steps must be >= 1 and <= 65536. Received: steps=0"


def test_metadata(channel, registry):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "tiny"
    table = get_model_metadata_pb2.SignatureDefMap()
    stub.GetModelMetadata(request, 300).metadata["signature_def"].Unpack(table)
    assert dict(table.signature_def) == dict(registry.get().signatures)
    with pytest.raises(grpc.RpcError, match="metadata_field must be signature_def"):
        stub.GetModelMetadata(get_model_metadata_pb2.GetModelMetadataRequest(), 300)


def test_status(channel):
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "tiny"
    [status] = stub.GetModelStatus(request, 300).model_version_status
    assert (status.version, status.status.error_code) == (1, 0)
    assert status.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE
    request.model_spec.version.value = 2
    with pytest.raises(grpc.RpcError, match="Could not find version 2 of model tiny"):
        stub.GetModelStatus(request, 300)


def test_an_unexpected_error_goes_to_the_log_and_not_to_the_client(server, channel, monkeypatch, caplog):
    async def fail(*_):
        raise RuntimeError("no file /srv/models/secret")

    monkeypatch.setattr(predictions, "run_signature", fail)
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, "predict", roll=np.zeros((1, 1, 84), np.uint8))
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert caught.value.details() == "internal error; see the server's log"
    assert "/srv/models/secret" in caplog.text


def test_a_silent_connection_is_dropped(registry):
    with running(registry, idle_seconds=0.5) as made, listening(made.state) as port:
        for sent in (b"", b"PRI * HTTP/2.0\r\n", b"nonsense"):
            with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
                connection.sendall(sent)
                received(connection)


def test_an_address_in_use(server):
    with listening(server.state) as port:  # noqa: SIM117
        with pytest.raises(UserError, match="must be free to listen on"), listening(server.state, port):
            pass


def test_the_largest_request_that_the_limits_allow_is_answered(registry):
    with running(registry, most_rows=2, primer_steps=30_000) as made, listening(made.state) as port:
        address, rows = f"127.0.0.1:{port}", ROWS | {"steps": np.int32([1, 1]), "seed": np.int64([1, 2])}
        with grpc.insecure_channel(address) as channel:
            primer = np.zeros((2, 30_000, 84), np.uint8)  # 5 MB; a body has 2 MiB, and gRPC's own limit is 4 MB
            assert ask(channel, "generate_rows", primer=primer, **rows)[1]["roll"].shape == (2, 1, 84)
            with pytest.raises(grpc.RpcError, match="primer must have at most 30000 steps") as error:
                ask(channel, "generate_rows", primer=np.zeros((2, 30_001, 84), np.uint8), **rows)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_the_largest_response_that_the_limits_allow_is_sent(server, monkeypatch):
    roll = np.ones((64, 13_000, 84), np.uint8)  # 70 MB, which 64 rows of together 65,536 steps may have when padded

    async def predicted(*_):
        return {"roll": roll}

    monkeypatch.setattr(predictions, "predict", predicted)
    options = [("grpc.max_receive_message_length", -1)]
    with listening(server.state) as port, grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        _, found = ask(
            channel, "generate_simple", primer=np.zeros((1, 0, 84), np.uint8), steps=np.int32(1), seed=np.int64(1)
        )
    assert found["roll"].nbytes == roll.nbytes
