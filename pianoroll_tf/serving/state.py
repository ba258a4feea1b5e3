"""What all requests share: the model's versions, limits, threads and the number of requests in progress."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from starlette.requests import ClientDisconnect, Request

from pianoroll_tf.serving.drawing import async_engine
from pianoroll_tf.serving.drawing.engine import PieceRequest
from pianoroll_tf.serving.drawing.fair_queue import FairQueue
from pianoroll_tf.serving.drawing.primers import PrimerReader
from pianoroll_tf.serving.drawing.registry import Registry, ServedVersion
from pianoroll_tf.serving.refusals import DeadlineError, OverloadedError, StoppingError
from pianoroll_tf.serving.settings import Limits

MAX_INLINE_SIZE = 1 << 15  # bytes or cells that take the event loop a few milliseconds
T = TypeVar("T")
Disconnect = Callable[[], Coroutine[Any, Any, Any]]


class State:
    """Shared by all requests; a request leaves nothing behind when it has been answered.

    Attributes:
        streams: Number of open streams.
        admitted: Number of pieces that were admitted and are not answered yet; engines know of them a little later.
        signature_runs: Number of requests for other signatures that are computed or wait for one of their threads.
        scores: Number of scores that are written or wait for their thread.
        threads: For `offload`.
        queue: In which requests wait before they are read, before they are answered, and before each part of a stream.
    """

    def __init__(self, registry: Registry, limits: Limits) -> None:
        self.registry, self.limits = registry, limits
        self.primers, self.queue = PrimerReader(limits), FairQueue()
        self.is_stopping = False
        self.streams = self.admitted = self.signature_runs = self.scores = 0
        self.threads = ThreadPoolExecutor(2, "offload")
        self.signature_threads = ThreadPoolExecutor(2, "signature")
        self.score_threads = ThreadPoolExecutor(1, "score")

    @property
    def rows(self) -> int:
        """Pieces that wait or are drawn."""
        return sum(served.engine.rows for served in self.registry.served.values())

    async def offload(self, size: int, function: Callable[..., T], *args: Any) -> T:
        """Calls a function that processes `size` bytes or cells: at once if they are few, otherwise on another thread.

        Python switches between threads every 5 ms, so the more of them compute, the longer the event loop waits.
        """
        if size <= MAX_INLINE_SIZE:
            return function(*args)
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *args)

    def close(self) -> None:
        """Ends the threads."""
        self.threads.shutdown()
        self.signature_threads.shutdown()
        self.score_threads.shutdown(cancel_futures=True)

    def check_capacity(self, pieces: int) -> None:
        """Raises an error if the server is stopping, or if more than `queue_rows` pieces would wait."""
        if self.is_stopping:
            raise StoppingError
        if max(self.rows, self.admitted) + pieces > self.limits.queue_rows:
            raise OverloadedError("too many pieces are waiting")

    async def draw(self, disconnect: Disconnect, served: ServedVersion, pieces: list[PieceRequest]) -> list[np.ndarray]:
        """Draws pieces, uint8 [steps, 84] each (0 silent, 1 held, 2 struck); raises as `complete` does."""
        return await self.complete(disconnect, len(pieces), async_engine.draw_whole(served.engine, pieces))

    async def complete(self, disconnect: Disconnect, pieces: int, work: Coroutine[Any, Any, T]) -> T:
        """The result of work that draws so many pieces, unless `disconnect` returns before it is complete.

        Raises:
            DeadlineError: It takes longer than `request_seconds`.
            StoppingError: The server ends before it is complete.
            ClientDisconnect: The client no longer waits for the response.
        """
        self.admitted += pieces
        drawing = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(disconnect())
        try:
            seconds = self.limits.request_seconds
            await asyncio.wait((drawing, leaving), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if drawing.done():
                await self.queue.wait()
                return drawing.result()
            if leaving.done():
                raise ClientDisconnect
            raise DeadlineError(f"the response takes more than {seconds:g} s; request fewer steps, or a stream")
        except asyncio.CancelledError as error:
            if self.is_stopping:  # `drain_seconds` are over
                raise StoppingError from error
            raise
        finally:
            self.admitted -= pieces
            drawing.cancel()
            leaving.cancel()

    @contextlib.contextmanager
    def open_stream(self) -> Iterator[None]:
        """Counts a stream as open within a `with` statement, unless too many are."""
        if self.streams >= self.limits.streams:
            raise OverloadedError("too many streams are open")
        self.streams += 1
        self.admitted += 1
        try:
            yield
        finally:
            self.streams -= 1
            self.admitted -= 1


def client_disconnect(request: Request) -> Disconnect:
    """A function that returns when the client disconnects; the body of the request must have been read."""

    async def wait() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return wait


def route_path(scope: Mapping[str, Any]) -> str:
    """The path of a request, without that under which another application has mounted this one.

    >>> route_path({"path": "/music/about", "root_path": "/music"})
    '/about'
    """
    return scope["path"].removeprefix(scope.get("root_path", ""))


def state_of(request: Request) -> State:
    """The state that a request shares with all others."""
    return request.app.state.shared
