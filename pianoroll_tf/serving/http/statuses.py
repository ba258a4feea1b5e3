"""HTTP statuses and headers of refused requests."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from pianoroll_tf.serving.refusals import (
    DeadlineError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    Refusal,
    StoppingError,
    UnavailableError,
)

STATUSES: dict[type[Refusal], int] = {
    InvalidRequestError: 400,
    NotFoundError: 404,
    OverloadedError: 429,
    UnavailableError: 503,
    StoppingError: 503,
    DeadlineError: 504,
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
    return JSONResponse({"error": str(refusal)}, STATUSES[type(refusal)], headers)
