"""Tuning by compass search: one setting at a time, until a worse value lies on both sides of the best. No framework.

A combination's runs are a pure function of the results of its earlier ones, so an interrupted study resumes:

1. The first run has the first rung of every setting's ladder: its start, or what another study has chosen.
2. Around the best run so far, each setting is moved by one rung up and down while the others keep their values. A
   better value becomes the centre, and the search continues in the same direction first, so that the range widens.
3. When the best has a worse neighbour on both sides in every setting, steps of half a rung refine it, unless the
   ladders have no halves.

A best value is at an *edge* if on one side no run has the same other settings, unless that side is a natural limit (no
weight decay, gamma 0).

Reference:
    Kolda, Lewis, Torczon 2003, "Optimization by Direct Search: New Perspectives on Some Classical and Modern Methods",
    section 1.2.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner.study.ladder import Ladder

STEPS = (1.0, 0.5)  # in rungs

Point = tuple[float, ...]  # the rung of each setting
Ladders = Mapping[str, Ladder]


def values(ladders: Ladders, point: Point) -> dict[str, Any]:
    """The settings at a point."""
    return {name: ladder.rung(at) for (name, ladder), at in zip(ladders.items(), point, strict=True)}


def points(ladders: Ladders, results: Sequence[float | None]) -> list[Point]:
    """The points of the runs with these results, and the next one, unless there is none.

    Args:
        ladders: Setting → its rungs.
        results: The validation NLL of each run so far; None: it diverged.

    >>> points({"learning_rate": Ladder(start=0.01)}, [5.0, 4.0, 4.5])
    [(0.0,), (1.0,), (2.0,), (1.5,)]
    """
    tried: list[Point] = [tuple(ladder.first for ladder in ladders.values())]
    for count in range(1, len(results) + 1):
        found = next(_candidates(ladders, tried, results[:count]), None)
        if found is None:
            break
        tried.append(found)
    return tried


def best(tried: Sequence[Point], results: Sequence[float | None]) -> int:
    """The number of the best run: the lowest NLL, the earliest of several; if all diverged, the lowest rate."""
    found = [math.inf if nll is None else nll for nll in results]
    if min(found) == math.inf:
        found = [point[0] for point in tried[: len(results)]]
    return found.index(min(found))


def _candidates(ladders: Ladders, tried: Sequence[Point], results: Sequence[float | None]) -> Iterator[Point]:
    """The points that may be tried next, the most promising first."""
    number = best(tried, results)
    centre, moved = tried[number], _last_move(tried, number)
    for step in STEPS:
        for place, direction in sorted(_moves(len(centre)), key=lambda move: move != moved):
            ladder, at = list(ladders.values())[place], centre[place] + direction * step
            candidate = (*centre[:place], at, *centre[place + 1 :])
            if ladder.rung(at) is None or candidate in tried:
                continue
            if step < 1 or not _beside(tried, centre, place, direction):
                yield candidate


def _moves(count: int) -> list[tuple[int, int]]:
    """(place of a setting, direction) of all moves."""
    return [(place, direction) for place in range(count) for direction in (1, -1)]


def _last_move(tried: Sequence[Point], number: int) -> tuple[int, int] | None:
    """The move that led to a point from the nearest earlier one that differs in a single setting."""
    for earlier in reversed(tried[:number]):
        differing = [place for place, (a, b) in enumerate(zip(earlier, tried[number], strict=True)) if a != b]
        if len(differing) == 1:
            [place] = differing
            return place, 1 if tried[number][place] > earlier[place] else -1
    return None


def _beside(tried: Sequence[Point], centre: Point, place: int, direction: int) -> bool:
    """Whether a point was tried that differs from `centre` in one setting, on one side."""
    return any(
        point[:place] + point[place + 1 :] == centre[:place] + centre[place + 1 :]
        and (point[place] - centre[place]) * direction > 0
        for point in tried
    )


def edges(ladders: Ladders, results: Sequence[float | None]) -> list[tuple[str, int]]:
    """The settings whose best value is at an edge of what was tried, with the direction: 1 upwards, -1 downwards.

    >>> edges({"learning_rate": Ladder(start=0.01)}, [5.0, 4.0])
    [('learning_rate', 1)]
    """
    tried = points(ladders, results)[: len(results)]
    centre = tried[best(tried, results)]
    return [
        (name, direction)
        for place, (name, ladder) in enumerate(ladders.items())
        for direction in (1, -1)
        if not ladder.is_end(centre[place], direction) and not _beside(tried, centre, place, direction)
    ]
