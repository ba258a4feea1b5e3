"""Reasons for which a request is refused, with the names that gRPC has for them and the statuses of HTTP."""

from collections.abc import Mapping

MAX_CHARACTERS = 300  # of a message to a client


class Refusal(Exception):  # noqa: N818 (the request fails, not the server)
    """A request is refused.

    Args:
        message: For the client; line breaks and unprintable characters are replaced, and a long text is cut.
        headers: Of the response over HTTP.

    Attributes:
        code: Name of the reason, as in gRPC.
        status: Of the response over HTTP.
    """

    code: str
    status: int

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(shorten(message))
        self.headers = headers or {}


class InvalidRequestError(Refusal):
    """The request itself is wrong."""

    code, status = "INVALID_ARGUMENT", 400


class NotFoundError(Refusal):
    """The request names something that does not exist."""

    code, status = "NOT_FOUND", 404


class OverloadedError(Refusal):
    """Too many requests are waiting."""

    code, status = "RESOURCE_EXHAUSTED", 429

    def __init__(self, message: str, retry_seconds: int = 1) -> None:
        super().__init__(f"{message}; retry in {retry_seconds} s", {"Retry-After": str(retry_seconds)})


class UnavailableError(Refusal):
    """The server cannot answer at the moment."""

    code, status = "UNAVAILABLE", 503


class StoppingError(UnavailableError):
    """The server is stopping."""

    def __init__(self) -> None:
        super().__init__("the server is stopping", {"Retry-After": "5", "Connection": "close"})


class DeadlineError(Refusal):
    """The response takes longer than the server allows."""

    code, status = "DEADLINE_EXCEEDED", 504


class HttpRefusal(Refusal):
    """A request is refused with a status that only HTTP has."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message, headers)
        self.status = status


def shorten(text: str) -> str:
    """A text as one line of bounded length that is safe to print on a terminal.

    >>> shorten("a\\nb"), len(shorten("x" * 1000))
    ('a b', 300)
    """
    line = " ".join(text[: 4 * MAX_CHARACTERS].split())
    line = "".join(char if char.isprintable() else "\ufffd" for char in line)
    return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 1] + "…"
