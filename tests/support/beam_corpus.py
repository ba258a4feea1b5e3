"""A folder of MIDI files for builds on several runners: pieces, a duplicate, a version, and what is skipped."""

from pathlib import Path

from midi_files import TICKS, song, write_corpus

# What becomes of the files that are not pieces, beside one duplicate
SKIPPED = {
    "a link (--follow-links reads it)": 1,
    "damaged": 2,
    "empty file": 1,
    "not a MIDI file": 1,
    "no notes": 1,
}


def write_mixed(folder: Path, pieces: int = 8) -> Path:
    """Writes pieces, and in a folder below them everything else."""
    write_corpus(folder, pieces, quarters=4)
    other = folder / "sub"
    other.mkdir()
    whole = (folder / "00.mid").read_bytes()
    scale = [(place * TICKS, place * TICKS + TICKS, 60 + place * 5 % 12) for place in range(16)]
    contents = {
        "copy.mid": whole,
        "tune.mid": song(scale),
        "tune higher.MID": song([(start, end, pitch + 2) for start, end, pitch in scale]),
        "bad.mid": b"bad",
        "empty.mid": b"",
        "cut.mid": whole[:-9],
        "cut more.mid": whole[:40],
        "silent.mid": song([]),
    }
    for name, content in contents.items():
        (other / name).write_bytes(content)
    (other / "link.mid").symlink_to("tune.mid")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Name and content of each file in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
