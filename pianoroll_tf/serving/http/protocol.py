"""uvicorn's HTTP protocol with timeouts: drops clients that send a request, or take the response, too slowly."""

import asyncio
import socket
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

MIN_BYTES = 16 << 10  # that a client must take within `idle_seconds`, unless fewer are left
MIN_SHARE = 16  # of a long response a 16th must be taken; otherwise a few slow clients could fill the memory


def make_protocol(idle_seconds: float, max_connections: int) -> type[H11Protocol]:
    """The protocol class for a server with these limits."""
    return type("Protocol", (TimedProtocol,), {"idle_seconds": idle_seconds, "max_connections": max_connections})


class TimedProtocol(H11Protocol):
    """One connection; a request must arrive, and a part of the response be taken, within `idle_seconds`."""

    idle_seconds: float
    max_connections: int

    def connection_made(self, transport: Any) -> None:
        """Starts to wait for a request."""
        self._timers: dict[str, asyncio.TimerHandle] = {}
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that `pause_writing` is called for every byte that is not taken
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # on Linux also for bytes that are in the kernel's buffer
            waiting = round(1000 * self.idle_seconds)
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, waiting)
        if len(self.connections) > self.max_connections:
            self._refuse(503, "too many connections; retry later")
        else:
            self._expect_request()

    def data_received(self, data: bytes) -> None:
        """Reads a part of a request."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop("reading")
        elif "reading" not in self._timers and not self.transport.is_closing():
            self._expect_request()  # or the rest of a body whose response was sent before its end

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops all timers."""
        self._stop("reading")
        self._stop("writing")
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """A part of the response waits to be taken by the client."""
        super().pause_writing()
        if "writing" not in self._timers:
            waiting = self.transport.get_write_buffer_size()
            self._watch_writing(waiting, max(MIN_BYTES, waiting // MIN_SHARE))

    def resume_writing(self) -> None:
        """The client has taken everything."""
        self._stop("writing")
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Responds to a request that is too long or cannot be parsed."""
        error = sys.exception()
        status = getattr(error, "error_status_hint", 400)
        received, _ = self.conn.trailing_data
        if status == 431 and b"\n" not in received:
            self._refuse(414, "address is too long")
        elif status == 431:
            self._refuse(431, "headers are too large")
        else:
            self._refuse(400, msg)

    def _refuse(self, status: int, text: str) -> None:
        """Responds and closes the connection; if a response has been started already, only closes it."""
        self._stop("reading")
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        body = f'{{"error":"{text}"}}'.encode()
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        events: list[Any] = [
            h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ]
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _expect_request(self) -> None:
        self._timers["reading"] = self.loop.call_later(self.idle_seconds, self.transport.abort)

    def _watch_writing(self, waiting: int, minimum: int) -> None:
        """Checks after `idle_seconds` whether at least so many bytes have been taken."""
        self._timers["writing"] = self.loop.call_later(self.idle_seconds, self._check_writing, waiting, minimum)

    def _check_writing(self, before: int, minimum: int) -> None:
        now = self.transport.get_write_buffer_size()
        if now > before - minimum:
            self.transport.abort()
        else:
            self._watch_writing(now, minimum)

    def _stop(self, name: str) -> None:
        if name in self._timers:
            self._timers.pop(name).cancel()
