"""Structure of standard MIDI files: header, chunks, and channel events, which MIDI libraries do not report."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

HEADER = struct.Struct(">4sIHHH")  # "MThd", length, type, tracks, division
HEADER_BYTES = 6  # defined by the standard; readers must skip any more
CHUNK = struct.Struct(">4sI")
RIFF_CHUNK = struct.Struct("<4sI")
MAX_TICK = 2**31 - 1  # maximum of a parser that counts ticks in 32 bits
TEMPO = b"\xff\x51\x03"  # first bytes of a tempo event
TEMPO_BYTES = 6  # of a tempo event
META, SYSEX, ESCAPE = 0xFF, 0xF0, 0xF7
PORT, END_OF_TRACK = 0x21, 0x2F  # meta events
END_OF_TRACK_EVENT = bytes([META, END_OF_TRACK, 0])
NOTE_OFF, NOTE_ON, CONTROLLER = 0x80, 0x90, 0xB0
DRUM_CHANNEL = 9


class MidiError(ValueError):
    """A file that cannot be used; the text is the reason shown to the user."""


class Event(NamedTuple):
    """A channel event; `tick` counts from the start of its track."""

    track: int
    tick: int
    kind: int  # 0x80, 0x90, 0xA0, 0xB0 or 0xE0
    channel: int  # 0..15, plus 16 times the port of the track
    data1: int
    data2: int


def without_riff(data: bytes) -> bytes:
    """The MIDI file within a RIFF file of the kind RMID (.rmi), which is its chunk `data`; other data as they are.

    >>> without_riff(b"RIFF" + bytes([24, 0, 0, 0]) + b"RMIDdata" + bytes([7, 0, 0, 0]) + b"MThd...\\0")
    b'MThd...'
    """
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    position = 12
    while len(data) - position >= RIFF_CHUNK.size:
        name, length = RIFF_CHUNK.unpack_from(data, position)
        position += RIFF_CHUNK.size
        if name == b"data":
            return data[position : position + length]
        position += length + length % 2  # chunks are padded to an even length
    raise MidiError("damaged: a RIFF file without a MIDI file")


def check_header(data: bytes) -> None:
    """Raises MidiError, whose text is the reason, if a file with this header cannot be used."""
    if not data:
        raise MidiError("empty file")
    if data[:4] != b"MThd":
        raise MidiError("not a MIDI file")
    if len(data) < HEADER.size:
        raise MidiError("damaged: the file ends within its header")
    _, length, kind, _, division = HEADER.unpack_from(data)
    if length < HEADER_BYTES:
        raise MidiError(f"damaged: the header must have at least {HEADER_BYTES} bytes")
    if length > len(data) - CHUNK.size:
        raise MidiError("damaged: the file ends within its header")
    if kind == 2:
        raise MidiError("MIDI type 2, whose tracks are separate pieces")
    if kind > 2:
        raise MidiError("damaged: unknown MIDI type")
    if division == 0:
        raise MidiError("damaged: 0 ticks a quarter note")
    if division & 0x8000:
        raise MidiError("SMPTE time code instead of quarter notes")


def plain_header(data: bytes) -> bytes:
    """Shortens a header that passed `check_header` to 6 bytes, the only length that MIDI libraries read.

    >>> longer = bytes.fromhex("4d546864 00000008 0001 0000 01e0 ffff")
    >>> plain_header(longer).hex(" ", 4)
    '4d54 68640000 00060001 000001e0'
    """
    name, length, *numbers = HEADER.unpack_from(data)
    if length == HEADER_BYTES:
        return data
    return HEADER.pack(name, HEADER_BYTES, *numbers) + data[CHUNK.size + length :]


def check_ticks(data: bytes, tempos: int) -> None:
    """Checks that all ticks of a file fit in 31 bits; others would wrap around without notice.

    For nearly all files an upper bound from the bytes is enough; the others are read event by event.

    Args:
        data: A MIDI file, as `plain_header` returns it.
        tempos: Number of tempo events that a parser has found in it.

    Raises:
        MidiError: They do not fit, or the file is damaged.
    """
    if _ticks_bound(data, tempos) > MAX_TICK and any(event.tick > MAX_TICK for event in events(data, every=True)):
        raise MidiError("damaged: a time beyond 2^31 ticks")


def _ticks_bound(data: bytes, tempos: int) -> int:
    """An upper bound of the length of any track: every byte below 128 is counted as the end of a delta time.

    Its value consists of that byte and the up to 3 bytes above 127 before it, 7 bits each. The data of tempo events,
    which would look like huge deltas, are skipped, but only if everything that looks like a tempo event is one.
    """
    codes = _without_tempos(np.frombuffer(data, np.uint8), tempos)
    ends = codes < 128  # bytes that end a delta
    total = int((codes * ends).sum(dtype=np.int64))
    place = np.flatnonzero(~ends[:-1] & ends[1:])
    for back in (1, 2, 3):  # the byte in `place` is of the delta that ends `back` bytes further
        total += int((codes[place] - 128).sum(dtype=np.int64)) << 7 * back
        place = place[place > 0] - 1
        place = place[~ends[place]]
    return total


def _without_tempos(codes: np.ndarray, tempos: int) -> np.ndarray:
    """Sets all bytes of each tempo event but the first to 0, if there are as many events as expected."""
    first, second, third = TEMPO
    at = np.flatnonzero((codes[:-5] == first) & (codes[1:-4] == second) & (codes[2:-3] == third))
    if len(at) != tempos or (np.diff(at) < TEMPO_BYTES).any():
        return codes
    codes = codes.copy()
    for offset in range(1, TEMPO_BYTES):
        codes[at + offset] = 0
    return codes


def events(data: bytes, every: bool = False) -> Iterator[Event]:
    """Yields the channel events of all tracks of a file that `plain_header` returned; raises MidiError for damage.

    With `every`, it yields meta and system events too, as kind 0xF0, without their data.
    """
    position, track, tracks = HEADER.size, 0, HEADER.unpack_from(data)[3]
    while track < tracks and len(data) - position >= CHUNK.size:  # whatever follows the last track is not read
        name, length = CHUNK.unpack_from(data, position)
        position += CHUNK.size
        if length > len(data) - position:
            raise MidiError("damaged: the file ends within a chunk")
        if name == b"MTrk":
            try:
                yield from _track_events(data[position : position + length], track, every)
            except IndexError as error:
                raise MidiError("damaged: a track ends within an event") from error
            track += 1
        position += length


def _track_events(body: bytes, track: int, every: bool) -> Iterator[Event]:
    """Yields the events of one track; raises IndexError if it ends within one."""
    position, tick, running, port = 0, 0, 0, 0
    while position < len(body):
        delta, position = _quantity(body, position)
        tick += delta
        status = body[position] if body[position] & 0x80 else running
        position += body[position] >> 7
        if status in (META, SYSEX, ESCAPE):  # files rely on a running status that survives them
            kind = body[position] if status == META else -1
            length, position = _quantity(body, position + (status == META))
            if kind == PORT and length:
                port = body[position]
            position += length
            if position > len(body):
                raise IndexError
            if every:
                yield Event(track, tick, 0xF0, 0, 0, 0)
            if kind == END_OF_TRACK:
                return
            continue
        if not 0x80 <= status < 0xF0:
            raise MidiError("damaged: an event without a kind")
        running = status
        two = status & 0xF0 not in (0xC0, 0xD0)
        data1, data2 = body[position], body[position + 1] if two else 0
        if (data1 | data2) & 0x80:
            raise MidiError("damaged: a value above 127 in an event")
        position += 1 + two
        if two or every:
            yield Event(track, tick, status & 0xF0, 16 * port + (status & 0x0F), data1, data2)


def _quantity(body: bytes, position: int) -> tuple[int, int]:
    """Reads a variable-length quantity of up to 4 bytes; returns it and the position after it."""
    value = 0
    for _ in range(4):
        byte = body[position]
        position += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position
    raise MidiError("damaged: a delta time of more than 4 bytes")
