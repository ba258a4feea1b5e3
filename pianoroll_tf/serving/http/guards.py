"""Checks that every request passes: Host, Origin, sizes, time for its body; adds the security headers of responses."""

import asyncio
import contextlib
import ipaddress
import re
import socket
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pianoroll_tf.serving.drawing.fair_queue import FairQueue
from pianoroll_tf.serving.refusals import HttpRefusal, InvalidRequestError, Refusal
from pianoroll_tf.serving.settings import Address, Limits
from pianoroll_tf.serving.state import route_path

DISCARDED_BODIES = 4  # times the limit, read and discarded beyond it, so that the sender receives the response
_HOST = re.compile(r"(?:\[([^\[\]/?#@\\]+)\]|([^\[\]:/?#@\\]+))(?::\d{0,5})?", re.ASCII)
UNQUEUED_PATHS = ("/healthz", "/readyz", "/metrics")  # answered without waiting in the queue
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; media-src 'self' blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": POLICY,
}


class Guard:
    """ASGI middleware that refuses requests before the application sees them; they wait in a queue to be checked."""

    def __init__(self, app: ASGIApp, address: Address, limits: Limits, queue: FairQueue) -> None:
        self._app, self._limits, self._queue = app, limits, queue
        self._names = set(map(str.lower, ("localhost", address.host, socket.gethostname(), *address.allow_host)))
        self._origins = set(address.allow_origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks a request and passes it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if route_path(scope) not in UNQUEUED_PATHS:
            await self._queue.wait()
        safe_send = _with_security_headers(send, is_shared=bool(self._origins))
        request = Request(scope, receive)
        try:
            self._check(scope, request.headers)
            body = await self._read(request)
        except Refusal as refusal:
            response = await refused(request, refusal)
            await response(scope, receive, safe_send)
            return
        except ClientDisconnect:
            return
        await self._app(scope, _replay(body, receive), safe_send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Checks the request line and the headers."""
        length = len(scope["raw_path"]) + len(scope["query_string"])
        if length > self._limits.url_bytes:
            raise HttpRefusal(414, f"address must have at most {self._limits.url_bytes} bytes. Received: {length}")
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size > self._limits.header_bytes:
            raise HttpRefusal(431, f"headers must have at most {self._limits.header_bytes} bytes. Received: {size}")
        if not is_known_host(headers.getlist("host"), self._names):
            raise InvalidRequestError("Host must name this server (--allow-host adds names). Received: another")
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins and origin.partition("://")[2] != headers["host"]:
            raise HttpRefusal(403, "Origin must be this server (--allow-origin adds others). Received: another")
        if "content-length" in headers and "transfer-encoding" in headers:  # a proxy may see another end of the body
            closing = {"Connection": "close"}
            raise HttpRefusal(400, "body must have a Content-Length or a Transfer-Encoding. Received: both", closing)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise HttpRefusal(415, "body must not be compressed. Received: a Content-Encoding")

    async def _read(self, request: Request) -> bytes:
        """Reads the whole body, of bounded size and in bounded time."""
        limit, seconds = self._limits.body_bytes, self._limits.idle_seconds
        too_large = HttpRefusal(413, f"body must have at most {limit} bytes. Received: more", {"Connection": "close"})
        if int(request.headers.get("content-length", "0")) > limit * (1 + DISCARDED_BODIES):
            raise too_large
        chunks, size = [], 0
        try:
            async with asyncio.timeout(seconds), contextlib.aclosing(request.stream()) as stream:
                async for chunk in stream:
                    size += len(chunk)
                    if size > limit * (1 + DISCARDED_BODIES):
                        raise too_large
                    if size <= limit:
                        chunks.append(chunk)
        except TimeoutError as error:
            raise HttpRefusal(408, f"body must arrive within {seconds:g} s", {"Connection": "close"}) from error
        if size > limit:
            raise too_large
        return b"".join(chunks)


def is_known_host(hosts: list[str], names: Iterable[str]) -> bool:
    """Whether there is one Host header, and it is a known name or an IP address, with or without a port.

    This prevents DNS rebinding: a foreign page whose name was made to resolve to this machine sends that name.

    >>> [is_known_host([host], ["localhost"]) for host in ("localhost:8501", "[::1]:8501", "evil.example")]
    [True, True, False]
    """
    found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
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
    """Receives the body that has been read, then whatever follows it."""
    replayed = False

    async def replay() -> Message:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _with_security_headers(send: Send, is_shared: bool) -> Send:
    """Adds the headers to a response; pages of other origins may embed it if `is_shared`."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                if not (is_shared and name.startswith("Cross-Origin")):
                    present.setdefault(name, value)
        await send(message)

    return send_with_headers


async def refused(request: Request, refusal: Refusal) -> JSONResponse:
    """The response to a refused request: `{"error": message}`."""
    return JSONResponse({"error": str(refusal)}, refusal.status, refusal.headers)
