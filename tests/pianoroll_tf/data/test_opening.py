"""Tests of pianoroll_tf.data.opening: when a split is loaded, when it stays on disk."""

import numpy as np
import pytest
from tiny_run import random_piece, write_records

from pianoroll_tf.data import opening
from pianoroll_tf.data.loading import Corpus
from pianoroll_tf.data.opening import open_split, said, streams
from pianoroll_tf.data.stream import Stream


@pytest.fixture
def records(tmp_path):
    silent = np.zeros((100, 84), np.uint8)
    return write_records(tmp_path / "records", {"train": [silent], "val": [random_piece(9, 9)]})


# 100 silent steps take 3,500 bytes, a quarter of 14,000
@pytest.mark.parametrize(("available", "expected"), [(14000, False), (13999, True), (0, True), (None, False)])
def test_a_large_split_stays_on_disk(records, monkeypatch, available, expected):
    monkeypatch.setattr(opening, "available_memory", lambda: available)
    assert streams("auto", records) is expected
    assert streams("yes", records)
    assert not streams("no", records)


def test_a_split_is_opened_either_way(records):
    assert isinstance(open_split(records, "val", True), Stream)
    assert isinstance(open_split(records, "val", False), Corpus)


def test_the_reason_is_said(records):
    assert said(records, "auto").endswith(
        "(0.0 MB in memory), as that is over 1/4 of the memory available at its start"
    )
    assert said(records, "yes").endswith("by --stream yes")
