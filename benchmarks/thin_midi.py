"""Copies MIDI files with every second pitch left out, or more, so that the cells of their rolls are rarer.

Usage: python -m benchmarks.thin_midi MIDI_DIR OUT --keep-every 2

Notes whose MIDI pitch is a multiple of `--keep-every` are kept. Tempo, time signatures and the times of the notes that
are kept do not change.
"""

import argparse
import sys
from pathlib import Path

import symusic


def thin(path: Path, target: Path, keep_every: int) -> int:
    """Writes a thinned copy of a file; returns the number of notes that are left."""
    score = symusic.Score(path)
    for track in score.tracks:
        track.notes = track.notes.filter(lambda note: note.pitch % keep_every == 0)
    score.dump_midi(target)
    return sum(len(track.notes) for track in score.tracks)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.thin_midi", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("midi", type=Path, help="folder of MIDI files")
    parser.add_argument("out", type=Path, help="folder of the copies")
    parser.add_argument(
        "--keep-every", type=int, default=2, help="keep pitches that are multiples of this (default: 2)"
    )
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    paths = sorted(path for path in args.midi.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    notes = sum(thin(path, args.out / f"{number:04d}.mid", args.keep_every) for number, path in enumerate(paths))
    print(f"{len(paths)} files with {notes} notes in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
