"""Which piece goes to which split: a function of the music of the pieces only."""

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.records import SPLITS

FEWEST = 3  # with fewer pieces there is nothing to hold out


def position(sha256: str) -> float:
    """Where a digest lies in [0, 1), by its first 64 bits.

    >>> position("80" + "00" * 31)
    0.5
    """
    return int(sha256[:16], 16) / 2**64


def assign(digests: list[str], config: RecordsConfig) -> dict[str, str]:
    """The split of each piece.

    A piece goes where its own digest says, so that it stays there when others come and go. Only a split that was asked
    for and would stay empty gets a piece of the fullest split: the one whose digest is the smallest.

    Args:
        digests: Fingerprints of the pieces (`data.fingerprint`), hex, each once.
        config: Has the shares `val` and `test`.

    >>> assign(["00" * 32, "18" + "00" * 31, "ff" * 32], RecordsConfig(val=0.05, test=0.1)).values()
    dict_values(['val', 'test', 'train'])
    """
    if len(digests) < FEWEST:
        return dict.fromkeys(digests, "train")
    splits: dict[str, list[str]] = {name: [] for name in SPLITS}
    for digest in sorted(digests):
        splits[by_hash(digest, config)].append(digest)
    for name in lacking([name for name in SPLITS if splits[name]], config):
        fullest = max(SPLITS, key=lambda split: len(splits[split]))
        splits[name].append(splits[fullest].pop(0))
    chosen = {digest: name for name, members in splits.items() for digest in members}
    return {digest: chosen[digest] for digest in digests}


def lacking(filled: list[str], config: RecordsConfig) -> list[str]:
    """The splits that were asked for and have no piece.

    >>> lacking(["train", "val"], RecordsConfig(val=0.1, test=0.1)), lacking(["train"], RecordsConfig(val=0, test=0))
    (['test'], [])
    """
    return [name for name in SPLITS if name not in filled and (name == "train" or getattr(config, name) > 0)]


def by_hash(digest: str, config: RecordsConfig) -> str:
    """The split that a digest alone asks for."""
    place = position(digest)
    if place < config.val:
        return "val"
    return "test" if place < config.val + config.test else "train"
