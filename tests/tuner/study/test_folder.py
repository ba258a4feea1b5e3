"""The files of a study's folder."""

import numpy as np

from pianoroll_tf.storage.arrays import read_arrays
from tuner.study.folder import read_pieces, write_pieces


def test_pieces_are_read_as_they_were_written(tmp_path):
    plain = np.zeros((5, 84), np.uint8)
    plain[1:4, 10] = 1
    empty = np.zeros((0, 84), np.uint8)
    write_pieces(tmp_path / "plain.npz", [plain, empty, plain[:2]])
    for ours, theirs in zip(read_pieces(tmp_path / "plain.npz"), [plain, empty, plain[:2]], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    write_pieces(tmp_path / "none.npz", [])
    assert read_pieces(tmp_path / "none.npz") == []


def test_a_pitch_that_is_struck_while_it_sounds_is_kept(tmp_path):
    struck = np.zeros((5, 84), np.uint8)
    struck[:4, 10] = [2, 1, 2, 1]
    write_pieces(tmp_path / "struck.npz", [struck])
    np.testing.assert_array_equal(read_pieces(tmp_path / "struck.npz")[0], struck)


def test_strikes_that_follow_from_the_cells_are_not_written(tmp_path):
    """So files of plain rolls are those of earlier versions."""
    states = np.zeros((3, 84), np.uint8)
    states[:, 10] = [2, 1, 0]
    write_pieces(tmp_path / "states.npz", [states])
    assert set(read_arrays(tmp_path / "states.npz")[0]) == {"steps", "bits"}
    assert read_pieces(tmp_path / "states.npz")[0][:, 10].tolist() == [1, 1, 0]
