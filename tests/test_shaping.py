"""Temperature, density and top-p: the tables are read by straight lines, each kind of decision has its own shift."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.generation.shaping import NONE_BELOW, SILENT, Shaping, Table, shaping_from_dict

TABLE = Table((0.0, 1.0, 2.0), ((-1.0, 2.0), (0.0, 0.0), (3.0, -4.0)))
SHAPING = Shaping(
    temperature=Table((0.0, 1.0, 2.0), ((-3.0, 1.0, -1.0), (0.0, 0.0, 0.0), (2.0, -1.0, 0.5))),
    density=Table((-1.0, 0.0, 1.0), ((-1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0))),
    top_p=Table((0.5, 0.9), ((0.4, 0.0, 0.0, -2.0), (0.1, 0.0, 0.0, -4.0))),
)


def odds(temperature=1.0, top_p=1.0, density=1.0, shaping=SHAPING, silent=False):
    options = (tf.constant([value]) for value in (temperature, top_p, density))
    return shaping.odds(lambda logits: logits, *options)(tf.constant([silent]))


@pytest.mark.parametrize("place", [-1.0, 0.0, 0.25, 1.0, 1.5, 2.0, 4.0])
def test_a_table_is_read_by_straight_lines(place):
    def line(column):
        low, middle, high = (row[column] for row in TABLE.values)
        return middle + (place - 1) * (middle - low if place < 1 else high - middle)

    np.testing.assert_allclose(TABLE.at(tf.constant([place]))[0], [line(0), line(1)], rtol=1e-6)


def test_a_table_comes_back_from_json():
    assert shaping_from_dict(json.loads(json.dumps(dataclasses.asdict(SHAPING)))) == SHAPING


def test_each_kind_of_decision_has_its_own_shift():
    cells, strikes, ends = odds(temperature=2.0)  # 1 / 2: half of the way from infinity to 1
    logits, held = tf.constant([[4.0, 4.0]]), tf.constant([[False, True]])
    np.testing.assert_allclose(cells(logits, held), [[2.0 - 1.5, 2.0 + 0.5]])
    np.testing.assert_allclose(strikes(tf.constant([4.0])), [2.0 - 0.5])
    np.testing.assert_allclose(strikes(logits), [[1.5, 1.5]])
    np.testing.assert_allclose(ends(tf.constant([4.0])), [4.0])  # a piece ends as the model says


def test_settings_of_one_change_nothing():
    logits = tf.constant(np.random.default_rng(0).normal(size=(1, 84)) * 9, tf.float32)
    for shaping in (SHAPING, Shaping()):
        cells, strikes, _ = odds(shaping=shaping)
        np.testing.assert_array_equal(cells(logits, logits > 2), logits)
        np.testing.assert_array_equal(strikes(logits), logits)


def test_density_moves_onsets_alone_where_the_table_says_so():
    cells, *_ = odds(density=float(np.e))
    np.testing.assert_allclose(cells(tf.zeros([1, 2]), tf.constant([[False, True]])), [[1.0, 0.0]], atol=1e-6)


def test_top_p_silences_unlikely_onsets_and_no_held_note():
    cells, *_ = odds(top_p=0.9)
    logits, held = tf.constant([[-3.0, -5.0, -5.0]]), tf.constant([[False, False, True]])
    np.testing.assert_allclose(cells(logits, held), [[-2.9, SILENT, -5.0]], rtol=1e-6)
    plain, *_ = odds(top_p=1.0)
    np.testing.assert_allclose(plain(logits, held), logits)


def test_top_p_lets_any_note_break_a_silence():
    logits, held = tf.constant([[-3.0, -5.0, -9.0]]), tf.zeros([1, 3], bool)
    np.testing.assert_allclose(odds(top_p=0.9, silent=True)[0](logits, held), logits + 0.1, rtol=1e-6)


def test_between_the_last_place_of_top_p_and_one_the_last_threshold_holds():
    one, other = (odds(top_p=value)[0](tf.constant([[-3.9]]), tf.constant([[False]])) for value in (0.9, 0.99))
    np.testing.assert_array_equal(one, other)
    assert NONE_BELOW < -1e8


def test_the_posterior_is_shaped_and_not_the_output():
    cells, strikes, ends = SHAPING.odds(lambda logits: 3 * logits, *(tf.ones([1]) for _ in range(3)))(
        tf.constant([False])
    )
    assert cells(tf.ones([1, 1]), tf.constant([[True]])).numpy().tolist() == [[3.0]]
    assert strikes(tf.ones([1])).numpy().tolist() == ends(tf.ones([1])).numpy().tolist() == [3.0]
