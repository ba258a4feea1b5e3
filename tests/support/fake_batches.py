"""A model without TensorFlow for the tests of what draws with it: a row's music is its seed, place and state."""

import threading
from typing import Any

import numpy as np

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.sampling import BLOCK_STEPS
from pianoroll_tf.serving.drawing.padded_batches import CHUNK_STEPS


class FakeTiles:
    """As `Tiles`; cell 0 of a step is on where the seed is odd, cell 1 at the first step of a block.

    Attributes:
        batches: Rows of each tile that was drawn.
        may_draw: Cleared, it holds the drawing up.
    """

    sizes = (2, 4)

    def __init__(self, *_: Any) -> None:
        self.batches: list[int] = []
        self.may_draw = threading.Event()
        self.may_draw.set()
        self.error: Exception | None = None

    def prepare(self, pool: Any) -> tuple[int, ...]:
        """Nothing is compiled."""
        return self.sizes

    def begin(self, primer: np.ndarray, density: float, meter: Meter, place: int) -> np.ndarray:
        """The number of steps of the primer."""
        if density > 19:
            raise MemoryError("too dense")
        return np.array([len(primer)], np.float32)

    def uniforms(self, seeds: list[int], blocks: list[int]) -> np.ndarray:
        """Seed and place as numbers."""
        numbers = np.zeros((len(seeds), BLOCK_STEPS, 84), np.float32)
        numbers[:, :, 0] = np.array(seeds)[:, np.newaxis] % 2
        numbers[:, 0, 1] = 1
        return numbers

    def size_for(self, rows: int, tiles_at_once: int) -> int:
        """As `Tiles`."""
        return next((size for size in self.sizes if size * tiles_at_once >= rows), self.sizes[-1])

    def draw(self, state, numbers, temperature, top_p, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The numbers as music; counts the steps of the state up; pieces end with their 43rd step."""
        assert self.may_draw.wait(60)
        if self.error is not None:
            raise self.error
        assert len(state) <= size
        assert numbers.shape == (len(state), CHUNK_STEPS, 84)
        self.batches.append(len(state))
        ends = (state + np.arange(CHUNK_STEPS) == 42).astype(np.uint8)
        return numbers.astype(np.uint8), ends, state + CHUNK_STEPS
