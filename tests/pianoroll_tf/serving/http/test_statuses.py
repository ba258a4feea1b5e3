"""HTTP statuses and headers of refused requests."""

import json

import pytest

from pianoroll_tf.serving import refusals
from pianoroll_tf.serving.http.statuses import HttpRefusal, error_response


@pytest.mark.parametrize(
    ("refusal", "status", "headers"),
    [
        (refusals.InvalidRequestError("text"), 400, {}),
        (refusals.NotFoundError("text"), 404, {}),
        (refusals.OverloadedError("text", retry_seconds=3), 429, {"retry-after": "3"}),
        (refusals.UnavailableError("text", retry_seconds=5), 503, {"retry-after": "5"}),
        (refusals.StoppingError(), 503, {"retry-after": "5", "connection": "close"}),
        (refusals.DeadlineError("text"), 504, {}),
        (HttpRefusal(413, "text", {"Connection": "close"}), 413, {"connection": "close"}),
    ],
)
def test_every_refusal_has_its_status_and_headers(refusal, status, headers):
    response = error_response(refusal)
    others = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    assert (response.status_code, others) == (status, headers)
    assert json.loads(response.body) == {"error": str(refusal)}
