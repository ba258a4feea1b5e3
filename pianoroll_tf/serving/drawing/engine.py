"""Draws the pieces of all requests for one model together; a piece may join or leave after any chunk."""

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.infilling import Gap
from pianoroll_tf.generation.sampling_loop import BLOCK_STEPS
from pianoroll_tf.generation.steering import NO_STEERING, Steering
from pianoroll_tf.serving.drawing.padded_batches import CHUNK_STEPS, PaddedBatches

DRAWING_THREADS = 2  # batches that are drawn at the same time
MAX_CACHED_STATES = 64  # states after an empty primer


class EngineClosedError(RuntimeError):
    """The engine is closed, because another version of the model has replaced its own."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PieceRequest:
    """A request for one piece; its values are within the ranges that the server allows.

    Attributes:
        steps: Length of the piece; 0: it never ends; None: until the model ends it.
        tempo: Quarter notes per minute.
        place: Place in its bar, in steps, of the primer's first step, or of the music's if there is no primer.
        primer: 0 silent, 1 held, 2 struck, uint8 [primer_steps >= 0, 84].
        steering: What the music keeps to; only for a model that can be steered.
    """

    steps: int | None = None
    seed: int = 0
    temperature: float = SamplingConfig.temperature
    top_p: float = SamplingConfig.top_p
    density: float = SamplingConfig.density
    meter: Meter = dataclasses.field(default_factory=Meter)
    tempo: float = 120.0
    place: int = 0
    primer: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, NUM_PITCHES), np.uint8))
    steering: Steering = NO_STEERING

    @property
    def start(self) -> tuple[float, Meter, int]:
        """What the state after the primer depends on, apart from the primer."""
        return self.density, self.meter, self.place


@dataclasses.dataclass(eq=False)
class Row:
    """One piece that is drawn.

    Attributes:
        receive: Called from the engine's threads with each chunk, uint8 [1..CHUNK_STEPS steps, 84], and at the end with
            None, or with the error.
        max_ahead: Chunks that may be drawn before the reader has taken them.
        chunks: Number of chunks drawn so far, of which the reader has `taken` some.
        state: Of the model, after the steps drawn so far, float32 [state_size]; None before the primer is read.
        numbers: Random numbers of the current block, float32 [BLOCK_STEPS, decisions]; None before the first one.
        max_steps: Length at which a piece without a requested length is cut; 0: never.
    """

    request: PieceRequest
    receive: Callable[[np.ndarray | Exception | None], None]
    max_ahead: float = math.inf
    chunks: int = 0
    taken: int = 0
    state: Any = None
    numbers: Any = None
    max_steps: int = 0
    is_dropped: bool = False
    has_ended: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether its next chunk may be drawn now; a dropped row is ready to be removed."""
        return self.is_dropped or self.chunks - self.taken < self.max_ahead

    @property
    def next_steps(self) -> int:
        """Number of steps in the next chunk that belong to the piece; <= 0 if it is complete."""
        if self.has_ended:
            return 0
        steps = self.max_steps if self.request.steps is None else self.request.steps
        return min(CHUNK_STEPS, steps - self.chunks * CHUNK_STEPS) if steps else CHUNK_STEPS

    @property
    def allowed(self) -> np.ndarray:
        """Which pitches may sound in its next chunk, bool [CHUNK_STEPS, 84]."""
        return self.request.steering.allowed(self.chunks * CHUNK_STEPS, CHUNK_STEPS)

    def add_chunk(self, roll: np.ndarray, ends: np.ndarray, state: np.ndarray) -> np.ndarray:
        """Updates the row after a chunk was drawn, and returns the steps of it that belong to the piece.

        `ends`, uint8 [CHUNK_STEPS], is 1 where the model ends the piece.
        """
        steps = self.next_steps
        if self.request.steps is None and ends[:steps].any():
            self.has_ended, steps = True, int(ends.argmax()) + 1
        self.state, self.chunks = state, self.chunks + 1
        return roll[:steps].copy()  # a view would keep the whole batch in memory


