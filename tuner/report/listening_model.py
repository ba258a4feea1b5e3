"""A blind listening test of a study: its pairs of excerpts, the file that keeps them, and their notes.

DIR/listening.json   checksummed: a `ListeningTest`, the key to the opaque names of pairs and excerpts on the page
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.roll import roll_to_notes
from pianoroll_tf.errors import DamagedError
from pianoroll_tf.settings import from_dict
from pianoroll_tf.storage.checksummed_json import read_checksummed
from tuner.report.data import StudyData
from tuner.report.music import BEATS_PER_SECOND
from tuner.study import folder as study_folder
from tuner.study.settings import RUNS

KEY = "listening.json"
REAL = "real"  # in place of a loss and of a combination


@dataclasses.dataclass(frozen=True)
class Excerpt:
    """A part of a piece: which run generated it (`REAL`, None: the test split), and where it starts, in steps."""

    id: str
    combination: str
    seed: int | None
    piece: int
    start: int


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two excerpts that are heard as A and B; `first` (a loss) and `second` (a loss or `REAL`) are compared by them."""

    id: str
    first: str
    second: str
    first_is_a: bool
    a: Excerpt
    b: Excerpt

    @property
    def names(self) -> tuple[str, str]:
        """What is compared."""
        return self.first, self.second


@dataclasses.dataclass(frozen=True)
class ListeningTest:
    """What listening.json holds: the id of the page, pairs per comparison, steps of an excerpt, pairs in their order.

    The id of the page is a checksum of all that can be heard on it.
    """

    page: str
    number: int
    steps: int
    pairs: list[Pair]

    @property
    def comparisons(self) -> list[tuple[str, str]]:
        """What is compared: each loss with each, then each with real music."""
        return sorted({pair.names for pair in self.pairs}, key=lambda names: (names[1] == REAL, names))


class Music:
    """The pieces of a study by combination and seed, each file read once."""

    def __init__(self, data: StudyData) -> None:
        self._data, self._read = data, dict[tuple[str, int | None], list[np.ndarray]]()

    def pieces(self, combination: str, seed: int | None) -> list[np.ndarray]:
        """The pieces of a run, uint8 [steps, 84] each, none if it has no music; of `REAL` those of the test split."""
        key = combination, seed
        if key not in self._read:
            path = self._data.folder / RUNS / combination / str(seed) / study_folder.PIECES
            there = study_folder.read_pieces(path) if combination != REAL and path.is_file() else []
            self._read[key] = self._data.real_pieces() if combination == REAL else there
        return self._read[key]

    def places(self, combination: str, steps: int) -> list[tuple[int | None, int]]:
        """Seed and number of each piece of a combination that has so many steps."""
        seeds: Sequence[int | None] = [None] if combination == REAL else range(self._data.seeds)
        return [
            (seed, number)
            for seed in seeds
            for number, roll in enumerate(self.pieces(combination, seed))
            if len(roll) >= steps
        ]


def read(folder: Path) -> ListeningTest | None:
    """The listening.json of a study, None if there is none; raises DamagedError if it is damaged."""
    path = folder / KEY
    if not path.is_file():
        return None
    values = read_checksummed(path)
    try:
        pairs = [Pair(**pair | {side: Excerpt(**pair[side]) for side in ("a", "b")}) for pair in values.pop("pairs")]
        return ListeningTest(pairs=pairs, **values)
    except (KeyError, TypeError) as error:
        raise DamagedError(f"{path} is damaged: {error!r}") from error


def steps_per_second(grid: RecordsConfig) -> float:
    """Steps per second of excerpts; a grid of beats is heard at the tempo of the study's MIDI files."""
    return grid.steps_per_unit * (1 if grid.grid == "seconds" else BEATS_PER_SECOND)


def grid_of(data: StudyData) -> RecordsConfig:
    """The grid of a study's music."""
    return from_dict(RecordsConfig, data.study.records["settings"])


def content(data: StudyData, test: ListeningTest) -> dict[str, Any]:
    """All that the page holds of the test: opaque names, and notes as [start, end, pitch], in steps of the excerpt.

    Raises:
        DamagedError: A file of music is missing or damaged.
    """
    music = Music(data)

    def side(excerpt: Excerpt) -> dict[str, Any]:
        pieces = music.pieces(excerpt.combination, excerpt.seed)
        if excerpt.piece >= len(pieces):
            name = f"{excerpt.combination}, seed {excerpt.seed}" if excerpt.combination != REAL else study_folder.TEST
            raise DamagedError(f"{data.folder} must hold the music of {KEY}. Received: {len(pieces)} pieces of {name}")
        roll = pieces[excerpt.piece][excerpt.start : excerpt.start + test.steps]
        return {"id": excerpt.id, "notes": np.stack(roll_to_notes(roll), axis=-1).tolist()}

    pairs = [{"id": pair.id, "a": side(pair.a), "b": side(pair.b)} for pair in test.pairs]
    return {"steps": test.steps, "steps_per_second": steps_per_second(grid_of(data)), "pairs": pairs}


def checksum(values: dict[str, Any]) -> str:
    """The id of a page with this content."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
