"""The votes of a listening test, read from the files that listeners download from its page."""

import dataclasses
import hashlib
import json
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pianoroll_tf.errors import DamagedError, UserError
from tuner.report.listening_model import KEY, ListeningTest, Pair

FORMAT = "pianoroll_tf listening votes"
SIDES = {"a": True, "b": False, "same": None}  # choice → whether A was preferred; None: no difference


@dataclasses.dataclass(frozen=True)
class Vote:
    """What a listener said of a pair: 1, `Pair.first` is preferred; −1, `Pair.second`; 0, no difference."""

    listener: str
    pair: Pair
    choice: int
    time: datetime  # with a zone


def vote_files(paths: Iterable[Path]) -> list[Path]:
    """The files of votes: those given, and of a folder all with the suffix .json.

    Raises:
        UserError: A path does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"votes must be existing files or folders. Received: {path}")
        found += sorted(path.glob("*.json")) if path.is_dir() else [path]
    return found


def read_votes(paths: Sequence[Path], test: ListeningTest) -> tuple[list[Vote], int]:
    """The votes in files; of several votes of a listener for a pair the last one counts.

    Names of listeners that differ only in case, in spaces around them or in how Unicode composes their letters are the
    same listener.

    Returns:
        (votes, number of further votes for a pair by a listener who had voted for it already).

    Raises:
        UserError: A file is damaged or altered, or is of another page; the message names it.
    """
    votes = [vote for path in paths for vote in _votes(path, test)]
    last = {(vote.listener, vote.pair.id): vote for vote in sorted(votes, key=lambda vote: vote.time)}
    return list(last.values()), len(set(votes)) - len(last)


def _votes(path: Path, test: ListeningTest) -> list[Vote]:
    """The votes of one file."""
    values = _read(path)
    if values.get("page") != test.page:
        raise UserError(
            f"{path} must hold votes for the pairs of this study, of page {test.page}. "
            f"Received: page={values.get('page')!r}"
        )
    pairs = {pair.id: pair for pair in test.pairs}
    try:
        return [_vote(entry, values["listener"], pairs) for entry in values["votes"]]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"{path} must hold votes for pairs of {KEY}. Received: {_cause(error)}") from error


def _read(path: Path) -> dict[str, Any]:
    """The content of a file, whose checksum is that of the JSON text that the page wrote, without spaces."""
    try:
        values = json.loads(path.read_bytes())
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise UserError(f"{path} must be a file of votes that the listening page wrote. Received: another file")
        checksum = values.pop("checksum", None)
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        if checksum != hashlib.sha256(text.encode()).hexdigest():
            raise DamagedError(f"{path} is damaged or altered: its content does not match its checksum")
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path} is damaged: {error}") from error
    return values


def _vote(entry: dict[str, Any], listener: str, pairs: dict[str, Pair]) -> Vote:
    """A vote; raises ValueError or KeyError if the page cannot have written it."""
    if entry["pair"] not in pairs:
        raise ValueError(f"unknown pair {entry['pair']!r}")
    pair = pairs[entry["pair"]]
    if entry["order"] != [pair.a.id, pair.b.id]:
        raise ValueError(f"pair {pair.id!r} in another order, {entry['order']!r}")
    if min(entry["plays"]) < 1:
        raise ValueError(f"pair {pair.id!r} without both excerpts heard, plays={entry['plays']!r}")
    prefers_a = SIDES[entry["choice"]]
    choice = 0 if prefers_a is None else 1 if prefers_a == pair.first_is_a else -1
    time = datetime.fromisoformat(entry["time"])
    if time.tzinfo is None:
        raise ValueError(f"pair {pair.id!r} with a time without a zone, {entry['time']!r}")
    return Vote(_same_name(listener), pair, choice, time)


def _same_name(listener: str) -> str:
    """A name as it is compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", listener).casefold()).strip()


def _cause(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
