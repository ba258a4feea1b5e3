"""What every request passes before it is answered: Host, Origin, sizes, time for its body; and headers of safety."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pianoroll_tf.serving.drawing.fair_queue import Turns
from pianoroll_tf.serving.refusals import Refusal
from pianoroll_tf.serving.settings import Address, Limits

DISCARDED_BODIES = 4  # of a body that is too large, so much is read and thrown away, so that its sender hears why
_HOST = re.compile(r"(?:\[([^\[\]/?#@\\]+)\]|([^\[\]:/?#@\\]+))(?::\d{0,5})?", re.ASCII)
AT_ONCE = ("/healthz", "/readyz", "/metrics")  # answered without waiting for a turn
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; media-src 'self' blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": POLICY,
}


class Guard:
    """ASGI middleware that refuses requests before anything else sees them.

    Args:
        app: What answers the others.
        address: Where the server listens.
        limits: Of the server.
        turns: For which all but those who ask how the server is wait, before they are looked at.
    """

    def __init__(self, app: ASGIApp, address: Address, limits: Limits, turns: Turns) -> None:
        self._app, self._limits, self._turns = app, limits, turns
        self._names = {
            "localhost",
            address.host.lower(),
            socket.gethostname().lower(),
            *map(str.lower, address.allow_host),
        }
        self._origins = set(address.allow_origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks, then lets the application answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] not in AT_ONCE:
            await self._turns.wait()
        safe_send = _with_headers(send, SAFETY, self._origins)
        headers = Headers(scope=scope)
        try:
            self._check(scope, headers)
            body = await self._read(headers, receive)
        except Refusal as refusal:
            await refuse(refusal)(scope, receive, safe_send)
            return
        except ConnectionError:
            return  # it hung up within its body
        await self._app(scope, _replay(body, receive), safe_send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Refuses by what the first lines say."""
        length = len(scope["raw_path"]) + len(scope["query_string"])
        if length > self._limits.url_bytes:
            raise Refusal(414, f"address must have at most {self._limits.url_bytes} bytes. Received: {length}")
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size > self._limits.header_bytes:
            raise Refusal(431, f"headers must have at most {self._limits.header_bytes} bytes. Received: {size}")
        if not is_known(headers.getlist("host"), self._names):
            raise Refusal(400, "Host must name this server (--allow-host adds names). Received: another")
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins and origin.partition("://")[2] != headers["host"]:
            raise Refusal(403, "Origin must be this server (--allow-origin adds others). Received: another")
        if "content-length" in headers and "transfer-encoding" in headers:  # a server in front may end it elsewhere
            closing = {"Connection": "close"}
            raise Refusal(400, "body must have a Content-Length or a Transfer-Encoding. Received: both", closing)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal(415, "body must not be compressed. Received: a Content-Encoding")

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        """The whole body, of bounded size and in bounded time."""
        most, seconds = self._limits.body_bytes, self._limits.idle_seconds
        declared = headers.get("content-length", "0")
        too_large = Refusal(413, f"body must have at most {most} bytes. Received: more", {"Connection": "close"})
        if int(declared) > most * (1 + DISCARDED_BODIES):
            raise too_large
        chunks, size = [], 0
        try:
            async with asyncio.timeout(seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ConnectionError
                    size += len(message.get("body", b""))
                    if size > most * (1 + DISCARDED_BODIES):
                        raise too_large
                    if size <= most:
                        chunks.append(message.get("body", b""))
                    if not message.get("more_body", False):
                        break
        except TimeoutError as error:
            raise Refusal(408, f"body must arrive within {seconds:g} s", {"Connection": "close"}) from error
        if size > most:
            raise too_large
        return b"".join(chunks)


def refuse(refusal: Refusal) -> JSONResponse:
    """One line of JSON."""
    return JSONResponse({"error": refusal.text}, refusal.status, refusal.headers)


def is_known(hosts: list[str], names: Iterable[str]) -> bool:
    """Whether the one Host header is a known name or a bare address, with or without a port.

    A page elsewhere whose name was made to point here comes with that name; an address cannot be made to point.

    >>> is_known(["localhost:8501"], ["localhost"]), is_known(["[::1]:8501"], []), is_known(["evil.example"], [])
    (True, True, False)
    """
    if len(hosts) != 1:
        return False
    found = _HOST.fullmatch(hosts[0])
    if not found:
        return False
    address, name = found.groups()
    if name and name.lower() in names:
        return True
    try:
        ipaddress.ip_address(address or name)
    except ValueError:
        return False
    return True


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read once, then whatever comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _with_headers(send: Send, headers: dict[str, str], origins: set[str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = MutableHeaders(scope=message)
            for name, value in headers.items():
                if not (origins and name.startswith("Cross-Origin")):
                    present.setdefault(name, value)
        await send(message)

    return send_with_headers
