"""Draws all requests for one model together, chunk by chunk: each joins, and leaves, at any chunk."""

import collections
import dataclasses
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future

import numpy as np

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.sampling import BLOCK_STEPS
from pianoroll_tf.serving.drawing.padded_batches import CHUNK_STEPS, Tiles
from pianoroll_tf.serving.drawing.piece_request import Asked

TILES_AT_ONCE = 2  # threads that draw
SILENT_STATES = 64  # states after no primer that are kept, one a density


def _opening(row: "Row") -> tuple:
    """What the state after a primer depends on beside it."""
    return row.asked.density, row.asked.meter or Meter(), row.asked.place


class EngineClosedError(RuntimeError):
    """The model has been dropped; another version is there."""


@dataclasses.dataclass(eq=False)
class Row:
    """One piece that is drawn.

    Attributes:
        asked: Its settings.
        heard: Called with each chunk, uint8 [1..CHUNK_STEPS steps, 84], then with none at its end, or with what went
            wrong; from the engine's thread.
        window: Chunks that may be drawn beyond those taken; none: all.
        taken: Chunks that its reader has taken.
        gone: Whether nobody waits for it any more.
        state: Of the model, after what was drawn.
        numbers: Random numbers of the present block.
        chunks: Drawn so far.
        most_steps: Of a piece that the model ends.
        ended: Whether the model has ended it.
    """

    asked: Asked
    heard: Callable[[np.ndarray | Exception | None], None]
    window: int | None = None
    taken: int = 0
    gone: bool = False
    state: np.ndarray | None = None
    numbers: np.ndarray | None = None
    chunks: int = 0
    most_steps: int = 0
    ended: bool = False

    @property
    def may_go_on(self) -> bool:
        """Whether another chunk can be drawn now."""
        return self.gone or self.window is None or self.chunks - self.taken < self.window

    @property
    def left(self) -> int:
        """Steps of the next chunk that belong to it."""
        if self.ended:
            return 0
        steps = self.most_steps if self.asked.steps is None else self.asked.steps
        return min(CHUNK_STEPS, steps - self.chunks * CHUNK_STEPS) if steps else CHUNK_STEPS

    def take_chunk(self, roll: np.ndarray, ends: np.ndarray, state: np.ndarray) -> np.ndarray:
        """What of a drawn chunk belongs to the piece, uint8 [steps, 84]; notes that it was drawn.

        Args:
            roll: uint8 [CHUNK_STEPS, 84].
            ends: Where the model ends the piece, uint8 [CHUNK_STEPS].
            state: Of the model after it.
        """
        steps = self.left
        if self.asked.steps is None and ends[:steps].any():
            self.ended, steps = True, int(ends.argmax()) + 1
        self.state, self.chunks = state, self.chunks + 1
        return roll[:steps].copy()  # alone: as a part of them all it would keep them all

    @property
    def is_plain(self) -> bool:
        """Whether its log-odds are drawn from as they are, which takes less work."""
        return self.asked.temperature == 1 == self.asked.top_p


@dataclasses.dataclass
class Counts:
    """What an engine has done.

    Attributes:
        chunks: Rounds of drawing.
        rows: Rows in them, all together.
        model_seconds: Spent in the model, of all drawing threads.
    """

    chunks: int = 0
    rows: int = 0
    model_seconds: float = 0.0


