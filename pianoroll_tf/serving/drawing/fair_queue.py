"""Lets the requests that could go on do so a few in each pass of the event loop, so that it never is busy for long."""

import asyncio
import collections

AT_ONCE = 2  # requests that go on in a pass


class Turns:
    """A queue in which coroutines wait for their turn, in the order in which they come.

    Many pieces end at once, and many clients ask at once; were they all gone through in one pass of the loop, whoever
    comes meanwhile, `/healthz` too, would wait for all of them, in each of the passes that an answer takes.

    Args:
        at_once: Coroutines that go on in a pass.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._waiting: collections.deque[asyncio.Future[None]] = collections.deque()

    async def wait(self) -> None:
        """Returns when it is the caller's turn."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            loop.call_soon(self._give)
        await turn

    def _give(self) -> None:
        """Gives the next turns, and looks again in the next pass if others wait; who was cancelled needs none."""
        given = 0
        while self._waiting and given < self._at_once:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                given += 1
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._give)
