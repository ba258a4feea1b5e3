"""Tests of pianoroll_tf.modeling.run_data: what a training refuses, and where its pieces stay."""

import dataclasses

import pytest
from tiny_run import random_piece, tiny_config, tiny_records, write_records

from pianoroll_tf.data import opening
from pianoroll_tf.data.loading import Corpus
from pianoroll_tf.data.stream import Stream
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.modeling.run_data import check_records, keeps_on_disk, load_split


def test_other_records_and_empty_splits_are_refused(tmp_path):
    config = tiny_config(write_records(tmp_path / "records", {"train": [random_piece(9, 0)], "val": []}))
    check_records(config)
    assert isinstance(load_split(config, "train", stream=False), Corpus)
    assert isinstance(load_split(config, "train", stream=True), Stream)
    with pytest.raises(UserError, match="but val is empty"):
        load_split(config, "val", stream=False)
    other = dataclasses.replace(config, data=dataclasses.replace(config.data, manifest_sha256="0"))
    with pytest.raises(UserError, match="its manifest differs"):
        check_records(other)


def test_a_run_that_exists_decides_where_its_pieces_stay(tmp_path, monkeypatch):
    config = tiny_config(tiny_records(tmp_path / "records"))
    monkeypatch.setattr(opening, "available_memory", lambda: 0)
    assert keeps_on_disk(config, tmp_path / "new")
    run_folder.open_run(tmp_path / "run", config)
    assert not keeps_on_disk(config, tmp_path / "run")
