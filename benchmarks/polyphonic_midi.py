"""Writes the pieces of a benchmark set as MIDI files, in folders train, val and test.

Usage: python -m benchmarks.polyphonic_midi DATA/jsb_chorales.npz OUT --beats-per-step 1

A step of the set becomes as many quarter notes as `--beats-per-step` says (1 in JSB Chorales, 0.5 in the others). Cells
that sound in consecutive steps become one held note, because the sets do not tell repeated notes from held ones.
`python -m pianoroll_tf.build_records OUT RECORDS --grid beats --steps-per-beat 1` (2 for the others) gives the
same rolls; pitches outside 24..107 are left out there, and counted.
"""

import argparse
import sys
from pathlib import Path

import mido
import numpy as np

from benchmarks.polyphonic import LOWEST, SPLITS, load_set
from pianoroll_tf.storage.files import write_whole

TICKS = 480  # per quarter note
FOLDERS = dict(zip(SPLITS, ("train", "val", "test"), strict=True))


def as_midi(roll: np.ndarray, beats_per_step: float) -> mido.MidiFile:
    """The MIDI file of a roll, uint8 [steps, 88] of 0 and 1."""
    edges = np.diff(np.pad(roll.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    events = [(int(step), int(edges[step, pitch]), LOWEST + int(pitch)) for step, pitch in np.argwhere(edges)]
    track, now = mido.MidiTrack(), 0
    for step, change, pitch in sorted(events):  # at the same step, notes end (-1) before others begin
        tick = round(step * beats_per_step * TICKS)
        track.append(mido.Message("note_on", note=pitch, velocity=80 if change > 0 else 0, time=tick - now))
        now = tick
    return mido.MidiFile(type=0, ticks_per_beat=TICKS, tracks=[track])


def write_set(path: Path, out: Path, beats_per_step: float) -> int:
    """Writes all pieces of a set; returns their number."""
    count = 0
    for split, pieces in load_set(path).items():
        folder = out / FOLDERS[split]
        folder.mkdir(parents=True, exist_ok=True)
        for number, roll in enumerate(pieces):
            write_whole(folder / f"{number:04d}.mid", _bytes(as_midi(roll, beats_per_step)))
            count += 1
    return count


def _bytes(file: mido.MidiFile) -> bytes:
    import io

    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.polyphonic_midi", description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="an .npz file of the benchmark")
    parser.add_argument("out", type=Path, help="folder of the MIDI files")
    parser.add_argument("--beats-per-step", type=float, default=0.5, help="quarter notes per step (default: 0.5)")
    args = parser.parse_args(argv)
    print(f"{write_set(args.file, args.out, args.beats_per_step)} files in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
