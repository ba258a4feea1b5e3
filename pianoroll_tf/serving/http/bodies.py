"""Reads a request's body: as JSON or as a form with a file, within the limits."""

import dataclasses
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pianoroll_tf.serving import strict_json
from pianoroll_tf.serving.drawing.piece_request import form_fields
from pianoroll_tf.serving.refusals import Refusal, bad
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.state import state_of

JSON, FORM = "application/json", "multipart/form-data"
MOST_FIELDS = 16  # of a form
FIELD_BYTES = 4096  # of one that is no file


@dataclasses.dataclass(frozen=True)
class Form:
    """A form that was sent.

    Attributes:
        fields: Its texts, numbers where they are such.
        upload: Content of its file; none if there is none.
    """

    fields: dict[str, Any]
    upload: bytes | None


def media_type(request: Request) -> str:
    """The kind of body, without parameters, in small letters; empty if the request does not say."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, limits: Limits) -> dict[str, Any]:
    """The object of a JSON body; a long one is read beside the loop.

    Raises:
        Refusal: 400, see `strict_json.parse`.
    """
    body = await request.body()
    return await state_of(request).work(len(body), strict_json.parse, body, limits.json_depth)


async def read_fields(request: Request, limits: Limits) -> tuple[dict[str, Any], bytes | None]:
    """Fields and file of a body that is JSON or a form.

    Raises:
        Refusal: 400; 415 for any other kind.
    """
    kind = media_type(request)
    if kind == FORM:
        form = await read_form(request, limits)
        return form.fields, form.upload
    if kind != JSON:
        raise Refusal(415, f"body must be {JSON} or {FORM}. Received: {kind or 'no content-type'}")
    return await read_json(request, limits), None


async def read_form(request: Request, limits: Limits) -> Form:
    """A form with at most one file, called `primer`.

    Raises:
        Refusal: 400 if it is broken, 415 if it is none.
    """
    kind = media_type(request)
    if kind != FORM:
        raise Refusal(415, f"body must be {FORM}. Received: {kind or 'no content-type'}")
    if not (await request.body()).rstrip().endswith(b"--"):
        raise bad(f"body must be {FORM}. Received: one that ends before its last boundary")
    texts: dict[str, str] = {}
    upload = None
    try:
        async with request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=FIELD_BYTES) as form:
            for name, value in form.multi_items():
                if name in texts or (name == "primer" and upload is not None):
                    raise bad(f"{name} must stand once. Received: {name} twice")
                if not isinstance(value, UploadFile):
                    texts[name] = value
                elif name == "primer":
                    upload = await value.read()
                else:
                    raise bad(f"the file must be called primer. Received: {name}")
    except HTTPException as error:  # what the framework makes of a form that it cannot read
        raise bad(f"body must be {FORM}. Received: {error.detail}") from error
    except UnicodeError as error:  # there are charsets that fail in ways of their own
        raise bad(f"body must be {FORM} in UTF-8. Received: another charset") from error
    if upload is not None and "primer" in texts:
        raise bad("primer must stand once. Received: primer twice")
    return Form(form_fields(texts), upload)
