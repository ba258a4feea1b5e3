"""HTTP statuses and headers of refused requests."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from pianoroll_tf.serving.refusals import Refusal, StoppingError

STATUSES = {
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class HttpRefusal(Refusal):
    """A request is refused for a reason that only HTTP has.

    Args:
        status: HTTP status.
        message: For the client.
        headers: Of the response.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}


def error_response(refusal: Refusal) -> JSONResponse:
    """The response to a refused request: `{"error": message}`."""
    if isinstance(refusal, HttpRefusal):
        return JSONResponse({"error": str(refusal)}, refusal.status, refusal.headers)
    headers = {} if refusal.retry_seconds is None else {"Retry-After": str(refusal.retry_seconds)}
    if isinstance(refusal, StoppingError):
        headers["Connection"] = "close"
    return JSONResponse({"error": str(refusal)}, STATUSES[refusal.code], headers)