class Engine:
    """Draws rows of one model until it is closed.

    Args:
        tiles: The model.
        pool: Threads that compute; shared with other engines.
        active_rows: Rows of a round at most; others take turns with them.
        most_steps: Of a piece that the model ends; 0: no bound.
    """

    def __init__(self, tiles: Tiles, pool: Executor, active_rows: int, most_steps: int = 0) -> None:
        self.counts = Counts()
        self.most_steps = most_steps
        self._tiles, self._pool, self._active_rows = tiles, pool, active_rows
        self._rows: collections.deque[Row] = collections.deque()  # with a state
        self._known = 0  # rows that have not ended
        self._silent: dict[tuple, np.ndarray] = {}  # density, meter and place → the state after no primer
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def rows(self) -> int:
        """Rows that wait or are drawn."""
        return self._known

    def add(self, row: Row) -> None:
        """Takes a row; its primer is read first, beside the drawing of others; no primer is read once only.

        Raises:
            EngineClosedError: It takes no more.
        """
        with self._changed:
            if self._closed:
                raise EngineClosedError
            self._known += 1
            row.most_steps = self.most_steps
            if not len(row.asked.primer) and _opening(row) in self._silent:
                row.state = self._silent[_opening(row)]
                self._rows.append(row)
                self._changed.notify()
                return
        begun = self._pool.submit(self._tiles.begin, row.asked.primer, *_opening(row))
        begun.add_done_callback(lambda begun: self._begun(row, begun))

    def take(self, row: Row) -> None:
        """Says that a chunk of a row was taken, or that nobody waits for it."""
        with self._changed:
            row.taken += 1
            self._changed.notify()

    def drop(self, row: Row) -> None:
        """Forgets a row: nobody waits for it."""
        with self._changed:
            row.gone = True
            self._changed.notify()

    def close(self) -> None:
        """Takes no more rows, and ends when those it has are done; waits for that."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _begun(self, row: Row, begun: "Future[np.ndarray]") -> None:
        error = begun.exception()
        if error is not None:
            self._end(row, error if isinstance(error, Exception) else RuntimeError(str(error)))
            return
        with self._changed:
            row.state = begun.result()
            if not len(row.asked.primer) and len(self._silent) < SILENT_STATES:
                self._silent[_opening(row)] = row.state
            self._rows.append(row)
            self._changed.notify()

    def _end(self, row: Row, error: Exception | None = None) -> None:
        with self._changed:
            self._known -= 1
            self._changed.notify()
        if not row.gone:
            row.heard(error)

    def _run(self) -> None:
        while (rows := self._next_rows()) is not None:
            try:
                self._draw(rows)
            except Exception as error:  # out of memory, say: these rows fail, the engine goes on
                for row in rows:
                    self._end(row, error)
                continue
            for row in rows:
                if row.left <= 0 or row.gone:
                    self._end(row)
            with self._changed:
                self._rows.extend(row for row in rows if row.left > 0 and not row.gone)

    def _next_rows(self) -> list[Row] | None:
        """Waits for rows that can go on; none when the engine is closed and nothing is left."""
        with self._changed:
            while True:
                chosen = self._choose()
                if chosen:
                    return chosen
                if self._closed and not self._known:
                    return None
                self._changed.wait()

    def _choose(self) -> list[Row]:
        """The rows that have waited longest and can go on; those whose reader is gone are ended."""
        chosen, others = [], []
        for row in self._rows:
            (chosen if row.may_go_on and len(chosen) < self._active_rows else others).append(row)
        self._rows = collections.deque(others)
        return chosen

    def _draw(self, rows: list[Row]) -> None:
        """One chunk of each row."""
        rows = sorted((row for row in rows if not row.gone), key=lambda row: row.is_plain)
        if not rows:
            return
        self._renew_numbers([row for row in rows if row.chunks * CHUNK_STEPS % BLOCK_STEPS == 0])
        size = self._tiles.size_for(len(rows), TILES_AT_ONCE)
        count = -(-len(rows) // size)
        share = -(-len(rows) // count)
        tiles = [rows[first : first + share] for first in range(0, len(rows), share)]
        self.counts.model_seconds += sum(self._pool.map(lambda tile: self._draw_tile(tile, size), tiles))
        self.counts.chunks += 1
        self.counts.rows += len(rows)

    def _renew_numbers(self, rows: list[Row]) -> None:
        if rows:
            blocks = [row.chunks * CHUNK_STEPS // BLOCK_STEPS for row in rows]
            for row, numbers in zip(rows, self._tiles.uniforms([row.asked.seed for row in rows], blocks), strict=True):
                row.numbers = numbers.copy()  # alone: as a part of them all it would keep them all

    def _draw_tile(self, rows: list[Row], size: int) -> float:
        """Draws a chunk of some rows and hands it out; returns the seconds that the model took."""
        steps = [row.chunks * CHUNK_STEPS % BLOCK_STEPS for row in rows]
        numbers = np.stack(
            [
                row.numbers[step : step + CHUNK_STEPS]
                for row, step in zip(rows, steps, strict=True)
                if row.numbers is not None
            ]
        )
        temperature = np.array([row.asked.temperature for row in rows], np.float32)
        top_p = np.array([row.asked.top_p for row in rows], np.float32)
        begun = time.perf_counter()
        states = np.stack([row.state for row in rows])
        drawn = self._tiles.draw(states, numbers, temperature, top_p, size)
        seconds = time.perf_counter() - begun
        for row, *parts in zip(rows, *drawn, strict=True):
            chunk = row.take_chunk(*parts)
            if not row.gone:
                row.heard(chunk)
        return seconds
