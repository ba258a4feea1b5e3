"""JSON from untrusted clients."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.strict_json import depth, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=30)
@given(st.dictionaries(st.text(), VALUES))
def test_json_is_parsed_as_by_python(value):
    assert parse(json.dumps(value).encode(), max_depth=1000) == value


def nesting(value):
    if isinstance(value, list | dict):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(nesting, inner), default=0)
    return 0


@settings(max_examples=30)
@given(VALUES)
def test_depth_is_that_of_the_value_whatever_its_strings_contain(value):
    assert depth(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == nesting(value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "body must be JSON. Received: Expecting value at character 0"),
        (b"{", "body must be JSON"),
        (b"[1]", "body must be a JSON object. Received: a list"),
        (b"7", "body must be a JSON object. Received: a number"),
        (b"null", "body must be a JSON object. Received: null"),
        (b'"x"', "body must be a JSON object. Received: a string"),
        (b'{"steps": 1, "steps": 2}', "steps must be given once. Received: steps twice"),
        (b'{"a": [{"b": 1, "b": 1}]}', "b must be given once"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        (b'{"a": 1} x', "Extra data"),
        (b"{'a': 1}", "body must be JSON"),
        (b"[" * 100_000, "at most 8 levels"),
        (b'{"a":' * 100_000, "at most 8 levels"),
        (b'{"a": ' + b"[" * 8 + b"]" * 8 + b"}", "at most 8 levels"),
    ],
)
def test_what_is_refused(body, words):
    with pytest.raises(InvalidRequestError) as caught:
        parse(body, max_depth=8)
    assert words in str(caught.value)


def test_brackets_in_strings_do_not_count():
    assert depth(b'{"a": "[[[[\\"[[[["}') == 1
    assert depth(b'"[[[[') == 0
    assert depth(rb'{"a\\\\": [1, "\\\\\"[[", [2]]}') == 3


def test_numbers_that_are_not_finite_are_left_to_the_check_of_their_field():
    assert parse(b'{"a": 1e400, "b": -Infinity}', 8) == {"a": float("inf"), "b": float("-inf")}
    assert parse(b'{"a": -' + b"1" * 5000 + b"}", 8) == {"a": float("-inf")}
    assert parse(b'{"a": ' + b"1" * 400 + b"}", 8) == {"a": int("1" * 400)}
