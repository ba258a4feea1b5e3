"""A proxy whose connections are cut in the middle of a streamed response, as on a train."""

import contextlib
import socket
import threading
from collections.abc import Iterator

STREAM = b"POST /generate?stream=1 "


class Cuts:
    """What the proxy has done.

    Attributes:
        left: How many more streams will be cut.
        last_event_ids: Of the streams that were requested, in order; empty: it begins.
    """

    def __init__(self, cuts: int) -> None:
        self.left, self.last_event_ids = cuts, list[str]()


@contextlib.contextmanager
def cutting_streams(port: int, cuts: int, after_bytes: int, containing: bytes) -> Iterator[tuple[str, Cuts]]:
    """Forwards to 127.0.0.1:`port` within `with`; cuts streams whose requests contain this, after so many bytes."""
    done = Cuts(cuts)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_accept, args=(listener, port, after_bytes, containing, done), daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{listener.getsockname()[1]}", done
    finally:
        listener.close()


def _accept(listener: socket.socket, port: int, after_bytes: int, containing: bytes, done: Cuts) -> None:
    with contextlib.suppress(OSError):  # closed
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, port, after_bytes, containing, done), daemon=True).start()


def _serve(client: socket.socket, port: int, after_bytes: int, containing: bytes, done: Cuts) -> None:
    """Forwards one request; the server is asked to close the connection after its response."""
    with client, socket.create_connection(("127.0.0.1", port)) as server, contextlib.suppress(OSError):
        head, _, body = _received_until(client, b"\r\n\r\n").partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        headers = {
            name.lower(): value.strip().decode() for name, _, value in (one.partition(b":") for one in lines[1:])
        }
        server.sendall(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body)
        missing = int(headers.get(b"content-length", 0)) - len(body)
        while missing > 0:
            part = client.recv(65536)
            server.sendall(part)
            body += part
            missing -= len(part)
        allowed = None
        if head.startswith(STREAM) and containing in body:
            done.last_event_ids.append(headers.get(b"last-event-id", ""))
            if done.left:
                done.left, allowed = done.left - 1, after_bytes
        while (allowed is None or allowed > 0) and (
            part := server.recv(4096 if allowed is None else min(4096, allowed))
        ):
            client.sendall(part)
            allowed = None if allowed is None else allowed - len(part)


def _received_until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received and (part := connection.recv(65536)):
        received += part
    return received
