"""Tests of pianoroll_tf.data.groups: each window once, in an order nearly as mixed as a full shuffle."""

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.config import DatasetConfig
from pianoroll_tf.data.groups import RUN_RECORDS, Groups
from pianoroll_tf.data.windows import shuffled

T = 8
LENGTHS = np.random.default_rng(0).integers(1, 160, 400)
SHARDS = np.repeat(np.arange(5, dtype=np.int32), 80)


def groups_of(buffer_steps, seed=0):
    return Groups(LENGTHS, SHARDS, DatasetConfig(window_steps=T), seed, buffer_steps)


def epoch_windows(groups, number):
    """(piece, first step in it, length, draw) of each window of an epoch, in their order."""
    found = []
    for group in range(number * groups.count, (number + 1) * groups.count):
        pieces, windows = groups.group(group)
        begins = np.cumsum(LENGTHS[pieces]) - LENGTHS[pieces]
        piece = pieces[np.searchsorted(begins, windows["begin"], side="right") - 1]
        steps = windows["start"] - windows["begin"], windows["end"] - windows["start"]
        found += zip(piece.tolist(), *(each.tolist() for each in steps), windows["draw"].tolist(), strict=True)
    return found


@pytest.mark.parametrize("buffer_steps", [500, 5000, 10**6])
def test_each_window_is_in_an_epoch_once_and_each_step_in_one_window(buffer_steps):
    groups, whole = groups_of(buffer_steps), groups_of(10**9)
    assert groups.count == -(-LENGTHS.sum() // buffer_steps)
    for epoch in (0, 3):
        found = epoch_windows(groups, epoch)
        assert len(found) == groups.windows
        assert sorted(found) == sorted(epoch_windows(whole, epoch))
        steps = [(piece, step) for piece, start, length, _ in found for step in range(start, start + length)]
        assert len(steps) == len(set(steps)) == LENGTHS.sum()


def test_a_position_is_a_group_and_a_window_in_it():
    groups = groups_of(5000)
    sizes = [len(groups.group(number)[1]["start"]) for number in range(2 * groups.count)]
    places = [(number, window) for number, size in enumerate(sizes) for window in range(size)]
    assert len(places) == 2 * groups.windows
    for window in (0, 1, sizes[0] - 1, sizes[0], groups.windows - 1, groups.windows, 2 * groups.windows - 1):
        assert groups.position(window) == places[window]


def test_groups_differ_from_epoch_to_epoch_and_have_nearly_equal_steps():
    groups = groups_of(5000)
    first, second = (groups.group(number)[0] for number in (0, groups.count))
    assert set(first) != set(second)
    steps = [LENGTHS[groups.group(number)[0]].sum() for number in range(groups.count)]
    assert max(abs(number - LENGTHS.sum() / groups.count) for number in steps) <= 2 * RUN_RECORDS * LENGTHS.max()
    assert len(set(SHARDS[first].tolist())) > 1  # of several shards


def spread(order):
    """Mean distance between windows of the same piece, next to each other in the order, as a share of the windows."""
    piece = np.array(order)
    ranked = np.argsort(piece, kind="stable")
    same = np.diff(piece[ranked]) == 0
    return np.diff(ranked)[same].mean() / len(piece)


def test_windows_of_a_piece_are_spread_as_far_as_the_group_allows():
    pieces = [window[0] for window in epoch_windows(groups_of(5000), 0)]
    count = groups_of(5000).count
    full = spread(np.array(pieces)[shuffled(len(pieces), tf.constant([0, 1], tf.int64)).numpy()])
    assert (
        0.9 < spread(pieces) * count / full < 1.1
    )  # within a group of a count-th of the windows, as in a full shuffle
    neighbours = np.mean(np.diff(pieces) == 0)
    share = np.mean(np.bincount(pieces)[pieces] / (len(pieces) / count))  # of the same piece among those of a group
    assert neighbours < 1.3 * share
