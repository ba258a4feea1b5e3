"""Counts notes that never end: a parser leaves them out without a word."""

from collections import Counter
from collections.abc import Callable

from pianoroll_tf.data.smf import (
    CHUNK,
    DRUM_CHANNEL,
    END_OF_TRACK_EVENT,
    HEADER,
    NOTE_OFF,
    NOTE_ON,
    MidiError,
    events,
)

CHANNELS, PITCHES = 16, 128


def count_unclosed(data: bytes, notes: int, count_notes: Callable[[bytes], int], drums: bool) -> int:
    """The number of notes without a note-off.

    Walking through all events would take several times as long as a parser. So the parser reads the file again with
    note-offs for all pitches at the end of each track, and only if it then finds more notes, the events are counted.

    Args:
        data: A MIDI file, as `smf.plain_header` returns it.
        notes: Number of notes that a parser has found.
        count_notes: Returns that number for another file.
        drums: Whether the notes of channel 10 are counted.
    """
    more = count_notes(with_all_notes_closed(data)) - notes
    if more <= 0:
        return 0
    try:
        return _open_at_the_end(data, drums)
    except MidiError:  # the parser is less strict
        return more


def with_all_notes_closed(data: bytes) -> bytes:
    """A MIDI file with a note-off for each pitch of each used channel before the end of each track."""
    parts, position = [data[: HEADER.size]], HEADER.size
    while len(data) - position >= CHUNK.size:
        name, length = CHUNK.unpack_from(data, position)
        body = data[position + CHUNK.size : position + CHUNK.size + length]
        position += CHUNK.size + length
        if name == b"MTrk":
            channels = [channel for channel in range(CHANNELS) if NOTE_ON | channel in body]
            whole = body.endswith(END_OF_TRACK_EVENT)  # its delta time becomes that of the first note-off
            kept, delta = (body[: -len(END_OF_TRACK_EVENT)], b"") if whole else (body, b"\0")
            ends = b"\0".join(_NOTE_OFFS[channel] for channel in channels)
            body = kept + delta + ends + b"\0" + END_OF_TRACK_EVENT if channels else body
        parts.append(CHUNK.pack(name, len(body)) + body)
    return b"".join(parts)


# All pitches of a channel at one tick, in running status, without the delta time of the first
_NOTE_OFFS = [
    bytes([NOTE_OFF | channel]) + b"\0".join(bytes([pitch, 0]) for pitch in range(PITCHES))
    for channel in range(CHANNELS)
]


def _open_at_the_end(data: bytes, drums: bool) -> int:
    """Note-ons less the note-offs that end one, by track, channel and pitch."""
    still_open: Counter[tuple[int, int, int]] = Counter()
    for track, _, kind, channel, pitch, velocity in events(data):
        if kind not in (NOTE_ON, NOTE_OFF) or (channel % CHANNELS == DRUM_CHANNEL and not drums):
            continue
        if kind == NOTE_ON and velocity:
            still_open[track, channel, pitch] += 1
        elif still_open[track, channel, pitch]:
            still_open[track, channel, pitch] -= 1
    return still_open.total()
