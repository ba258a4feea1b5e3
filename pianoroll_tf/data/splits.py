"""Assigns pieces to splits, as a function of their music only."""

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.records import SPLITS

MIN_PIECES = 3  # with fewer pieces all of them are used for training


def position(sha256: str) -> float:
    """The position of a digest in [0, 1), by its first 64 bits.

    >>> position("80" + "00" * 31)
    0.5
    """
    return int(sha256[:16], 16) / 2**64


def assign(digests: list[str], config: RecordsConfig) -> dict[str, str]:
    """Assigns each piece to a split.

    The split depends on the digest of the piece alone, so it does not change when other pieces are added or removed.
    The only exception: a split with a share above 0 that would be empty gets the piece with the smallest digest of the
    largest split.

    Args:
        digests: Fingerprints of the pieces (`data.fingerprint`), hex, without duplicates.
        config: The shares `val` and `test`.

    >>> assign(["00" * 32, "18" + "00" * 31, "ff" * 32], RecordsConfig(val=0.05, test=0.1)).values()
    dict_values(['val', 'test', 'train'])
    """
    if len(digests) < MIN_PIECES:
        return dict.fromkeys(digests, "train")
    splits: dict[str, list[str]] = {name: [] for name in SPLITS}
    for digest in sorted(digests):
        splits[split_by_hash(digest, config)].append(digest)
    for name in empty_splits([name for name in SPLITS if splits[name]], config):
        largest = max(SPLITS, key=lambda split: len(splits[split]))
        splits[name].append(splits[largest].pop(0))
    chosen = {digest: name for name, members in splits.items() for digest in members}
    return {digest: chosen[digest] for digest in digests}


def empty_splits(filled: list[str], config: RecordsConfig) -> list[str]:
    """The splits with a share above 0 that have no piece.

    >>> empty_splits(["train", "val"], RecordsConfig(val=0.1, test=0.1))
    ['test']
    >>> empty_splits(["train"], RecordsConfig(val=0, test=0))
    []
    """
    return [name for name in SPLITS if name not in filled and (name == "train" or getattr(config, name) > 0)]


def split_by_hash(digest: str, config: RecordsConfig) -> str:
    """The split by a digest alone."""
    place = position(digest)
    if place < config.val:
        return "val"
    return "test" if place < config.val + config.test else "train"
