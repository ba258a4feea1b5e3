"""Records found again by the sha256 of their manifest, and the names of their pieces."""

import numpy as np
from tiny_run import random_piece, write_records

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.data.records import manifest_sha256
from pianoroll_tf.data.roll import as_states, notes_to_roll, to_dense
from pianoroll_tf.generation.music import training_pieces


def test_real_files_hold_the_pieces_of_the_records(tmp_path):
    pieces = [as_states(random_piece(steps, seed=steps) * 2) for steps in (20, 33)]
    records = write_records(tmp_path / "records", {"train": [], "val": [], "test": pieces})
    read = list(training_pieces.read_split(records, "test"))
    files = list(training_pieces.real_files(read, RecordsConfig(grid="seconds")))
    for content, piece in zip(files, pieces, strict=True):
        found, _ = notes_to_roll(parse_notes(content), RecordsConfig(grid="seconds"))
        last = np.flatnonzero(piece.any(axis=1))[-1] + 1
        np.testing.assert_array_equal(to_dense(found), piece[:last])
    assert training_pieces.piece_names(read, records) == ["0" * 64] * 2  # the manifest of these lists no files


def test_training_records_are_found_wherever_they_are(tmp_path):
    one, two = (write_records(tmp_path / name, {"train": [random_piece(9, seed)]}) for seed, name in enumerate("ab"))
    folders = (tmp_path / "none", one, two)
    assert training_pieces.find_training_records(manifest_sha256(two), folders) == two
    assert training_pieces.find_training_records("0" * 64, folders) is None
