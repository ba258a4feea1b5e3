"""Parses a MIDI file into notes in ticks and their tempo map; the only module that reads with MIDI libraries."""

import contextlib
import dataclasses
import functools
import io
import os
import stat
import warnings
from collections.abc import Callable, Iterable

import numpy as np

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.pedal import sustained_notes
from pianoroll_tf.data.smf import MidiError, check_header, check_ticks, plain_header, without_riff
from pianoroll_tf.data.unclosed import count_unclosed

# Windows lacks all but the last, which only it needs
_OPEN_FLAGS = sum(getattr(os, f"O_{name}", 0) for name in ("NONBLOCK", "NOFOLLOW", "CLOEXEC", "BINARY"))
MAX_FILE_BYTES = 16 << 20  # typical files have 10 to 500 KB
MAX_METERS = 10_000  # changes of time signature; later ones are ignored
MAX_NOTES = 1_000_000  # a long opera has some 200,000
ONLY_DRUMS = "only drums (--drums keeps them)"
AUDIBLE_SECONDS = 0.001  # onsets that differ by less count as equal
DEFAULT_MICROSECONDS = 500_000.0  # per quarter note, before the first tempo event: 120 per minute


@dataclasses.dataclass(frozen=True, eq=False)
class Notes:
    """The notes of a MIDI file, in any order, with tempo map and time signatures."""

    start_ticks: np.ndarray  # int64 [notes]
    end_ticks: np.ndarray  # int64 [notes], start_ticks <= end_ticks
    pitch: np.ndarray  # int64 [notes], MIDI numbers 0..127
    ticks_per_quarter: int
    tempo_ticks: np.ndarray  # int64 [changes], ascending, the first is 0
    tempo_microseconds: np.ndarray  # float64 [changes], duration of a quarter note from there on
    meters: tuple[tuple[int, Meter], ...] = ()  # (tick, time signature), ascending
    drums: int = 0  # number of notes that are left out because they are on channel 10
    unclosed: int = 0  # number of notes that are left out because they never end
    velocity: np.ndarray | None = None  # int64 [notes], 1..127; None: not known

    def seconds(self, ticks: np.ndarray) -> np.ndarray:
        """Time of `ticks` from the start of the file, float64; exact up to one rounding at the end.

        Ticks and microseconds per quarter are integers, so the sums below are too.
        """
        change = np.searchsorted(self.tempo_ticks, ticks, side="right") - 1
        units = self._units_at_change[change] + (ticks - self.tempo_ticks[change]) * self.tempo_microseconds[change]
        return units / (self.ticks_per_quarter * 1e6)

    @functools.cached_property
    def _units_at_change(self) -> np.ndarray:
        """float64 [changes], ticks times microseconds per quarter up to each change."""
        lasted = np.diff(self.tempo_ticks) * self.tempo_microseconds[:-1]
        return np.concatenate([[0.0], np.cumsum(lasted)])

    def quarters(self, ticks: np.ndarray) -> np.ndarray:
        """Position of `ticks` in quarter notes from the start of the file, float64."""
        return np.asarray(ticks) / float(self.ticks_per_quarter)


def read_bytes(path: str | os.PathLike) -> bytes:
    """Reads a regular file of up to `MAX_FILE_BYTES`; does not block and does not follow links.

    Raises:
        MidiError: It is not a regular file, or too large.
        OSError: It cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | _OPEN_FLAGS)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise MidiError("not a regular file")
        if facts.st_size > MAX_FILE_BYTES:
            raise MidiError(f"larger than {MAX_FILE_BYTES >> 20} MiB")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_FILE_BYTES)
    finally:
        os.close(descriptor)


def parse_notes(data: bytes, parser: str = "symusic", drums: bool = False, pedal: bool = False) -> Notes:
    """Parses notes and tempo map of a MIDI file.

    Args:
        data: Bytes of the file, as from `read_bytes`; a RIFF file (.rmi) is unwrapped.
        parser: Entry of `PARSERS`.
        drums: Whether to keep the notes of channel 10.
        pedal: Whether to hold notes while the sustain pedal of their channel is down. The parsers do not report
            channels, so notes and pedals are then read from the events themselves (`data.pedal`).

    Raises:
        MidiError: The bytes are not MIDI, damaged, or beyond a limit.
    """
    data = without_riff(data)
    check_header(data)
    data = plain_header(data)
    notes = PARSERS[parser](data, drums)
    unclosed = count_unclosed(data, len(notes.pitch), lambda other: _count_notes(other, drums), drums)
    notes = dataclasses.replace(notes, unclosed=unclosed)
    if pedal:
        start, end, pitch = sustained_notes(data, drums)
        velocity = _velocities_at(notes, start, pitch)
        notes = dataclasses.replace(notes, start_ticks=start, end_ticks=end, pitch=pitch, velocity=velocity)
    check_notes(notes)
    return notes


def _velocities_at(notes: Notes, start: np.ndarray, pitch: np.ndarray) -> np.ndarray | None:
    """The velocities of the notes of a parser at the starts and pitches of other notes; None if there are no notes."""
    if notes.velocity is None or not len(notes.pitch):
        return None
    places, wanted = notes.start_ticks * 128 + notes.pitch, start * 128 + pitch
    order = np.argsort(places, kind="stable")
    return notes.velocity[order[np.searchsorted(places[order], wanted).clip(max=len(order) - 1)]]


def ignores_tempo(data: bytes, notes: Notes) -> bool:
    """Whether the tempo map of `notes`, as a parser read them, differs audibly from the tempo events of all tracks."""
    full = _with_symusic(plain_header(without_riff(data)), drums=True)
    moved = np.abs(full.seconds(notes.start_ticks) - notes.seconds(notes.start_ticks))
    return bool((moved > AUDIBLE_SECONDS).any())


def check_notes(notes: Notes) -> None:
    """Raises MidiError, whose text is the reason, unless the notes are valid."""
    if not len(notes.pitch):
        raise MidiError(ONLY_DRUMS if notes.drums else "no note ends" if notes.unclosed else "no notes")
    if len(notes.pitch) > MAX_NOTES:
        raise MidiError(f"more than {MAX_NOTES} notes")
    if (notes.start_ticks < 0).any() or (notes.end_ticks < notes.start_ticks).any() or notes.tempo_ticks[0] != 0:
        raise MidiError("times run backwards")
    if (notes.pitch < 0).any() or (notes.pitch > 127).any():
        raise MidiError("a pitch outside 0..127")
    if not (notes.tempo_microseconds > 0).all():
        raise MidiError("a tempo of 0")


def _tempo_map(ticks: np.ndarray | list[int], microseconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorts tempo events; of several at one tick the last is kept; before the first the default tempo is added."""
    ticks = np.concatenate([[0], ticks]).astype(np.int64)
    microseconds = np.concatenate([[DEFAULT_MICROSECONDS], microseconds]).astype(np.float64)
    if (ticks < 0).any():
        raise MidiError("times run backwards")
    order = np.argsort(ticks, kind="stable")
    ticks, microseconds = ticks[order], microseconds[order]
    last = np.append(ticks[1:] != ticks[:-1], True)
    return ticks[last], microseconds[last]


