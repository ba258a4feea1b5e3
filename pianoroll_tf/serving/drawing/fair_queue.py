"""A queue that resumes a few requests in each pass of the event loop, so that no pass takes long."""

import asyncio
import collections

TURNS_PER_PASS = 2


class FairQueue:
    """A queue in which coroutines wait for their turn, first come, first served.

    Many pieces may end at once, and many clients may send requests at once. If all of these were processed in the same
    pass of the event loop, every other request, even `/healthz`, would wait for them.
    """

    def __init__(self, turns_per_pass: int = TURNS_PER_PASS) -> None:
        self._turns_per_pass = turns_per_pass
        self._waiting: collections.deque[asyncio.Future[None]] = collections.deque()

    async def wait(self) -> None:
        """Returns when it is the caller's turn."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            loop.call_soon(self._resume)
        await turn

    def _resume(self) -> None:
        """Resumes the next coroutines, skipping cancelled ones, and runs again in the next pass if others wait."""
        resumed = 0
        while self._waiting and resumed < self._turns_per_pass:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                resumed += 1
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._resume)
