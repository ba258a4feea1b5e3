"""Converts one MIDI file to a piece and facts about it: the work of a reader process."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence

import numpy as np

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.fingerprint import fingerprint, roll_digest
from pianoroll_tf.data.grid import evidence
from pianoroll_tf.data.midi import MidiError, Notes, ignores_tempo, parse_notes, read_bytes
from pianoroll_tf.data.records import PieceRecord
from pianoroll_tf.data.roll import RollLimitError, notes_to_roll
from pianoroll_tf.messages import one_line

MAX_HOLD = 4096  # steps; longer holds are counted as this long


@dataclasses.dataclass(frozen=True, kw_only=True)
class Piece:
    """The result of converting a file.

    Attributes:
        reason: Why the file is skipped; empty if it is used.
        sha256: Digest of the file's bytes, hex; empty if they could not be read.
        content: Digest of the roll, hex: two files with the same digest are duplicates.
        music: `fingerprint` of the notes, hex, which decides the split.
        notes: Number of notes, including those outside MIDI 24..107.
        notes_outside_range: Number of notes outside MIDI 24..107.
        steps: Length on the grid.
        active_cells: Number of sounding cells.
        milliseconds: End of the last note.
        tempo_ignored: Whether the parser ignored tempo events that move notes.
        pitch_counts: Number of steps in which each of the 84 pitches sounds.
        hold_counts: How often a pitch sounds for 1, 2, 3, … steps without a break.
        onset_places: Onsets by position in the quarter note; empty on the grid of seconds.
        bar_recurrence: Covariance and variance of `grid.Evidence`; empty on the grid of seconds.
        record: Roll, time signatures and tempo; None if the file is skipped.
    """

    reason: str = ""
    sha256: str = ""
    content: str = ""
    music: str = ""
    notes: int = 0
    notes_outside_range: int = 0
    steps: int = 0
    active_cells: int = 0
    milliseconds: int = 0
    tempo_ignored: bool = False
    pitch_counts: tuple[int, ...] = ()
    hold_counts: tuple[int, ...] = ()
    onset_places: tuple[int, ...] = ()
    bar_recurrence: tuple[float, ...] = ()
    record: PieceRecord | None = dataclasses.field(default=None, repr=False)


def convert(path: str | os.PathLike, config: RecordsConfig) -> Piece:
    """Reads a file and converts it; one that cannot be used gives a piece with a reason.

    Raises:
        MemoryError: It needs more memory than the process may have.
    """
    digest = ""
    try:
        data = read_bytes(path)
        digest = hashlib.sha256(data).hexdigest()
        return _convert_bytes(data, digest, config)
    except OSError as error:
        return Piece(reason=f"unreadable: {error.strerror}", sha256=digest)
    except MidiError as error:
        return Piece(reason=str(error), sha256=digest)
    except RollLimitError as error:
        return Piece(reason=f"too much music: {error}", sha256=digest)
    except ValueError as error:  # raised by a library for bytes it did not expect
        return Piece(reason=f"unreadable: {type(error).__name__} {one_line(error)}", sha256=digest)


def _convert_bytes(data: bytes, digest: str, config: RecordsConfig) -> Piece:
    notes = parse_notes(data, parser=config.parser, drums=config.drums, pedal=config.pedal)
    roll, outside = notes_to_roll(notes, config)
    if not len(roll.cells):
        raise MidiError("no notes within MIDI 24..107")
    meters = _meters(notes, config, len(roll.counts))
    places: tuple[int, ...] = ()
    recurrence: Sequence[float] = ()
    if config.grid == "beats":
        places, *recurrence = evidence(roll, meters, config.steps_per_beat)
    return Piece(
        sha256=digest,
        content=roll_digest(roll),
        music=fingerprint(notes),
        notes=len(notes.pitch),
        notes_outside_range=outside,
        steps=len(roll.counts),
        active_cells=len(roll.cells),
        milliseconds=round(float(notes.seconds(notes.end_ticks.max())) * 1000),
        tempo_ignored=config.parser != "symusic" and ignores_tempo(data, notes),
        pitch_counts=tuple(roll.pitch_counts().tolist()),
        hold_counts=tuple(np.bincount(np.minimum(roll.hold_lengths(), MAX_HOLD))[1:].tolist()),
        onset_places=places,
        bar_recurrence=tuple(recurrence),
        record=PieceRecord(roll, bytes.fromhex(digest), meters, _microseconds_per_quarter(notes)),
    )


def _meters(notes: Notes, config: RecordsConfig, steps: int) -> tuple[tuple[int, Meter], ...]:
    """Time signatures of a piece on the grid of beats, (first step, meter); of several at one step the last is kept."""
    if config.grid == "seconds":
        return ()
    places = {round(tick / notes.ticks_per_quarter * config.steps_per_beat): meter for tick, meter in notes.meters}
    return tuple((step, meter) for step, meter in places.items() if step < steps)


def _microseconds_per_quarter(notes: Notes) -> int:
    """The tempo at the first note."""
    change = np.searchsorted(notes.tempo_ticks, notes.start_ticks.min(), side="right") - 1
    return max(round(float(notes.tempo_microseconds[change])), 1)
