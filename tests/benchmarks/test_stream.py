"""The copies of a training split differ a little, and are records."""

import numpy as np
from tiny_run import write_records

from benchmarks import stream
from pianoroll_tf.data.loading import load_corpus


def test_copies_are_transposed_and_cut(tmp_path):
    roll = np.zeros((20, 84), np.uint8)
    roll[:, 40] = 1
    records = write_records(tmp_path / "records", {"train": [roll], "val": [roll], "test": [roll]})
    (tmp_path / "copies").mkdir()
    stream.write_copies(records, tmp_path / "copies", times=3)
    corpus = load_corpus(tmp_path / "copies", "train")
    assert corpus.piece_steps.tolist() == [20, 19, 18]
    assert (corpus.cells % 128)[[0, 20, 39]].tolist() == [37, 38, 39]
    assert not load_corpus(tmp_path / "copies", "test").steps
