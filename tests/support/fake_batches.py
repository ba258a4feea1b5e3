"""A model without TensorFlow, for the tests of the engine: the music of a row follows from its seed and state."""

import threading
from typing import Any

import numpy as np

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.sampling_loop import BLOCK_STEPS
from pianoroll_tf.serving.drawing.padded_batches import CHUNK_STEPS


class FakePaddedBatches:
    """Like `PaddedBatches`; cell 0 of each step is on if the seed is odd, cell 1 at the first step of a block.

    Attributes:
        drawn: Number of rows in each batch that was drawn.
        may_draw: Drawing waits while it is cleared.
        error: Raised by `draw` unless it is None.
    """

    sizes = (2, 4)
    steered_size = 4
    can_be_steered = True

    def __init__(self, *_: Any) -> None:
        self.drawn: list[int] = []
        self.may_draw = threading.Event()
        self.may_draw.set()
        self.error: Exception | None = None

    def prepare(self, pool: Any) -> None:
        """Nothing is compiled."""

    def begin(self, primer: np.ndarray, density: float, meter: Meter, place: int) -> np.ndarray:
        """The number of steps of the primer."""
        if density > 19:
            raise MemoryError("too dense")
        return np.array([len(primer)], np.float32)

    def uniforms(self, seeds: list[int], blocks: list[int]) -> np.ndarray:
        """Numbers by which `draw` sets the cells."""
        numbers = np.zeros((len(seeds), BLOCK_STEPS, 84), np.float32)
        numbers[:, :, 0] = np.array(seeds)[:, np.newaxis] % 2
        numbers[:, 0, 1] = 1
        return numbers

    def size_for(self, rows: int, batches: int) -> int:
        """See `PaddedBatches`."""
        return next((size for size in self.sizes if size * batches >= rows), self.sizes[-1])

    def log_likelihood(self, rolls: np.ndarray, meter: Meter, place: int) -> np.ndarray:
        """Minus the number of notes of each step."""
        return -(rolls != 0).sum(axis=2).astype(np.float32)

    def draw(self, state, numbers, temperature, top_p, size: int, *limits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the numbers as the roll, within limits; the state counts the steps; the 43rd step is the last."""
        assert self.may_draw.wait(60)
        if self.error is not None:
            raise self.error
        assert len(state) <= size
        assert numbers.shape == (len(state), CHUNK_STEPS, 84)
        self.drawn.append(len(state))
        ends = (state + np.arange(CHUNK_STEPS) == 42).astype(np.uint8)
        roll = numbers.astype(np.uint8) * (limits[0] if limits else 1)
        return roll, ends, state + CHUNK_STEPS
