"""What a request is refused with: a status, one line of text, headers."""

from collections.abc import Mapping

MOST_CHARACTERS = 300  # of a line that a client is told


class Refusal(Exception):  # noqa: N818 (it is no error of ours)
    """An answer other than the one that was asked for.

    Args:
        status: HTTP status.
        text: One line for the client.
        headers: Of the answer, as Retry-After.
    """

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, shorten(text), dict(headers or {})


def bad(text: str) -> Refusal:
    """The request itself is wrong: 400."""
    return Refusal(400, text)


def busy(what: str, seconds: int = 1) -> Refusal:
    """Too much is asked for at once: 429, and when to come again."""
    return Refusal(429, f"{what} are full; come again in {seconds} s", {"Retry-After": str(seconds)})


def shorten(text: str) -> str:
    """A text on one line of bounded length that a terminal can show.

    >>> shorten("a\\nb")
    'a b'
    >>> len(shorten("x" * 1000))
    300
    """
    line = " ".join(text[: 4 * MOST_CHARACTERS].split())
    line = "".join(char if char.isprintable() else "\ufffd" for char in line)
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"
