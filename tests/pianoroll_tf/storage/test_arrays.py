"""Tests of pianoroll_tf.storage.arrays: round trips, damage anywhere."""

import errno
import resource
from pathlib import Path

import numpy as np
import pytest

from pianoroll_tf.errors import DamagedError
from pianoroll_tf.storage.arrays import read_arrays, write_arrays

ARRAYS = {
    "conv_1/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "seed": np.array([2**40, -1], np.int64),
    "scalar": np.float64(0.1) * np.ones(()),
    "empty": np.zeros((0, 4), np.float32),
}


def test_arrays_and_facts_come_back(tmp_path):
    write_arrays(tmp_path / "a.npz", ARRAYS, {"epoch": 3, "nll": 0.1, "rows": [{"b": 1, "a": None}]})
    arrays, meta = read_arrays(tmp_path / "a.npz")
    assert list(arrays) == list(ARRAYS)
    for name, value in ARRAYS.items():
        assert arrays[name].dtype == value.dtype
        np.testing.assert_array_equal(arrays[name], value)
    assert meta == {"epoch": 3, "nll": 0.1, "rows": [{"b": 1, "a": None}]}
    assert list(meta["rows"][0]) == ["b", "a"]


def test_numpy_reads_the_file_too(tmp_path):
    write_arrays(tmp_path / "a.npz", ARRAYS, {})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as entries:
        np.testing.assert_array_equal(entries["seed"], ARRAYS["seed"])


def test_any_flipped_bit_and_any_cut_is_noticed(tmp_path):
    path = tmp_path / "a.npz"
    write_arrays(path, ARRAYS, {"epoch": 3})
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in [*rng.integers(0, len(content), 100).tolist(), 0, len(content) - 1]:
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << int(rng.integers(8))]) + content[at + 1 :])
        with pytest.raises(DamagedError, match=r"a\.npz is damaged"):
            read_arrays(path)
        path.write_bytes(content[:at])
        with pytest.raises(DamagedError, match=r"a\.npz"):
            read_arrays(path)


def test_foreign_files_are_refused(tmp_path):
    import hashlib
    import io
    import pickle

    for name, body in (("text", b"hello"), ("pickle", pickle.dumps({"meta.json": 1})), ("nothing", b"")):
        path = tmp_path / name
        path.write_bytes(body + hashlib.sha256(body).digest())
        with pytest.raises(DamagedError, match="no file of this package"):
            read_arrays(path)
    buffer = io.BytesIO()
    np.savez(buffer, other=np.zeros(3))
    path.write_bytes(buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest())
    with pytest.raises(DamagedError, match="no file of this package"):
        read_arrays(path)
    with pytest.raises(DamagedError, match="must be readable: No such file"):
        read_arrays(tmp_path / "missing")


def test_what_the_system_cannot_read_is_not_called_damaged(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    write_arrays(path, ARRAYS, {})
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(OSError, match="Too many open files") as error:
            read_arrays(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert error.value.filename == str(path)

    def fail(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(OSError, match=r"Input/output error: .*a\.npz"):
        read_arrays(path)


def test_arrays_of_objects_are_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"must be of a plain number type\. Received: x of object"):
        write_arrays(tmp_path / "a.npz", {"x": np.array([{}])}, {})
    assert list(tmp_path.iterdir()) == []
