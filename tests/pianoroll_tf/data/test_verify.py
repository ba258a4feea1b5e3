"""Verify finds every damage and names file and record."""

import hashlib
import random
import shutil
from pathlib import Path

import pytest
from midi_files import shards_of, write_corpus

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.build import build
from pianoroll_tf.data.records import MANIFEST, read_manifest, write_manifest
from pianoroll_tf.data.tfrecord import frame, read_records
from pianoroll_tf.data.verify import verify


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    build(write_corpus(folder / "midi", pieces=5, quarters=4), folder / "out", RecordsConfig(shards=1))
    return folder / "out"


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def shard_records(shard: Path) -> list[bytes]:
    with shard.open("rb") as file:
        return list(read_records(file))


def test_sound_records_give_no_line(whole: Path) -> None:
    assert list(verify(whole)) == []


def test_a_flipped_bit_anywhere_in_a_shard_is_found_with_its_record(copy: Path) -> None:
    shard = shards_of(copy, "train")[0]
    data = shard.read_bytes()
    borders = [0]
    for record in shard_records(shard):
        borders.append(borders[-1] + len(frame(record)))
    assert len(borders) >= 3
    rng = random.Random(1)
    header_and_footer = [border + place for border in borders[:-1] for place in range(13)]
    for byte in {*header_and_footer, *rng.sample(range(len(data)), 200), *range(len(data) - 5, len(data))}:
        flipped = bytearray(data)
        flipped[byte] ^= 1 << rng.randrange(8)
        shard.write_bytes(flipped)
        record = sum(byte >= border for border in borders[1:])
        (line,) = verify(copy)
        assert line.startswith(f"{shard}: record {record}: "), line


def test_every_damaged_record_of_a_shard_is_named_up_to_a_damaged_length(copy: Path) -> None:
    shard = shards_of(copy, "train")[0]
    framed = [bytearray(frame(record)) for record in shard_records(shard)]
    assert len(framed) >= 3
    crc = "the CRC of its bytes does not match"

    def flip(*places: tuple[int, int]) -> list[str]:
        """The lines of `verify` when a bit of these (record, byte) is flipped."""
        damaged = [bytearray(record) for record in framed]
        for record, byte in places:
            damaged[record][byte] ^= 4
        shard.write_bytes(b"".join(damaged))
        return [line.removeprefix(f"{shard}: ") for line in verify(copy)]

    assert flip((0, 20), (2, -1)) == [f"record 0: {crc}", f"record 2: {crc}"]
    assert flip(*((index, -6) for index in range(len(framed)))) == [
        f"record {index}: {crc}" for index in range(len(framed))
    ]
    assert flip((0, 20), (1, 3), (2, 20)) == [f"record 0: {crc}", "record 1: the CRC of its length does not match"]


def test_damages_of_several_shards_are_all_named(copy: Path) -> None:
    for split in ("train", "val"):
        shard = shards_of(copy, split)[0]
        data = bytearray(shard.read_bytes())
        data[-1] ^= 1
        shard.write_bytes(data)
    assert [Path(line.split(":")[0]).name[:4] for line in verify(copy)] == ["trai", "val-"]


def test_a_flipped_bit_in_the_manifest_is_found(copy: Path) -> None:
    data = (copy / MANIFEST).read_bytes()
    rng = random.Random(2)
    for byte in rng.sample(range(len(data)), 300):
        flipped = bytearray(data)
        flipped[byte] ^= 1 << rng.randrange(8)
        (copy / MANIFEST).write_bytes(flipped)
        (line,) = verify(copy)
        assert line.startswith(f"{copy / MANIFEST} is damaged")


def test_shards_that_are_cut_emptied_missing_or_longer(copy: Path) -> None:
    shard = shards_of(copy, "train")[0]
    data, records = shard.read_bytes(), shard_records(shard)
    at_border = len(data) - len(frame(records[-1]))

    def lines(content: bytes) -> list[str]:
        shard.write_bytes(content)
        return [line.removeprefix(f"{shard}: ") for line in verify(copy)]

    assert lines(data[:-1]) == [f"record {len(records) - 1}: the file ends within it"]
    assert lines(data[: at_border + 5]) == [f"record {len(records) - 1}: the file ends within its header"]
    assert lines(data[:at_border])[0] == f"pieces must be {len(records)}. Received: pieces={len(records) - 1}"
    assert lines(b"")[0] == f"pieces must be {len(records)}. Received: pieces=0"
    assert lines(data + data[at_border:])[0] == f"pieces must be {len(records)}. Received: pieces={len(records) + 1}"
    assert lines(b"".join(frame(record) for record in records[::-1])) == [
        "its sha256 differs from that in the manifest"
    ]
    shard.unlink()
    assert list(verify(copy)) == [f"{shard}: missing"]


def test_a_record_of_sound_crc_and_unsound_content_is_found_though_the_sums_agree(copy: Path) -> None:
    shard = shards_of(copy, "train")[0]
    records = shard_records(shard)
    records[1] = b"\xff not an example"
    shard.write_bytes(b"".join(map(frame, records)))
    manifest = read_manifest(copy, with_files=True)
    entry = manifest["splits"]["train"]["shards"][0]
    entry |= {"bytes": shard.stat().st_size, "sha256": hashlib.sha256(shard.read_bytes()).hexdigest()}
    with (copy / MANIFEST).open("wb") as file:
        files = manifest.pop("files")
        del manifest["sha256"]
        write_manifest(file, manifest, files)
    assert list(verify(copy)) == [f"{shard}: record 1: it is not a tf.train.Example"]


def test_no_records_at_all(tmp_path: Path) -> None:
    (line,) = verify(tmp_path)
    assert "must hold records" in line


def test_a_shard_that_cannot_be_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pianoroll_tf.data.verify.read_records", lambda file: (_ for _ in ()).throw(OSError(5, "I/O error"))
    )
    assert next(iter(verify(copy))).endswith(": I/O error")
