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
from pianoroll_tf.data.workers import convert_all
from pianoroll_tf.generation.continuation import piece_primer
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
        meters: (step of `roll`, time signature), ascending; empty on a grid of seconds. The first may be before step 0.
        velocities: Of its struck cells, uint8 [steps, 84]; None: not known.
    """

    roll: np.ndarray
    notes: int
    left_out: int
    tempo: float
    meter: Meter | None
    place: int
    meters: tuple[tuple[int, Meter], ...] = ()
    velocities: np.ndarray | None = None


class PrimerReader:
    """Reads one file at a time, while others wait, within the limits of the server."""

    def __init__(self, limits: Limits) -> None:
        self._reading, self._places = threading.Lock(), threading.Semaphore(limits.uploads)
        self._limits = limits

    def read(self, content: bytes, grid: RecordsConfig, steps: int | None = None, whole: bool = False) -> Primer:
        """Reads a MIDI file on the grid of a model; of a long file only the end is used, from a bar line.

        Args:
            content: Of the file.
            grid: That of the model.
            steps: How many steps to use at most. Default: as many as the server allows.
            whole: Reads as many steps as a piece may have, so that a user can choose a part of them.

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
        steps_per_beat = grid.steps_per_beat if grid.grid == "beats" else None
        longest = self._limits.most_steps if whole else self._limits.primer_steps
        limit = min(steps or longest, longest)
        part = piece_primer(piece).from_first_bar(steps_per_beat).last(limit, steps_per_beat)
        facts = (piece.notes, piece.notes_outside_range, record.tempo, *part.clock(steps_per_beat))
        meters = part.meters if steps_per_beat is not None else ()
        return Primer(part.roll, *facts, meters=meters, velocities=part.velocities)


def _convert(content: bytes, grid: RecordsConfig) -> Piece:
    with tempfile.TemporaryDirectory(prefix="primer-") as folder:
        path = Path(folder).resolve() / "primer.mid"
        path.write_bytes(content)
        with contextlib.closing(convert_all([str(path)], grid, workers=1)) as pieces:
            [(_, piece)] = pieces
    return piece
