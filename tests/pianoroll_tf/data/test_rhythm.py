"""Running averages of onsets by place in the beat, and what is usual of them."""

import numpy as np
import pytest

from pianoroll_tf.data.rhythm import UNUSUAL, UsualOnsets, onset_averages, onset_weight


@pytest.mark.parametrize("count", [1, 4, 96])
def test_averages_are_those_of_a_loop(count):
    rng = np.random.default_rng(count)
    onsets, places = rng.integers(0, 5, (3, 1500)), rng.integers(0, count, 1500)
    found = onset_averages(onsets, places, count)
    levels = np.zeros((3, count))
    for step, place in enumerate(places):
        levels[:, place] += (onsets[:, step] - levels[:, place]) * onset_weight(count)
        np.testing.assert_allclose(found[:, step], levels[:, place], rtol=1e-9)


def test_one_step_in_twenty_is_above_what_is_usual():
    usual, all_steps = UsualOnsets(4), [[] for _ in range(4)]
    for seed, busy in enumerate((1, 3, 0, 9, 2)):
        rng = np.random.default_rng(seed)
        places = np.arange(2000) % 4
        onsets = rng.poisson(busy * (1 + places) / 4)
        usual.add(onsets, places)
        for place, steps in enumerate(all_steps):
            steps.append(onset_averages(onsets, places, 4)[places == place])
    for found, steps in zip(usual.found(), all_steps, strict=True):
        above = np.concatenate(steps)
        assert (above > found).mean() <= UNUSUAL < (above > found - 1 / 32).mean()


def test_a_place_that_no_step_has_is_usually_silent():
    usual = UsualOnsets(2)
    usual.add(np.ones(50, int), np.zeros(50, int))
    assert usual.found()[1] == 0.0
