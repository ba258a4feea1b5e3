"""Temperature, density and top-p: the tables are read by straight lines, each kind of decision has its own shift."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.generation.sampling_options import NO_THRESHOLD, Shaping, Table
from pianoroll_tf.modeling.nade import log_odds, plain_thresholds
from pianoroll_tf.settings import from_dict

TABLE = Table((0.0, 1.0, 2.0), ((-1.0, 2.0), (0.0, 0.0), (3.0, -4.0)))
SHAPING = Shaping(
    temperature=Table((0.0, 1.0, 2.0), ((-3.0, 1.0, -1.0), (0.0, 0.0, 0.0), (2.0, -1.0, 0.5))),
    density=Table((-1.0, 0.0, 1.0), ((-1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0))),
    top_p=Table((0.5, 0.9), ((0.4, 0.0, 0.0, -2.0), (0.1, 0.0, 0.0, -4.0))),
)


def thresholds(
    held, temperature=1.0, top_p=1.0, density=1.0, shaping=SHAPING, correction=0.0, penalty=0.0, numbers=None
):
    """Of one row of pitches that were held or not; without `numbers` all decisions are at 1/2, whose log-odds are 0."""
    held, settings = tf.constant([held]), (tf.constant([value]) for value in (temperature, top_p, density))
    numbers = tf.fill([1, 2 * held.shape[1] + 1], 0.5) if numbers is None else tf.constant(numbers, tf.float32)
    extra = (tf.fill([1, 1], value) for value in (correction, penalty))
    return shaping.rows(*settings).thresholds(log_odds(numbers), held, *extra)


@pytest.mark.parametrize("place", [-1.0, 0.0, 0.25, 1.0, 1.5, 2.0, 4.0])
def test_a_table_is_read_by_straight_lines(place):
    def line(column):
        low, middle, high = (row[column] for row in TABLE.values)
        return middle + (place - 1) * (middle - low if place < 1 else high - middle)

    np.testing.assert_allclose(TABLE.at(tf.constant([place]))[0], [line(0), line(1)], rtol=1e-6)


def test_a_table_comes_back_from_json():
    assert from_dict(Shaping, json.loads(json.dumps(dataclasses.asdict(SHAPING)))) == SHAPING


def test_each_kind_of_decision_has_its_own_shift():
    # 1 / 2: half of the way from infinity to 1. Log-odds l become l / 2 + shift, which is above 0 for l > -2 shift.
    found = thresholds([False, True], temperature=2.0)
    np.testing.assert_allclose(found.sounds, [[2 * 1.5, -2 * 0.5]])
    np.testing.assert_allclose(found.struck, [[2 * 0.5, 2 * 0.5]])
    np.testing.assert_allclose(found.ends, [0.0])  # a piece ends as the model says


def test_a_decision_is_yes_where_its_number_is_below_the_shaped_probability():
    rng = np.random.default_rng(0)
    numbers, logits, held = rng.random((1, 169)), rng.normal(size=(1, 169)) * 4, rng.random(84) < 0.3
    found = thresholds(held.tolist(), temperature=0.7, density=1.5, correction=0.3, penalty=0.6, numbers=numbers)
    rate, shaping = 1 / 0.7, SHAPING
    shift = (shaping.temperature.at(tf.constant([rate], tf.float32)) + shaping.density.at(tf.math.log([1.5])))[
        0
    ].numpy()
    sounds = logits[:, :84] * rate + 0.3 + np.where(held, shift[1], shift[0] - 0.6)
    struck = logits[:, 84:-1] * rate + shift[2] - 0.6
    np.testing.assert_array_equal(logits[:, :84] > found.sounds, numbers[:, :84] < 1 / (1 + np.exp(-sounds)))
    np.testing.assert_array_equal(logits[:, 84:-1] > found.struck, numbers[:, 84:-1] < 1 / (1 + np.exp(-struck)))
    np.testing.assert_array_equal(logits[:, -1] > found.ends, numbers[:, -1] < 1 / (1 + np.exp(-logits[:, -1])))


def test_struck_notes_have_a_shift_at_each_position_in_the_beat():
    table = Table((0.0, 1.0), ((0.0, 0.0, 0.0, 2.0, -2.0), (0.0, 0.0, 0.0, 1.0, -1.0)))
    shaped = Shaping(temperature=table).rows(*(tf.constant([value, value]) for value in (2.0, 1.0, 1.0)))
    np.testing.assert_allclose(shaped.at_position(tf.constant([0, 1])), [[1.5], [-1.5]])
    assert not np.any(SHAPING.rows(*(tf.constant([1.0]) for _ in range(3))).at_position(tf.constant([3])))


def test_a_pitch_has_a_shift_for_the_steps_it_has_sounded():
    shaped = Shaping(lengths=Table((0.0, 1.0), ((2.0, -2.0), (1.0, -1.0))))
    shaped = shaped.rows(*(tf.constant([value]) for value in (2.0, 1.0, 1.0)))
    np.testing.assert_allclose(shaped.at_length(tf.constant([[0, 1, 2, 3]])), [[0.0, 1.5, -1.5, 0.0]])
    assert not np.any(SHAPING.rows(*(tf.constant([1.0]) for _ in range(3))).at_length(tf.constant([[0, 1]])))


def test_settings_of_one_change_nothing():
    numbers = np.random.default_rng(0).random((1, 169)).astype(np.float32)
    for shaping in (SHAPING, Shaping()):
        found = thresholds([False] * 40 + [True] * 44, shaping=shaping, numbers=numbers)
        for one, other in zip(found, plain_thresholds(tf.constant(numbers), 84), strict=True):
            np.testing.assert_array_equal(one, other)


def test_density_moves_onsets_alone_where_the_table_says_so():
    found = thresholds([False, True], density=float(np.e))
    np.testing.assert_allclose(found.sounds, [[-1.0, 0.0]], atol=1e-6)


def test_top_p_silences_unlikely_onsets_and_no_held_note():
    numbers = [[0.001, 0.001, 0.001, 0.5, 0.5, 0.5, 0.5]]  # log-odds -6.9
    found = thresholds([False, False, True], top_p=0.9, numbers=numbers)
    np.testing.assert_allclose(found.sounds, [[-4.0, -4.0, -6.9068]], rtol=1e-4)
    np.testing.assert_allclose(thresholds([False, False, True], numbers=numbers).sounds, [[-6.9068] * 3], rtol=1e-4)


def test_top_p_lets_any_note_break_a_silence():
    found = thresholds([False, False], top_p=0.9, numbers=[[0.001] * 5])
    np.testing.assert_allclose(found.sounds, [[-6.9068 - 0.1] * 2], rtol=1e-4)


def test_between_the_last_place_of_top_p_and_one_the_last_threshold_holds():
    one, other = (thresholds([True, False], top_p=value, numbers=[[0.001] * 5]).sounds for value in (0.9, 0.99))
    np.testing.assert_array_equal(one, other)
    assert NO_THRESHOLD < -1e8
