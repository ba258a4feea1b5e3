"""Tests of pianoroll_tf.data.lanes: every step once and in order, in parts as in one go."""

import numpy as np
import pytest

from pianoroll_tf.config import DatasetConfig
from pianoroll_tf.data.lanes import assign_lanes, plan_lanes
from pianoroll_tf.data.loading import join_pieces

LENGTHS = [1, 5, 8, 9, 16, 30, 61]


def corpus_of(lengths):
    return join_pieces([np.zeros(n, np.uint8) for n in lengths], [])


@pytest.mark.parametrize("batch_size", [1, 2, 3, 64])
def test_lanes_hold_every_step_once_and_in_order(batch_size):
    plan = plan_lanes(corpus_of(LENGTHS), DatasetConfig(window_steps=8, batch_size=batch_size))
    seen = np.zeros(sum(LENGTHS), int)
    for lane in range(plan["start"].shape[1]):
        position = None
        for begin, start, end, last, reset in zip(*(plan[name][:, lane] for name in plan), strict=True):
            assert start < end <= last or start == end == 0
            assert start == begin if reset else start == position
            seen[start:end] += 1
            position = end
    np.testing.assert_array_equal(seen, 1)
    assert plan["start"].shape[1] <= batch_size


def test_lanes_waste_little():
    lengths = np.random.default_rng(0).integers(100, 3000, 60)
    plan = plan_lanes(corpus_of(lengths), DatasetConfig())
    assert lengths.sum() / (plan["start"].size * 128) > 0.8


def test_no_pieces_make_no_batches():
    assert len(plan_lanes(corpus_of([]), DatasetConfig())["start"]) == 0


def test_the_windows_of_some_batches_need_only_their_pieces():
    # Windows of 8 steps: 2, 1 and 3 of them, in two lanes. The longest piece has the first lane for itself.
    lanes = assign_lanes(np.array([16, 5, 20]), DatasetConfig(window_steps=8, batch_size=2))
    assert (lanes.count, lanes.batches) == (2, 3)
    assert (lanes.lane.tolist(), lanes.first.tolist()) == ([1, 1, 0], [0, 2, 0])
    pieces = lanes.pieces(2, 3)
    assert pieces.tolist() == [1, 2]
    windows = lanes.windows(2, 3, pieces, np.array([0, 5, 25]))  # these two pieces, one after the other
    assert {name: each.tolist() for name, each in windows.items()} == {
        "begin": [[5, 0]],
        "start": [[21, 0]],
        "end": [[25, 5]],
        "last": [[25, 5]],
        "reset": [[False, True]],
    }
