"""Versions are found by their number."""

import pytest

from pianoroll_tf.generation.versions import find_version, versions


def test_the_latest_version_is_taken_by_number(tmp_path):
    for name in ("2", "10", "9", "x", ".partial"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").touch()
    assert versions(tmp_path) == [2, 9, 10]
    assert find_version(tmp_path) == tmp_path / "10"


def test_a_version_is_found_as_itself(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    (tmp_path / "1").mkdir()
    assert find_version(tmp_path) == tmp_path


@pytest.mark.parametrize("name", ["none", "file", "empty"])
def test_no_version(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="model must be a folder that export wrote"):
        find_version(tmp_path / name)