def _meters(events: Iterable[tuple[int, int, int]]) -> tuple[tuple[int, Meter], ...]:
    """Sorts time signatures, given as (tick, numerator, denominator).

    Of several at one tick the last is kept; one that `Meter` does not allow, or that changes nothing, is dropped.
    """
    found: dict[int, Meter] = {}
    for tick, numerator, denominator in sorted(events, key=lambda event: event[0]):
        with contextlib.suppress(ValueError):
            found[max(tick, 0)] = Meter(numerator, denominator)
    changes = list(found.items())
    return tuple(change for i, change in enumerate(changes) if not i or change[1] != changes[i - 1][1])[:MAX_METERS]


def _with_symusic(data: bytes, drums: bool) -> Notes:
    """Notes, and the tempo events of all tracks."""
    from symusic import core

    try:
        score = core.ScoreTick.from_midi(data)
    except RuntimeError as error:
        raise MidiError("damaged: " + " ".join(str(error).removeprefix("MiniMidi: ").split())) from error
    tracks = [track.notes.numpy() for track in score.tracks if drums or not track.is_drum]
    left_out = 0 if drums else sum(len(track.notes) for track in score.tracks if track.is_drum)
    start, duration, pitch, velocity = (
        np.concatenate([np.zeros(0, np.int64), *(track[name] for track in tracks)]).astype(np.int64)
        for name in ("time", "duration", "pitch", "velocity")
    )
    tempos = score.tempos.numpy()
    check_ticks(data, tempos=len(tempos["time"]))
    tempo_ticks, tempo_microseconds = _tempo_map(tempos["time"], tempos["mspq"])
    signatures = score.time_signatures.numpy()
    meters = _meters(zip(*(signatures[name].tolist() for name in ("time", "numerator", "denominator")), strict=True))
    tempo_map = score.ticks_per_quarter, tempo_ticks, tempo_microseconds
    return Notes(start, start + duration, pitch, *tempo_map, meters, left_out, velocity=velocity)


def _count_notes(data: bytes, drums: bool) -> int:
    """The number of notes that symusic finds; 0 if it cannot read the file."""
    from symusic import core

    try:
        tracks = core.ScoreTick.from_midi(data).tracks
    except RuntimeError:
        return 0
    return sum(len(track.notes) for track in tracks if drums or not track.is_drum)


def _with_pretty_midi(data: bytes, drums: bool) -> Notes:
    """Notes as pretty_midi pairs them, and the tempo events of the first track only."""
    import pretty_midi

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            midi = pretty_midi.PrettyMIDI(io.BytesIO(data))
    except MemoryError:
        raise
    except Exception as error:  # its parser raises any exception for a broken file: KeyError, EOFError, …
        raise MidiError(f"pretty_midi cannot read it: {type(error).__name__} {error}".strip()) from error
    notes = [note for track in midi.instruments if drums or not track.is_drum for note in track.notes]
    start, end = (
        np.array([midi.time_to_tick(getattr(note, edge)) for note in notes], np.int64) for edge in ("start", "end")
    )
    seconds, quarters_per_minute = midi.get_tempo_changes()
    tempo_ticks, tempo_microseconds = _tempo_map([midi.time_to_tick(s) for s in seconds], 6e7 / quarters_per_minute)
    pitch, velocity = (np.array([getattr(note, name) for note in notes], np.int64) for name in ("pitch", "velocity"))
    signatures = midi.time_signature_changes
    meters = _meters((int(midi.time_to_tick(one.time)), one.numerator, one.denominator) for one in signatures)
    left_out = 0 if drums else sum(len(track.notes) for track in midi.instruments if track.is_drum)
    tempo_map = midi.resolution, tempo_ticks, tempo_microseconds
    return Notes(start, end, pitch, *tempo_map, meters, left_out, velocity=velocity)


PARSERS: dict[str, Callable[[bytes, bool], Notes]] = {"symusic": _with_symusic, "pretty_midi": _with_pretty_midi}
