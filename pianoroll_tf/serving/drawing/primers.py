"""Reads uploaded MIDI files in processes with limits, so that a hostile file harms nothing else."""

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
from pianoroll_tf.serving.refusals import DeadlineError, InvalidRequestError, OverloadedError
from pianoroll_tf.serving.settings import Limits


@dataclasses.dataclass(frozen=True)
class Primer:
    """The content of a MIDI file.

    Attributes:
        roll: uint8 [steps >= 1, 84], 0 silent, 1 held, 2 struck; the end of the file if it is longer than allowed.
        left_out: How many of the `notes` of the whole file are outside the model's range of pitches.
        tempo: Quarter notes per minute at the first note.
        meter: Time signature at the end; None on a grid of seconds, or if the file has none.
        place: Place in its bar, in that time signature, of the first step of `roll`.
    """

    roll: np.ndarray
    notes: int
    left_out: int
    tempo: float
    meter: Meter | None
    place: int


class PrimerReader:
    """Reads one file at a time, while others wait, within the limits of the server."""

    def __init__(self, limits: Limits) -> None:
        self._reading, self._places = threading.Lock(), threading.Semaphore(limits.uploads)
        self._limits = limits

    def read(self, content: bytes, grid: RecordsConfig) -> Primer:
        """Reads a MIDI file on the grid of a model; of a long file only the end is used.

        Raises:
            InvalidRequestError: It is damaged or not a MIDI file.
            OverloadedError: Too many files are waiting.
            DeadlineError: It has waited too long.
        """
        with contextlib.ExitStack() as held:
            if not self._places.acquire(blocking=False):
                raise OverloadedError("too many MIDI files are waiting")
            held.callback(self._places.release)
            if not self._reading.acquire(timeout=self._limits.request_seconds):
                raise DeadlineError(f"the primer waited for more than {self._limits.request_seconds:g} s")
            held.callback(self._reading.release)
            piece = _convert(content, grid)
        record = piece.record
        if piece.reason or record is None:
            raise InvalidRequestError(f"primer must be a MIDI file. Received: a file that is {piece.reason}")
        whole = to_dense(record.roll)
        dense = as_states(whole[-self._limits.primer_steps :])
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
