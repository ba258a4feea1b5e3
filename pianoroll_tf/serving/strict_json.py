"""Reads JSON from strangers: what Python's reader lets pass, or dies of, is refused or left for the field's check."""

import json
from typing import Any

import numpy as np

from pianoroll_tf.serving.refusals import bad

MOST_DIGITS = 400  # of a whole number; one of more is as good as infinite
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = (ord("["), ord("{"))


def parse(body: bytes, most_levels: int) -> dict[str, Any]:
    """The object of a request's body.

    NaN, Infinity, 1e400 and whole numbers of more than `MOST_DIGITS` digits become floats that are not finite, so that
    the check of their field can name it.

    Args:
        body: UTF-8 text.
        most_levels: Of nesting.

    Raises:
        Refusal: 400, if it is no JSON object, has the same name twice in an object, or too many levels.

    >>> parse(b'{"steps": 4}', most_levels=8)
    {'steps': 4}
    """
    if levels(body) > most_levels:
        raise bad(f"body must have at most {most_levels} levels of nesting. Received: more")
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_int=_whole)
    except UnicodeDecodeError as error:
        raise bad(f"body must be JSON in UTF-8. Received: byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise bad(f"body must be JSON. Received: {error.msg} at character {error.pos}") from error
    if not isinstance(value, dict):
        raise bad(f"body must be a JSON object. Received: {type_name(value)}")
    return value


def levels(body: bytes) -> int:
    """How many brackets are open at once at most, outside of texts.

    >>> levels(b'{"a": [1, "[["]}')
    2
    """
    if b'"' in body:
        bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")  # a quote that is left begins or ends a text
        body = b"".join(bare.split(b'"')[::2])
    brackets = np.frombuffer(body.translate(None, _NO_BRACKETS), np.uint8)
    steps = np.where(np.isin(brackets, _OPENING), 1, -1)
    return int(np.cumsum(steps).max(initial=0))


def type_name(value: Any) -> str:
    """What JSON calls a value.

    >>> type_name(True)
    'a boolean'
    """
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def shown(value: Any) -> str:
    """A value for an error: numbers as they are, texts cut, the rest by their kind.

    >>> shown([1, 2]), shown(None), shown(1e400)
    ('a list', 'null', 'inf')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    return f"{value!r:.80}" if isinstance(value, int | float | str) else type_name(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise bad(f"{name} must stand once. Received: {name} twice")
        found[name] = value
    return found


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= MOST_DIGITS else float(text)
