"""Calibration with music whose density is a formula, and with a tiny model."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf
from tiny_export import tiny_config, tiny_model

from pianoroll_tf.config import DataFacts, RecordsConfig
from pianoroll_tf.generation.calibration.calibrate import calibrate, share_above
from pianoroll_tf.generation.calibration.rates import length_shares, position_shares, rates
from pianoroll_tf.generation.calibration.trials import TrialGenerator
from pianoroll_tf.generation.endpoints import SamplingModel


def test_music_of_a_model_keeps_its_onsets_at_other_temperatures_and_gets_its_density():
    config = tiny_config()
    sampler = SamplingModel(tiny_model(config), config.loss)
    found = calibrate(sampler, config.data, rows=32, window_steps=64)
    assert found.gain == 0
    assert found.corrected == pytest.approx(found.uncorrected, rel=0.01)  # of shorter pieces
    hot = found.shaping.temperature
    assert hot.places[0] == 0.0
    assert hot.values[hot.places.index(1.0)] == (0.0, 0.0, 0.0)
    dense = dict(zip(found.shaping.density.places, found.shaping.density.values, strict=True))
    assert dense[math.log(2.0)][0] > 0.5 > 0 > dense[math.log(0.5)][0]


def test_a_model_whose_music_is_off_gets_the_governor():
    config = tiny_config()
    data = DataFacts(density=0.12, pitch_frequency=(0.05,) * 84)
    found = calibrate(SamplingModel(tiny_model(config), config.loss), data, rows=16, window_steps=64)
    assert found.gain > 0
    assert found.corrected == pytest.approx(0.12, rel=0.1)
    assert found.uncorrected == pytest.approx(0.05, rel=0.5)


@pytest.mark.parametrize(("longest", "governed"), [(100, False), (1000, True)])
def test_music_that_runs_away_after_a_while_gets_the_governor_where_pieces_are_as_long(longest, governed, monkeypatch):
    """Freely drawn, the music is the data's for two windows, and five times as dense from then on."""
    free = TrialGenerator.generate

    def runs_away(self, governor=(0.0, 0.0), *args, windows=1, **kwargs):
        cells = free(self, governor, *args, windows=windows, **kwargs)
        if not any(governor):
            cells[:, 2 * 64 :, 20:40] = 1
        return cells

    monkeypatch.setattr(TrialGenerator, "generate", runs_away)
    config = tiny_config()
    data = dataclasses.replace(config.data, longest_piece=longest)
    found = calibrate(SamplingModel(tiny_model(config), config.loss), data, rows=16, window_steps=64)
    assert (found.gain > 0) == governed


@pytest.mark.parametrize(("usual", "brakes"), [((30.0,), False), ((0.5,), True)])
def test_music_with_more_onsets_than_usual_gets_the_onset_penalty(usual, brakes):
    config = tiny_config()
    data = dataclasses.replace(config.data, usual_onsets=usual)
    found = calibrate(SamplingModel(tiny_model(config), config.loss), data, 16, 64, with_shaping=False)
    assert found.brakes == brakes


def test_rates_that_are_not_those_of_the_data_are_shifted_at_temperature_1():
    config = tiny_config()
    sampler = SamplingModel(tiny_model(config), config.loss)
    free = calibrate(sampler, config.data, rows=32, window_steps=64)
    data = dataclasses.replace(config.data, rates=(0.03, 0.5, 0.5), density=0.06)
    found = calibrate(sampler, data, rows=32, window_steps=64)
    at_one = dict(zip(found.shaping.temperature.places, found.shaping.temperature.values, strict=True))[1.0]
    assert any(at_one)
    cells = TrialGenerator(sampler, data, 32, 64).generate(shifts=at_one, windows=2)
    np.testing.assert_allclose(rates(cells, first=64), data.rates, rtol=0.08)
    assert found.onsets != free.onsets


def test_struck_notes_fall_where_those_of_the_data_do():
    config = dataclasses.replace(tiny_config(), records=RecordsConfig(grid="beats", steps_per_beat=4))
    sampler = SamplingModel(tiny_model(config), config.loss, steps_per_beat=4)
    cells = TrialGenerator(sampler, config.data, 32, 64).generate(windows=2)
    target = (0.55, 0.05, 0.3, 0.1)
    positions = np.arange(128) % 4
    free = position_shares(cells, positions, 4, 64)
    assert np.abs(free - target).max() > 0.1
    data = dataclasses.replace(config.data, rates=tuple(rates(cells, 64)), onset_positions=target)
    found = calibrate(sampler, data, rows=32, window_steps=64)
    for temperature in (1.0, 0.75):
        shifts = found.shaping.temperature.at(tf.constant([1 / temperature]))[0].numpy()
        assert len(shifts) == 7
        drawn = TrialGenerator(sampler, data, 32, 64).generate(temperature=temperature, shifts=shifts, windows=2)
        np.testing.assert_allclose(position_shares(drawn, positions, 4, 64), target, atol=0.03)
        np.testing.assert_allclose(rates(drawn, first=64), data.rates, rtol=0.15)


def test_notes_are_held_as_long_as_those_of_the_data():
    config = tiny_config()
    sampler = SamplingModel(tiny_model(config), config.loss)
    trials = TrialGenerator(sampler, config.data, 32, 64)
    cells = trials.generate(shifts=(0.0, 0.0, 0.0, 1.5, -1.5, 1.0), windows=2)
    target = length_shares(cells, 3, 64)
    assert np.abs(length_shares(trials.generate(windows=2), 3, 64) - target).max() > 0.1
    data = dataclasses.replace(config.data, rates=tuple(rates(cells, 64)), hold_lengths=tuple(target))
    found = calibrate(sampler, data, rows=32, window_steps=64)
    for temperature in (1.0, 0.75):
        rate = tf.constant([1 / temperature])
        shifts = tf.concat([found.shaping.temperature.at(rate), found.shaping.lengths.at(rate)], axis=1)[0].numpy()
        assert len(shifts) == 6
        drawn = TrialGenerator(sampler, data, 32, 64).generate(temperature=temperature, shifts=shifts, windows=2)
        np.testing.assert_allclose(length_shares(drawn, 3, 64), target, atol=0.03)
        np.testing.assert_allclose(rates(drawn, first=64), data.rates, rtol=0.15)


def test_share_above_is_that_of_the_busiest_place():
    cells = np.zeros((2, 400, 84), np.uint8)
    cells[0, 1::4, :3] = 2
    data = dataclasses.replace(tiny_config().data, usual_onsets=(0.5, 1.5, 0.5, 0.5))
    steps = sum(3 * (1 - (1 - 1 / 16) ** k) > 1.5 for k in range(1, 101))
    assert share_above(cells, data) == steps / 200
