"""A server in this process, for the tests of serving, and what asks it."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import requests

from pianoroll_tf.serving.drawing.primers import PrimerReader
from pianoroll_tf.serving.drawing.registry import Registry
from pianoroll_tf.serving.drawing.signature_runner import Direct
from pianoroll_tf.serving.server import Server
from pianoroll_tf.serving.settings import Address, Limits
from pianoroll_tf.serving.state import State

PATIENCE_SECONDS = 300.0  # of tests on a busy machine


class Running:
    """A server that runs.

    Attributes:
        server: uvicorn's.
        state: What its requests share.
    """

    def __init__(self, server: Server, state: State) -> None:
        self.server, self.state = server, state

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        return self.server.servers[0].sockets[0].getsockname()[1]

    def url(self, path: str) -> str:
        """The address of a path."""
        return self.server.url + path.removeprefix("/")

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET."""
        return requests.get(self.url(path), timeout=PATIENCE_SECONDS, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        """POST, of JSON unless `options` say something else."""
        options = options if body is None else options | {"json": body}
        return requests.post(self.url(path), timeout=PATIENCE_SECONDS, **options)

    def roll(self, **fields: Any) -> list[list[int]]:
        """The roll of a request for music."""
        answer = self.post("/generate", fields | {"output": "roll"})
        assert answer.status_code == 200, answer.text
        return answer.json()["roll"]

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)


@contextlib.contextmanager
def running(registry: Registry, address: Address | None = None, **limits: Any) -> Iterator[Running]:
    """A server for a registry whose versions are loaded; it is stopped at the end."""
    made = Limits(**limits)
    state = State(registry, made, PrimerReader(made.uploads, made.primer_steps, made.request_seconds), Direct())
    server = Server(state, address or Address(port=0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        until(lambda: server.started)
        yield Running(server, state)
    finally:
        server.stop()
        thread.join()
        state.close()


def until(true: Callable[[], Any]) -> None:
    """Waits until something is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes or drops the connection."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def dense(roll: list[list[int]]) -> np.ndarray:
    """The array of a roll in JSON, uint8 [steps, 84]: 0 silent, 1 sounding, 2 struck again."""
    made = np.zeros((len(roll), 84), np.uint8)
    for step, pitches in enumerate(roll):
        made[step, np.abs(np.array(pitches, int)) - 24] = np.where(np.array(pitches, int) < 0, 2, 1)
    return made


def events(text: str) -> list[tuple[str, str]]:
    """(name, data) of each server-sent event."""
    parts = [part.split("\n") for part in text.strip().split("\n\n")]
    return [(lines[0].removeprefix("event: "), lines[1].removeprefix("data: ")) for lines in parts]
