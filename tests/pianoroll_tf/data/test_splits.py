"""Duplicates are skipped; splits by hash are stable, of the right size, never empty unless their share is 0."""

import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.records import SPLITS, PieceRecord
from pianoroll_tf.data.roll import SparseRoll
from pianoroll_tf.data.splits import choose
from pianoroll_tf.errors import UserError

ALL_TRAIN = {"val": 0.0, "test": 0.0}
RECORD = PieceRecord(SparseRoll(np.ones(1, np.uint8), np.array([128], np.uint8)), bytes(32))


def piece(sha256: str, content: str = "") -> Piece:
    digest = sha256.ljust(64, "0")
    return Piece(sha256=digest, content=content or digest, music=digest, record=RECORD)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / "journal.sqlite", {})
    yield journal
    journal.close()


def fill(journal: Journal, **pieces: Piece) -> None:
    for path, each in pieces.items():
        journal.add(path, "", each)


def assign(pieces: list[str], config: RecordsConfig) -> dict[str, str]:
    """The split of each piece, given by its digest, in their order."""
    journal = Journal(Path(":memory:"), {})
    fill(journal, **{digest: piece(digest) for digest in pieces})
    choose(journal, config)
    splits = dict(journal.rows("sha256, split"))
    journal.close()
    return {digest: splits[digest] for digest in pieces}


def in_memory(digests: list[str], config: RecordsConfig) -> dict[str, str]:
    """The same by lists."""

    def by_hash(digest: str) -> str:
        place = int(digest[:16], 16) / 2**64
        return "val" if place < config.val else "test" if place < config.val + config.test else "train"

    if len(digests) < 3:
        return dict.fromkeys(digests, "train")
    splits = {name: sorted(digest for digest in digests if by_hash(digest) == name) for name in SPLITS}
    shares = {"train": 1.0, "val": config.val, "test": config.test}
    for name in SPLITS:
        while shares[name] and len(splits[name]) < (2 if len(digests) >= 10 else 1):
            largest = max(SPLITS, key=lambda split: len(splits[split]))
            splits[name].append(splits[largest].pop(0))
    return {digest: name for name, members in splits.items() for digest in members}


def digests(count: int, salt: str = "") -> list[str]:
    return [hashlib.sha256(f"{salt}{index}".encode()).hexdigest() for index in range(count)]


def at(*places: float) -> list[str]:
    """Digests at places within [0, 1)."""
    return [f"{int(place * 2**64):016x}".ljust(64, "0") for place in places]


def test_of_the_same_music_the_smallest_sha256_stays_whatever_the_order(tmp_path: Path) -> None:
    pieces = {"z": piece("1", "same"), "b": piece("2", "same"), "a": piece("3", "same"), "c": piece("4")}
    for number, order in enumerate(itertools.permutations(pieces)):
        journal = Journal(tmp_path / f"{number}.sqlite", {})
        fill(journal, **{path: pieces[path] for path in order})
        choose(journal, RecordsConfig())
        assert dict(journal.rows("path, reason")) == {
            b"z": "",
            b"c": "",
            b"a": "duplicate: same roll as z",
            b"b": "duplicate: same roll as z",
        }
        journal.close()


def test_the_same_file_twice_is_kept_under_its_first_name(journal: Journal) -> None:
    fill(journal, b=piece("1"), a=piece("1"), c=piece("2"))
    choose(journal, RecordsConfig(**ALL_TRAIN))
    assert list(journal.rows("path, reason, split")) == [
        (b"a", "", "train"), (b"b", "duplicate: same roll as a", ""), (b"c", "", "train"),
    ]  # fmt: skip


def test_thresholds_by_hand() -> None:
    pieces = at(0.0, 0.0999, 0.1001, 0.2999, 0.3001, 0.9999)
    assert list(assign(pieces, RecordsConfig(val=0.1, test=0.2)).values()) == [
        "val", "val", "test", "test", "train", "train",
    ]  # fmt: skip


def test_a_piece_stays_when_others_come() -> None:
    few, many = assign(digests(100), RecordsConfig()), assign(digests(1000), RecordsConfig())
    assert all(many[digest] == split for digest, split in few.items())
    counts = [list(many.values()).count(split) for split in ("train", "val", "test")]
    assert counts == pytest.approx([800, 100, 100], abs=40)


@pytest.mark.parametrize("count", range(3, 30))
def test_no_split_that_was_asked_for_is_empty(count: int) -> None:
    for config in (RecordsConfig(), RecordsConfig(val=0.9, test=0.05), RecordsConfig(val=0.001, test=0.001)):
        assert set(assign(digests(count, str(count)), config).values()) == {"train", "val", "test"}


@pytest.mark.parametrize(("count", "least"), [(3, 1), (9, 1), (10, 2), (30, 2)])
def test_from_ten_pieces_on_a_split_has_two(count: int, least: int) -> None:
    found = list(assign(digests(count, "few"), RecordsConfig(val=0.001, test=0.001)).values())
    assert (found.count("val"), found.count("test")) == (least, least)


