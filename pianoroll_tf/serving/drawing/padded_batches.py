"""Draws rows of one model in batches of a few fixed sizes that round alike, so that no row depends on its neighbours.

Matrix products round by the size of the batch, so a row drawn alone would differ from the same row among others in the
last bit of its probabilities, and now and then in a note. So rows are drawn in tiles of a few sizes, filled up where
there are fewer; each size is compared, bit for bit, with the smallest when a model is loaded, and left out where it
differs.
"""

from concurrent.futures import Executor
from typing import Any

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.sampling import BLOCK_STEPS

CHUNK_STEPS = 32  # steps drawn at once: what waits can join after a few milliseconds
PROBES = 3  # chunks that sizes are compared on


class Tiles:
    """The parts of a loaded model that draw, compiled for a few sizes.

    Args:
        program: What `tf.saved_model.load` gave for an export.
        sizes: Candidates, ascending; not 1, as one row alone is multiplied in another way.

    Raises:
        ValueError: It was exported without the parts.
    """

    def __init__(self, program: Any, sizes: tuple[int, ...]) -> None:
        missing = {"begin", "uniforms", "draw"} - set(program.signatures)
        if missing:
            raise ValueError(f"model must be exported again to be served. Received: no endpoint {min(missing)!r}")
        self._program = program  # its variables live as long as it does
        self._parts = program.signatures
        draw = self._parts["draw"]
        self._draw = tf.function(lambda **inputs: draw(**inputs), jit_compile=True, autograph=False)
        self.sizes = sizes

    def begin(self, primer: np.ndarray, density: float, meter: Meter = Meter(), place: int = 0) -> np.ndarray:  # noqa: B008
        """The state after a primer, float32 [size]; always of one row alone, so that it is always the same."""
        inputs = {
            "primer": tf.constant(primer[np.newaxis], "uint8"),
            "density": tf.constant([density], "float32"),
            "meter": tf.constant([[meter.numerator, meter.denominator]]),
            "place": tf.constant([place]),
        }
        return self._parts["begin"](**inputs)["next_state"].numpy()[0]

    def uniforms(self, seeds: list[int], blocks: list[int]) -> np.ndarray:
        """Random numbers of a block of each row, float32 [rows, BLOCK_STEPS, decisions]; none of them rounds."""
        inputs = {"seed": tf.constant(seeds, "int64"), "block": tf.constant(blocks, "int32")}
        return self._parts["uniforms"](**inputs)["numbers"].numpy()

    def draw(self, state, numbers, temperature, top_p, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draws a chunk of each row in one tile.

        Args:
            state: float32 [rows <= size, state size].
            numbers: float32 [rows, CHUNK_STEPS, decisions].
            temperature: float32 [rows].
            top_p: float32 [rows].
            size: Of the tile; it is filled up with its first row.

        Returns:
            (roll uint8 [rows, CHUNK_STEPS, 84], ends uint8 [rows, CHUNK_STEPS], state after them).
        """
        rows = len(state)
        filled = [_fill(values, size) for values in (state, numbers, temperature, top_p)]
        names = ("state", "numbers", "temperature", "top_p")
        inputs = {name: tf.constant(values, tf.float32) for name, values in zip(names, filled, strict=True)}
        answer = self._draw(**inputs)
        return tuple(answer[name].numpy()[:rows] for name in ("roll", "ends", "next_state"))

    def size_for(self, rows: int, tiles_at_once: int) -> int:
        """The smallest tile of which so many at once hold all rows; else the largest."""
        return next((size for size in self.sizes if size * tiles_at_once >= rows), self.sizes[-1])

    def prepare(self, pool: Executor) -> tuple[int, ...]:
        """Compiles all sizes and leaves out those that do not round like the smallest; returns the others."""
        smallest, *larger = self.sizes
        answers = dict(zip(self.sizes, pool.map(self._probe, self.sizes), strict=True))
        same = [size for size in larger if all(map(np.array_equal, answers[size], answers[smallest]))]
        self.sizes = (smallest, *same)
        return self.sizes

    def _probe(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """What rows get in tiles of a size, each at another place of its tile than in tiles of another size."""
        rows = max(self.sizes)
        primers = np.random.default_rng(0).random((rows, 4, NUM_PITCHES)) < 0.05
        state = np.stack([self.begin(primer[: row % 4], 1.0) for row, primer in enumerate(primers)])
        numbers = self.uniforms(list(range(rows)), [0] * rows)
        temperature = np.where(np.arange(rows) % 2, 1.0, 1.2).astype(np.float32)
        order = np.random.default_rng(size).permutation(rows)
        rolls = np.zeros((rows, BLOCK_STEPS, NUM_PITCHES), np.uint8)
        for first in range(0, rows, size):
            part = order[first : first + size]
            for begin in range(0, PROBES * CHUNK_STEPS, CHUNK_STEPS):
                steps = slice(begin, begin + CHUNK_STEPS)
                settings = (temperature[part], np.full(len(part), 0.9 if begin else 1.0, np.float32))
                rolls[part, steps], _, state[part] = self.draw(state[part], numbers[part, steps], *settings, size)
        return rolls, state


def _fill(values: np.ndarray, size: int) -> np.ndarray:
    """As many rows as `size`, the further ones equal to the first."""
    missing = size - len(values)
    return np.concatenate([values, np.repeat(values[:1], missing, axis=0)]) if missing else values