class Engine:
    """Draws rows of one model until it is closed.

    Args:
        batches: The model.
        pool: Threads that compute; shared with other engines.
        active_rows: Maximum number of rows in a round; further rows take turns with them.
        max_steps: Length at which a piece without a requested length is cut; 0: never.

    Attributes:
        rows: Number of rows that wait or are drawn.
        counts: What it has done so far: `steps` of all rows, rounds of drawing, time in the model in all threads.
    """

    def __init__(self, batches: PaddedBatches, pool: Executor, active_rows: int, max_steps: int = 0) -> None:
        self.rows, self.max_steps = 0, max_steps
        self.counts = dict.fromkeys(("steps", "chunks", "model_seconds"), 0.0)
        self._batches, self._pool, self._active_rows = batches, pool, active_rows
        self._waiting: list[Row] = []  # rows whose primers have been read
        self._states: dict[tuple[float, Meter, int], np.ndarray] = {}  # after an empty primer
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def add(self, *rows: Row) -> None:
        """Adds rows with the same primer, density, meter and place; the primer is read first, while others are drawn.

        The state after an empty primer is computed only once for the same density, meter and place.

        Raises:
            EngineClosedError: The engine is closed.
        """
        request = rows[0].request
        with self._changed:
            if self._closed:
                raise EngineClosedError
            self.rows += len(rows)
            for row in rows:
                row.max_steps = self.max_steps
            if not len(request.primer) and request.start in self._states:
                self._wait(rows, self._states[request.start])
                return
        started = self._pool.submit(self._batches.begin, request.primer, *request.start)
        started.add_done_callback(lambda started: self._on_started(rows, started))

    def _wait(self, rows: Sequence[Row], state: np.ndarray) -> None:
        """Lets rows wait for their first chunk."""
        for row in rows:
            row.state = state
        self._waiting.extend(rows)
        self._changed.notify()

    @property
    def can_be_steered(self) -> bool:
        """Whether rows can have limits."""
        return self._batches.can_be_steered

    def score(self, gap: Gap, particles: np.ndarray) -> "Future[np.ndarray]":
        """Computes, between two batches, how well what follows a gap continues up to SCORED_ROLLS particles.

        Returns:
            Future of log-likelihoods, float64 [particles]; they do not depend on the other particles.
        """

        def nats():
            return gap.of_what_follows(self._batches.log_likelihood(gap.candidates(particles), gap.meter, gap.place))

        return self._pool.submit(nats)

    def take(self, row: Row) -> None:
        """Records that the reader has taken a chunk of a row."""
        with self._changed:
            row.taken += 1
            self._changed.notify()

    def drop(self, row: Row) -> None:
        """Drops a row for which nobody waits any more."""
        with self._changed:
            row.is_dropped = True
            self._changed.notify()

    def close(self) -> None:
        """Accepts no more rows, and returns when those it has are finished."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _on_started(self, rows: Sequence[Row], started: "Future[np.ndarray]") -> None:
        error = started.exception()
        if error is not None:
            for row in rows:
                self._finish(row, error if isinstance(error, Exception) else RuntimeError(str(error)))
            return
        request, state = rows[0].request, started.result()
        with self._changed:
            if not len(request.primer) and len(self._states) < MAX_CACHED_STATES:
                self._states[request.start] = state
            self._wait(rows, state)

    def _finish(self, row: Row, error: Exception | None = None) -> None:
        with self._changed:
            self.rows -= 1
            self._changed.notify()
        if not row.is_dropped:
            row.receive(error)

    def _run(self) -> None:
        while (rows := self._next_rows()) is not None:
            failure = None
            try:
                self._draw(rows)
            except Exception as error:  # such as out of memory: these rows fail, the engine continues
                failure = error
            for row in rows:
                if failure or row.next_steps <= 0 or row.is_dropped:
                    self._finish(row, failure)
                else:
                    with self._changed:
                        self._waiting.append(row)

    def _next_rows(self) -> list[Row] | None:
        """Waits for rows that are ready; None when the engine is closed and all rows are finished."""
        with self._changed:
            while not (chosen := self._choose()):
                if self._closed and not self.rows:
                    return None
                self._changed.wait()
            return chosen

    def _choose(self) -> list[Row]:
        """Removes from the queue, and returns, the rows that are ready and have waited longest."""
        chosen: list[Row] = []
        others: list[Row] = []
        for row in self._waiting:
            (chosen if row.is_ready and len(chosen) < self._active_rows else others).append(row)
        self._waiting = others
        return chosen

    def _draw(self, rows: list[Row]) -> None:
        """Draws one chunk of each row."""
        rows = sorted((row for row in rows if not row.is_dropped), key=_is_plain)
        if not rows:
            return
        self._renew_numbers([row for row in rows if row.chunks * CHUNK_STEPS % BLOCK_STEPS == 0])
        free = [row for row in rows if row.request.steering.is_free]
        limited = [row for row in rows if not row.request.steering.is_free]
        batches = _shares(free, self._batches.size_for(len(free), DRAWING_THREADS))
        batches += _shares(limited, self._batches.steered_size)
        self.counts["model_seconds"] += sum(self._pool.map(lambda batch: self._draw_batch(*batch), batches))
        self.counts["chunks"] += 1
        self.counts["steps"] += len(rows) * CHUNK_STEPS

    def _renew_numbers(self, rows: list[Row]) -> None:
        if rows:
            seeds = [row.request.seed for row in rows]
            blocks = [row.chunks * CHUNK_STEPS // BLOCK_STEPS for row in rows]
            for row, numbers in zip(rows, self._batches.uniforms(seeds, blocks), strict=True):
                row.numbers = numbers.copy()  # a view would keep the numbers of all rows in memory

    def _draw_batch(self, rows: list[Row], size: int) -> float:
        """Draws a chunk of some rows and passes it to their readers; returns the seconds spent in the model.

        Either all rows have limits, or none.
        """
        steps = [row.chunks * CHUNK_STEPS % BLOCK_STEPS for row in rows]
        numbers = np.stack([row.numbers[step : step + CHUNK_STEPS] for row, step in zip(rows, steps, strict=True)])
        temperature = np.array([row.request.temperature for row in rows], np.float32)
        top_p = np.array([row.request.top_p for row in rows], np.float32)
        limits: tuple[np.ndarray, ...] = ()
        if not rows[0].request.steering.is_free:
            polyphony = np.array([row.request.steering.polyphony for row in rows], np.int32)
            limits = (np.stack([row.allowed for row in rows]), polyphony)
        started = time.perf_counter()
        states = np.stack([row.state for row in rows])
        drawn = self._batches.draw(states, numbers, temperature, top_p, size, *limits)
        seconds = time.perf_counter() - started
        for row, *parts in zip(rows, *drawn, strict=True):
            chunk = row.add_chunk(*parts)
            if not row.is_dropped:
                row.receive(chunk)
        return seconds


def _shares(rows: list[Row], size: int) -> list[tuple[list[Row], int]]:
    """Rows in as few batches of a size as hold them, of nearly equal numbers of rows; each with the size."""
    count = -(-len(rows) // size)
    share = -(-len(rows) // count) if rows else 1
    return [(rows[first : first + share], size) for first in range(0, len(rows), share)]


def _is_plain(row: Row) -> bool:
    """Whether the log-odds of a row are used as they are, which takes less work."""
    return row.request.temperature == 1 == row.request.top_p
