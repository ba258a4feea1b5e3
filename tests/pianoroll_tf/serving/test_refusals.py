"""Messages, statuses and headers of refused requests."""

import asyncio
import json

import pytest

from pianoroll_tf.serving import refusals
from pianoroll_tf.serving.http.guards import refused
from pianoroll_tf.serving.refusals import InvalidRequestError, OverloadedError, shorten


@pytest.mark.parametrize(
    ("refusal", "status", "headers"),
    [
        (refusals.InvalidRequestError("text"), 400, {}),
        (refusals.NotFoundError("text"), 404, {}),
        (refusals.OverloadedError("text", retry_seconds=3), 429, {"retry-after": "3"}),
        (refusals.UnavailableError("text", {"Retry-After": "5"}), 503, {"retry-after": "5"}),
        (refusals.StoppingError(), 503, {"retry-after": "5", "connection": "close"}),
        (refusals.DeadlineError("text"), 504, {}),
        (refusals.HttpRefusal(413, "text", {"Connection": "close"}), 413, {"connection": "close"}),
    ],
)
def test_every_refusal_has_its_status_and_headers(refusal, status, headers):
    response = asyncio.run(refused(None, refusal))
    others = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    assert (response.status_code, others) == (status, headers)
    assert json.loads(response.body) == {"error": str(refusal)}


def test_an_overload_says_when_to_retry():
    refusal = OverloadedError("too many pieces are waiting", retry_seconds=3)
    assert refusal.headers == {"Retry-After": "3"}
    assert str(refusal) == "too many pieces are waiting; retry in 3 s"


def test_a_message_is_one_printable_line_whatever_was_received():
    message = str(InvalidRequestError("x must be y. Received: x=\x1b[31m\r\n\x00" + "z" * 10_000))
    assert message.isprintable()
    assert len(message) == 300


def test_a_short_text_is_not_changed():
    assert shorten("steps must be >= 1") == "steps must be >= 1"
