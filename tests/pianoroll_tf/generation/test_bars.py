"""Bars by hand: cut short by a time signature, begun before the piece, completed at its end."""

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.bars import bars_of, changes_of


def in_words(bars):
    return [(begin, end, str(meter)) for begin, end, meter in bars]


def test_a_bar_that_is_cut_short_has_a_time_signature_of_its_own():
    bars = bars_of([(0, Meter(2, 4)), (12, Meter(4, 4))], 20, 4)
    assert in_words(bars) == [(0, 8, "2/4"), (8, 12, "1/4"), (12, 28, "4/4")]
    assert in_words(bars_of([(0, Meter(6, 8)), (15, Meter(4, 4))], 16, 4))[1] == (12, 15, "3/16")


def test_a_piece_may_begin_within_a_bar():
    assert in_words(bars_of([(-6, Meter(6, 8))], 20, 4)) == [(0, 6, "3/8"), (6, 18, "6/8"), (18, 30, "6/8")]
    assert changes_of([(-16, Meter())], 20, 4) == [(0, Meter())]
    assert changes_of([(-1, Meter())], 20, 4) == [(0, Meter(15, 16)), (15, Meter())]


def test_the_last_bar_is_complete_and_there_is_always_one():
    assert in_words(bars_of([(0, Meter(3, 4))], 14, 4)) == [(0, 12, "3/4"), (12, 24, "3/4")]
    assert in_words(bars_of([], 0, 4)) == [(0, 16, "4/4")]
    assert in_words(bars_of([(4, Meter(3, 4))], 5, 4)) == [(0, 4, "1/4"), (4, 16, "3/4")]  # 4/4 before the first


def test_a_third_of_a_beat_has_no_time_signature():
    assert in_words(bars_of([(0, Meter()), (1, Meter(3, 4))], 2, 3))[0] == (0, 1, "4/4")


def test_a_rest_of_a_bar_that_no_time_signature_can_say_has_that_of_the_bar():
    assert changes_of([(-1, Meter(17, 4))], 16, 4) == [(0, Meter(17, 4))]  # 67 sixteenths
    assert changes_of([(-1, Meter(5, 4))], 160, 16)[0] == (0, Meter(5, 4))
