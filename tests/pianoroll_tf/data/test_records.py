"""The format of records: schema, manifest, and the cheap check."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_files import shards_of, write_corpus

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data import records
from pianoroll_tf.data.build import build
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.records import (
    FORMAT,
    PieceRecord,
    check_shards,
    decode_piece,
    encode_piece,
    manifest_sha256,
    read_manifest,
    write_manifest,
)
from pianoroll_tf.data.roll import SparseRoll, from_dense
from pianoroll_tf.data.tfrecord import encode_example
from pianoroll_tf.errors import UserError
from pianoroll_tf.settings import from_dict

DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    build(write_corpus(folder / "midi", pieces=6, quarters=8), folder / "out", RecordsConfig(shards=2))
    return folder / "out"


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_what_is_encoded_is_decoded(seed: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    roll = from_dense((rng.random((steps, 84)) < 0.1) * rng.integers(1, 3, (steps, 84)))
    meters = ((0, Meter(3, 4)), (7, Meter(64, 64)))
    back = decode_piece(encode_piece(PieceRecord(roll, DIGEST, meters, 400_000)))
    np.testing.assert_array_equal(back.roll.counts, roll.counts)
    np.testing.assert_array_equal(back.roll.cells, roll.cells)
    assert (back.sha256, back.meters, back.tempo) == (DIGEST, meters, 150.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"steps": 3}, "must agree in length"),
        ({"counts": b"\x02\x02"}, "must agree in length"),
        ({"sha256": b"short"}, "must agree in length"),
        ({"cells": b"\x00\x05\x54"}, r"ascending columns 0\.\.83"),
        ({"cells": b"\x05\x05\x00"}, r"ascending columns 0\.\.83"),
        ({"cells": b"\x05\x85\x00"}, r"ascending columns 0\.\.83"),
        ({"steps": b"2"}, "features must be cells, counts, meter_steps, meters, microseconds, sha256, steps"),
        ({"more": 1}, "features must be cells, counts, meter_steps, meters, microseconds, sha256, steps"),
        ({"meters": b"\x04"}, "meters a pair for each"),
        ({"meters": b"\x04\x03"}, "meter must be N/D"),
        ({"microseconds": 0}, "microseconds must be > 0"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes: dict, reason: str) -> None:
    sound = {"counts": b"\x02\x01", "cells": b"\x00\x85\x00", "sha256": DIGEST, "steps": 2}
    sound |= {"meter_steps": bytes(4), "meters": b"\x04\x04", "microseconds": 500_000}
    decode_piece(encode_example(sound))
    with pytest.raises(ValueError, match=reason):
        decode_piece(encode_example(sound | changes))


def test_the_features_are_those_of_the_schema() -> None:
    record = encode_piece(PieceRecord(SparseRoll(np.ones(1, np.uint8), np.zeros(1, np.uint8)), DIGEST))
    assert {name: type(value) for name, value in records.decode_example(record).items()} == records.SCHEMA


def test_a_manifest_comes_back_and_every_flipped_bit_is_found(tmp_path: Path) -> None:
    file = io.BytesIO()
    write_manifest(
        file, {"format": FORMAT, "totals": {"pieces": 2, "files": [9]}}, [{"path": "é.mid"}, {"path": "b.mid"}]
    )
    path = tmp_path / "manifest.json"
    path.write_bytes(file.getvalue())
    manifest = read_manifest(tmp_path, with_files=True)
    assert manifest["files"] == [{"path": "é.mid"}, {"path": "b.mid"}]
    assert manifest["totals"] == {"pieces": 2, "files": [9]}
    assert read_manifest(tmp_path) == {"format": FORMAT, "totals": {"pieces": 2, "files": [9]}}
    assert manifest_sha256(tmp_path) == hashlib.sha256(file.getvalue()).hexdigest()
    for bit in range(len(file.getvalue()) * 8):
        flipped = bytearray(file.getvalue())
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(UserError, match="is damaged: its sha256 does not match"):
            read_manifest(tmp_path)


def test_a_manifest_without_files_is_json(tmp_path: Path) -> None:
    file = io.BytesIO()
    write_manifest(file, {"format": FORMAT}, [])
    assert json.loads(file.getvalue())["files"] == []
    (tmp_path / "manifest.json").write_bytes(file.getvalue())
    assert read_manifest(tmp_path) == {"format": FORMAT}


def test_no_manifest_and_another_format_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must hold records, made by build_records"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"")
    with pytest.raises(UserError, match="is damaged"):
        read_manifest(tmp_path)
    with (tmp_path / "manifest.json").open("wb") as file:
        write_manifest(file, {"format": 99}, [])
    with pytest.raises(UserError, match=r"must be of format 4; .* Received: format=99"):
        read_manifest(tmp_path)


def test_the_manifest_adds_up(built: Path) -> None:
    manifest = read_manifest(built, with_files=True)
    assert from_dict(RecordsConfig, manifest["settings"]) == RecordsConfig(shards=2)
    assert set(manifest) == {"format", "settings", "grid", "grid_decision", "totals", "splits", "files", "sha256"}
    assert records.resolved(manifest) == RecordsConfig(shards=2, grid="beats")
    assert manifest["splits"]["train"]["meter"] == "4/4"
    for name in ("pieces", "notes", "steps", "active_cells"):
        splits = manifest["splits"].values()
        assert manifest["totals"][name] == sum(split[name] for split in splits)
        assert all(split[name] == sum(shard[name] for shard in split["shards"]) for split in splits)
    assert all(sum(split["pitch_counts"]) == split["active_cells"] for split in manifest["splits"].values())
    assert manifest["totals"]["pieces"] == len([file for file in manifest["files"] if file["status"] == "used"]) == 6
    assert set(manifest["files"][0]) == {"path", "sha256", "status", "reason", "notes", "split"}


def test_shards_are_named_and_counted(built: Path) -> None:
    paths = [path for split in records.SPLITS for path in shards_of(built, split)]
    assert sorted(path.name for path in built.iterdir()) == sorted(["manifest.json", *(path.name for path in paths)])
    assert check_shards(built, "train")["pieces"] > 0
    with pytest.raises(UserError, match="split must be one of train, val, test"):
        check_shards(built, "dev")


def test_a_missing_or_cut_shard_is_found_without_reading_it(built: Path, tmp_path: Path) -> None:
    for path in built.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    shard = shards_of(tmp_path, "train")[0]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    with pytest.raises(
        UserError, match=rf"{shard.name} must have {len(whole)} bytes. Received: bytes={len(whole) - 1}"
    ):
        check_shards(tmp_path, "train")
    shard.unlink()
    with pytest.raises(UserError, match=f"{shard.name} is missing"):
        check_shards(tmp_path, "train")
