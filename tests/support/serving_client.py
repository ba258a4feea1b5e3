"""A server in this process, and clients of it, for the tests of serving."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import requests

from pianoroll_tf.serving.drawing.registry import Registry
from pianoroll_tf.serving.server import Server
from pianoroll_tf.serving.settings import Address, Limits
from pianoroll_tf.serving.state import State

TIMEOUT_SECONDS = 300.0  # long enough for a busy machine


class Running:
    """A running server.

    Attributes:
        server: The server.
        state: Shared by its requests.
    """

    def __init__(self, server: Server, state: State) -> None:
        self.server, self.state = server, state

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self.server.servers[0].sockets[0].getsockname()[1]

    def url(self, path: str) -> str:
        """The URL of a path."""
        return self.server.url + path.removeprefix("/")

    def get(self, path: str, **options: Any) -> requests.Response:
        """Sends a GET request."""
        return requests.get(self.url(path), timeout=TIMEOUT_SECONDS, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        """Sends a POST request, whose body is JSON unless `options` specify another one."""
        options = options if body is None else options | {"json": body}
        return requests.post(self.url(path), timeout=TIMEOUT_SECONDS, **options)

    def roll(self, **fields: Any) -> list[list[int]]:
        """The roll that /generate returns."""
        answer = self.post("/generate", fields | {"output": "roll"})
        assert answer.status_code == 200, answer.text
        return answer.json()["roll"]

    def connect(self) -> socket.socket:
        """A TCP connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS)


@contextlib.contextmanager
def running(registry: Registry, address: Address | None = None, **limits: Any) -> Iterator[Running]:
    """Runs a server for a registry whose versions are loaded within a `with` statement."""
    state = State(registry, Limits(**limits))
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
    """Waits until a condition is true."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not true():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.01)


def received(connection: socket.socket) -> bytes:
    """Everything that is received until the other side closes or resets the connection."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def dense(roll: list[list[int]]) -> np.ndarray:
    """The array of a roll in JSON, uint8 [steps, 84]: 0 silent, 1 sounds, 2 struck again."""
    made = np.zeros((len(roll), 84), np.uint8)
    for step, pitches in enumerate(roll):
        made[step, np.abs(np.array(pitches, int)) - 24] = np.where(np.array(pitches, int) < 0, 2, 1)
    return made


def events(text: str) -> list[tuple[str, str]]:
    """(name, data) of each server-sent event."""
    parts = [part.split("\n") for part in text.strip().split("\n\n")]
    return [(lines[0].removeprefix("event: "), lines[1].removeprefix("data: ")) for lines in parts]
