"""Reads uploaded MIDI files in processes with limits, as build_records does: a hostile file costs only its reader."""

import contextlib
import dataclasses
import tempfile
import threading
from pathlib import Path

import numpy as np

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.roll import as_states, to_dense
from pianoroll_tf.data.workers import convert_all
from pianoroll_tf.serving.refusals import Refusal, bad, busy


@dataclasses.dataclass(frozen=True)
class Primer:
    """What was read.

    Attributes:
        roll: 0 silent, 1 held, 2 struck, uint8 [steps >= 1, 84], the end of the file where that is longer than allowed.
        tempo: Quarters per minute at its first note.
        meter: Time signature at its end; None on the grid of seconds, and where the file names none.
        place: Place in its bar that the first step of `roll` would have in that time signature.
        notes: In the whole file.
        left_out: Of these, those outside of the model's pitches.
    """

    roll: np.ndarray
    notes: int
    left_out: int
    tempo: float
    meter: Meter | None
    place: int


class PrimerReader:
    """Reads one file at a time; so many others may wait.

    Args:
        waiting: Files that wait at most.
        most_steps: Of a primer; more are cut off at the front.
        seconds: That a file waits at most until it is read.
    """

    def __init__(self, waiting: int, most_steps: int, seconds: float) -> None:
        self._turn, self._places = threading.Lock(), threading.Semaphore(waiting)
        self._most_steps, self._seconds = most_steps, seconds

    def read(self, content: bytes, grid: RecordsConfig) -> Primer:
        """A MIDI file on a model's grid.

        Raises:
            Refusal: 400 if it cannot be read soundly, 429 if too many wait, 504 if it waits for too long.
        """
        if not self._places.acquire(blocking=False):
            raise busy("the readers of MIDI files")
        try:
            if not self._turn.acquire(timeout=self._seconds):
                raise Refusal(504, f"the readers of MIDI files take more than {self._seconds:g} s")
            try:
                piece = _convert(content, grid)
            finally:
                self._turn.release()
        finally:
            self._places.release()
        if piece.reason:
            raise bad(f"primer must be a MIDI file. Received: a file that is {piece.reason}")
        record = piece.record
        whole = to_dense(record.roll)
        dense = as_states(whole[-self._most_steps :])
        begin, meter = record.meters[-1] if record.meters else (0, None)
        bar = meter.bar_steps(grid.steps_per_beat) if meter else 1
        place = (len(whole) - len(dense) - begin) % bar
        return Primer(dense, piece.notes, piece.notes_outside_range, record.tempo, meter, place)


def _convert(content: bytes, grid: RecordsConfig) -> Piece:
    with tempfile.TemporaryDirectory(prefix="primer-") as folder:
        path = Path(folder).resolve() / "primer.mid"
        path.write_bytes(content)
        with contextlib.closing(convert_all([str(path)], grid, workers=1)) as pieces:
            [(_, piece)] = pieces
    return piece
