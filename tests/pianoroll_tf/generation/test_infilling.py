"""Filling a gap: the weights by hand, the seams, and a toy model that prefers one particle."""

import numpy as np
import pytest

from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.continuation import Primer
from pianoroll_tf.generation.infilling import (
    LOOK_AHEAD_STEPS,
    MAX_GAP_STEPS,
    Gap,
    choose,
    effective_particles,
    fill,
    weights,
)
from pianoroll_tf.generation.steering import NO_STEERING


def music(steps, **pitches):
    """A roll of the given columns; c0=[2, 1] is column 0 struck and then held."""
    roll = np.zeros((steps, 84), np.uint8)
    for name, cells in pitches.items():
        roll[: len(cells), int(name[1:])] = cells
    return roll


FOUR_FOUR = ((0, Meter()),)


def gap_of(roll, start, end, context=128, meters=FOUR_FOUR):
    return Gap.of(Primer(roll, meters=meters), start, end, context, 4, Meter())


def test_weights_and_their_effective_number():
    found = weights(np.log([1.0, 2.0, 5.0]) - 1000)  # however small the likelihoods are
    np.testing.assert_allclose(found, [0.125, 0.25, 0.625])
    assert effective_particles(found) == pytest.approx(1 / (1 / 64 + 4 / 64 + 25 / 64))
    assert effective_particles(weights(np.zeros(16))) == pytest.approx(16)


def test_a_particle_is_chosen_with_its_weight():
    particles = np.zeros((3, 1, 84), np.uint8)
    chosen = [choose(particles, np.log([0.1, 0.6, 0.3]), seed).chosen for seed in range(2000)]
    np.testing.assert_allclose(np.bincount(chosen) / 2000, [0.1, 0.6, 0.3], atol=0.04)
    assert choose(particles, np.log([0.1, 0.6, 0.3]), 7).chosen == chosen[7]


def test_the_gap_continues_what_is_before_it_from_a_bar_line():
    gap = gap_of(music(100, c0=[1] * 100), 50, 60, context=24)
    assert (len(gap.before), gap.place, gap.steps, gap.look_ahead) == (18, 0, 10, 40)  # from step 32
    assert gap.before[:2, 0].tolist() == [2, 1]
    assert gap_of(music(100), 0, 9).before.shape == (0, 84)
    assert gap_of(music(300), 4, 9).look_ahead == LOOK_AHEAD_STEPS
    assert gap_of(music(9), 4, 9).look_ahead == 0


def test_the_time_signature_is_that_at_the_gap():
    meters = ((0, Meter()), (32, Meter(3, 4)), (56, Meter(6, 8)))
    gap = gap_of(music(80), 44, 56, context=128, meters=meters)
    assert (str(gap.meter), gap.place) == ("3/4", 4)  # 32 steps before it are 2 bars of 3/4 and 8 steps
    assert str(gap_of(music(80), 56, 60, meters=meters).meter) == "6/8"
    assert (
        gap_of(music(80), 56, 60, context=8, meters=meters).place == 4
    )  # of 12 steps, so that a bar begins with the gap


def test_a_note_that_is_held_behind_the_gap_continues_the_particle_or_is_struck():
    whole = music(6, c0=[2, 1, 1, 1, 1, 1], c1=[2, 1, 1, 1, 2, 1], c2=[0, 0, 0, 0, 2, 1])
    gap = gap_of(whole, 2, 4)
    particles = np.stack([music(2, c0=[1, 1], c1=[1, 1], c2=[2, 1]), music(2, c3=[2, 1])])
    assert gap.filled(particles[0])[:, :3].T.tolist() == [[2, 1, 1, 1, 1, 1], [2, 1, 1, 1, 2, 1], [0, 0, 2, 1, 2, 1]]
    assert gap.filled(particles[1])[:, :4].T.tolist() == [
        [2, 1, 0, 0, 2, 1],  # was held, and is struck as nothing before it sounds
        [2, 1, 0, 0, 2, 1],
        [0, 0, 0, 0, 2, 1],
        [0, 0, 2, 1, 0, 0],  # ends with the gap
    ]
    np.testing.assert_array_equal(gap.candidates(particles), [gap.filled(particle) for particle in particles])
    held_from_before = gap.filled(music(2, c0=[2, 1]))
    assert held_from_before[:, 0].tolist() == [2, 1, 2, 1, 1, 1]


def test_only_what_follows_is_weighed():
    gap = gap_of(music(300), 20, 30, context=4)
    nats = np.zeros((2, 4 + 10 + 64), np.float32)
    nats[:, :14], nats[0, 14:], nats[1, -1] = -100.0, -1.0, -2.0
    assert gap.of_what_follows(nats).tolist() == [-64.0, -2.0]


class Toy:
    """A model whose continuation with seed s is pitch s, and for which only pitch 5 can be followed."""

    can_be_compiled = False
    longest_piece = 99

    def generate(self, primer, steps, sampling, first_row, **more):
        assert more["steering"] == NO_STEERING
        assert (more["meter"], more["place"]) == (Meter(), 0)
        rows = np.arange(len(primer))
        roll = np.zeros((len(primer), steps, 84), np.uint8)
        roll[rows, :, sampling.seed + first_row + rows] = 1
        return roll

    def log_likelihood(self, rolls, meter, place):
        assert len(rolls) <= 8
        good = rolls[:, 19, 5] != 0
        nats = np.where(good, -1.0, -9.0)[:, np.newaxis] * np.ones(rolls.shape[1])
        return {"cells": nats, "strikes": nats}


def test_the_particle_that_leads_to_what_follows_is_chosen():
    filling = fill(Toy(), gap_of(music(60, c9=[1] * 60), 16, 20), SamplingConfig(seed=0), particles=12)
    assert filling.chosen == 5
    assert filling.music[:, 5].all()
    assert filling.effective == pytest.approx(1.0)
    assert filling.after(40) == {"chosen": -80.0, "mean": pytest.approx(-80 * (1 + 11 * 9) / 12), "steps": 40}


def test_where_nothing_follows_each_particle_is_as_good():
    filling = fill(Toy(), gap_of(music(20), 16, 20), SamplingConfig(seed=0), particles=4)
    assert filling.effective == 4.0


@pytest.mark.parametrize(("start", "end"), [(4, 4), (5, 4), (-1, 4), (0, 61)])
def test_a_gap_that_is_not_in_the_piece(start, end):
    with pytest.raises(ValueError, match=rf"within the piece of 60 steps\. Received: start={start}, end={end}"):
        gap_of(music(60), start, end)


def test_what_else_is_refused():
    with pytest.raises(ValueError, match="the gap must have at most 4096 steps"):
        gap_of(music(MAX_GAP_STEPS + 2), 0, MAX_GAP_STEPS + 1)
    for particles in (1, 65, 2.0, True):
        with pytest.raises(ValueError, match=r"particles must be a whole number >= 2 and <= 64\. Received: particles="):
            fill(Toy(), gap_of(music(60), 16, 20), SamplingConfig(), particles)
