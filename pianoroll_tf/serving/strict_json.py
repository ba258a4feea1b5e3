"""Parses JSON from untrusted clients, and refuses what Python's parser would accept or fail on."""

import json
from typing import Any

import numpy as np

from pianoroll_tf.serving.refusals import InvalidRequestError

MAX_DIGITS = 400  # of an integer; a longer one is read as an infinite float
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = (ord("["), ord("{"))


def parse(body: bytes, max_depth: int) -> dict[str, Any]:
    """The JSON object in the body of a request.

    NaN, Infinity, 1e400 and integers of more than `MAX_DIGITS` digits become floats that are not finite, so that the
    check of their field can name it.

    Raises:
        InvalidRequestError: It is not a JSON object, an object has the same name twice, or it is nested too deeply.

    >>> parse(b'{"steps": 4}', max_depth=8)
    {'steps': 4}
    """
    if depth(body) > max_depth:
        raise InvalidRequestError(f"body must have at most {max_depth} levels of nesting. Received: more")
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_int=_parse_int)
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"body must be JSON in UTF-8. Received: byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise InvalidRequestError(f"body must be JSON. Received: {error.msg} at character {error.pos}") from error
    if not isinstance(value, dict):
        raise InvalidRequestError(f"body must be a JSON object. Received: {type_name(value)}")
    return value


def depth(body: bytes) -> int:
    """The largest number of brackets that are open at once, outside of strings.

    >>> depth(b'{"a": [1, "[["]}')
    2
    """
    if b'"' in body:
        bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")  # each quote that is left begins or ends a string
        body = b"".join(bare.split(b'"')[::2])
    brackets = np.frombuffer(body.translate(None, _NO_BRACKETS), np.uint8)
    steps = np.where(np.isin(brackets, _OPENING), 1, -1)
    return int(np.cumsum(steps).max(initial=0))


def type_name(value: Any) -> str:
    """What JSON calls the type of a value.

    >>> type_name(True)
    'a boolean'
    """
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def format_value(value: Any) -> str:
    """A value for an error message: numbers in full, strings cut, lists and objects by their type.

    >>> format_value([1, 2]), format_value(None), format_value(1e400)
    ('a list', 'null', 'inf')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value!r:.80}" if isinstance(value, int | float | str) else type_name(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidRequestError(f"{name} must be given once. Received: {name} twice")
        found[name] = value
    return found


def _parse_int(text: str) -> int | float:
    return int(text) if len(text) <= MAX_DIGITS else float(text)
