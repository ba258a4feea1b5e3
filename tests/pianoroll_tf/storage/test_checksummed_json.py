"""JSON with a checksum: round trip, damage anywhere, files written by hand."""

import hashlib
import json

import pytest

from pianoroll_tf.errors import DamagedError
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed


def test_what_is_written_is_read(tmp_path):
    path, values = tmp_path / "a.json", {"gamma": 2.0, "name": "é", "list": [1, None]}
    write_checksummed(path, values)
    assert read_checksummed(path) == values
    text = json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert json.loads(path.read_text()) == values | {"seal": hashlib.sha256(text.encode()).hexdigest()}


def test_a_file_with_the_same_content_is_left_alone(tmp_path):
    write_checksummed(tmp_path / "a.json", {"a": 1})
    before = (tmp_path / "a.json").stat()
    write_checksummed(tmp_path / "a.json", {"a": 1})
    assert (tmp_path / "a.json").stat().st_ino == before.st_ino


def test_a_file_without_a_checksum_is_accepted(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert read_checksummed(tmp_path / "a.json") == {"a": 1}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a": 1, "seal": "0"}'])
def test_damage_is_named_with_the_file(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DamagedError, match=r"a\.json is damaged: "):
        read_checksummed(tmp_path / "a.json")


def test_a_changed_number_is_detected(tmp_path):
    path = tmp_path / "a.json"
    write_checksummed(path, {"gamma": 2.0})
    path.write_bytes(path.read_bytes().replace(b"2.0", b"0.0"))
    with pytest.raises(DamagedError, match="its content does not match its checksum"):
        read_checksummed(path)


def test_a_missing_file_is_no_damage(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checksummed(tmp_path / "a.json")
