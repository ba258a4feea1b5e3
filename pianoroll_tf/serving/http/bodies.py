"""Reads the body of a request: JSON, or a form with a file, within the limits."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pianoroll_tf.serving import strict_json
from pianoroll_tf.serving.refusals import HttpRefusal, InvalidRequestError
from pianoroll_tf.serving.state import state_of

JSON, FORM = "application/json", "multipart/form-data"
MAX_FIELDS = 16  # of a form
MAX_FIELD_BYTES = 4096  # of a field that is not a file
MAX_FIELD_DEPTH = 4  # of a list in a form, in an object: chords are a list of objects with lists
_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,30})?([eE][-+]?\d{1,3})?", re.ASCII)


class Form(NamedTuple):
    """The fields and the file of a body; None: there is no file."""

    fields: dict[str, Any]
    upload: bytes | None


def media_type(request: Request) -> str:
    """The media type of the body in lower case, without parameters; empty if the request does not name it."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read(request: Request, *allowed: str) -> Form:
    """The content of a body of one of these media types; long JSON is parsed on another thread.

    Raises:
        InvalidRequestError: The body cannot be parsed.
        HttpRefusal: 415, it is of another type.
    """
    kind = media_type(request)
    if kind not in allowed:
        raise HttpRefusal(415, f"body must be {' or '.join(allowed)}. Received: {kind or 'no content-type'}")
    if kind == FORM:
        return await _read_form(request)
    state, body = state_of(request), await request.body()
    return Form(await state.offload(len(body), strict_json.parse, body, state.limits.json_depth), None)


async def _read_form(request: Request) -> Form:
    """A form with at most one file, whose name is `primer`."""
    if not (await request.body()).rstrip().endswith(b"--"):
        raise InvalidRequestError(f"body must be {FORM}. Received: a body that ends before its last boundary")
    texts: dict[str, str] = {}
    upload = None
    try:
        async with request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES) as form:
            for name, value in form.multi_items():
                if name in texts or (name == "primer" and upload is not None):
                    raise InvalidRequestError(f"{name} must be given once. Received: {name} twice")
                if not isinstance(value, UploadFile):
                    texts[name] = value
                elif name == "primer":
                    upload = await value.read()
                else:
                    raise InvalidRequestError(f"the file must be called primer. Received: {name}")
    except HTTPException as error:  # Starlette's, for a form that it cannot parse
        raise InvalidRequestError(f"body must be {FORM}. Received: {error.detail}") from error
    except UnicodeError as error:  # some charsets fail in ways of their own
        raise InvalidRequestError(f"body must be {FORM} in UTF-8. Received: another charset") from error
    if upload is not None and "primer" in texts:
        raise InvalidRequestError("primer must be given once. Received: primer twice")
    return Form(form_values(texts), upload)


def form_values(texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of a form's fields: numbers and lists where they are written as in JSON; empty fields are left out.

    >>> form_values({"steps": "8", "temperature": "1.5", "density": "", "output": "roll", "scale": "[0, 4]"})
    {'steps': 8, 'temperature': 1.5, 'output': 'roll', 'scale': [0, 4]}
    """
    values: dict[str, Any] = {}
    for name, text in texts.items():
        number = _NUMBER.fullmatch(text)
        if number:
            values[name] = float(text) if number.lastindex else int(text)
        elif text.startswith("[") and name != "primer":  # which is a file in a form
            values[name] = _list(name, text)
        elif text:
            values[name] = text
    return values


def _list(name: str, text: str) -> Any:
    """The list that a field of a form holds as JSON."""
    parsed = strict_json.parse(f'{{"list": {text}}}'.encode(), MAX_FIELD_DEPTH)
    if len(parsed) > 1:
        raise InvalidRequestError(f"{name} must be one list. Received: {name}={strict_json.format_value(text)}")
    return parsed["list"]
