"""Versions that come, go, or are bad."""

import concurrent.futures
import shutil
from pathlib import Path
from unittest import mock

import pytest
import tensorflow as tf
from fake_batches import FakePaddedBatches
from serving_client import until

from pianoroll_tf.generation.manifest import write_manifest
from pianoroll_tf.serving.drawing import registry as registry_module
from pianoroll_tf.serving.drawing.engine import PieceRequest, Row
from pianoroll_tf.serving.drawing.registry import Registry
from pianoroll_tf.serving.refusals import NotFoundError, UnavailableError
from pianoroll_tf.settings import dumps


@pytest.fixture
def make(monkeypatch):
    """Makes registries whose models are checked but not loaded; a fake draws instead."""
    monkeypatch.setattr(registry_module, "PaddedBatches", FakePaddedBatches)
    monkeypatch.setattr(tf.saved_model, "load", lambda path: None)
    made = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:

        def make(folder, newest=2):
            made.append(Registry(folder, newest, pool, active_rows=8, sizes=(2, 4)))
            return made[-1]

        yield make
        for one in made:
            one.close()


@pytest.fixture
def folder(exported, tmp_path):
    """`NAME` with version 1."""
    shutil.copytree(exported / "1", tmp_path / "mine" / "1")
    return tmp_path / "mine"


def damage(version):
    path = version / "variables" / "variables.data-00000-of-00001"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def test_a_version_is_served(make, folder):
    made = make(folder)
    made.refresh()
    assert (made.name, list(made.served), made.get().version) == ("mine", [1], 1)
    assert made.statuses[1] == registry_module.Status("AVAILABLE")
    assert "compose_rows" in made.get(1).signatures
    assert (made.get().grid.grid, made.get().grid.steps_per_second) == ("seconds", 8)
    with pytest.raises(NotFoundError, match=r"version must be one that is served: 1\. Received: version=2"):
        made.get(2)


def test_before_anything_is_loaded(make, folder):
    with pytest.raises(UnavailableError):
        make(folder).get()


def test_the_newest_versions_are_served_and_older_ones_dropped_when_their_requests_are_finished(make, folder):
    made = make(folder, newest=1)
    made.refresh()
    old = made.get()
    chunks = []
    old.engine.add(Row(request=PieceRequest(steps=2000), receive=chunks.append))
    shutil.copytree(folder / "1", folder / "2")
    made.refresh()
    assert list(made.served) == [2]
    until(lambda: made.statuses[1].state == "END")
    assert chunks[-1] is None
    assert sum(len(chunk) for chunk in chunks[:-1]) == 2000, "its pieces were completed"


def test_a_version_in_use_is_not_dropped_and_does_not_delay_others(make, folder):
    made = make(folder, newest=1)
    made.refresh()
    shutil.copytree(folder / "1", folder / "2")
    with made.use() as old:
        made.refresh()
        assert made.get().version == 2
        assert made.statuses[1].state == "UNLOADING"
        old.engine.add(Row(request=PieceRequest(steps=1), receive=lambda _: None))
    until(lambda: made.statuses[1].state == "END")


def test_a_damaged_version_does_not_replace_the_old_one_and_its_status_says_why_without_a_path(make, folder, tmp_path):
    made = make(folder)
    made.refresh()
    shutil.copytree(folder / "1", folder / "2")
    damage(folder / "2")
    made.refresh()
    assert list(made.served) == [1]
    status = made.statuses[2]
    assert (status.state, status.code) == ("END", "DATA_LOSS")
    assert "variables.data-00000-of-00001 differs in mine/2" in status.message
    assert str(tmp_path) not in status.message


def test_a_version_that_failed_is_loaded_again_only_after_its_files_have_changed(make, folder, monkeypatch):
    shutil.copytree(folder / "1", folder / "2")
    damage(folder / "2")
    made = make(folder)
    made.refresh()
    loads = []
    monkeypatch.setattr(registry_module.saved_model, "load", lambda path: loads.append(path) or 1 / 0)
    made.refresh()
    assert not loads
    (folder / "2" / "more").write_text("x")
    made.refresh()
    assert loads == [folder / "2"]
    assert list(made.served) == [1]


def test_a_version_whose_folder_was_removed_is_dropped_unless_it_is_the_last(make, folder):
    shutil.copytree(folder / "1", folder / "2")
    made = make(folder)
    made.refresh()
    assert list(made.served) == [1, 2]
    shutil.rmtree(folder / "2")
    made.refresh()
    assert list(made.served) == [1]
    shutil.rmtree(folder)
    made.refresh()
    assert list(made.served) == [1]
    assert list(made.statuses) == [1]


def test_a_folder_that_cannot_be_read_for_a_while_changes_nothing(make, folder, monkeypatch):
    made = make(folder)
    made.refresh()
    with monkeypatch.context() as broken:
        broken.setattr(registry_module.versions, "versions", mock.Mock(side_effect=PermissionError("not now")))
        made.refresh()
    assert list(made.served) == list(made.statuses) == [1]
    shutil.copytree(folder / "1", folder / "2")
    made.refresh()
    assert list(made.served) == [1, 2]


@pytest.mark.parametrize("name", ["01", "٣", "1.0", "-1", "1" * 19])
def test_folders_that_are_not_versions(make, folder, name):
    shutil.copytree(folder / "1", folder / name)
    made = make(folder)
    made.refresh()
    assert list(made.served) == list(made.statuses) == [1]


def test_messages_contain_no_path_if_the_folder_is_the_current_one(make, folder, monkeypatch):
    damage(folder / "1")
    monkeypatch.chdir(folder)
    made = make(Path())
    made.refresh()
    assert made.name == "mine"
    assert made.statuses[1].message.endswith("variables/variables.data-00000-of-00001 differs in mine/1")


def test_a_program_that_writes_files_is_never_loaded(make, folder, tmp_path, exported, monkeypatch):
    """It has a valid manifest, so the check of its files passes."""
    loaded = []
    monkeypatch.setattr(tf.saved_model, "load", loaded.append)
    target = tmp_path / "written"

    class Evil(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, 84], tf.uint8, "roll")])
        def predict(self, roll):
            with tf.control_dependencies([tf.io.write_file(str(target), "owned")]):
                return {"probability": tf.cast(roll, tf.float32)}

    evil = Evil()
    tf.saved_model.save(evil, str(folder / "2"), signatures={"predict": evil.predict})
    shutil.copy(exported / "1" / "config.json", folder / "2" / "config.json")
    write_manifest(folder / "2")
    made = make(folder)
    made.refresh()
    assert list(made.served) == [1]
    assert made.statuses[2].code == "INVALID_ARGUMENT"
    assert "only operations that compute. Received: WriteFile in mine/2" in made.statuses[2].message
    assert loaded == [str(folder / "1")]
    assert not target.exists()


def test_a_folder_that_is_not_a_model(make, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "manifest.json").write_text(dumps({"files": {}}))
    made = make(tmp_path)
    made.refresh()
    assert not made.served
    assert made.statuses[1].state == "END"
