"""Measures of a run's course, counted by hand."""

import math

import numpy as np
import pytest

from tuner.study.measures import HIGHER, LOWER, MEASURES, ONE, RARITY
from tuner.study.measures_curves import (
    area,
    collapse,
    cost,
    course,
    effort,
    gradient_ratio,
    last_gain,
    reached,
    roughness,
)

HISTORY = [
    {"val_nll": nll, "seconds": seconds, "val_density_predicted": 0.03, "val_density_true": 0.04}
    for nll, seconds in ((9.0, 12.0), (7.0, 10.0), (6.0, 10.0), (6.5, 10.0))
]


def test_the_course_of_a_run_by_hand():
    assert course(HISTORY, [1.0, 1.0, 2.0], epochs=6, steps_per_epoch=56, copy_nll=6.54) == {
        "val_nll": 6.0,
        "last_val_nll": 6.5,
        "gradient_ratio": 1.98,  # between 1 and 2 at 98 % of the way
        "roughness": (0.5 + 0.75) / 2,  # |9 - 14 + 6| / 2 and |7 - 12 + 6.5| / 2
        "epochs_to_copy": 3,
        "steps_to_copy": 168,
        "seconds_to_copy": 32.0,
        "curve_area": (9 + 7 + 6 + 6 + 6 + 6) / 6,
    }


def test_what_is_never_reached_has_no_effort():
    assert reached([9.0, 8.0], 7.9) is None
    assert effort("to_best", None, 56, [1.0]) == {
        "epochs_to_best": None,
        "steps_to_best": None,
        "seconds_to_best": None,
    }


def test_effort_is_that_up_to_the_epoch():
    assert reached([9.0, 6.0, 7.0, 5.0], 6.5) == 2
    found = effort("to_copy", 2, 56, [10.0, 9.0, 9.0])
    assert found == {"epochs_to_copy": 2, "steps_to_copy": 112, "seconds_to_copy": 19.0}


def test_cost_is_counted_in_what_does_not_depend_on_the_machine():
    found = cost("to_copy", 3, steps_per_epoch=10, windows=64, operations=2e11)
    assert found == {"epochs_to_copy": 3, "steps_to_copy": 30, "examples_to_copy": 1920, "operations_to_copy": 6.0}
    assert set(cost("to_copy", None, 10, 64, 2e11).values()) == {None}
    unknown = cost("to_copy", 3, 10, None, None)
    assert (unknown["steps_to_copy"], unknown["examples_to_copy"], unknown["operations_to_copy"]) == (30, None, None)
    assert found.keys() <= MEASURES.keys()


def test_the_gain_of_the_last_tenth():
    falling = [10.0 - 0.5 * epoch for epoch in range(20)]  # 10 to 0.5 in even steps: two of nineteen
    assert last_gain(falling) == pytest.approx(2 / 19)
    assert last_gain([9.0, 5.0, 6.0]) == 0.0  # the best came before
    assert last_gain([9.0, 5.0]) == 1.0
    assert last_gain([9.0]) is None
    assert last_gain([5.0, 6.0, 7.0]) is None


def test_reached_at_once_and_exactly():
    assert reached([5.0, 4.0], 5.0) == 1
    assert reached([], 5.0) is None


def test_stopping_early_is_neither_punished_nor_rewarded():
    assert area([8.0, 4.0, 5.0], epochs=3) == area([8.0, 4.0], epochs=3) == 16 / 3
    assert area([8.0], epochs=1) == 8.0
    assert area([8.0, 6.0, 7.0], epochs=4) == 6.5  # 8, 6, 6, 6


def test_roughness_of_lines_and_saws():
    assert roughness([9.0, 8.0, 7.0, 6.0]) == 0.0
    assert roughness([1.0, 2.0, 1.0, 2.0]) == 1.0
    assert roughness([8.0, 6.0, 5.0, 5.0, 4.0]) == 0.5  # 0.5, 0.5, 0.5
    assert roughness([30.0, 6.0, 5.0, 4.0, 3.0]) == 0.0  # the fall at the start does not count
    assert roughness([2.0, 1.0]) is None


def test_gradient_ratio_extremes():
    assert gradient_ratio([]) is None
    assert gradient_ratio([0.0, 0.0, 0.0]) is None
    assert gradient_ratio([3.0] * 10) == 1.0
    assert gradient_ratio([1.0] * 50 + [2.0] * 49 + [9.0, 9.0]) == 4.5
    norms = np.arange(1.0, 202.0)  # median 101, 99th percentile 199
    assert gradient_ratio(norms) == pytest.approx(199 / 101)


@pytest.mark.parametrize(
    ("last", "word"),
    [
        ({}, ""),
        ({"val_nll": 12.1}, "worse than note frequency"),
        ({"val_nll": math.nan}, "worse than note frequency"),
        ({"val_density_predicted": 0.0039}, "silent"),
        ({"val_density_predicted": 0.0041}, ""),
        ({"val_density_predicted": 0.39}, ""),
        ({"val_density_predicted": 0.41}, "saturated"),
    ],
)
def test_collapse(last, word):
    row = {"val_nll": 12.0, "val_density_predicted": 0.04, "val_density_true": 0.04}
    assert collapse(row | last, note_frequency=12.0).partition(":")[0] == word


def test_collapse_names_the_densities():
    last = {"val_nll": 5.0, "val_density_predicted": 0.001, "val_density_true": 0.04}
    assert collapse(last, 12.0) == "silent: it predicts a density of 0.10 %, the data have 4.00 %"


def test_the_table_of_measures_is_whole():
    assert {measure.better for measure in MEASURES.values()} == {LOWER, HIGHER, ONE, ""}
    assert all(measure.label for measure in MEASURES.values())
    assert [upper for upper, _ in RARITY.values()] == sorted(upper for upper, _ in RARITY.values())
    assert [upper for upper, _ in RARITY.values()][-1] >= 1
