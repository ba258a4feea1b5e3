"""Runs signatures of an export that do not draw music, on two threads, with a bounded number of waiting requests."""

import asyncio
import concurrent.futures
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from pianoroll_tf.serving.drawing.registry import ServedVersion
from pianoroll_tf.serving.refusals import DeadlineError, InvalidRequestError, OverloadedError

MAX_WAITING = 32  # requests that are computed or wait


class SignatureRunner:
    """Runs signatures as they were exported, on its own threads.

    Attributes:
        waiting: Requests that are computed or wait.
    """

    def __init__(self) -> None:
        self._threads = concurrent.futures.ThreadPoolExecutor(2, "signature")
        self.waiting = 0

    async def run(
        self, served: ServedVersion, signature: str, inputs: Mapping[str, np.ndarray], seconds: float
    ) -> dict[str, np.ndarray]:
        """The outputs of a signature.

        Args:
            served: The version.
            signature: Its name.
            inputs: Of the types and ranks of the signature.
            seconds: How long it may take.

        Raises:
            InvalidRequestError: TensorFlow refuses the inputs.
            OverloadedError: Too many requests wait.
            DeadlineError: It takes longer than `seconds`.
        """
        if self.waiting >= MAX_WAITING:
            raise OverloadedError("too many requests are waiting")
        self.waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, _run, served, signature, inputs)
        running.add_done_callback(lambda _: setattr(self, "waiting", self.waiting - 1))
        try:
            return await asyncio.wait_for(asyncio.shield(running), seconds)
        except TimeoutError as error:
            raise DeadlineError(f"the response takes more than {seconds:g} s") from error
        except (tf.errors.InvalidArgumentError, ValueError) as error:
            raise InvalidRequestError("inputs must fit the signature. Received: other shapes or values") from error

    def close(self) -> None:
        """Waits for what is running and ends the threads."""
        self._threads.shutdown()


def _run(served: ServedVersion, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    outputs = served.model.program.signatures[signature](**tensors)
    return {name: value.numpy() for name, value in sorted(outputs.items())}
