"""The report on a piece: what it shares with training pieces, beside test pieces, and what it is compared with."""

import re

import numpy as np
import pytest
from tiny_run import random_piece, write_records

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.records import manifest_sha256
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.errors import UserError
from pianoroll_tf.generation.music.piece_report import ReportedPiece, read_report_records, usual_runs, write_reports

SECONDS = RecordsConfig(grid="seconds")


@pytest.fixture
def records(tmp_path):
    training = [as_states(random_piece(60, seed=seed)) for seed in range(3)]
    training[1][:, 82:] = 0  # so that it can be transposed by 2 semitones
    test = [training[0][:12], as_states(random_piece(60, seed=9))]
    return write_records(tmp_path / "records", {"train": training, "val": [], "test": test}), training


def report(tmp_path, folder, music, sha256):
    piece = ReportedPiece(tmp_path / "my <piece>.mid", music, 16, b"picture", b"sound")
    [(page, sentence)] = write_reports([piece], read_report_records(folder, SECONDS, sha256), rate=8.0)
    return page.decode(), sentence


def test_a_copied_passage_is_named_beside_what_test_pieces_share(tmp_path, records):
    folder, training = records
    music = as_states(random_piece(60, seed=7))
    music[8:40] = as_states(np.roll(training[1][10:50], 2, axis=1))[4:36]
    page, sentence = report(tmp_path, folder, music, manifest_sha256(folder))
    assert re.search(r"has 3\d steps \(.*from 3.[01] s on .* begins at step 1[45] of .*, 2 semitones higher", sentence)
    assert sentence in page
    assert "Of 2 test pieces, cut to at most 60 steps, the median is" in page
    assert "and the most 12." in page
    assert "<td>active cells</td>" in page
    assert "<th>3 training pieces</th>" in page
    assert "<title>my &lt;piece&gt;</title>" in page
    assert 'src="data:audio/wav;base64,c291bmQ="' in page
    assert "does not hold the records" not in page


def test_other_records_than_those_of_the_model_are_said_to_be(tmp_path, records):
    page, _ = report(tmp_path, records[0], np.zeros((8, 84), np.uint8), "0" * 64)
    assert "does not hold the records that the model was trained on" in page
    assert "It shares not even one step with a training piece." in page


def test_records_that_cannot_be_compared_are_refused(tmp_path, records):
    with pytest.raises(UserError, match=r"grid of the model, 4 steps a beat. Received: .* with 8 steps a second"):
        read_report_records(records[0], RecordsConfig(grid="beats"), "")
    empty = write_records(tmp_path / "empty", {"train": [], "val": [], "test": []})
    with pytest.raises(UserError, match="whose training split is empty"):
        read_report_records(empty, SECONDS, "")


def test_without_test_pieces_there_is_no_comparison():
    assert usual_runs([], 10) == "There are no test pieces to compare this with."
