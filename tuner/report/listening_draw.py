"""Draws the pairs of a blind listening test from the music of a study."""

import dataclasses
import hashlib
import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from pianoroll_tf.data.roll import onsets
from tuner.report.data import StudyData
from tuner.report.listening_model import (
    REAL,
    Excerpt,
    ListeningTest,
    Music,
    Pair,
    checksum,
    content,
    grid_of,
    steps_per_second,
)
from tuner.study import folder as study_folder
from tuner.study.settings import Combination

SECONDS = 12  # of an excerpt
BEATS_PER_BAR = 4  # that excerpts begin at, on a grid of beats; in another metre they still begin at a beat


def draw(data: StudyData, number: int) -> ListeningTest | None:
    """Draws up to so many pairs per comparison; the same study gives the same ones. None without music.

    A comparison has each piece of a loss at most once, and each loss as often as A as it can be. The order is random in
    rounds of one pair per comparison, so that those who stop early have heard of all about equally much.
    """
    rng = np.random.default_rng(list(hashlib.sha256((data.folder / study_folder.STUDY).read_bytes()).digest()))
    drawing, losses = _Drawing(data, rng), data.study.settings.study.losses
    comparisons = [*itertools.combinations(losses, 2), *((loss, REAL) for loss in losses)]
    drawn = [drawing.comparison(first, second, number) for first, second in comparisons]
    rounds = [[pairs[turn] for pairs in drawn if turn < len(pairs)] for turn in range(number)]
    pairs = [pair for each in rounds for pair in _shuffled(each, rng)]
    if not pairs:
        return None
    found = ListeningTest("", number, drawing.steps, pairs)
    return dataclasses.replace(found, page=checksum(content(data, found)))


class _Drawing:
    """Draws the pairs of one comparison after the other."""

    def __init__(self, data: StudyData, rng: np.random.Generator) -> None:
        self._rng, self._music, self._used = rng, Music(data), Counter[tuple[str, int | None, int]]()
        self._optimizers, grid = data.study.settings.study.optimizers, grid_of(data)
        self._bar = grid.steps_per_beat * BEATS_PER_BAR if grid.grid == "beats" else 1
        steps = min(round(SECONDS * steps_per_second(grid)), data.study.settings.study.piece_steps)
        self.steps = max(steps // self._bar, 1) * self._bar if steps >= self._bar else steps

    def comparison(self, first: str, second: str, number: int) -> list[Pair]:
        """Pairs of a loss with another or with `REAL`, with each optimizer in turn."""
        decks = {each: self._places(first, second, each) for each in _shuffled(self._optimizers, self._rng)}
        total = min(number, sum(map(len, decks.values())))
        sides = _shuffled([turn % 2 == 0 for turn in range(total)], self._rng)
        if total % 2 and self._rng.integers(2):
            sides = [not side for side in sides]
        pairs: list[Pair] = []
        for optimizer in itertools.cycle(decks):
            if len(pairs) == total:
                return pairs
            if decks[optimizer]:
                pairs.append(self._pair(first, second, optimizer, decks[optimizer], sides[len(pairs)]))
        return pairs

    def _places(self, first: str, second: str, optimizer: str) -> list[tuple[int | None, int]]:
        """Seeds and numbers of the pieces that both have; of a loss and real music, those of the loss."""
        found = self._music.places(Combination(first, optimizer).name, self.steps)
        if second == REAL:
            return found if self._music.places(REAL, self.steps) else []
        others = set(self._music.places(Combination(second, optimizer).name, self.steps))
        return [place for place in found if place in others]

    def _pair(self, first: str, second: str, optimizer: str, deck: list, first_is_a: bool) -> Pair:
        names = [REAL if loss == REAL else Combination(loss, optimizer).name for loss in (first, second)]
        place = self._rarest(names, deck)
        deck.remove(place)
        places = [place, self._rarest([REAL], self._music.places(REAL, self.steps)) if second == REAL else place]
        where = float(self._rng.random())  # the same for both
        one, other = (self._excerpt(name, *found, where) for name, found in zip(names, places, strict=True))
        a, b = (one, other) if first_is_a else (other, one)
        return Pair(self._id(), first, second, first_is_a, a, b)

    def _rarest(self, names: list[str], places: Sequence[tuple[int | None, int]]) -> tuple[int | None, int]:
        """One of the places that were heard least often so far."""
        uses = [sum(self._used[name, *place] for name in names) for place in places]
        rarest = [place for place, count in zip(places, uses, strict=True) if count == min(uses)]
        return rarest[int(self._rng.integers(len(rarest)))]

    def _excerpt(self, name: str, seed: int | None, piece: int, where: float) -> Excerpt:
        self._used[name, seed, piece] += 1
        start = start_of(self._music.pieces(name, seed)[piece], self.steps, self._bar, where)
        return Excerpt(self._id(), name, seed, piece, start)

    def _id(self) -> str:
        return f"{self._rng.integers(1 << 40):010x}"


def _shuffled(values: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    return [values[index] for index in rng.permutation(len(values))]


def start_of(roll: np.ndarray, steps: int, bar: int, where: float) -> int:
    """Where an excerpt starts: at the bar of the first onset after a place, so that it does not start in silence.

    Args:
        roll: uint8 [steps, 84].
        steps: Of the excerpt, at most those of the roll.
        bar: Steps to whose multiples the start is rounded down.
        where: The place, from 0 (start of the roll) to below 1 (its last possible start).

    >>> roll = np.zeros((32, 84), np.uint8)
    >>> roll[13:20, 40] = 1
    >>> [start_of(roll, 16, bar, 0.0) for bar in (1, 4)], start_of(roll, 8, 1, 0.9)
    ([13, 12], 22)
    """
    last = len(roll) - steps
    first = int(where * (last + 1))
    struck = np.flatnonzero(onsets(roll)[first:].any(axis=1))
    start = first + int(struck[0]) if len(struck) else first
    return min(start, last) // bar * bar
