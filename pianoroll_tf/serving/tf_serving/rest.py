"""TensorFlow Serving's REST API: status and metadata of the model's versions, and predictions."""

import json
import re
from contextlib import AbstractContextManager
from typing import Any

from google.protobuf.json_format import MessageToDict
from starlette.requests import Request
from starlette.responses import Response

from pianoroll_tf.serving import strict_json
from pianoroll_tf.serving.drawing.registry import Served, Status
from pianoroll_tf.serving.http import bodies
from pianoroll_tf.serving.refusals import Refusal, bad
from pianoroll_tf.serving.state import State, gone, state_of
from pianoroll_tf.serving.tf_serving import predictions, tensors

_PREDICT = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d{1,18}))?:predict", re.ASCII)
_STATUS = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d{1,18}))?(/metadata)?", re.ASCII)
# What curl sends with -d, as in TensorFlow Serving's documentation, and what says nothing
KINDS = (bodies.JSON, "application/x-www-form-urlencoded", "text/plain", "")
DEFAULT = "serving_default"


async def look(request: Request) -> Response:
    """`GET /v1/models/NAME[/versions/V][/metadata]`."""
    state = state_of(request)
    found = _STATUS.fullmatch(request.url.path)
    if not found:
        raise bad(f"Malformed request: {request.method} {request.url.path}")
    name, version, metadata = found.groups()
    if metadata:
        with _use(state, name, version) as served:
            return _pretty(_metadata(served, name))
    statuses = state.registry.statuses if name == state.registry.name else {}
    if not statuses:
        raise Refusal(404, f"Could not find any versions of model {name}")
    if version is None:
        return _pretty({"model_version_status": [_status(*item) for item in statuses.items()]})
    if int(version) not in statuses:
        raise Refusal(404, f"Could not find version {version} of model {name}")
    return _pretty({"model_version_status": [_status(int(version), statuses[int(version)])]})


async def predict(request: Request) -> Response:
    """`POST /v1/models/NAME[/versions/V]:predict`."""
    state = state_of(request)
    found = _PREDICT.fullmatch(request.url.path)
    if not found:
        raise bad(f"Malformed request: {request.method} {request.url.path}")
    if bodies.media_type(request) not in KINDS:
        raise Refusal(415, f"body must be {bodies.JSON}. Received: {bodies.media_type(request)}")
    body = await request.body()
    with _use(state, *found.groups()) as served:
        signature, inputs, is_rows = await state.work(len(body), _read, body, served, state)
        outputs = await predictions.answer(gone(request), state, served, signature, inputs)
    size = sum(value.size for value in outputs.values())
    return await state.work(size, _written, outputs, is_rows, _rows(inputs))


def _use(state: State, name: str, version: str | None) -> AbstractContextManager[Served]:
    """The version that is asked for, or TensorFlow Serving's words."""
    number = None if version is None else int(version)
    if name != state.registry.name or (number is not None and number not in state.registry.served):
        spec = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        raise Refusal(404, f"Servable not found for request: {spec}")
    return state.registry.use(number)


def _read(body: bytes, served: Served, state: State) -> tuple[str, dict[str, Any], bool]:
    """Signature, tensors, and whether they came in the row form."""
    asked = strict_json.parse(body, state.limits.json_depth)
    signature = asked.get("signature_name", DEFAULT)
    if not isinstance(signature, str):
        raise bad("'signature_name' key must be a string value.")
    if signature not in served.signatures:
        raise bad(f'Serving signature name: "{signature}" not found in signature def')
    takes = tensors.inputs_of(served.signatures[signature])
    if "instances" in asked and "inputs" in asked:
        raise bad("Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist")
    if "instances" in asked:
        return signature, tensors.from_rows(asked["instances"], takes), True
    if "inputs" in asked:
        return signature, tensors.from_columns(asked["inputs"], takes), False
    raise bad("Missing 'inputs' or 'instances' key")


def _rows(inputs: dict[str, Any]) -> int:
    return next((len(value) for value in inputs.values() if value.ndim), 1)


def _written(outputs: dict[str, Any], is_rows: bool, rows: int) -> Response:
    """The answer in the form of the request: a single output goes without its name."""
    values = {name: tensors.to_json(value) for name, value in outputs.items()}
    [*names] = values
    if not is_rows:
        return _dense({"outputs": values if len(names) > 1 else values[names[0]]})
    if len(names) == 1:
        return _dense({"predictions": values[names[0]]})
    return _dense({"predictions": [{name: values[name][row] for name in names} for row in range(rows)]})


def _status(version: int, status: Status) -> dict[str, Any]:
    error = {"error_code": status.code, "error_message": status.message}
    return {"version": str(version), "state": status.state, "status": error}


def _metadata(served: Served, name: str) -> dict[str, Any]:
    signatures = {
        key: MessageToDict(signature, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        for key, signature in sorted(served.signatures.items())
    }
    spec = {"name": name, "signature_name": "", "version": str(served.version)}
    return {"model_spec": spec, "metadata": {"signature_def": {"signature_def": signatures}}}


def _pretty(value: Any) -> Response:
    return Response(json.dumps(value, indent=1) + "\n", media_type="application/json")


def _dense(value: Any) -> Response:
    return Response(json.dumps(value, separators=(",", ":")) + "\n", media_type="application/json")
