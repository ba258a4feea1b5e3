"""Tests of pianoroll_tf.data.frames: codes of steps and what is cut from them, against numpy."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from pianoroll_tf.data import frames
from pianoroll_tf.data.frames import Frames, dense, pack, pitch_range, transpose
from pianoroll_tf.data.loading import join_pieces
from pianoroll_tf.data.roll import as_states, from_dense


def corpus_of(*rolls):
    sparse = [from_dense(roll) for roll in rolls]
    return join_pieces([roll.counts for roll in sparse], [roll.cells for roll in sparse])


def random_roll(steps: int, seed: int, density: float = 0.1) -> np.ndarray:
    """States, as `from_dense` reads them."""
    rng = np.random.default_rng(seed)
    return as_states((rng.random((steps, 84)) < density) * rng.integers(1, 3, (steps, 84)))


def unpacked(codes: np.ndarray) -> np.ndarray:
    """Cells of codes [..., 2, 7], uint8 [..., 84]."""
    planes = (codes[..., None] >> np.arange(12) & 1).reshape(*codes.shape[:-1], 84).astype(np.uint8)
    return planes.sum(axis=-2)


@pytest.mark.parametrize("block", [1, 3, 1 << 20])
@pytest.mark.parametrize("density", [0.0, 0.1, 1.0])
def test_codes_hold_every_cell_and_silence_at_the_end(monkeypatch, block, density):
    monkeypatch.setattr(frames, "_BLOCK_STEPS", block)
    rolls = [random_roll(steps, seed=steps, density=density) for steps in (1, 4, 7)]
    codes = pack(corpus_of(*rolls))
    assert codes.dtype == np.int16
    np.testing.assert_array_equal(unpacked(codes), np.concatenate([*rolls, np.zeros((1, 84))]))


def test_a_window_is_silent_outside_its_piece():
    rolls = [random_roll(steps, seed=steps, density=0.5) for steps in (5, 6)]
    cutter = Frames.of(corpus_of(*rolls), window_steps=4)
    # The first piece's first window, and its last, of one step, before another piece; the same of the second piece.
    windows = {"begin": [0, 0, 5, 5], "start": [0, 4, 5, 10], "end": [4, 5, 9, 11]}
    codes = cutter.cut({name: tf.constant(values, tf.int64) for name, values in windows.items()})
    silent = np.zeros((1, 84))
    expected = [
        np.concatenate([silent, rolls[0][:4]]),
        np.concatenate([rolls[0][3:5], silent, silent, silent]),
        np.concatenate([silent, rolls[1][:4]]),
        np.concatenate([rolls[1][4:6], silent, silent, silent]),
    ]
    np.testing.assert_array_equal(dense(codes), expected)
    assert dense(codes).dtype == tf.uint8


def test_the_clock_is_that_of_the_targets():
    corpus = join_pieces([np.zeros(3, np.uint8)], [np.zeros(0, np.uint8)], [np.array([7, 8, 9], np.uint16)])
    windows = {name: tf.constant([value], tf.int64) for name, value in (("begin", 0), ("start", 1), ("end", 3))}
    assert Frames.of(corpus, window_steps=4).clock(windows).numpy().tolist() == [[8, 9, 0, 0]]


def test_the_pitch_range_of_windows():
    roll = np.zeros((4, 2, 84), np.uint8)
    roll[0, 0, 11] = roll[0, 1, 12] = 1
    roll[1, 1, [0, 83]] = 1
    roll[2, 0, 40] = 1
    codes = pack(corpus_of(roll.reshape(-1, 84)))[:-1].reshape(4, 2, 2, 7)
    lowest, highest = pitch_range(tf.constant(codes))
    assert lowest.numpy().tolist() == [11, 0, 40, 84]
    assert highest.numpy().tolist() == [12, 83, 40, -1]


@given(st.integers(0, 99), st.lists(st.integers(-12, 12), min_size=1, max_size=4))
def test_transposing_moves_columns(seed, shifts):
    roll = random_roll(3 * len(shifts), seed, density=0.3).reshape(len(shifts), 3, 84)
    codes = pack(corpus_of(roll.reshape(-1, 84)))[:-1].reshape(len(shifts), 3, 2, 7)
    moved = unpacked(transpose(tf.constant(codes), tf.constant(shifts)).numpy())
    for window, shift, found in zip(roll, shifts, moved, strict=True):
        expected = np.zeros_like(window)
        expected[:, max(0, shift) : 84 + min(0, shift)] = window[:, max(0, -shift) : 84 + min(0, -shift)]
        np.testing.assert_array_equal(found, expected)
