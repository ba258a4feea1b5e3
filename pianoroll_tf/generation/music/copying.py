"""Does a piece copy the training data? The longest run of steps that it shares with them, transposed or not."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.data.roll import STRUCK, as_states

NO_PITCH = 2 * NUM_PITCHES  # interval from a silent step, beyond those of two pitches


@dataclasses.dataclass(frozen=True)
class SharedRun:
    """The longest run of steps that a piece shares with a collection of pieces.

    Attributes:
        steps: Length of the run; 0: not one sounding step is shared.
        onsets: Notes that begin in it.
        first_step: Where the run begins in the piece.
        source: Index of the piece of the collection that it is shared with.
        source_step: Where the run begins there.
        semitones: How much higher the piece is than its source.
    """

    steps: int = 0
    onsets: int = 0
    first_step: int = 0
    source: int = 0
    source_step: int = 0
    semitones: int = 0


def longest_shared_runs(pieces: Sequence[np.ndarray], collection: Sequence[np.ndarray]) -> list[SharedRun]:
    """Finds the longest run of steps that each piece shares with a collection.

    A run is shared if all its cells are equal (silent, held or struck) after one transposition of the whole run. It
    begins with a sounding step. Steps are written as symbols that do not depend on the key: the cells above the
    lowest one, and the interval from the lowest pitch of the step before. Equal stretches of 1, 2, 4, … symbols get
    equal ranks, as when a suffix array is built by prefix doubling, so the search is exact and takes time
    proportional to n log n for n steps in all.

    Args:
        pieces: States on one grid, [steps, 84] each, in any form that `data.roll.as_states` reads.
        collection: Likewise, on the same grid: the training pieces.

    Returns:
        One run per piece.

    Reference:
        Karp, Miller, Rosenberg, Rapid Identification of Repeated Patterns in Strings, Trees and Arrays (1972).

    >>> tune = np.zeros((8, 84), np.uint8)
    >>> tune[np.arange(8), [10, 12, 14, 15, 17, 15, 14, 12]] = 2
    >>> longest_shared_runs([np.roll(tune, 3, axis=1)[2:6]], [tune])[0]
    SharedRun(steps=4, onsets=4, first_step=0, source=0, source_step=2, semitones=3)
    """
    states = [as_states(roll) for roll in (*pieces, *collection)]
    symbols, begins = _symbols(states)
    starts = [begin + 2 * np.flatnonzero(roll.any(axis=1)) for roll, begin in zip(states, begins, strict=True)]
    sources = np.concatenate([np.zeros(0, np.int64), *starts[len(pieces) :]])
    ranks = _ranks(symbols, starts[: len(pieces)], sources)
    found = []
    for number, own in enumerate(starts[: len(pieces)]):
        length, at, other = _longest_match(ranks, own, sources)
        if not length:
            found.append(SharedRun())
            continue
        piece = int(np.searchsorted(begins, other, side="right")) - 1
        run = slice((at - begins[number]) // 2, (at - begins[number]) // 2 + (length + 1) // 2)
        source_step = (other - begins[piece]) // 2
        lowest = [int(states[n][step].nonzero()[0][0]) for n, step in ((number, run.start), (piece, source_step))]
        found.append(
            SharedRun(
                steps=int(run.stop - run.start),
                onsets=int((states[number][run] == STRUCK).sum()),
                first_step=int(run.start),
                source=piece - len(pieces),
                source_step=int(source_step),
                semitones=lowest[0] - lowest[1],
            )
        )
    return found


def copying_facts(
    generated: Sequence[np.ndarray], real: Sequence[np.ndarray], training: Sequence[np.ndarray], names: Sequence[str]
) -> dict[str, Any]:
    """The longest runs that generated and real pieces share with the training pieces; there is at least one of each.

    Args:
        generated: States of generated pieces, on the grid of the others.
        real: Pieces of the split with which they are compared; as many as were generated are used, the first.
        training: The training pieces.
        names: Names of the training pieces.

    Returns:
        JSON-ready: `generated` and `real`, each with `median` and `longest`, in steps; `most`, the longest run of a
        generated piece: the fields of `SharedRun`, `piece`, its number counted from 1, and `name` of its source.
    """
    real = real[: len(generated)]
    runs = longest_shared_runs([*generated, *real], training)
    ours, theirs = runs[: len(generated)], runs[len(generated) :]
    number = max(range(len(ours)), key=lambda index: ours[index].steps)
    most = dataclasses.asdict(ours[number]) | {"piece": number + 1, "name": names[ours[number].source]}
    summary = {
        kind: {"median": float(np.median([run.steps for run in found])), "longest": max(run.steps for run in found)}
        for kind, found in (("generated", ours), ("real", theirs))
    }
    return summary | {"most": most}


def _symbols(states: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Pieces as one sequence of symbols: cells, interval, cells, interval, …, cells, end; and where each begins.

    A run of n steps is 2 n - 1 symbols that begin with cells. No symbol is that of an end twice.
    """
    cells = _unique_rows(np.concatenate([_above_lowest(roll) for roll in states]))
    lengths = np.array([len(roll) for roll in states])
    begins = 2 * np.concatenate([[0], np.cumsum(lengths)])[:-1]
    kinds = int(cells.max(initial=0)) + 1
    symbols = np.empty(2 * len(cells), np.int64)
    symbols[::2] = cells
    intervals = np.concatenate([np.append(_intervals(roll)[1:], 0) if len(roll) else [] for roll in states])
    symbols[1::2] = kinds + intervals
    ends = (begins + 2 * lengths - 1)[lengths > 0]
    symbols[ends] = kinds + 4 * NUM_PITCHES + np.arange(len(ends))
    return symbols, begins


