"""Runs signatures of a model as they are, on a few threads, with so many requests waiting at most."""

import asyncio
import concurrent.futures
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from pianoroll_tf.serving.drawing.registry import Served
from pianoroll_tf.serving.refusals import Refusal, bad, busy

WAITING = 32  # requests that compute or wait for it


class Direct:
    """Runs signatures as they are, on threads of their own."""

    def __init__(self) -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(2, "direct")
        self.waiting = 0

    async def run(self, served: Served, signature: str, inputs: Mapping[str, np.ndarray], seconds: float):
        """The outputs of a signature.

        Raises:
            Refusal: 400 if the model refuses the values, 429 if too many wait, 504 if it takes too long.
        """
        if self.waiting >= WAITING:
            raise busy("the places for requests that wait")
        self.waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._pool, _run, served, signature, inputs)
        running.add_done_callback(lambda _: setattr(self, "waiting", self.waiting - 1))
        try:
            return await asyncio.wait_for(asyncio.shield(running), seconds)
        except TimeoutError as error:
            raise Refusal(504, f"an answer takes more than {seconds:g} s") from error
        except (tf.errors.InvalidArgumentError, ValueError) as error:
            raise bad("inputs must fit the signature. Received: shapes or values that do not") from error

    def close(self) -> None:
        """Waits for what runs."""
        self._pool.shutdown()


def _run(served: Served, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    outputs = served.model.program.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
    return {name: value.numpy() for name, value in sorted(outputs.items())}
