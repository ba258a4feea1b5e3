"""Converts notes, sparse piano-rolls and dense piano-rolls to each other, in numpy only.

A cell of a dense roll is 0 silent, 1 held or 2 struck, so every cell that is not 0 sounds.
"""

import dataclasses

import numpy as np

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH, NUM_PITCHES, RecordsConfig

SILENT, HELD, STRUCK = 0, 1, 2  # states of a cell
STRUCK_BIT = 128  # bit 7 of a cell: the note was struck at this step
MAX_SECONDS = 24 * 3600  # maximum length on the grid of seconds
MAX_QUARTERS = 120 * 60 * 24  # maximum length on the grid of beats: a day at 120 quarters per minute
MAX_CELLS = 1 << 23  # maximum number of active cells: a record of 8 MiB, which takes about 0.5 GiB to create


class RollLimitError(ValueError):
    """A piece that exceeds one of the limits above."""


@dataclasses.dataclass(frozen=True, eq=False)
class SparseRoll:
    """A piano-roll of one byte per step and one per sounding pitch."""

    counts: np.ndarray  # uint8 [steps], how many pitches sound at each step
    # uint8 [active], the columns (0..83) that sound, step after step and ascending within a step; `STRUCK_BIT` is added
    # if the note is struck at that step
    cells: np.ndarray

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SparseRoll):
            return NotImplemented
        return np.array_equal(self.counts, other.counts) and np.array_equal(self.cells, other.cells)

    @property
    def steps(self) -> np.ndarray:
        """int64 [active], the step of each cell."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def columns(self) -> np.ndarray:
        """uint8 [active], the cells without the struck bit."""
        return self.cells & np.uint8(STRUCK_BIT - 1)

    def pitch_counts(self) -> np.ndarray:
        """int64 [84], the number of steps in which each pitch sounds."""
        return np.bincount(self.columns, minlength=NUM_PITCHES).astype(np.int64)

    def onset_counts(self) -> np.ndarray:
        """int64 [steps], the number of notes that are struck at each step.

        >>> SparseRoll(np.array([2, 1], np.uint8), np.array([36 + 128, 40 + 128, 36], np.uint8)).onset_counts().tolist()
        [2, 0]
        """
        return np.bincount(self.steps[self.cells >= STRUCK_BIT], minlength=len(self.counts))

    def hold_lengths(self) -> np.ndarray:
        """int64 [holds], the number of steps for which a pitch sounds without a break, each time that it does.

        >>> SparseRoll(np.array([1, 2, 1], np.uint8), np.array([36, 36, 40, 36], np.uint8)).hold_lengths().tolist()
        [3, 1]
        """
        # All pitches on one line, pitch after pitch; the gap of one keeps pitches apart.
        cells = np.sort(self.columns.astype(np.int64) * (len(self.counts) + 1) + self.steps)
        begins = np.flatnonzero(np.diff(cells, prepend=-2) != 1)
        return np.diff(begins, append=len(cells))


def notes_to_steps(notes, config: RecordsConfig) -> tuple[np.ndarray, np.ndarray]:
    """Rounds the starts and ends of notes to the nearest step, int64 [notes] each; every note lasts at least one."""
    to_units = notes.seconds if config.grid == "seconds" else notes.quarters
    limit = MAX_SECONDS if config.grid == "seconds" else MAX_QUARTERS
    start, end = to_units(notes.start_ticks), to_units(notes.end_ticks)
    if len(end) and not float(end.max()) <= limit:
        raise RollLimitError(f"length must be <= {limit} {config.grid}. Received: {config.grid}={float(end.max()):g}")
    start_step = np.floor(start * config.steps_per_unit + 0.5).astype(np.int64)
    end_step = np.floor(end * config.steps_per_unit + 0.5).astype(np.int64)
    return start_step, np.maximum(end_step, start_step + 1)


def notes_to_roll(notes, config: RecordsConfig) -> tuple[SparseRoll, int]:
    """Samples notes, `midi.Notes`, on the grid.

    Returns:
        `(roll, outside)`: the roll, which ends with its last note, and the number of notes outside MIDI 24..107,
        which are dropped.

    Raises:
        RollLimitError: The piece is longer than a day, or more than `MAX_CELLS` cells are active.
    """
    start, end = notes_to_steps(notes, config)
    inside = (notes.pitch >= LOWEST_PITCH) & (notes.pitch <= HIGHEST_PITCH)
    roll = steps_to_roll(start[inside], end[inside], notes.pitch[inside])
    return roll, int(len(inside) - inside.sum())


def steps_to_roll(start: np.ndarray, end: np.ndarray, pitch: np.ndarray) -> SparseRoll:
    """Creates a roll from notes, int64 [notes] each, which sound at `start` <= step < `end`.

    Overlapping notes of a pitch are merged, each struck at its start. The pitches are MIDI numbers within 24..107.

    >>> steps_to_roll(np.array([0, 1]), np.array([3, 2]), np.array([24, 31])).counts
    array([1, 2, 1], dtype=uint8)
    """
    if not len(start):
        return SparseRoll(np.zeros(0, np.uint8), np.zeros(0, np.uint8))
    steps = int(end.max())
    # All pitches on one line, pitch after pitch: column * (steps + 1) + step. The gap of one keeps pitches apart.
    column = pitch - LOWEST_PITCH
    line = column * (steps + 1) + start
    order = np.argsort(line, kind="stable")
    line, column = line[order], column[order]
    opens, length = _merge(line, line + (end - start)[order])
    ends = np.cumsum(length)
    total = int(ends[-1])
    if total > MAX_CELLS:
        raise RollLimitError(f"active cells must be <= {MAX_CELLS}. Received: active_cells={total}")
    first = line[opens]
    cell = np.arange(total) + np.repeat(first - ends + length, length)  # positions on the line that sound
    key = ((cell - np.repeat(column[opens] * (steps + 1), length)) * NUM_PITCHES + np.repeat(column[opens], length)) * 2
    merged = np.cumsum(opens) - 1  # index of the merged interval that contains each note
    key[(ends - length - first)[merged] + line] |= 1  # struck
    key = np.sort(key.astype(np.uint32))  # (step * 84 + column) * 2 + struck; a day of 100 steps per second fits
    cells = (key // 2 % NUM_PITCHES).astype(np.uint8) | (key % 2 * STRUCK_BIT).astype(np.uint8)
    return SparseRoll(np.bincount(key // (2 * NUM_PITCHES), minlength=steps).astype(np.uint8), cells)


def _merge(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merges intervals, sorted by start: whether each begins a merged one, bool, and the lengths of the merged ones."""
    reach = np.maximum.accumulate(end)
    opens = np.concatenate([[True], start[1:] > reach[:-1]])
    last = np.append(np.flatnonzero(opens)[1:], len(start)) - 1
    return opens, reach[last] - start[opens]