def _above_lowest(states: np.ndarray) -> np.ndarray:
    """The cells of each step, its lowest pitch first, in 2 bits each: uint64 [steps, 3]."""
    first = (states != 0).argmax(axis=1)
    wide = np.pad(states, ((0, 0), (0, NUM_PITCHES)))
    moved = np.take_along_axis(wide, first[:, np.newaxis] + np.arange(NUM_PITCHES), axis=1)
    bits = np.concatenate([moved != 0, moved == STRUCK, np.zeros((len(moved), 24), bool)], axis=1)
    return np.packbits(bits, axis=1).view(np.uint64)


def _unique_rows(rows: np.ndarray) -> np.ndarray:
    """Equal numbers for equal rows, int64 [rows]."""
    numbers = np.zeros(len(rows), np.int64)
    for column in rows.T:
        _, values = np.unique(column, return_inverse=True)
        _, numbers = np.unique(numbers * (int(values.max(initial=0)) + 1) + values, return_inverse=True)
    return numbers


def _intervals(states: np.ndarray) -> np.ndarray:
    """Semitones from the lowest pitch of the last sounding step to that of each step, as int64 >= 0 [steps]."""
    sounding = (states != 0).any(axis=1)
    lowest = (states != 0).argmax(axis=1)
    step = np.arange(len(states))
    last = np.maximum.accumulate(np.where(sounding, step, -1))
    before = np.concatenate([[-1], last[:-1]])
    return np.where(sounding & (before >= 0), lowest - lowest[before] + NUM_PITCHES, NO_PITCH)


def _ranks(symbols: np.ndarray, pieces: Sequence[np.ndarray], sources: np.ndarray) -> list[np.ndarray]:
    """Ranks of the stretches of 1, 2, 4, … symbols, as long as any that begins in a piece begins in a source too."""
    ranks = [np.unique(symbols, return_inverse=True)[1]]
    while True:
        width = 1 << (len(ranks) - 1)
        last = ranks[-1]
        if len(last) <= width or not any(len(_shared(last, own, sources)) for own in pieces):
            return ranks
        pairs = last[:-width] * (int(last.max()) + 1) + last[width:]
        ranks.append(np.unique(pairs, return_inverse=True)[1])


def _shared(rank: np.ndarray, own: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Those of the positions `own` whose rank occurs at a source."""
    own, sources = own[own < len(rank)], sources[sources < len(rank)]
    occurs = np.zeros(int(rank.max(initial=0)) + 1, bool)
    occurs[rank[sources]] = True
    return own[occurs[rank[own]]]


def _longest_match(ranks: list[np.ndarray], own: np.ndarray, sources: np.ndarray) -> tuple[int, int, int]:
    """The longest stretch of symbols that begins at both kinds of positions: (length, position, source's position).

    Two stretches of n symbols are equal if their first 2^k and their last 2^k are, for 2^k <= n < 2^(k+1).
    """
    level = next((k for k in reversed(range(len(ranks))) if len(_shared(ranks[k], own, sources))), None)
    if level is None:
        return 0, 0, 0
    rank, width = ranks[level], 1 << level
    candidates, theirs = _shared(rank, own, sources), _shared(rank, sources, own)
    shortest, beyond = width, 2 * width
    best = _equal(rank, candidates, theirs, 0)
    while beyond - shortest > 1:
        length = (shortest + beyond) // 2
        equal = _equal(rank, candidates, theirs, length - width)
        if equal is None:
            beyond = length
        else:
            shortest, best = length, equal
    assert best is not None
    return shortest, *best


def _equal(rank: np.ndarray, own: np.ndarray, sources: np.ndarray, offset: int) -> tuple[int, int] | None:
    """A pair of positions with the same ranks at the position and `offset` behind it, the first one; None without."""
    own, sources = own[own + offset < len(rank)], sources[sources + offset < len(rank)]
    size = int(rank.max()) + 1
    keys, where = np.unique(rank[sources] * size + rank[sources + offset], return_index=True)
    wanted = rank[own] * size + rank[own + offset]
    if not len(keys):
        return None
    place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    hits = np.flatnonzero(keys[place] == wanted)
    return (int(own[hits[0]]), int(sources[where[place[hits[0]]]])) if len(hits) else None
