"""Temperature and top-p against an oracle in float64."""

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.generation.shaping import keep_likeliest, shape_logits


def sigmoid(logits):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-np.asarray(logits, np.float64)))


def shape(logits, temperature=1.0, top_p=1.0):
    logits = np.atleast_2d(np.asarray(logits, np.float32))
    settings = [np.broadcast_to(np.float32(value), [len(logits)]) for value in (temperature, top_p)]
    return shape_logits(tf.constant(logits), *map(tf.constant, settings)).numpy()


def random_logits(scale, rows=8):
    return (np.random.default_rng(int(scale)).normal(size=(rows, 84)) * scale - 3).astype(np.float32)


@pytest.mark.parametrize("scale", [1, 3, 10, 100])
@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 1.5, 20.0])
@pytest.mark.parametrize("top_p", [1e-3, 0.5, 0.95, 1.0])
def test_expected_number_of_notes_stays(scale, temperature, top_p):
    logits = random_logits(scale)
    shaped = shape(logits, temperature, top_p)
    np.testing.assert_allclose(sigmoid(shaped).sum(-1), sigmoid(logits).sum(-1), rtol=1e-4)


def test_temperature_divides_the_distances_between_log_odds():
    logits = random_logits(3)
    shaped = shape(logits, temperature=2.0)
    np.testing.assert_allclose(np.diff(shaped), np.diff(logits) / 2, atol=1e-5)


def test_low_temperature_plays_the_likeliest_pitches():
    # 0.9 + 0.5 + 0.5 + 0.1 = 2 notes are expected; near temperature 0 one is sure, two are even.
    logits = np.log([9, 1, 1, 1 / 9])
    np.testing.assert_allclose(sigmoid(shape(logits, temperature=0.05)), [[1, 0.5, 0.5, 0]], atol=1e-4)


def test_high_temperature_makes_all_pitches_alike():
    np.testing.assert_allclose(sigmoid(shape(np.log([9, 1, 1, 1 / 9]), temperature=1e6)), [[0.5] * 4], atol=1e-4)


def test_the_constant_of_the_docstring():
    # 0.02 at temperature 1.5, without the shift: about 0.07.
    assert sigmoid(np.log(0.02 / 0.98) / 1.5) == pytest.approx(0.07, abs=0.001)


@pytest.mark.parametrize(
    ("top_p", "notes", "kept"),
    [
        (0.5, 0.1, [1, 0, 0, 0]),  # 0.8 of 1.6 is half of the notes
        (0.51, 0.1, [1, 1, 0, 0]),
        (0.75, 0.1, [1, 1, 0, 0]),  # 1.2 of 1.6
        (0.76, 0.1, [1, 1, 1, 0]),
        (0.5, 1.0, [1, 1, 0, 0]),  # one pitch cannot hold a whole note for sure
        (0.5, 2.5, [1, 1, 1, 0]),
        (1.0, 0.1, [1, 1, 1, 1]),
    ],
)
def test_top_p_keeps_the_likeliest_share(top_p, notes, kept):
    probability = np.array([[0.8, 0.4, 0.3, 0.1]])
    logits = tf.constant(np.log(probability / (1 - probability)), tf.float32)
    keep = keep_likeliest(logits, tf.constant([top_p]), tf.constant([notes]))
    assert keep.numpy().astype(int).tolist() == [kept]


def test_dropped_pitches_are_silent():
    shaped = shape([3.0, -1.0, -4.0, -5.0], top_p=0.5)
    assert (sigmoid(shaped) == 0).tolist() == [[False, False, True, True]]  # 1.25 notes need two pitches


def test_settings_of_one_change_nothing_at_all():
    logits = random_logits(5)
    np.testing.assert_array_equal(shape(logits), logits)


def test_rows_are_shaped_alone_as_in_a_batch():
    logits = random_logits(3)
    temperature = np.array([1, 0.1, 3, 1, 0.5, 20, 1, 2], np.float32)
    top_p = np.array([1, 1, 0.5, 0.9, 1, 0.1, 1, 0.8], np.float32)
    together = shape(logits, temperature, top_p)
    for row in range(8):
        alone = shape(logits[row], temperature[row], top_p[row])[0]
        np.testing.assert_allclose(alone, together[row], rtol=1e-4)  # vector units round by position
    np.testing.assert_array_equal(together[0], logits[0])


@pytest.mark.parametrize("logit", [-1e4, -100.0, 0.0, 100.0, 1e4])
@pytest.mark.parametrize("temperature", [0.05, 20.0])
def test_extremes_are_never_nan(logit, temperature):
    shaped = shape(np.full(84, logit), temperature, 0.9)
    assert not np.isnan(shaped).any()
    assert sigmoid(shaped).sum() <= 84
