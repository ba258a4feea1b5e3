"""TensorFlow Serving's REST API: status and metadata of the model's versions, and predictions."""

import json
import re
from typing import Any

import numpy as np
from google.protobuf.json_format import MessageToDict
from starlette.requests import Request
from starlette.responses import Response

from pianoroll_tf.serving import strict_json
from pianoroll_tf.serving.drawing.registry import ServedVersion
from pianoroll_tf.serving.http import bodies
from pianoroll_tf.serving.refusals import HttpRefusal, InvalidRequestError
from pianoroll_tf.serving.state import client_disconnect, route_path, state_of
from pianoroll_tf.serving.tf_serving import predictions, tensors

_PREDICT = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d{1,18}))?:predict", re.ASCII)
_MODEL = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d{1,18}))?(/metadata)?", re.ASCII)
# What `curl -d` sends, as in TensorFlow Serving's documentation, and a request that does not name the type
MEDIA_TYPES = (bodies.JSON, "application/x-www-form-urlencoded", "text/plain", "")


async def get_model(request: Request) -> Response:
    """`GET /v1/models/NAME[/versions/V][/metadata]`."""
    registry = state_of(request).registry
    name, version, metadata = _match(_MODEL, request)
    if metadata:
        with predictions.use_version(registry, name, version) as served:
            content = _metadata(served, name)
    else:
        statuses = predictions.find_statuses(registry, name, version)
        content = {"model_version_status": [one | {"version": str(one["version"])} for one in statuses]}
    return Response(json.dumps(content, indent=1) + "\n", media_type="application/json")


async def predict(request: Request) -> Response:
    """`POST /v1/models/NAME[/versions/V]:predict`."""
    state = state_of(request)
    name, version = _match(_PREDICT, request)
    if bodies.media_type(request) not in MEDIA_TYPES:
        raise HttpRefusal(415, f"body must be {bodies.JSON}. Received: {bodies.media_type(request)}")
    body = await request.body()
    with predictions.use_version(state.registry, name, version) as served:
        signature, inputs, is_rows = await state.offload(len(body), _read, body, served, state.limits.json_depth)
        outputs = await predictions.predict(client_disconnect(request), state, served, signature, inputs)
    size = sum(value.size for value in outputs.values())
    rows = next((len(value) for value in inputs.values() if value.ndim), 1)
    return await state.offload(size, _response, outputs, is_rows, rows)


def _match(pattern: re.Pattern, request: Request) -> list[Any]:
    """The parts of the path of a request; the second one is the version, as a number."""
    path = route_path(request.scope)
    found = pattern.fullmatch(path)
    if not found:
        raise InvalidRequestError(f"Malformed request: {request.method} {path}")
    name, version, *others = found.groups()
    return [name, None if version is None else int(version), *others]


def _read(body: bytes, served: ServedVersion, max_depth: int) -> tuple[str, dict[str, np.ndarray], bool]:
    """The signature, its inputs, and whether they are in row format."""
    fields = strict_json.parse(body, max_depth)
    signature = fields.get("signature_name", predictions.DEFAULT_SIGNATURE)
    if not isinstance(signature, str):
        raise InvalidRequestError("'signature_name' key must be a string value.")
    specs = predictions.find_inputs(served, signature)
    if "instances" in fields and "inputs" in fields:
        raise InvalidRequestError("Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist")
    if "instances" in fields:
        return signature, tensors.from_rows(fields["instances"], specs), True
    if "inputs" in fields:
        return signature, tensors.from_columns(fields["inputs"], specs), False
    raise InvalidRequestError("Missing 'inputs' or 'instances' key")


def _response(outputs: dict[str, np.ndarray], is_rows: bool, rows: int) -> Response:
    """The outputs in the format of the request; a single output has no name."""
    values = {name: tensors.to_json(value) for name, value in outputs.items()}
    if len(values) == 1:
        [content] = values.values()
    elif is_rows:
        content = [{name: value[row] for name, value in values.items()} for row in range(rows)]
    else:
        content = values
    body = json.dumps({"predictions" if is_rows else "outputs": content}, separators=(",", ":"))
    return Response(body + "\n", media_type="application/json")


def _metadata(served: ServedVersion, name: str) -> dict[str, Any]:
    signatures = {
        key: MessageToDict(signature, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        for key, signature in sorted(served.signatures.items())
    }
    spec = {"name": name, "signature_name": "", "version": str(served.version)}
    return {"model_spec": spec, "metadata": {"signature_def": {"signature_def": signatures}}}
