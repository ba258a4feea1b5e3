"""Tests of pianoroll_tf.data.windows: every step once per epoch, no empty window, uniform draws."""

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.config import DatasetConfig
from pianoroll_tf.data.loading import Corpus
from pianoroll_tf.data.windows import piece_tensors, plan_epoch, uniform_integer, windows_of_pieces

LENGTHS = [1, 2, 7, 8, 9, 12, 15, 16, 17, 23, 24, 25, 31, 64, 65]


def corpus_of(lengths) -> Corpus:
    """Silent pieces of these lengths."""
    offsets = np.cumsum([0, *lengths]).astype(np.int64)
    return Corpus(np.zeros(offsets[-1], np.uint8), np.zeros(0, np.uint8), offsets, np.zeros(offsets[-1], np.uint16))


def planned(lengths, window_steps, epoch, seed=0):
    corpus, config = corpus_of(lengths), DatasetConfig(window_steps=window_steps)
    plan = plan_epoch(tf.constant(epoch, tf.int64), seed, piece_tensors(corpus, config), window_steps)
    return {name: values.numpy() for name, values in plan.items()}


@pytest.mark.parametrize("window_steps", [1, 2, 5, 8, 100])
def test_every_step_is_in_one_window_an_epoch(window_steps):
    for epoch in range(20):
        plan = planned(LENGTHS, window_steps, epoch)
        seen = np.zeros(sum(LENGTHS), int)
        for start, end in zip(plan["start"], plan["end"], strict=True):
            assert 0 < end - start <= window_steps
            seen[start:end] += 1
        np.testing.assert_array_equal(seen, 1)


def test_windows_stay_within_their_piece():
    begins = np.cumsum([0, *LENGTHS])
    plan = planned(LENGTHS, 8, epoch=3)
    piece = np.searchsorted(begins, plan["start"], side="right") - 1
    np.testing.assert_array_equal(plan["begin"], begins[piece])
    assert (plan["end"] <= begins[piece + 1]).all()


def test_short_pieces_are_whole():
    plan = planned([3, 8], 8, epoch=1)
    assert sorted(zip(plan["start"].tolist(), plan["end"].tolist(), strict=True)) == [(0, 3), (3, 11)]


@pytest.mark.parametrize("steps", [9, 15, 16, 17, 20, 24])
def test_long_pieces_are_cut_at_half_of_all_phases_or_more(steps):
    cuts = {tuple(sorted(planned([steps], 8, epoch)["start"].tolist())) for epoch in range(60)}
    assert len(cuts) >= 4


def test_the_plan_depends_on_seed_and_epoch_alone():
    first, again, later, other = (planned([200] * 5, 8, *pair) for pair in ((2, 7), (2, 7), (3, 7), (2, 8)))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert (first["start"] != later["start"]).any()
    assert (first["start"] != other["start"]).any()
    assert not set(first["draw"]) & set(later["draw"])


def test_windows_are_in_random_order():
    starts = planned([80] * 5, 8, epoch=0)["start"]
    assert (np.diff(starts) < 0).sum() > 10


def test_uniform_integer_reaches_both_ends_and_no_further():
    draws = tf.constant([0.0, 0.2499, 0.25, 0.9999, np.nextafter(np.float32(1), np.float32(0))])
    assert uniform_integer(draws, tf.constant(4, tf.int64)).numpy().tolist() == [0, 0, 1, 3, 3]


def test_uniform_integer_is_uniform():
    draws = tf.random.stateless_uniform([30000], [1, 2])
    counts = np.bincount(uniform_integer(draws, tf.constant(3, tf.int64)).numpy())
    np.testing.assert_allclose(counts, 10000, rtol=0.05)


def test_pieces_without_steps_give_no_window():
    assert windows_of_pieces(np.array([0, 1]), 4).tolist() == [0, 1]
