"""The description of the HTTP API: OpenAPI 3.1 at /openapi.json, and the same as a page at /docs."""

import functools
import html
import json
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from pianoroll_tf import __version__
from pianoroll_tf.serving.http.bodies import FORM, JSON
from pianoroll_tf.serving.http.fields import infill_schema, piece_schema
from pianoroll_tf.serving.http.render import KINDS, render_schema
from pianoroll_tf.serving.http.streams import EVENT_ID
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.state import state_of

MIDI, EVENTS, TEXT, HTML = "audio/midi", "text/event-stream", "text/plain", "text/html"
ERRORS = {
    400: "the request is wrong",
    404: "there is no such model or version",
    413: "the body is too large",
    415: "the body is of a type that is not accepted",
    429: "too many requests are waiting; Retry-After says when to try again",
    503: "the server is stopping, or has no model yet",
    504: "the response takes too long",
}
_STREAM = {
    "name": "stream",
    "in": "query",
    "description": "1: responds with server-sent events while the piece is drawn",
    "schema": {"type": "string", "enum": ["0", "1"], "default": "0"},
}
_LAST_EVENT = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "resumes a stream of the same request after the event with this id",
    "schema": {"type": "string", "pattern": f"^{EVENT_ID}$"},
}
_WHOLE = _STREAM | {
    "name": "whole",
    "description": "1: all of the file, to choose a part from, instead of the part that generate continues",
}
_MODEL = {"name": "name", "in": "path", "required": True, "description": "of the model", "schema": {"type": "string"}}
_VERSION = _MODEL | {"name": "version", "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}}
OTHER_SCHEMAS = {
    "Predict": {
        "type": "object",
        "properties": {
            "signature_name": {"type": "string", "default": "serving_default"},
            "inputs": {"description": "the inputs by name"},
            "instances": {"type": "array", "description": "or the inputs row by row"},
        },
    },
    "Error": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]},
}


async def openapi(request: Request) -> Response:
    """`GET /openapi.json`."""
    return JSONResponse(document(state_of(request).limits))


async def docs(request: Request) -> Response:
    """`GET /docs`."""
    return HTMLResponse(page(document(state_of(request).limits)))


@functools.cache
def document(limits: Limits) -> dict[str, Any]:
    """The OpenAPI document of a server with these limits."""
    piece = piece_schema(limits, is_stream=True)  # of both: without a stream, `steps` is at least 1
    file = {"type": "string", "contentMediaType": MIDI, "description": "a MIDI file, whose end the piece continues"}
    form = piece | {"title": "PieceForm", "properties": piece["properties"] | {"primer": file}}
    primer = form | {"title": "PrimerForm", "required": ["primer"]}
    schemas = {"Piece": piece, "PieceForm": form, "PrimerForm": primer, "Infill": infill_schema(limits)}
    schemas["Render"] = render_schema(limits)
    forms = {JSON: "Piece", FORM: "PieceForm"}
    paths = {
        "/generate": _post("Generates a piece.", forms, (MIDI, JSON, EVENTS), (_STREAM, _LAST_EVENT)),
        "/infill": _post("Fills a gap in a piece.", {JSON: "Infill"}, (MIDI, JSON)),
        "/primer": _post("Reads a MIDI file as a primer.", {FORM: "PrimerForm"}, (JSON,), (_WHOLE,)),
        "/render": _post("Writes music as a file.", {JSON: "Render"}, tuple(kind for kind, _ in KINDS.values())),
        "/about": _get("The model, its versions, and the ranges of fields.", (JSON,), errors=(503,)),
        "/healthz": _get("Whether the process is alive.", (JSON,)),
        "/readyz": _get("Whether the server takes requests.", (JSON,), errors=(503,)),
        "/metrics": _get("Metrics for Prometheus.", (TEXT,)),
        "/openapi.json": _get("This document.", (JSON,)),
        "/docs": _get("This document as a page.", (HTML,)),
    }
    model, version = "/v1/models/{name}", "/v1/models/{name}/versions/{version}"
    for path, parameters in ((model, (_MODEL,)), (version, (_MODEL, _VERSION))):
        paths[path] = _get("Status of the versions, as from TensorFlow Serving.", (JSON,), parameters, (404,))
        paths[f"{path}/metadata"] = _get("Signatures, as from TensorFlow Serving.", (JSON,), parameters, (404, 503))
        paths[f"{path}:predict"] = _post(
            "Runs a signature, as from TensorFlow Serving.", {JSON: "Predict"}, (JSON,), parameters
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "pianoroll_tf", "version": __version__, "description": "Generates polyphonic music."},
        "servers": [{"url": "."}],  # relative to this document, which a reverse proxy may serve under a prefix
        "paths": paths,
        "components": {"schemas": schemas | OTHER_SCHEMAS},
    }


def _get(
    summary: str, kinds: tuple[str, ...], parameters: tuple[dict, ...] = (), errors: Iterable[int] = ()
) -> dict[str, Any]:
    """A path with a GET operation, which responds with these media types."""
    responses = {"200": {"description": "success", "content": {kind: {} for kind in kinds}}}
    failed = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    responses |= {str(code): {"description": ERRORS[code], "content": failed} for code in errors}
    return {"get": {"summary": summary, "parameters": list(parameters), "responses": responses}}


def _post(
    summary: str, bodies: dict[str, str], kinds: tuple[str, ...], parameters: tuple[dict, ...] = ()
) -> dict[str, Any]:
    """A path with a POST operation, whose body is of one of these media types and schemas."""
    content = {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}} for kind, name in bodies.items()}
    operation = _get(summary, kinds, parameters, ERRORS)["get"]
    return {"post": operation | {"requestBody": {"required": True, "content": content}}}


def page(api: dict[str, Any]) -> str:
    """An OpenAPI document as HTML without styles and scripts, which the content security policy would refuse."""
    title = f"{api['info']['title']} {api['info']['version']}"
    parts = [f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>']
    for path, operations in api["paths"].items():
        for method, operation in operations.items():
            parts.append(f"<h2>{method.upper()} {html.escape(path)}</h2><p>{html.escape(operation['summary'])}</p>")
            parts.append(_table({one["name"]: one["schema"] | one for one in operation["parameters"]}))
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                name = content["schema"]["$ref"].rpartition("/")[2]
                parts.append(f'<p>Body: {kind}, <a href="#{name}">{name}</a></p>')
            for code, response in operation["responses"].items():
                kinds = ", ".join(response["content"])
                parts.append(f"<p>{code}: {html.escape(response['description'])} ({kinds})</p>")
    for name, schema in api["components"]["schemas"].items():
        parts.append(f'<h2 id="{name}">{name}</h2>{_table(schema["properties"])}')
    return "\n".join(parts)


def _table(fields: dict[str, dict[str, Any]]) -> str:
    """Name, description and JSON schema of some fields."""
    rows = []
    for name, field in fields.items():
        schema = {key: value for key, value in field.items() if key not in ("name", "in", "schema", "description")}
        cells = (name, field.get("description", ""), json.dumps(schema))
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells))
    return f"<table>{''.join(rows)}</table>" if rows else ""