def to_dense(roll: SparseRoll) -> np.ndarray:
    """Converts to a matrix of states, uint8 [steps, 84]: 0 silent, 1 held, 2 struck."""
    dense = np.zeros((len(roll.counts), NUM_PITCHES), np.uint8)
    dense[roll.steps, roll.columns] = HELD + (roll.cells >= STRUCK_BIT)
    return dense


def as_states(roll: np.ndarray) -> np.ndarray:
    """Converts any roll to states: a cell that is not 0 is struck if it is 2 or the cell before is silent, else held.

    So in a roll of 0 and 1, a cell is struck where its pitch begins to sound. A roll of states is not changed.

    Args:
        roll: [..., steps, pitches], numbers or bool.

    Returns:
        uint8, shape of `roll`.

    >>> as_states(np.array([[1, 0], [1, 1], [2, 1]])).tolist()
    [[2, 0], [1, 2], [2, 1]]
    """
    roll = np.asarray(roll)
    sounds = roll != 0
    struck = sounds & (roll == STRUCK)
    struck[..., :1, :] |= sounds[..., :1, :]
    struck[..., 1:, :] |= sounds[..., 1:, :] & ~sounds[..., :-1, :]
    return sounds.astype(np.uint8) + struck


def onsets(roll: np.ndarray) -> np.ndarray:
    """Where a note begins, including re-struck notes: bool, shape of `roll`, which `as_states` reads."""
    return as_states(roll) == STRUCK


def from_dense(roll: np.ndarray) -> SparseRoll:
    """The inverse of `to_dense`; a roll of 0 and 1 is read by `as_states`."""
    states = _checked(roll)
    step, column = np.nonzero(states)
    cells = column.astype(np.uint8) | np.where(states[step, column] == STRUCK, STRUCK_BIT, 0).astype(np.uint8)
    return SparseRoll((states != 0).sum(axis=1).astype(np.uint8), cells)


def roll_to_notes(roll: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Converts a dense roll to notes, sorted by start, then pitch; a struck cell ends the note before.

    Args:
        roll: [steps, 84], states or 0 and 1, read by `as_states`.

    Returns:
        `(start_step, end_step, pitch)`, int64 [notes] each; pitch is the MIDI number.
    """
    states = _checked(roll)
    sounds, starts = states != 0, states == STRUCK
    # Pitch-major, each note ends where its pitch stops sounding or the next note of that pitch starts.
    column, start = np.nonzero(starts.T)
    stops = np.zeros((NUM_PITCHES, len(states) + 1), bool)
    stops[:, 1:] = sounds.T
    stops[:, :-1] &= ~sounds.T | starts.T
    end_column, end = np.nonzero(stops)
    assert (column == end_column).all()  # every start has one end
    order = np.lexsort((column, start))
    return start[order], end[order], column[order] + LOWEST_PITCH


def _checked(roll: np.ndarray) -> np.ndarray:
    """The roll as states; raises ValueError unless it is of shape [steps, 84]."""
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != NUM_PITCHES:
        raise ValueError(f"roll must be of shape [steps, {NUM_PITCHES}]. Received: shape={roll.shape}")
    return as_states(roll)
