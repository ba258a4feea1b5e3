"""One MIDI file -> one record and the facts about it; what a worker process does."""

import dataclasses
import hashlib
import os

import numpy as np

from pianoroll_tf.cli import one_line
from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.midi import MidiError, Notes, ignores_tempo, parse_notes, read_bytes
from pianoroll_tf.data.records import encode_piece
from pianoroll_tf.data.roll import RollLimitError, notes_to_roll

LONGEST_HOLD = 4096  # steps; longer ones are counted as this long


PITCHES = 128  # of MIDI


@dataclasses.dataclass(frozen=True, kw_only=True)
class Piece:
    """What became of a file.

    Attributes:
        reason: Why it is skipped; empty when it is used.
        sha256: Of the file's bytes, hex; empty when they could not be read.
        content: Digest of notes and tempo map, hex: equal for the same music under other names and texts.
        notes: Notes read, those outside 24..107 included.
        notes_outside_range: Notes outside 24..107.
        steps: Length on the grid.
        active_cells: Cells that are 1.
        milliseconds: Time of the end of the last note.
        tempo_ignored: Whether the parser left out tempo events that move notes.
        pitch_counts: Steps in which each of the 84 pitches sounds.
        hold_counts: How often a pitch sounds for 1, 2, 3, … steps without a break.
        record: Serialized record; empty when skipped.
    """

    reason: str = ""
    sha256: str = ""
    content: str = ""
    notes: int = 0
    notes_outside_range: int = 0
    steps: int = 0
    active_cells: int = 0
    milliseconds: int = 0
    tempo_ignored: bool = False
    pitch_counts: tuple[int, ...] = ()
    hold_counts: tuple[int, ...] = ()
    record: bytes = dataclasses.field(default=b"", repr=False)


def convert(path: str | os.PathLike, config: RecordsConfig) -> Piece:
    """Reads a file and makes its record; a file that cannot be used gives a piece with a reason.

    Raises:
        MemoryError: It needs more than the process may have.
    """
    digest = ""
    try:
        data = read_bytes(path)
        digest = hashlib.sha256(data).hexdigest()
        return _used(data, digest, config)
    except OSError as error:
        return Piece(reason=f"unreadable: {error.strerror}", sha256=digest)
    except MidiError as error:
        return Piece(reason=str(error), sha256=digest)
    except RollLimitError as error:
        return Piece(reason=f"too much music: {error}", sha256=digest)
    except ValueError as error:  # what a library says of bytes it did not expect
        return Piece(reason=f"unreadable: {type(error).__name__} {one_line(error)}", sha256=digest)


def _used(data: bytes, digest: str, config: RecordsConfig) -> Piece:
    notes = parse_notes(data, parser=config.parser, drums=config.drums, pedal=config.pedal)
    roll, outside = notes_to_roll(notes, config)
    if not len(roll.cells):
        raise MidiError("no notes within MIDI 24..107")
    return Piece(
        sha256=digest,
        content=content_digest(notes),
        notes=len(notes.pitch),
        notes_outside_range=outside,
        steps=len(roll.counts),
        active_cells=len(roll.cells),
        milliseconds=round(float(notes.seconds(notes.end_ticks.max())) * 1000),
        tempo_ignored=config.parser != "symusic" and ignores_tempo(data, notes),
        pitch_counts=tuple(roll.pitch_counts().tolist()),
        hold_counts=tuple(np.bincount(np.minimum(roll.hold_lengths(), LONGEST_HOLD))[1:].tolist()),
        record=encode_piece(roll, bytes.fromhex(digest)),
    )


def content_digest(notes: Notes) -> str:
    """A digest of the music: notes in canonical order, tempo map up to the last note, ticks a quarter; hex."""
    start, end, pitch = _canonical(notes)
    heard = notes.tempo_ticks <= notes.end_ticks.max()
    digest = hashlib.sha256(f"{notes.ticks_per_quarter} {len(pitch)} {heard.sum()}".encode())
    for array in (start, end, pitch, notes.tempo_ticks[heard]):
        digest.update(array.astype("<i8").tobytes())
    digest.update(notes.tempo_microseconds[heard].astype("<f8").tobytes())
    return digest.hexdigest()


def _canonical(notes: Notes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts, ends and pitches of the notes, sorted by start, then pitch, then end."""
    lasts = notes.end_ticks - notes.start_ticks
    longest, latest = int(lasts.max()) + 1, int(notes.start_ticks.max())
    if (latest + 1) * PITCHES * longest >= 2**63:
        order = np.lexsort((notes.end_ticks, notes.pitch, notes.start_ticks))
        return notes.start_ticks[order], notes.end_ticks[order], notes.pitch[order]
    # All three in one number are sorted several times as fast.
    where, lasts = np.divmod(np.sort((notes.start_ticks * PITCHES + notes.pitch) * longest + lasts), longest)
    start, pitch = np.divmod(where, PITCHES)
    return start, start + lasts, pitch
