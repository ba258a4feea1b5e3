"""The governor's formulas by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.generation import governor
from pianoroll_tf.generation.governor import (
    ControllerState,
    Governor,
    Reference,
    correction,
    initial_controller_state,
    onset_penalty,
    reference_notes,
    thinning_only,
    update_controller_state,
)


def rows(*values):
    return tf.constant(values, tf.float32)


def controller_state(level, drift, shares=None, onsets=None):
    """A state of the controller; by default no pitch has sounded."""
    rows = len(level)
    return ControllerState(
        level,
        drift,
        tf.zeros([rows, 84]) if shares is None else shares,
        tf.zeros([rows, 0]) if onsets is None else onsets,
    )


def held_to(*notes, onsets=None):
    """Set points of the controller."""
    return Reference(rows(*notes), tf.zeros([len(notes), 0]) if onsets is None else onsets)


def cells_of(frame):
    """Cells that sound where a frame has ones; all held."""
    return tf.cast(frame, tf.uint8)


PLACE = tf.zeros([1], tf.int32)


def test_shift_alone_is_all_there_is_without_gain():
    added = correction(
        Governor(shift=0.25), controller_state(rows(0.0, 50.0), rows(0.0, 0.0), tf.ones([2, 84])), held_to(1.0, 1.0)
    )
    np.testing.assert_array_equal(added.numpy(), np.full((2, 84), 0.25, np.float32))


def test_correction_answers_a_wrong_density():
    assert not correction(Governor(onsets=(1.0,)), controller_state(rows(9.0), rows(0.0)), held_to(4.0)).numpy().any()
    state = controller_state(rows(4.0, 9.0, 0.0), rows(0.0, 0.5, 0.0))
    added = correction(Governor(shift=0.1, gain=2.0, notes=4.0), state, held_to(4.0, 4.0, 4.0)).numpy()
    # On the reference nothing; at 9 against 4 notes, with margin 0.4, -2 log(9.4 / 4.4); at silence +2 log(11).
    expected = [0.1, 0.6 - 2 * math.log(9.4 / 4.4), 0.1 + 2 * math.log(11)]
    np.testing.assert_allclose(added, np.repeat([expected], 84, axis=0).T, rtol=1e-5)


@pytest.mark.parametrize(
    ("hold", "share", "taken"),
    [
        (64 * math.log(2), 0.5, 0.0),  # a note of that length ends at a share of one half
        (64 * math.log(2), 0.75, 5.0),
        (64 * math.log(2), 1.0, 10.0),
        (1, 0.4, 0.0),  # music of short notes may repeat them
        (1, 0.7, 5.0),
        (0, 1.0, 0.0),
        (4096, 1.0, 0.0),  # music of drones
    ],
)
def test_pitches_that_sound_too_long_are_let_go(hold, share, taken):
    shares = tf.one_hot([5], 84, on_value=share)
    added = correction(Governor(hold=hold), controller_state(rows(1.0), rows(0.0), shares), held_to(1.0))
    added = np.broadcast_to(added, (1, 84))[0]
    assert added[5] == pytest.approx(-taken, abs=1e-5)
    assert not np.delete(added, 5).any()


def test_what_was_drawn_is_followed():
    frame = tf.concat([tf.ones([1, 68]), tf.zeros([1, 16])], axis=1)  # 68 notes
    state = controller_state(rows(4.0), rows(0.0), tf.fill([1, 84], 0.5))
    level, drift, shares, _ = update_controller_state(Governor(gain=1.0), state, held_to(4.0), PLACE, cells_of(frame))
    assert level.numpy().tolist() == [5.0]  # 4 + 64 / 64
    assert drift.numpy() == pytest.approx(-0.25 / governor.DRIFT_STEPS)  # 5 is a quarter more than 4
    assert shares.numpy()[0, [67, 68]].tolist() == [0.5 + 0.5 / 64, 0.5 - 0.5 / 64]


def test_drift_is_bounded():
    state = controller_state(rows(84.0), rows(0.0))
    for _ in range(3):
        state = update_controller_state(Governor(gain=1e6), state, held_to(1.0), PLACE, cells_of(tf.ones([1, 84])))
    assert state.drift.numpy().tolist() == [-governor.MAX_DRIFT]


def test_start_is_on_the_reference_and_leans_towards_the_density_asked_for():
    nothing, nowhere = tf.zeros([2, 0, 84], tf.uint8), tf.zeros([2, 0], tf.int32)
    governor_of_two = Governor(notes=3.0, onsets=(1.0, 0.5))
    (level, drift, shares, onsets), reference = initial_controller_state(
        governor_of_two, nothing, nowhere, rows(1.0, 2.0)
    )
    assert level.numpy().tolist() == reference.notes.numpy().tolist() == [3.0, 6.0]
    np.testing.assert_allclose(drift.numpy(), [0.0, governor.INITIAL_DRIFT * math.log(2)], rtol=1e-6)
    np.testing.assert_array_equal(shares, np.zeros((2, 84)))
    np.testing.assert_array_equal(onsets, np.zeros((2, 2)))
    np.testing.assert_array_equal(reference.onsets, [[1.0, 0.5], [2.0, 1.0]])  # twice as dense, twice as many onsets


def test_start_knows_the_primer_as_if_it_had_been_drawn():
    cells = tf.constant(np.random.default_rng(0).integers(0, 3, (2, 41, 84)), tf.uint8)
    places = tf.constant([np.arange(41) % 4, (np.arange(41) + 1) % 4], tf.int32)
    settings = Governor(gain=1.0, onsets=(0.5, 0.5, 50.0, 50.0))
    state = controller_state(rows(1.0, 1.0), rows(0.0, 0.0), onsets=tf.zeros([2, 4]))
    reference = held_to(1.0, 1.0, onsets=tf.zeros([2, 4]))
    for step in range(41):
        state = update_controller_state(settings, state, reference, places[:, step], cells[:, step])
    started, held = initial_controller_state(settings, cells, places, rows(1.0, 1.0))
    np.testing.assert_allclose(started.shares, state.shares, rtol=1e-5)
    np.testing.assert_allclose(started.onsets, state.onsets, rtol=1e-4)
    # Where the primer exceeds the percentile, its own average becomes the set point
    np.testing.assert_allclose(held.onsets, np.maximum(started.onsets, [0.5, 0.5, 50.0, 50.0]), rtol=1e-6)


def test_onsets_are_penalized_at_positions_with_more_than_usual():
    state = controller_state(rows(1.0, 1.0), rows(0.0, 0.0), onsets=rows([0.5, 2.0], [0.5, 0.0]))
    reference = held_to(1.0, 1.0, onsets=rows([1.0, 1.0], [1.0, 1.0]))
    settings = Governor(onsets=(1.0, 1.0))
    penalty = governor.ONSET_PENALTY * math.log((2.0 + governor.MARGIN) / (1.0 + governor.MARGIN))
    found = onset_penalty(settings, state, reference, tf.constant([1, 1]))
    np.testing.assert_allclose(found, [[penalty], [0.0]], rtol=1e-6)
    np.testing.assert_array_equal(onset_penalty(settings, state, reference, tf.constant([0, 0])), [[0.0], [0.0]])
    assert (
        not onset_penalty(Governor(gain=1.0), controller_state(rows(1.0), rows(0.0)), held_to(1.0), PLACE).numpy().any()
    )


def test_only_onsets_at_the_place_are_followed():
    state = controller_state(rows(1.0), rows(0.0), onsets=rows([1.0, 1.0]))
    cells = tf.concat([tf.fill([1, 5], tf.constant(2, tf.uint8)), tf.ones([1, 79], tf.uint8)], axis=1)
    found = update_controller_state(Governor(onsets=(1.0, 1.0)), state, held_to(1.0), tf.constant([1]), cells)
    np.testing.assert_allclose(found.onsets, [[1.0, 1.0 + (5 - 1) / 16]])
    assert found.level is state.level  # the density is left alone


@pytest.mark.parametrize(
    ("notes_a_step", "steps", "expected"),
    [
        (8, 0, 4.0),  # nothing heard: the data
        (8, 64, 4.0 * 2**0.5),  # as long as the memory: half way, in ratio
        (40, 64, 4.0 * 2**0.5),  # a primer counts as twice as dense at most
        (0, 64, 4.0 * 0.5**0.5),
    ],
)
def test_reference_leans_towards_the_primer(notes_a_step, steps, expected):
    primer = np.zeros((1, steps, 84), np.float32)
    primer[:, :, :notes_a_step] = 1
    found = reference_notes(Governor(notes=4.0), tf.constant(primer), rows(1.0))
    np.testing.assert_allclose(found.numpy(), [expected], rtol=1e-6)


def test_within_limits_only_the_thinning_is_left():
    governor, reference, one = Governor(gain=1.0), held_to(4.0, 4.0, 4.0), rows(1.0, 1.0, 1.0)
    state = controller_state(rows(1.0, 4.0, 8.0), rows(0.5, -0.5, 0.0))
    found = correction(governor, thinning_only(state, reference, one), reference)[:, 0].numpy()
    np.testing.assert_allclose(found, [0.0, -0.5, -math.log(8.4 / 4.4)], rtol=1e-6)
