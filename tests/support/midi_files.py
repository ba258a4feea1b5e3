"""Creates small MIDI files, valid and damaged ones, for the tests."""

import random
import struct
from collections.abc import Iterable
from pathlib import Path

TICKS = 480  # per quarter note


def vlq(number: int) -> bytes:
    """A variable-length quantity.

    >>> vlq(0x80).hex()
    '8100'
    """
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


def header(tracks: int, kind: int = 1, division: int = TICKS) -> bytes:
    """The header chunk."""
    return b"MThd" + struct.pack(">IHHH", 6, kind, tracks, division)


def track(events: Iterable[tuple[int, bytes]], end: bool = True) -> bytes:
    """A track chunk from (tick, bytes) events; of one tick they keep their order."""
    body, before = b"", 0
    for tick, event in sorted(events, key=lambda item: item[0]):
        body += vlq(tick - before) + event
        before = tick
    body += b"\x00\xff\x2f\x00" if end else b""
    return b"MTrk" + struct.pack(">I", len(body)) + body


def note(start: int, end: int, pitch: int, channel: int = 0) -> list[tuple[int, bytes]]:
    """A note-on and a note-off."""
    return [(start, bytes([0x90 | channel, pitch, 64])), (end, bytes([0x80 | channel, pitch, 0]))]


def tempo(tick: int, microseconds: int) -> tuple[int, bytes]:
    """A tempo event: microseconds per quarter note."""
    return tick, b"\xff\x51\x03" + microseconds.to_bytes(3, "big")


def pedal(tick: int, value: int, channel: int = 0) -> tuple[int, bytes]:
    """The sustain pedal, down from 64 on."""
    return tick, bytes([0xB0 | channel, 64, value])


def song(notes: Iterable[tuple[int, int, int]], tempos: Iterable[tuple[int, int]] = (), division: int = TICKS) -> bytes:
    """A type 1 file: a track of (tick, microseconds) tempos, and one of (start, end, pitch) notes in ticks."""
    # Notes end before others start at the same tick, and begin before they end themselves.
    events = [
        (tick, rank, event)
        for start, end, pitch in notes
        for rank, (tick, event) in zip((1, 2 if start == end else 0), note(start, end, pitch), strict=True)
    ]
    events.sort(key=lambda item: item[:2])
    tracks = [track([tempo(*change) for change in tempos]), track([(tick, event) for tick, _, event in events])]
    return header(len(tracks), division=division) + b"".join(tracks)


def shards_of(records_dir: Path, split: str) -> list[Path]:
    """The shards of a split, in order."""
    return sorted(records_dir.glob(f"{split}-*.tfrecord"))


def random_song(seed: int, quarters: int = 32) -> bytes:
    """A short two-part piece: a melody of eighths over half-note chords; another one for every seed."""
    rng = random.Random(seed)
    root = rng.randrange(48, 60)
    scale = [root + step for step in (0, 2, 4, 5, 7, 9, 11, 12, 14)]
    notes = []
    for half in range(quarters // 2):
        bass = rng.choice(scale[:5])
        notes += [(half * 2 * TICKS, (half + 1) * 2 * TICKS, bass - 12 + third) for third in (0, 4, 7)]
        degrees = [rng.randrange(len(scale)) for _ in range(4)]
        for eighth, degree in enumerate(degrees):
            start = half * 2 * TICKS + eighth * TICKS // 2
            notes.append((start, start + TICKS // 2, scale[degree] + 12))
    return song(notes, tempos=[(0, rng.choice([400_000, 500_000, 600_000]))])


def write_corpus(folder: Path, pieces: int = 12, seed: int = 0, quarters: int = 32) -> Path:
    """Writes `pieces` files `00.mid`, `01.mid`, ... and returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(pieces):
        (folder / f"{index:02d}.mid").write_bytes(random_song(seed * 1000 + index, quarters))
    return folder
