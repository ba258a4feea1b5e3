"""TrialGenerator: the same seeds each time, and the settings that are changed."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tiny_export import tiny_config, tiny_model

from pianoroll_tf.generation.calibration.trials import SEED, TrialGenerator, make_governor
from pianoroll_tf.generation.endpoints import SamplingModel
from pianoroll_tf.generation.sampling_loop import uniforms


def make_trials(onset_penalty):
    config = tiny_config()
    data = dataclasses.replace(config.data, usual_onsets=(0.5,))
    return TrialGenerator(SamplingModel(tiny_model(config), config.loss), data, 8, 32, onset_penalty)


@pytest.fixture(scope="module")
def trials():
    return make_trials(onset_penalty=False)


def test_a_trial_can_be_repeated_and_its_first_window_is_that_of_a_longer_one(trials):
    once, again = trials.generate(windows=2), trials.generate()
    assert once.shape == (8, 64, 84)
    np.testing.assert_array_equal(once[:, :32], again)


def test_each_window_has_random_numbers_of_its_own(trials):
    found = trials._windows(2)
    seeds = tf.range(SEED, SEED + 8, dtype=tf.int64)
    for window, numbers in enumerate(found):
        expected = uniforms(seeds, tf.fill([8], window), numbers.shape[2])[:, :32]
        np.testing.assert_array_equal(numbers, expected)
    assert not np.array_equal(*found)


def test_shifts_of_each_kind_move_what_they_name(trials):
    plain, more = trials.generate(windows=2), trials.generate(shifts=(2.0, 0.0, 0.0), windows=2)
    assert (more != 0).mean() > 2 * (plain != 0).mean()
    quiet = trials.generate(shifts=(-20.0, 0.0, 0.0))
    assert not quiet.any()


def test_the_onset_penalty_reduces_onsets(trials):
    free, penalized = (
        part.generate(shifts=(1.5, 0.0, 0.0), windows=2) for part in (trials, make_trials(onset_penalty=True))
    )
    assert (penalized[:, 32:] == 2).sum() < 0.9 * (free[:, 32:] == 2).sum()


def test_a_governor_has_the_parts_that_are_needed():
    data = dataclasses.replace(tiny_config().data, usual_onsets=(0.5,), long_hold=20)
    assert not make_governor(data, 0.0, 0.0, False).controls_density
    assert make_governor(data, 0.0, 0.0, True) == dataclasses.replace(
        make_governor(data, 0.0, 0.0, False), onsets=(0.5,)
    )
    held = make_governor(data, 0.1, 0.5, False)
    assert (held.controls_density, held.hold, held.onsets) == (True, 20, ())
