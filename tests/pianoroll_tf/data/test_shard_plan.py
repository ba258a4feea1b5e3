"""How the pieces of a split are divided into shards."""

from pathlib import Path

import pytest

from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.shard_plan import PlannedShard, plan_shards


@pytest.mark.parametrize(
    ("shards", "expected"),
    [
        (1, [("train", "train-00000-of-00001.tfrecord", 3), ("test", "test-00000-of-00001.tfrecord", 1)]),
        (
            2,
            [
                ("train", "train-00000-of-00002.tfrecord", 1),
                ("train", "train-00001-of-00002.tfrecord", 2),
                ("test", "test-00000-of-00001.tfrecord", 1),
            ],
        ),
    ],
)
def test_no_shard_is_empty_and_an_empty_split_has_none(
    tmp_path: Path, shards: int, expected: list[PlannedShard]
) -> None:
    journal = Journal(tmp_path / "journal", {})
    for name, split in zip("abcde", ["train", "train", "test", "train", ""], strict=True):
        journal.add(name, "", Piece(sha256=name))
        journal.database.execute("UPDATE files SET split = ? WHERE sha256 = ?", (split, name))
    assert list(plan_shards(journal, shards)) == expected
    journal.close()
