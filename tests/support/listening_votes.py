"""Files of votes as the listening page writes them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.report.listening_model import ListeningTest
from tuner.report.votes import FORMAT

TIME = "2026-11-27T10:00:00.000Z"


def votes_content(test: ListeningTest, choices: Mapping[str, str], listener: str = "anna", time: str = TIME) -> dict:
    """The content of a file with a choice ("a", "b", "same") for some pairs, without its checksum."""
    votes = [
        {
            "pair": pair.id,
            "place": place,
            "order": [pair.a.id, pair.b.id],
            "plays": [1, 2],
            "choice": choices[pair.id],
            "time": time,
        }
        for place, pair in enumerate(test.pairs, 1)
        if pair.id in choices
    ]
    return {"format": FORMAT, "page": test.page, "listener": listener, "votes": votes}


def write_votes(path: Path, content: dict[str, Any]) -> Path:
    """Writes such content with its checksum."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content | {"checksum": hashlib.sha256(text.encode()).hexdigest()}, indent=1))
    return path


def choosing(test: ListeningTest, names: tuple[str, str], first: int, second: int, ties: int = 0) -> dict[str, str]:
    """Choices in the pairs of a comparison: so many for the first, the second and neither, in the order of the page."""
    outcomes = [True] * first + [False] * second + [None] * ties
    pairs = [pair for pair in test.pairs if pair.names == names]
    return {
        pair.id: "same" if wins is None else "a" if wins == pair.first_is_a else "b"
        for pair, wins in zip(pairs, outcomes, strict=False)
    }
