"""Draws rows of one model in batches of a few fixed sizes that round alike, so that no row depends on the others.

Matrix products round differently for different batch sizes, so a row that is drawn alone would differ from the same row
among others in the last bit of its probabilities, and now and then in a note. Rows are therefore drawn in batches of a
few sizes, padded if there are fewer rows. When a model is loaded, each size is compared bit for bit with the smallest
one, and is not used if it differs.
"""

import itertools
from concurrent.futures import Executor
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.compiled import CompiledModel
from pianoroll_tf.generation.sampling_loop import BLOCK_STEPS

CHUNK_STEPS = 32  # drawn at once; a new row waits for the few milliseconds that they take
PROBE_CHUNKS = 3  # for which sizes are compared


class PaddedBatches:
    """A loaded model, compiled for a few batch sizes.

    Args:
        program: What `tf.saved_model.load` returned for an export that has all endpoints.
        sizes: Candidates, ascending; not 1, because a single row is multiplied by other code.
    """

    def __init__(self, program: Any, sizes: tuple[int, ...]) -> None:
        self._model = CompiledModel(program)
        self.sizes = sizes

    def begin(self, primer: np.ndarray, density: float, meter: Meter, place: int) -> np.ndarray:
        """The state after a primer, float32 [state_size]; computed for one row alone, so that it is always the same."""
        return self._model.begin(primer[np.newaxis], [density], meter, place).numpy()[0]

    def uniforms(self, seeds: list[int], blocks: list[int]) -> np.ndarray:
        """Random numbers of one block of each row, float32 [rows, BLOCK_STEPS, decisions]; for any number of rows."""
        return self._model.uniforms(seeds, blocks).numpy()

    def draw(self, state, numbers, temperature, top_p, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draws a chunk of each row in one batch of `size`, which is padded with copies of its first row.

        Args:
            state: float32 [rows <= size, state_size].
            numbers: float32 [rows, CHUNK_STEPS, decisions].
            temperature: float32 [rows], as is `top_p`.

        Returns:
            (roll uint8 [rows, CHUNK_STEPS, 84], ends uint8 [rows, CHUNK_STEPS], state after them).
        """
        drawn = self._model.draw(*(_pad(values, size) for values in (state, numbers, temperature, top_p)))
        roll, ends, next_state = (value.numpy()[: len(state)] for value in drawn)
        return roll, ends, next_state

    def size_for(self, rows: int, batches: int) -> int:
        """The smallest size for which so many batches hold all rows, otherwise the largest size."""
        return next((size for size in self.sizes if size * batches >= rows), self.sizes[-1])

    def prepare(self, pool: Executor) -> None:
        """Compiles all sizes and removes those that do not round like the smallest."""
        expected, *probes = pool.map(self._probe, self.sizes)
        same = [all(map(np.array_equal, probe, expected)) for probe in probes]
        self.sizes = tuple(itertools.compress(self.sizes, (True, *same)))

    def _probe(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Rolls and states of the same rows for any size, in an order that differs from that of other sizes."""
        rows = max(self.sizes)
        primers = np.random.default_rng(0).random((rows, 4, NUM_PITCHES)) < 0.05
        state = np.stack([self.begin(primer[: row % 4], 1.0, Meter(), 0) for row, primer in enumerate(primers)])
        numbers = self.uniforms(list(range(rows)), [0] * rows)
        temperature = np.where(np.arange(rows) % 2, 1.0, 1.2).astype(np.float32)
        order = np.random.default_rng(size).permutation(rows)
        rolls = np.zeros((rows, BLOCK_STEPS, NUM_PITCHES), np.uint8)
        for first in range(0, rows, size):
            batch = order[first : first + size]
            for begin in range(0, PROBE_CHUNKS * CHUNK_STEPS, CHUNK_STEPS):
                steps = slice(begin, begin + CHUNK_STEPS)
                settings = (temperature[batch], np.full(len(batch), 0.9 if begin else 1.0, np.float32))
                rolls[batch, steps], _, state[batch] = self.draw(state[batch], numbers[batch, steps], *settings, size)
        return rolls, state


def _pad(values: np.ndarray, size: int) -> np.ndarray:
    """Repeats the first row until there are `size` rows."""
    missing = size - len(values)
    return np.concatenate([values, np.repeat(values[:1], missing, axis=0)]) if missing else values
