"""Tests of pianoroll_tf.data.clock: codes by hand, and the same from tensors."""

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.data.clock import (
    MAX_QUARTERS,
    Meter,
    clock_codes,
    code_at,
    code_count,
    feature_table,
    parse_meter,
)


@pytest.mark.parametrize(
    ("text", "steps", "compound"),
    [
        ("4/4", 16, False),
        ("3/4", 12, False),
        ("6/8", 12, True),
        ("2/2", 16, False),
        ("5/8", 10, False),
        ("1/64", 1, False),
    ],
)
def test_bars(text, steps, compound):
    meter = parse_meter(text)
    assert (str(meter), meter.bar_steps(4), meter.compound) == (text, steps, compound)


@pytest.mark.parametrize("text", ["", "4", "0/4", "65/4", "4/3", "4/128", "a/b", "4/4/4", "-3/4"])
def test_what_is_no_time_signature_is_refused(text):
    with pytest.raises(ValueError, match=r"meter must be N/D.*Received: meter="):
        parse_meter(text)


def test_a_bar_begins_at_each_change_and_four_four_holds_before_the_first():
    codes = clock_codes([(5, Meter(3, 4)), (18, Meter(6, 8))], 24, 4)
    expected = [code_at(t, 16, 0, 4) for t in range(5)] + [code_at(t % 12, 12, 0, 4) for t in range(13)]
    assert codes.tolist() == expected + [code_at(t, 12, 1, 4) for t in range(6)]
    assert codes.dtype == np.uint16


def test_every_code_has_features_of_its_own():
    table = feature_table(3)
    assert table.shape == (code_count(3), 3 + 2 * MAX_QUARTERS + 1)
    assert len(np.unique(table, axis=0)) == code_count(3)
    assert set(table.sum(axis=1)) == {3.0, 4.0}


def test_long_bars_share_their_last_quarter():
    assert code_at(4 * 20, 4 * 30, 0, 4) == code_at(4 * 7, 4 * 30, 0, 4)
    assert clock_codes([(0, Meter(64, 1))], 5000, 96).max() < code_count(96) <= 2**16


def test_tensors_give_the_same_codes():
    place = np.arange(40)[None]
    bars, compound = np.array([[16], [12], [7]]), np.array([[0], [1], [0]])
    found = code_at(*map(tf.constant, (place, bars, compound)), 4, minimum=tf.minimum)
    np.testing.assert_array_equal(found, code_at(place, bars, compound, 4))
