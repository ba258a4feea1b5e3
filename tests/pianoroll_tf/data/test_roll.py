"""Notes to rolls and back, in numbers that can be checked by hand, and as a property."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data import roll as roll_module
from pianoroll_tf.data.midi import Notes
from pianoroll_tf.data.roll import (
    as_states,
    from_dense,
    notes_to_roll,
    notes_to_steps,
    onsets,
    roll_to_notes,
    steps_to_roll,
    to_dense,
)


def notes(*rows: tuple[int, int, int], ticks_per_quarter: int = 480) -> Notes:
    """Notes from (start, end, pitch) in ticks, at 120 quarter notes per minute: 960 ticks per second."""
    start, end, pitch = np.array(rows, np.int64).reshape(-1, 3).T
    return Notes(start, end, pitch, ticks_per_quarter, np.array([0]), np.array([500_000.0]))


def test_a_note_of_half_a_second_is_four_steps() -> None:
    roll, outside = notes_to_roll(notes((960, 1440, 60)), RecordsConfig(grid="seconds"))
    assert roll.counts.tolist() == [0] * 8 + [1] * 4
    assert roll.cells.tolist() == [36 + 128, 36, 36, 36]
    assert outside == 0


@pytest.mark.parametrize(
    ("start", "end", "steps"),
    [
        (0, 59, (0, 1)),  # 0.49 steps long: still one step
        (0, 0, (0, 1)),  # no length at all: one step
        (60, 180, (1, 2)),  # halves round up at both edges
        (59, 179, (0, 1)),
        (61, 299, (1, 2)),
        (10_000_000, 10_000_000, (83_333, 83_334)),
    ],
)
def test_edges_round_to_the_nearest_step(start: int, end: int, steps: tuple[int, int]) -> None:
    first, after = notes_to_steps(notes((start, end, 60)), RecordsConfig(grid="seconds"))  # 120 ticks per step
    assert (first[0], after[0]) == steps


def test_beats_do_not_look_at_the_tempo() -> None:
    config = RecordsConfig(grid="beats", steps_per_beat=4)
    roll, _ = notes_to_roll(notes((480, 960, 60)), config)
    assert roll.counts.tolist() == [0] * 4 + [1] * 4


def test_overlapping_notes_of_a_pitch_merge_and_each_onset_is_struck() -> None:
    roll = steps_to_roll(np.array([0, 2, 7, 2]), np.array([5, 3, 9, 6]), np.array([24, 24, 24, 107]))
    assert roll.counts.tolist() == [1, 1, 2, 2, 2, 1, 0, 1, 1]
    assert roll.cells.tolist() == [128, 0, 128, 83 + 128, 0, 83, 0, 83, 83, 128, 0]
    assert roll.pitch_counts()[[0, 83]].tolist() == [7, 4]
    assert roll.hold_lengths().tolist() == [5, 2, 4]


def test_no_hold_goes_over_from_one_pitch_to_the_next_or_exists_in_silence() -> None:
    last_and_first = from_dense(np.eye(84, dtype=np.uint8)[[0, 1]])  # pitch 0 ends where pitch 1 begins
    assert last_and_first.hold_lengths().tolist() == [1, 1]
    assert from_dense(np.zeros((5, 84), np.uint8)).hold_lengths().tolist() == []


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.just(84)), elements=st.integers(0, 1)))
def test_holds_are_the_notes_of_the_dense_roll(dense: np.ndarray) -> None:
    starts, ends, _ = roll_to_notes(dense)
    assert sorted(from_dense(dense).hold_lengths()) == sorted(ends - starts)


def test_notes_outside_are_counted_and_not_folded() -> None:
    roll, outside = notes_to_roll(notes((0, 960, 23), (0, 960, 108), (0, 120, 24)), RecordsConfig(grid="seconds"))
    assert outside == 2
    assert roll.cells.tolist() == [128]
    assert roll.counts.tolist() == [1]  # the length is that of the last note on the roll


def test_no_notes_make_an_empty_roll() -> None:
    roll = steps_to_roll(*(np.zeros(0, np.int64) for _ in range(3)))
    assert to_dense(roll).shape == (0, 84)
    assert [array.tolist() for array in roll_to_notes(to_dense(roll))] == [[], [], []]


def test_a_piece_is_at_most_a_day_long() -> None:
    day = 24 * 3600 * 960
    notes_to_steps(notes((0, day, 60)), RecordsConfig(grid="seconds"))
    with pytest.raises(ValueError, match=r"length must be <= 86400 seconds\. Received: seconds=86401"):
        notes_to_steps(notes((0, day + 960, 60)), RecordsConfig(grid="seconds"))
    with pytest.raises(ValueError, match=r"length must be <= 172800 beats"):
        notes_to_steps(notes((0, 172_801 * 480, 60)), RecordsConfig(grid="beats"))


def test_a_piece_has_at_most_so_many_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll_module, "MAX_CELLS", 10)
    assert len(steps_to_roll(np.array([0]), np.array([10]), np.array([60])).cells) == 10
    with pytest.raises(ValueError, match=r"active cells must be <= 10\. Received: active_cells=11"):
        steps_to_roll(np.array([0]), np.array([11]), np.array([60]))


def test_roll_to_notes_splits_where_struck() -> None:
    dense = np.zeros((4, 84), np.uint8)
    dense[:, 0] = 2, 1, 2, 1
    assert [array.tolist() for array in roll_to_notes(dense)] == [[0, 2], [2, 4], [24, 24]]
    assert [array.tolist() for array in roll_to_notes(dense != 0)] == [[0], [4], [24]]


@given(hnp.arrays(np.uint8, st.tuples(st.integers(0, 9), st.just(84)), elements=st.integers(0, 2)))
def test_states_are_struck_after_silence_and_where_they_say_so(roll: np.ndarray) -> None:
    states = as_states(roll)
    before = np.zeros_like(roll)
    before[1:] = roll[:-1]
    np.testing.assert_array_equal(states != 0, roll != 0)
    np.testing.assert_array_equal(states == 2, (roll == 2) | ((roll != 0) & (before == 0)))
    np.testing.assert_array_equal(as_states(states), states)
    np.testing.assert_array_equal(to_dense(from_dense(roll)), states)
    np.testing.assert_array_equal(onsets(roll), states == 2)


@pytest.mark.parametrize("shape", [(3,), (3, 83), (2, 3, 84)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"roll must be of shape \[steps, 84\]"):
        from_dense(np.zeros(shape))
    with pytest.raises(ValueError, match=r"roll must be of shape \[steps, 84\]"):
        roll_to_notes(np.zeros(shape))


step_notes = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12), st.integers(24, 107)), max_size=40)


@settings(max_examples=200, deadline=None)
@given(step_notes)
def test_any_notes_give_the_roll_that_a_loop_gives(rows: list[tuple[int, int, int]]) -> None:
    start, length, pitch = np.array(rows, np.int64).reshape(-1, 3).T
    steps = max((s + n for s, n, _ in rows), default=0)
    dense = np.zeros((steps, 84), np.uint8)
    for s, n, p in rows:
        dense[s : s + n, p - 24] = np.maximum(dense[s : s + n, p - 24], 1)
        dense[s, p - 24] = 2
    roll = steps_to_roll(start, start + length, pitch)
    np.testing.assert_array_equal(to_dense(roll), dense)
    again = from_dense(dense)
    assert (again.counts.tobytes(), again.cells.tobytes()) == (roll.counts.tobytes(), roll.cells.tobytes())
    assert roll.cells.dtype == roll.counts.dtype == np.uint8


@settings(max_examples=200, deadline=None)
@given(step_notes)
def test_notes_that_do_not_overlap_come_back(rows: list[tuple[int, int, int]]) -> None:
    kept: dict[int, int] = {}
    apart = []
    for start, length, pitch in sorted(rows):
        if start >= kept.get(pitch, 0):
            apart.append((start, start + length, pitch))
            kept[pitch] = start + length
    start, end, pitch = np.array(apart, np.int64).reshape(-1, 3).T
    roll = steps_to_roll(start, end, pitch)
    back = roll_to_notes(to_dense(roll))
    assert list(zip(*(array.tolist() for array in back), strict=True)) == sorted(apart, key=lambda n: (n[0], n[2]))
