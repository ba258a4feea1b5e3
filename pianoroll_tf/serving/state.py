"""What all requests share: the model's versions, limits, readers, and what is going on."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from starlette.requests import Request

from pianoroll_tf.serving.drawing import async_engine
from pianoroll_tf.serving.drawing.fair_queue import Turns
from pianoroll_tf.serving.drawing.piece_request import Asked
from pianoroll_tf.serving.drawing.primers import PrimerReader
from pianoroll_tf.serving.drawing.registry import Registry, Served
from pianoroll_tf.serving.drawing.signature_runner import Direct
from pianoroll_tf.serving.refusals import Refusal, busy
from pianoroll_tf.serving.settings import Limits

LITTLE = 1 << 15  # bytes or cells that are gone through in a few milliseconds
T = TypeVar("T")
Gone = Callable[[], Coroutine[Any, Any, None]]


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


@dataclasses.dataclass(eq=False)
class State:
    """Shared by all requests; nothing of a request stays when it is answered.

    Attributes:
        registry: The model's versions.
        limits: Of the server.
        primers: Reads uploaded MIDI files.
        direct: Runs signatures that draw no music.
        is_stopping: Whether the server has been told to stop.
        streams: That are being sent.
        held: Pieces that were let in and are not answered yet; engines know of them a little later.
        worker: Reads and writes what is long, for `work`.
        turns: For which requests wait before they are read, before they are answered, and before each part of a stream.
    """

    registry: Registry
    limits: Limits
    primers: PrimerReader
    direct: Direct
    is_stopping: bool = False
    streams: int = 0
    held: int = 0
    worker: ThreadPoolExecutor = dataclasses.field(default_factory=lambda: ThreadPoolExecutor(2, "work"))
    turns: Turns = dataclasses.field(default_factory=Turns)

    @property
    def rows(self) -> int:
        """Pieces that wait or are drawn."""
        return sum(served.engine.rows for served in self.registry.served.values())

    async def work(self, size: int, function: Callable[..., T], *args: Any) -> T:
        """What `function` returns: at once where it is little work, else from one of two threads.

        Python's threads take turns of 5 ms, so the more of them work, the longer all others wait for the loop.

        Args:
            size: Bytes or cells that it goes through.
            function: What does not wait.
            *args: Of it.
        """
        if size <= LITTLE:
            return function(*args)
        return await asyncio.get_running_loop().run_in_executor(self.worker, function, *args)

    def close(self) -> None:
        """Ends the threads."""
        self.worker.shutdown()
        self.direct.close()

    def check_room(self, rows: int) -> None:
        """Refuses more pieces than may wait.

        Raises:
            Refusal: 429; 503 if the server is stopping.
        """
        if self.is_stopping:
            raise _stopping()
        if max(self.rows, self.held) + rows > self.limits.queue_rows:
            raise busy("the places for pieces that wait")

    async def draw(self, gone: Gone, served: Served, wanted: list[Asked]) -> list[np.ndarray]:
        """Draws pieces for a client for as long as it waits, and for as long as is allowed.

        Args:
            gone: What ends when the client hangs up.
            served: The version that draws.
            wanted: The pieces.

        Raises:
            Refusal: 504 after `request_seconds`, 503 if the server ends before.
            ClientGoneError: It has hung up.
        """
        self.held += len(wanted)
        drawing = asyncio.ensure_future(async_engine.draw_whole(served.engine, wanted))
        leaving = asyncio.ensure_future(gone())
        try:
            seconds = self.limits.request_seconds
            await asyncio.wait((drawing, leaving), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if drawing.done():
                await self.turns.wait()
                return drawing.result()
            if leaving.done():
                raise ClientGoneError
            raise Refusal(504, f"an answer takes more than {seconds:g} s; ask for fewer steps, or for a stream")
        except asyncio.CancelledError as error:
            if self.is_stopping:  # its time for what is in flight is over
                raise _stopping() from error
            raise
        finally:
            self.held -= len(wanted)
            drawing.cancel()
            leaving.cancel()

    @contextlib.contextmanager
    def streaming(self) -> Iterator[None]:
        """Counts a stream within it.

        Raises:
            Refusal: 429, if there are too many.
        """
        if self.streams >= self.limits.streams:
            raise busy("the places for streams")
        self.streams += 1
        self.held += 1
        try:
            yield
        finally:
            self.streams -= 1
            self.held -= 1


def _stopping() -> Refusal:
    return Refusal(503, "the server is stopping", {"Retry-After": "5", "Connection": "close"})


def gone(request: Request) -> Gone:
    """What ends when the client of a request, whose body has been read, hangs up."""

    async def wait() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return wait


def state_of(request: Request) -> State:
    """What the request shares with all others."""
    return request.app.state.shared
