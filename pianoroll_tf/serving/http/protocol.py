"""uvicorn's protocol with a clock: who sends a request too slowly, or does not take the answer, is dropped."""

import asyncio
import socket
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

LEAST_BYTES = 16 << 10  # that a client must take while `idle_seconds` pass, if there are so many
LEAST_SHARE = 16  # of a long answer it must take one part of so many, else a few slow ones would fill the memory


def make_protocol(idle_seconds: float, most_connections: int) -> type[H11Protocol]:
    """The protocol class of a server with these limits."""
    return type("Protocol", (TimedProtocol,), {"idle_seconds": idle_seconds, "most_connections": most_connections})


class TimedProtocol(H11Protocol):
    """One connection.

    Attributes:
        idle_seconds: For the headers of a request, and for the client to take something of what it is sent.
        most_connections: Open at once; a further one is told 503.
    """

    idle_seconds = 10.0
    most_connections = 1024

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for a request."""
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that we hear of every byte that is not taken
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # what the kernel has taken for a client that takes nothing; Linux
            waiting = round(1000 * self.idle_seconds)
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, waiting)
        if len(self.connections) > self.most_connections:
            self._refuse(503, "too many connections; come again")
        else:
            self._expect_request()

    def data_received(self, data: bytes) -> None:
        """Part of a request."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_expecting()
        elif self._reading is None and not self.transport.is_closing():
            self._expect_request()  # or the rest of a body that was answered before its end

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._stop_expecting()
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Something of the answer waits to be taken."""
        super().pause_writing()
        if self._writing is None:
            waiting = self.transport.get_write_buffer_size()
            self._watch_writing(waiting, max(LEAST_BYTES, waiting // LEAST_SHARE))

    def resume_writing(self) -> None:
        """All was taken."""
        self._stop_watching()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What could not be understood as a request: too long, or broken."""
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
        """Answers without a request, and closes; where an answer has been begun already, only closes."""
        self._stop_expecting()
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
        self._reading = self.loop.call_later(self.idle_seconds, self.transport.abort)

    def _stop_expecting(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _watch_writing(self, waiting: int, least: int) -> None:
        """Looks again after a while whether at least so much has been taken."""
        self._writing = self.loop.call_later(self.idle_seconds, self._check_writing, waiting, least)

    def _check_writing(self, before: int, least: int) -> None:
        now = self.transport.get_write_buffer_size()
        if now > before - least:
            self.transport.abort()
        else:
            self._watch_writing(now, least)

    def _stop_watching(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
