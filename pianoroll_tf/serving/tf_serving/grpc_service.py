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
from pianoroll_tf.serving.drawing.registry import Served
from pianoroll_tf.serving.refusals import Refusal, bad
from pianoroll_tf.serving.settings import Address
from pianoroll_tf.serving.state import State
from pianoroll_tf.serving.tf_serving import predictions, tensors
from pianoroll_tf.serving.tf_serving.rest import DEFAULT

CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
ANSWER_BYTES = 64 << 20  # of a message that is sent
KEEPALIVE_MS = 30_000  # after which a client that says nothing is asked whether it is there
Call = Callable[[Any, Any, Any], Awaitable[Any]]


def told(call: Call) -> Call:
    """A call whose refusals are told to the client, and whose failures only to the log: they may name paths."""

    @functools.wraps(call)
    async def answer(self, request, context):
        try:
            return await call(self, request, context)
        except Refusal as refusal:
            await context.abort(CODES[refusal.status], refusal.text)
        except grpc.aio.AbortError:
            raise
        except Exception:
            logging.getLogger("uvicorn.error").exception("a gRPC call failed")
            await context.abort(grpc.StatusCode.INTERNAL, "the server failed; its log says why")

    return answer


@contextlib.asynccontextmanager
async def serving(state: State, address: Address) -> AsyncIterator[int]:
    """Within it the API is served, at the port that it gives; at its end, what is in flight is finished.

    Raises:
        UserError: The port is taken.
    """
    options = [
        ("grpc.max_receive_message_length", state.limits.body_bytes),
        ("grpc.max_send_message_length", ANSWER_BYTES),
        ("grpc.max_metadata_size", state.limits.header_bytes),
        ("grpc.so_reuseport", 0),
        ("grpc.server_handshake_timeout_ms", round(1000 * state.limits.idle_seconds)),
        ("grpc.max_connection_idle_ms", round(1000 * state.limits.keep_alive_seconds)),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", round(1000 * state.limits.idle_seconds)),
    ]
    server = grpc.aio.server(options=options, maximum_concurrent_rpcs=state.limits.connections)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Predictions(state), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Models(state), server)
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


class Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers with the same engine as the REST API; Classify, Regress and MultiInference are not for this model.

    Args:
        state: What all requests share.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    @told
    async def Predict(self, request, context):  # noqa: N802 (the protocol's name)
        """The outputs of a signature."""
        with _use(self._state, request.model_spec) as served:
            return await self._predict(request, served)

    async def _predict(self, request, served: Served):
        signature = request.model_spec.signature_name or DEFAULT
        if signature not in served.signatures:
            raise bad(f'Serving signature name: "{signature}" not found in signature def')
        takes = tensors.inputs_of(served.signatures[signature])
        inputs = tensors.from_protos(request.inputs, takes, self._state.limits.body_bytes)
        outputs = await predictions.answer(asyncio.Event().wait, self._state, served, signature, inputs)
        wanted = list(request.output_filter) or list(outputs)
        for name in wanted:
            if name not in outputs:
                raise bad(f"output_filter must name outputs: {', '.join(outputs)}. Received: {name}")
        answer = predict_pb2.PredictResponse(model_spec=_spec(request.model_spec.name, served, signature))
        for name in wanted:
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name]))
        return answer

    @told
    async def GetModelMetadata(self, request, context):  # noqa: N802
        """The signatures of a version."""
        if list(request.metadata_field) != ["signature_def"]:
            raise bad(f"metadata_field must be signature_def. Received: {', '.join(request.metadata_field) or 'none'}")
        with _use(self._state, request.model_spec) as served:
            table = get_model_metadata_pb2.SignatureDefMap(signature_def=served.signatures)
            spec = _spec(request.model_spec.name, served, "")
            answer = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=spec)
            answer.metadata["signature_def"].Pack(table)
            return answer


class Models(model_service_pb2_grpc.ModelServiceServicer):
    """Says which versions there are.

    Args:
        state: What all requests share.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    @told
    async def GetModelStatus(self, request, context):  # noqa: N802
        """The states of all versions, or of one."""
        name, registry = request.model_spec.name, self._state.registry
        statuses = registry.statuses if name == registry.name else {}
        if not statuses:
            raise Refusal(404, f"Could not find any versions of model {name}")
        if request.model_spec.HasField("version"):
            version = request.model_spec.version.value
            if version not in statuses:
                raise Refusal(404, f"Could not find version {version} of model {name}")
            statuses = {version: statuses[version]}
        answer = get_model_status_pb2.GetModelStatusResponse()
        for version, status in statuses.items():
            kind = get_model_status_pb2.ModelVersionStatus
            one = answer.model_version_status.add(version=version, state=kind.State.Value(status.state))
            one.status.error_code = getattr(tf.errors, status.code)
            one.status.error_message = status.message
        return answer


def _use(state: State, spec: model_pb2.ModelSpec) -> contextlib.AbstractContextManager[Served]:
    """The version that is asked for, or TensorFlow Serving's words."""
    version = spec.version.value if spec.HasField("version") else None
    if spec.HasField("version_label"):
        raise bad("version must be named by its number. Received: a label")
    if spec.name != state.registry.name or (version is not None and version not in state.registry.served):
        named = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
        raise Refusal(404, f"Servable not found for request: {named}")
    return state.registry.use(version)


def _spec(name: str, served: Served, signature: str) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=name, signature_name=signature)
    spec.version.value = served.version
    return spec
