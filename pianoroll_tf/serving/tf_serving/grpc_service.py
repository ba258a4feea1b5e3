"""TensorFlow Serving's gRPC API: PredictionService's Predict and GetModelMetadata, ModelService's GetModelStatus."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from pianoroll_tf.errors import UserError
from pianoroll_tf.serving.drawing.registry import ServedVersion
from pianoroll_tf.serving.refusals import InvalidRequestError, Refusal
from pianoroll_tf.serving.settings import Address
from pianoroll_tf.serving.state import State
from pianoroll_tf.serving.tf_serving import predictions, tensors

KEEPALIVE_MS = 30_000  # after which a silent client is pinged
Call = Callable[[Any, Any, Any], Awaitable[Any]]


def with_status_codes(call: Call) -> Call:
    """Sends refusals to the client, and other errors, whose text may contain paths, to the log only."""

    @functools.wraps(call)
    async def call_with_status_codes(self, request, context):
        try:
            return await call(self, request, context)
        except Refusal as refusal:
            await context.abort(grpc.StatusCode[refusal.code], str(refusal))
        except grpc.aio.AbortError:
            raise
        except Exception:
            logging.getLogger("uvicorn.error").exception("a gRPC call failed")
            await context.abort(grpc.StatusCode.INTERNAL, "internal error; see the server's log")

    return call_with_status_codes


@contextlib.asynccontextmanager
async def serving(state: State, address: Address) -> AsyncIterator[int]:
    """Serves the API within an `async with` statement, whose value is the port; then finishes the calls in progress."""
    options = [
        ("grpc.max_receive_message_length", state.limits.grpc_request_bytes),
        ("grpc.max_send_message_length", state.limits.grpc_response_bytes),
        ("grpc.max_metadata_size", state.limits.header_bytes),
        ("grpc.so_reuseport", 0),
        ("grpc.server_handshake_timeout_ms", round(1000 * state.limits.idle_seconds)),
        ("grpc.max_connection_idle_ms", round(1000 * state.limits.keep_alive_seconds)),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", round(1000 * state.limits.idle_seconds)),
    ]
    server = grpc.aio.server(options=options, maximum_concurrent_rpcs=state.limits.connections)
    services = Services(state)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(services, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, server)
    host = f"[{address.host}]" if ":" in address.host else address.host
    try:
        port = server.add_insecure_port(f"{host}:{address.grpc_port}")
    except RuntimeError as error:
        raise UserError("the address must be free to listen on (--host, --grpc-port)") from error
    await server.start()
    try:
        yield port
    finally:
        await server.stop(state.limits.drain_seconds)


class Services(prediction_service_pb2_grpc.PredictionServiceServicer, model_service_pb2_grpc.ModelServiceServicer):
    """Both services, with the same engine as the REST API; Classify, Regress and MultiInference are not implemented."""

    def __init__(self, state: State) -> None:
        self._state = state

    @with_status_codes
    async def Predict(self, request, context):  # noqa: N802 (a name of the protocol)
        """The outputs of a signature."""
        with _use_version(self._state, request.model_spec) as served:
            signature = request.model_spec.signature_name or predictions.DEFAULT_SIGNATURE
            specs = predictions.find_inputs(served, signature)
            inputs = tensors.from_protos(request.inputs, specs, self._state.limits.grpc_request_bytes)
            outputs = await predictions.predict(asyncio.Event().wait, self._state, served, signature, inputs)
        wanted = list(request.output_filter) or list(outputs)
        for name in wanted:
            if name not in outputs:
                raise InvalidRequestError(f"output_filter must name outputs: {', '.join(outputs)}. Received: {name}")
        response = predict_pb2.PredictResponse(model_spec=_spec(request.model_spec.name, served, signature))
        for name in wanted:
            response.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name]))
        return response

    @with_status_codes
    async def GetModelMetadata(self, request, context):  # noqa: N802
        """The signatures of a version."""
        if list(request.metadata_field) != ["signature_def"]:
            received = ", ".join(request.metadata_field) or "none"
            raise InvalidRequestError(f"metadata_field must be signature_def. Received: {received}")
        with _use_version(self._state, request.model_spec) as served:
            table = get_model_metadata_pb2.SignatureDefMap(signature_def=served.signatures)
            spec = _spec(request.model_spec.name, served, "")
            response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=spec)
            response.metadata["signature_def"].Pack(table)
            return response

    @with_status_codes
    async def GetModelStatus(self, request, context):  # noqa: N802
        """The status of one version, or of all."""
        spec = request.model_spec
        statuses = predictions.find_statuses(self._state.registry, spec.name, _version(spec))
        return get_model_status_pb2.GetModelStatusResponse(model_version_status=statuses)


def _version(spec: model_pb2.ModelSpec) -> int | None:
    return spec.version.value if spec.HasField("version") else None


def _use_version(state: State, spec: model_pb2.ModelSpec) -> contextlib.AbstractContextManager[ServedVersion]:
    if spec.HasField("version_label"):
        raise InvalidRequestError("version must be a number. Received: a label")
    return predictions.use_version(state.registry, spec.name, _version(spec))


def _spec(name: str, served: ServedVersion, signature: str) -> model_pb2.ModelSpec:
    return model_pb2.ModelSpec(name=name, signature_name=signature, version={"value": served.version})
