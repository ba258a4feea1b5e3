"""Pieces of a benchmark set as MIDI files: the records that are built of them have the same rolls."""

import numpy as np

from benchmarks import polyphonic_midi
from pianoroll_tf import build_records
from pianoroll_tf.data.loading import load_corpus


def write_npz(path, pieces):
    """A file in the layout of the benchmark: a piece is a list of steps, a step a list of MIDI pitches."""
    arrays = {}
    for split, rolls in pieces.items():
        steps = [step for roll in rolls for step in roll]
        arrays[f"{split}_piece_offsets"] = np.cumsum([0, *map(len, rolls)]).astype(np.int32)
        arrays[f"{split}_step_offsets"] = np.cumsum([0, *map(len, steps)]).astype(np.int32)
        arrays[f"{split}_notes"] = np.array([note for step in steps for note in step], np.uint8)
    np.savez(path, **arrays)


def test_the_records_have_the_same_cells_in_the_same_splits(tmp_path, capsys):
    held, moving = [[60, 64], [60, 67], [60], [], [72]], [[50], [52], [53], [55]]
    low = [[40, 47], [40], [45]]
    write_npz(tmp_path / "set.npz", {"train": [held, moving], "valid": [low], "test": [moving[::-1]]})
    midi, records = tmp_path / "midi", tmp_path / "records"
    assert polyphonic_midi.main([str(tmp_path / "set.npz"), str(midi), "--beats-per-step", "0.5"]) == 0
    assert "4 files in" in capsys.readouterr().out
    assert sorted(str(path.relative_to(midi)) for path in midi.rglob("*.mid")) == [
        *["test/0000.mid", "train/0000.mid", "train/0001.mid", "val/0000.mid"],
    ]
    assert build_records.main([str(midi), str(records), "--grid", "beats", "--steps-per-beat", "2"]) == 0
    for split, pieces in {"train": [held, moving], "val": [low], "test": [moving[::-1]]}.items():
        corpus = load_corpus(records, split)
        cells = np.split(corpus.cells & 127, np.cumsum(corpus.counts)[:-1])
        found = [[24 + int(cell) for cell in step] for step in cells]
        steps = [found[a:b] for a, b in zip(corpus.piece_offsets, corpus.piece_offsets[1:], strict=False)]
        assert sorted(steps) == sorted(pieces)