def test_given_splits_are_used_and_other_files_are_skipped(journal: Journal) -> None:
    fill(journal, a=piece("1"), b=piece("2"), c=piece("3"), d=piece("3"))
    choose(journal, RecordsConfig(), {"a": "test", "c": "train", "d": "train"})
    assert list(journal.rows("path, reason, split")) == [
        (b"a", "", "test"),
        (b"b", "in no split that was given", ""),
        (b"c", "", "train"),
        (b"d", "duplicate: same roll as c", ""),
    ]


def test_the_same_music_in_two_given_splits_is_an_error(journal: Journal) -> None:
    fill(journal, a=piece("1"), b=piece("2"))
    for number, path in enumerate(("x", "y")):  # a transposition: other content, same music
        journal.add(path, "", Piece(sha256=f"{number:064}", content=path, music="9" * 64, record=RECORD))
    with pytest.raises(UserError, match=r"in one split\. Received: y \(test\) and x \(train\), which are the same"):
        choose(journal, RecordsConfig(), {"a": "train", "b": "val", "x": "train", "y": "test"})


def test_given_splits_need_a_training_piece(journal: Journal) -> None:
    fill(journal, a=piece("1"))
    with pytest.raises(UserError, match="the training split must hold a piece"):
        choose(journal, RecordsConfig(), {"a": "test"})


def test_a_split_of_share_0_is_empty() -> None:
    assert set(assign(digests(50), RecordsConfig(val=0.0, test=0.0)).values()) == {"train"}
    assert set(assign(digests(50), RecordsConfig(val=0.0)).values()) == {"train", "test"}


def test_the_order_of_pieces_does_not_matter() -> None:
    for count in (4, 50):
        pieces = digests(count)
        assert assign(pieces, RecordsConfig()) == assign(pieces[::-1], RecordsConfig())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_with_fewer_than_three_pieces_all_are_for_training(count: int) -> None:
    assert list(assign(at(0.0, 0.05)[:count], RecordsConfig()).values()) == ["train"] * count


@pytest.mark.parametrize("count", [1, 2, 3, 4, 40])
@pytest.mark.parametrize("settings", [{}, {"val": 0.9, "test": 0.0}, {"val": 0.01, "test": 0.02}, ALL_TRAIN])
def test_splits_are_those_of_lists(count: int, settings: dict) -> None:
    assert assign(digests(count), RecordsConfig(**settings)) == in_memory(digests(count), RecordsConfig(**settings))


def test_pieces_of_the_same_music_go_to_one_split(journal: Journal) -> None:
    music = {"a": "1" * 64, "b": "1" * 64, "c": "2" * 64, "d": "3" * 64}  # all of the first split by hash
    for number, (path, each) in enumerate(music.items()):
        journal.add(path, "", Piece(sha256=f"{number:064}", content=str(number), music=each, record=RECORD))
    choose(journal, RecordsConfig(val=0.5, test=0.4))
    assert dict(journal.rows("path, split")) == {b"a": "train", b"b": "train", b"c": "test", b"d": "val"}


def version(number: int, music: str, *hashes: int) -> Piece:
    sketch = np.array(hashes, "<u4").tobytes().hex()
    music = music.ljust(64, "0")
    return Piece(sha256=f"{number:064}", content=str(number), music=music, sketch=sketch, record=RECORD)


def test_versions_go_to_the_split_of_the_smallest_fingerprint(journal: Journal) -> None:
    # a resembles b by 2 of 4 passages, and b resembles c; d shares one of seven with c
    fill(
        journal,
        a=version(1, "f", 1, 2, 3),
        b=version(2, "1", 2, 3, 4),
        c=version(3, "e", 3, 4, 5),
        d=version(4, "d", 5, 6, 7, 8),
        e=version(5, "c"),
    )
    choose(journal, RecordsConfig(val=0.2, test=0.0))
    assert list(journal.rows("path, split, version_of")) == [
        (b"a", "val", b"b"),
        (b"b", "val", b"b"),
        (b"c", "val", b"b"),
        (b"d", "train", b""),
        (b"e", "train", b""),
    ]


def test_versions_in_given_splits_stay_there(journal: Journal) -> None:
    fill(journal, a=version(1, "f", 1, 2, 3), b=version(2, "1", 2, 3, 4), c=version(3, "e", 8, 9))
    choose(journal, RecordsConfig(), {"a": "train", "b": "test", "c": "val"})
    assert list(journal.rows("path, split, version_of")) == [
        (b"a", "train", b"b"),
        (b"b", "test", b"b"),
        (b"c", "val", b""),
    ]


def test_equal_rolls_in_two_given_splits_are_an_error(journal: Journal) -> None:
    fill(journal, a=piece("1", "same"), b=piece("2", "same"))  # one with a note outside the range
    with pytest.raises(UserError, match=r"Received: b \(test\) and a \(train\), which are the same music"):
        choose(journal, RecordsConfig(), {"a": "train", "b": "test"})
