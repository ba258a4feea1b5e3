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
from pianoroll_tf.generation.infilling import SCORED_ROLLS
from pianoroll_tf.generation.sampling_loop import BLOCK_STEPS

CHUNK_STEPS = 32  # drawn at once; a new row waits for the few milliseconds that they take
PROBE_CHUNKS = 3  # for which sizes are compared


class PaddedBatches:
    """A loaded model, compiled for a few batch sizes.

    Args:
        program: What `tf.saved_model.load` returned for an export that has all endpoints.
        sizes: Candidates, ascending; not 1, because a single row is multiplied by other code.

    Attributes:
        sizes: Those that are used for rows without limits, once it is prepared.
        steered_size: The one size for rows with limits, as each size takes seconds to be compiled.
        can_be_steered: Whether rows can have limits, once it is prepared; those of exports of earlier versions cannot.
    """

    def __init__(self, program: Any, sizes: tuple[int, ...]) -> None:
        self._model = CompiledModel(program)
        self.sizes = self._candidates = sizes
        self.steered_size = sizes[min(1, len(sizes) - 1)]
        self.can_be_steered = False

    def begin(self, primer: np.ndarray, density: float, meter: Meter, place: int) -> np.ndarray:
        """The state after a primer, float32 [state_size]; computed for one row alone, so that it is always the same."""
        return self._model.begin(primer[np.newaxis], [density], meter, place).numpy()[0]

    def uniforms(self, seeds: list[int], blocks: list[int]) -> np.ndarray:
        """Random numbers of one block of each row, float32 [rows, BLOCK_STEPS, decisions]; for any number of rows."""
        return self._model.uniforms(seeds, blocks).numpy()

    def draw(self, state, numbers, temperature, top_p, size: int, *limits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draws a chunk of each row in one batch of `size`, which is padded with copies of its first row.

        Args:
            state: float32 [rows <= size, state_size].
            numbers: float32 [rows, CHUNK_STEPS, decisions].
            temperature: float32 [rows], as is `top_p`.
            *limits: `allowed` and `polyphony` of `CompiledModel.draw`, or nothing if all rows are free.

        Returns:
            (roll uint8 [rows, CHUNK_STEPS, 84], ends uint8 [rows, CHUNK_STEPS], state after them).
        """
        drawn = self._model.draw(*(_pad(values, size) for values in (state, numbers, temperature, top_p, *limits)))
        roll, ends, next_state = (value.numpy()[: len(state)] for value in drawn)
        return roll, ends, next_state

    def log_likelihood(self, rolls: np.ndarray, meter: Meter, place: int) -> np.ndarray:
        """Nats of the cells and strikes of each step, float32 [rolls, steps]; padded, so that no roll affects another.

        Args:
            rolls: uint8 [rolls <= SCORED_ROLLS, steps >= 1, 84].
            meter: Time signature of all rolls.
            place: Place in its bar of their first step.
        """
        return self._model.log_likelihood(_pad(rolls, SCORED_ROLLS), meter, place)[: len(rolls)]

    def size_for(self, rows: int, batches: int) -> int:
        """The smallest size for which so many batches hold all rows, otherwise the largest size."""
        return next((size for size in self.sizes if size * batches >= rows), self.sizes[-1])

    def prepare(self, pool: Executor) -> None:
        """Compiles all sizes and removes those that do not round like the smallest."""
        steered = pool.submit(self._can_be_steered)
        expected, *probes = pool.map(self._probe, self.sizes)
        same = [all(map(np.array_equal, probe, expected)) for probe in probes]
        self.sizes = tuple(itertools.compress(self.sizes, (True, *same)))
        self.can_be_steered = steered.result()

    def _can_be_steered(self) -> bool:
        """Compiles the drawing within limits; whether each row is the same at any place in its batch."""
        if not self._model.can_be_steered:
            return False
        orders = (self._probe(self.steered_size, order, steered=True) for order in range(2))
        return all(map(np.array_equal, *orders))

    def _probe(self, size: int, order: int | None = None, steered: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Rolls and states of the same rows for any size, in an order that differs from that of other sizes."""
        rows = max(self._candidates)
        primers = np.random.default_rng(0).random((rows, 4, NUM_PITCHES)) < 0.05
        state = np.stack([self.begin(primer[: row % 4], 1.0, Meter(), 0) for row, primer in enumerate(primers)])
        numbers = self.uniforms(list(range(rows)), [0] * rows)
        temperature = np.where(np.arange(rows) % 2, 1.0, 1.2).astype(np.float32)
        allowed = np.random.default_rng(1).random((rows, CHUNK_STEPS, NUM_PITCHES)) < 0.9
        polyphony = np.arange(rows) % 8 + 1
        permuted = np.random.default_rng(size if order is None else order).permutation(rows)
        rolls = np.zeros((rows, BLOCK_STEPS, NUM_PITCHES), np.uint8)
        for first in range(0, rows, size):
            batch = permuted[first : first + size]
            limits = (allowed[batch], polyphony[batch]) if steered else ()
            for begin in range(0, PROBE_CHUNKS * CHUNK_STEPS, CHUNK_STEPS):
                steps = slice(begin, begin + CHUNK_STEPS)
                settings = (temperature[batch], np.full(len(batch), 0.9 if begin else 1.0, np.float32))
                drawn = self.draw(state[batch], numbers[batch, steps], *settings, size, *limits)
                rolls[batch, steps], _, state[batch] = drawn
        return rolls, state


def _pad(values: np.ndarray, size: int) -> np.ndarray:
    """Repeats the first row until there are `size` rows."""
    missing = size - len(values)
    return np.concatenate([values, np.repeat(values[:1], missing, axis=0)]) if missing else values
