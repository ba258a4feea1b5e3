"""Converts one MIDI file to a piece and facts about it: the work of a reader process."""

import dataclasses
import hashlib
import os

import numpy as np

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.grid import evidence
from pianoroll_tf.data.midi import MidiError, Notes, ignores_tempo, parse_notes, read_bytes
from pianoroll_tf.data.records import PieceRecord
from pianoroll_tf.data.roll import RollLimitError, SparseRoll, notes_to_roll
from pianoroll_tf.data.sketch import sketch, sorted_unique
from pianoroll_tf.data.velocities import piece_velocity_sums, strengths, struck_velocities
from pianoroll_tf.messages import one_line

MAX_HOLD = 4096  # steps; longer holds are counted as this long
FINGERPRINT_STEPS = 4  # per quarter note, on any grid


@dataclasses.dataclass(frozen=True, kw_only=True)
class Piece:
    """The result of converting a file."""

    reason: str = ""  # why the file is skipped; empty if it is used
    sha256: str = ""  # of the file's bytes, hex; empty if they could not be read
    content: str = ""  # digest of the roll, hex: two files with the same digest are duplicates
    music: str = ""  # `fingerprint` of the notes, hex, which decides the split
    sketch: str = ""  # `sketch.sketch` of the notes, hex, by which other versions of the music are found
    notes: int = 0  # including those outside MIDI 24..107
    notes_outside_range: int = 0
    drum_notes: int = 0  # of channel 10, left out
    unclosed_notes: int = 0  # that never end, left out
    silence_seconds: float = 0.0  # longest silence between notes
    steps: int = 0
    active_cells: int = 0
    milliseconds: int = 0  # end of the last note
    tempo_changes: int = 0  # after the first note
    tempo_ignored: bool = False  # whether the parser ignored tempo events that move notes
    pitch_counts: tuple[int, ...] = ()  # number of steps in which each of the 84 pitches sounds
    hold_counts: tuple[int, ...] = ()  # how often a pitch sounds for 1, 2, 3, … steps without a break
    velocity_sums: tuple[int, ...] = ()  # `velocities.velocity_sums`; empty if all notes have the same velocity
    evidence: tuple[float, ...] = ()  # of the grid of beats, by `grid.evidence`; empty on the grid of seconds
    record: PieceRecord | None = dataclasses.field(default=None, repr=False)  # None if the file is skipped


def convert(source: str | os.PathLike | bytes, config: RecordsConfig) -> Piece:
    """Converts a file, given by its path or its content; one that cannot be used gives a piece with a reason.

    Raises:
        MemoryError: It needs more memory than the process may have.
    """
    digest = ""
    try:
        data = source if isinstance(source, bytes) else read_bytes(source)
        digest = hashlib.sha256(data).hexdigest()
        return _convert_bytes(data, digest, config)
    except OSError as error:
        reason = f"unreadable: {error.strerror}"
    except MidiError as error:
        reason = str(error)
    except RollLimitError as error:
        reason = f"too much music: {error}"
    except ValueError as error:  # raised by a library for bytes it did not expect
        reason = f"unreadable: {type(error).__name__} {one_line(error)}"
    return Piece(reason=reason, sha256=digest)


def _convert_bytes(data: bytes, digest: str, config: RecordsConfig) -> Piece:
    notes = parse_notes(data, parser=config.parser, drums=config.drums, pedal=config.pedal)
    roll, outside = notes_to_roll(notes, config)
    if not len(roll.cells):
        raise MidiError("no notes within MIDI 24..107")
    meters = _meters(notes, config, len(roll.counts))
    change = np.searchsorted(notes.tempo_ticks, notes.start_ticks.min(), side="right") - 1  # before the first note
    velocities, sums = None, tuple[int, ...]()
    if notes.velocity is not None:
        velocities = struck_velocities(notes, config)
        strength = strengths(meters, len(roll.counts), config.steps_per_beat if config.grid == "beats" else None)
        sums = piece_velocity_sums(roll, velocities, strength)
    before_end = notes.tempo_ticks[change:] < notes.end_ticks.max()
    microseconds = max(round(float(notes.tempo_microseconds[change])), 1)
    return Piece(
        sha256=digest,
        content=roll_digest(roll),
        music=fingerprint(notes),
        sketch=sketch(notes),
        notes=len(notes.pitch),
        notes_outside_range=outside,
        drum_notes=notes.drums,
        unclosed_notes=notes.unclosed,
        silence_seconds=round(_longest_silence(roll, notes, config), 3),
        steps=len(roll.counts),
        active_cells=len(roll.cells),
        milliseconds=round(float(notes.seconds(notes.end_ticks.max())) * 1000),
        tempo_changes=int(np.count_nonzero(np.diff(notes.tempo_microseconds[change:][before_end]))),
        tempo_ignored=config.parser != "symusic" and ignores_tempo(data, notes),
        pitch_counts=tuple(roll.pitch_counts().tolist()),
        hold_counts=tuple(np.bincount(np.minimum(roll.hold_lengths(), MAX_HOLD))[1:].tolist()),
        velocity_sums=sums,
        evidence=evidence(roll, meters, config.steps_per_beat) if config.grid == "beats" else (),
        record=PieceRecord(roll, bytes.fromhex(digest), meters, microseconds, velocities),
    )


def _longest_silence(roll: SparseRoll, notes: Notes, config: RecordsConfig) -> float:
    """Seconds of the longest silence after the first note and before the last."""
    sounding = np.flatnonzero(roll.counts)
    gaps = np.diff(sounding)
    if not len(gaps):
        return 0.0
    at = int(np.argmax(gaps))
    steps = np.array([sounding[at] + 1, sounding[at + 1]])
    if config.grid == "seconds":
        return float(steps[1] - steps[0]) / config.steps_per_second
    begin, end = notes.seconds(steps * notes.ticks_per_quarter // config.steps_per_beat)
    return float(end - begin)


def _meters(notes: Notes, config: RecordsConfig, steps: int) -> tuple[tuple[int, Meter], ...]:
    """Time signatures of a piece on the grid of beats, (first step, meter); of several at one step the last is kept."""
    if config.grid == "seconds":
        return ()
    places = {round(tick / notes.ticks_per_quarter * config.steps_per_beat): meter for tick, meter in notes.meters}
    return tuple((step, meter) for step, meter in places.items() if step < steps)


def roll_digest(roll: SparseRoll) -> str:
    """sha256 of a roll, hex; pieces with the same digest are duplicates."""
    length = len(roll.counts).to_bytes(8, "little")
    return hashlib.sha256(length + roll.counts.tobytes() + roll.cells.tobytes()).hexdigest()


def fingerprint(notes: Notes) -> str:
    """sha256 of all onsets, hex: intervals above the lowest pitch, at sixteenths after the first note.

    So it does not depend on grid, resolution, tempo, title, velocities, lengths of notes and transposition.
    """
    place = np.floor(notes.quarters(notes.start_ticks - notes.start_ticks.min()) * FINGERPRINT_STEPS + 0.5)
    keys = sorted_unique(place.astype(np.int64) * 128 + notes.pitch - notes.pitch.min())
    return hashlib.sha256(keys.astype("<i8").tobytes()).hexdigest()
