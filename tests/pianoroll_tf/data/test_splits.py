"""Splits by hash: stable, of the right size, never empty unless its share is 0."""

import hashlib

import pytest

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.splits import assign, position


def digests(count: int, salt: str = "") -> list[str]:
    return [hashlib.sha256(f"{salt}{index}".encode()).hexdigest() for index in range(count)]


def at(*places: float) -> list[str]:
    """Digests at places within [0, 1)."""
    return [f"{int(place * 2**64):016x}".ljust(64, "0") for place in places]


def test_thresholds_by_hand() -> None:
    pieces = at(0.0, 0.0999, 0.1001, 0.2999, 0.3001, 0.9999)
    assert list(assign(pieces, RecordsConfig(val=0.1, test=0.2)).values()) == [
        "val", "val", "test", "test", "train", "train",
    ]  # fmt: skip
    assert position(pieces[-1]) == pytest.approx(0.9999)


def test_a_piece_stays_when_others_come() -> None:
    few, many = assign(digests(100), RecordsConfig()), assign(digests(1000), RecordsConfig())
    assert all(many[digest] == split for digest, split in few.items())
    counts = [list(many.values()).count(split) for split in ("train", "val", "test")]
    assert counts == pytest.approx([800, 100, 100], abs=40)


@pytest.mark.parametrize("count", range(3, 30))
def test_no_split_that_was_asked_for_is_empty(count: int) -> None:
    for config in (RecordsConfig(), RecordsConfig(val=0.9, test=0.05), RecordsConfig(val=0.001, test=0.001)):
        assert set(assign(digests(count, str(count)), config).values()) == {"train", "val", "test"}


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
