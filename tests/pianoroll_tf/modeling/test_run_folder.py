"""Tests of pianoroll_tf.modeling.run_folder: the folder is made, locked, recognised; what is wrong is named."""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from repository import ROOT
from tiny_run import random_piece, tiny_config, tiny_records, write_records

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.settings import dumps
from pianoroll_tf.storage.checksummed_json import read_checksummed


@pytest.fixture
def records(tmp_path):
    return tiny_records(tmp_path / "records")


@pytest.fixture
def opened(tmp_path, records):
    """A run folder, and its settings."""
    config = tiny_config(records)
    run_folder.open_run(tmp_path / "run", config)
    return tmp_path / "run", config


def test_data_facts_are_those_of_the_training_split(tmp_path):
    rolls = [random_piece(steps, seed=steps) for steps in (10, 30)]
    records = write_records(tmp_path / "records", {"train": rolls, "val": [np.ones((9, 84), np.uint8)]})
    _, facts = run_folder.data_facts(records)
    together = np.concatenate(rolls)
    assert facts.density == pytest.approx(together.mean())
    np.testing.assert_allclose(facts.pitch_frequency, together.mean(axis=0))
    assert len(facts.manifest_sha256) == 64
    sounds = np.concatenate([np.pad(roll, [[1, 1], [0, 0]]) for roll in rolls])
    begins = np.diff(sounds.astype(int), axis=0) > 0
    assert facts.hold_lengths[0] == pytest.approx((begins[:-1] & (sounds[2:] == 0)).sum() / begins.sum())
    assert sum(facts.hold_lengths) == pytest.approx(1.0)
    assert facts.long_hold == 3  # random cells of 5 %: a third step is rare, a fourth is not there


def test_records_without_training_pieces_are_refused(tmp_path):
    records = write_records(tmp_path / "records", {"train": [], "val": [random_piece(4, 0)]})
    with pytest.raises(UserError, match="training split is empty"):
        run_folder.data_facts(records)


def test_an_existing_run_with_the_same_settings_is_opened(opened):
    folder, config = opened
    before = (folder / run_folder.CONFIG).read_bytes()
    run_folder.open_run(folder, config)
    assert (folder / run_folder.CONFIG).read_bytes() == before


def test_records_may_be_moved(opened):
    folder, config = opened
    moved = dataclasses.replace(config, data=dataclasses.replace(config.data, path="/elsewhere"))
    run_folder.open_run(folder, moved)
    assert run_folder.load_config(folder).data.path == "/elsewhere"


def test_other_settings_are_refused_and_named(opened, records):
    folder, _ = opened
    other = tiny_config(records, training={"seed": 6}, model={"gru_units": 8})
    with pytest.raises(UserError, match=r"model\.gru_units is 6 there, 8 here; training\.seed is 5 there, 6 here"):
        run_folder.open_run(folder, other)


def test_other_records_are_refused(tmp_path, opened):
    folder, _ = opened
    others = write_records(tmp_path / "others", {"train": [random_piece(9, 1)], "val": [random_piece(9, 2)]})
    with pytest.raises(UserError, match="other settings: the records are others"):
        run_folder.open_run(folder, tiny_config(others))


def test_a_folder_of_something_else_is_refused(tmp_path, records):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="must be a folder"):
        run_folder.open_run(tmp_path / "file", tiny_config(records))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"must be a run or an empty folder"):
        run_folder.open_run(tmp_path / "folder", tiny_config(records))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}x", '{"epochs": 1}', '{"training": {"epochs": 0}}', '{"model": 3}'])
def test_a_damaged_config_is_named(opened, text):
    folder, _ = opened
    (folder / run_folder.CONFIG).write_text(text)
    with pytest.raises(UserError, match=r"config\.json is damaged"):
        run_folder.load_config(folder)


def test_a_folder_without_a_run_or_a_model_is_named(tmp_path, records):
    with pytest.raises(UserError, match=r"must be the folder of a run"):
        run_folder.load_config(tmp_path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=r"must be the folder of a run"):
        run_folder.load_config(tmp_path / "file")
    run_folder.open_run(tmp_path / "run", tiny_config(records))
    with pytest.raises(UserError, match="no epoch has ended yet"):
        run_folder.best_path(tmp_path / "run")


def test_any_flipped_bit_of_the_settings_is_noticed_or_changes_nothing(opened, monkeypatch):
    folder, config = opened
    content = (folder / run_folder.CONFIG).read_bytes()
    equal = 0
    for at in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[at] ^= 1 << bit
            monkeypatch.setattr(run_folder.Path, "read_bytes", lambda _, flipped=bytes(flipped): flipped)
            try:
                assert run_folder.load_config(folder) == config
                equal += 1
            except UserError as error:
                assert "config.json is damaged" in str(error)
    assert equal < 100  # a space that became another one, an e that became E


def test_settings_written_by_hand_need_no_checksum(opened):
    folder, config = opened
    values = read_checksummed(folder / run_folder.CONFIG)
    (folder / run_folder.CONFIG).write_bytes(dumps(values).encode())
    assert run_folder.load_config(folder) == config
    run_folder.open_run(folder, config)


def test_the_checksum_is_renewed_when_the_records_moved(opened):
    folder, config = opened
    before = (folder / run_folder.CONFIG).read_bytes()
    moved = dataclasses.replace(config, data=dataclasses.replace(config.data, path="/elsewhere"))
    run_folder.open_run(folder, moved)
    after = (folder / run_folder.CONFIG).read_bytes()
    checksums = [json.loads(content)["seal"] for content in (before, after)]
    assert checksums[0] != checksums[1]
    assert run_folder.load_config(folder) == moved


def test_a_disk_that_is_full_before_the_settings_are_written_leaves_a_usable_folder(tmp_path, records):
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tiny_run import tiny_config\n"
        "from pianoroll_tf.modeling.run_folder import open_run, sole_use\n"
        "config = tiny_config(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "with sole_use(sys.argv[2]):\n"
        "    open_run(sys.argv[2], config)\n"
    )
    folder = tmp_path / "run"
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"}
    done = subprocess.run(
        [sys.executable, "-c", code, records, folder], capture_output=True, text=True, env=os.environ | environment
    )
    assert f"File too large: '{folder / run_folder.CONFIG}'" in done.stderr
    (folder / ".config.json.0123456789abcdef.tmp").write_bytes(b"half")  # what a kill leaves there
    with run_folder.sole_use(folder):
        run_folder.open_run(folder, tiny_config(records))
    assert run_folder.load_config(folder) == tiny_config(records)
    assert sorted(path.name for path in folder.iterdir()) == [".lock", run_folder.CONFIG]


def test_a_second_user_is_refused_before_it_touches_anything(tmp_path, records):
    folder = tmp_path / "run"
    with run_folder.sole_use(folder), pytest.raises(UserError, match="is in use"), run_folder.sole_use(folder):
        pass
    with run_folder.sole_use(tmp_path / "run"):
        run_folder.open_run(tmp_path / "run", tiny_config(records))


def test_a_folder_of_something_else_gets_no_lock(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="must be a run or an empty folder"), run_folder.sole_use(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_no_framework_is_imported():
    code = "import sys, pianoroll_tf.modeling.run_folder; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
