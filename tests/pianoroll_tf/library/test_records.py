"""Records as an object."""

import numpy as np
import pytest
from midi_files import write_corpus

from pianoroll_tf import Piece, Records, RecordsConfig, UserError


@pytest.fixture(scope="module")
def midi(tmp_path_factory):
    folder = tmp_path_factory.mktemp("midi")
    for seed, (split, pieces) in enumerate({"train": 4, "val": 2, "test": 1}.items()):
        write_corpus(folder / split, pieces, seed, quarters=16)
    (folder / "train" / "broken.mid").write_bytes(b"MThd")
    return folder


@pytest.fixture(scope="module")
def records(midi, tmp_path_factory):
    return Records.build(midi, tmp_path_factory.mktemp("records") / "mine", shards=2)


def test_it_says_what_it_holds(records):
    assert (len(records), records.count("train"), records.grid, records.steps_per_beat) == (7, 4, "beats", 4)
    assert repr(records).endswith("pieces: 4 train, 2 val, 1 test; 4 steps a beat)")
    assert "7 used of 8 files, 1 skipped" in records.summary()
    assert [line.partition(":")[0] for line in records.skipped()] == ["train/broken.mid"]


def test_pieces_are_those_of_the_files_and_of_the_corpus(records, midi):
    pieces = list(records.pieces("train"))
    corpus = records.corpus("train")
    assert sorted(piece.name for piece in pieces) == [f"train/{number:02d}.mid" for number in range(4)]
    assert [len(piece) for piece in pieces] == corpus.piece_steps.tolist()
    for number, piece in enumerate(pieces):
        np.testing.assert_array_equal(records.roll("train", number), piece.roll)
        np.testing.assert_array_equal(Piece.from_midi(midi / piece.name, "beats").roll, piece.roll)
        first, last = corpus.piece_offsets[number : number + 2]
        np.testing.assert_array_equal((piece.roll != 0).sum(axis=1), corpus.counts[first:last])
    assert {round(piece.tempo) for piece in pieces} <= {100, 120, 150}


def test_batches_of_training_and_evaluation(records):
    batch = next(iter(records.dataset("train", window_steps=16, batch_size=2, seed=3)))
    assert batch["inputs"].shape == (2, 16, 84)
    whole = list(records.dataset("train", training=False))
    assert sum(int(part["mask"].numpy().sum()) for part in whole) == records.manifest["splits"]["train"]["steps"]
    assert "reset" in next(iter(records.dataset("val")))


def test_the_same_build_is_up_to_date_and_another_is_refused(records, midi):
    made = (records.folder / "manifest.json").stat().st_mtime_ns
    Records.build(midi, records.folder, RecordsConfig(shards=2))
    assert (records.folder / "manifest.json").stat().st_mtime_ns == made
    with pytest.raises(UserError):
        Records.build(midi, records.folder, shards=1)


def test_what_is_not_allowed(records, midi, tmp_path):
    with pytest.raises(ValueError, match=r"a setting of records must be one of grid, .* Received: gird"):
        Records.build(midi, tmp_path / "r", gird="beats")
    with pytest.raises(ValueError, match=r"config must be none when settings are given. Received: shards"):
        Records.build(midi, tmp_path / "r", RecordsConfig(), shards=1)
    with pytest.raises(ValueError, match="split must be one of train, val, test"):
        records.piece("dev", 0)
    with pytest.raises(IndexError, match=r"number must be >= 0 and < 1, the pieces in test. Received: number=1"):
        records.piece("test", 1)
    with pytest.raises(UserError, match="must hold records"):
        Records(tmp_path)
    assert not list(tmp_path.iterdir())
