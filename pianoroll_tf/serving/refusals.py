"""Reasons for which a request is refused, by the names that gRPC has for them; HTTP maps them to its own statuses."""

MAX_CHARACTERS = 300  # of a message to a client


class Refusal(Exception):  # noqa: N818 (the request fails, not the server)
    """A request is refused.

    Args:
        message: For the client; line breaks and unprintable characters are replaced, and a long text is cut.
        retry_seconds: When the client may try again; None: trying again is no use.

    Attributes:
        code: Name of the reason, as in gRPC.
    """

    code: str

    def __init__(self, message: str, retry_seconds: int | None = None) -> None:
        super().__init__(shorten(message))
        self.retry_seconds = retry_seconds


class InvalidRequestError(Refusal):
    """The request itself is wrong."""

    code = "INVALID_ARGUMENT"


class NotFoundError(Refusal):
    """The request names something that does not exist."""

    code = "NOT_FOUND"


class OverloadedError(Refusal):
    """Too many requests are waiting."""

    code = "RESOURCE_EXHAUSTED"

    def __init__(self, message: str, retry_seconds: int = 1) -> None:
        super().__init__(f"{message}; retry in {retry_seconds} s", retry_seconds)


class UnavailableError(Refusal):
    """The server cannot answer at the moment."""

    code = "UNAVAILABLE"


class StoppingError(UnavailableError):
    """The server is stopping."""

    def __init__(self) -> None:
        super().__init__("the server is stopping", retry_seconds=5)


class DeadlineError(Refusal):
    """The response takes longer than the server allows."""

    code = "DEADLINE_EXCEEDED"


def shorten(text: str) -> str:
    """A text as one line of bounded length that is safe to print on a terminal.

    >>> shorten("a\\nb")
    'a b'
    >>> len(shorten("x" * 1000))
    300
    """
    line = " ".join(text[: 4 * MAX_CHARACTERS].split())
    line = "".join(char if char.isprintable() else "\ufffd" for char in line)
    return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 1] + "…"
