"""Facts of music on both grids, counted by hand; and noise, which they must tell from music."""

import numpy as np
import pytest

from pianoroll_tf.data.clock import Meter, clock_codes
from tuner.study.measures import FACTS, MEASURES
from tuner.study.measures_music import Reference, music_measures, reference
from tuner.study.music_facts import Grid, fact_measures, measure_real, real_measures

BEATS, SECONDS = Grid(4, articulation=True), Grid(None, articulation=False)
STEPS = 128


def chorale(seed, steps=STEPS):
    """Four voices that move on the beats, with eighths between some, in bars of which each rhythm comes back."""
    draws = np.random.default_rng(seed)
    roll = np.zeros((steps, 84), np.uint8)
    rhythms = [[4, 4, 4, 4], [2, 2, 4, 8], [4, 2, 2, 4, 4]]
    step, root = 0, draws.integers(24, 32)
    while step < steps:
        for length in rhythms[draws.integers(3)]:
            degree = root + [0, 2, 4, 5, 7, 9, 11][draws.integers(7)]
            for voice in (0, 7, 16, 24):
                roll[step : step + length, degree + voice] = 1
                roll[step, degree + voice] = 2
            step += length
    return roll[:steps]


def shuffled(roll, seed):
    """The cells of each pitch at random steps: same density, pitches and pitch classes."""
    return np.random.default_rng(seed).permuted((roll != 0).astype(np.uint8), axis=0)


def drawn(roll, seed):
    """Each cell with its pitch's frequency."""
    return (np.random.default_rng(seed).random(roll.shape) < (roll != 0).mean(axis=0)).astype(np.uint8)


def real_of(pieces, grid=BEATS, training=(), steps=STEPS, meter=None):
    meters = [] if meter is None else [(0, meter)]
    clocks = [clock_codes(meters, len(piece), 4) for piece in pieces]
    return measure_real(pieces, clocks, training, grid, steps, len(pieces))


@pytest.fixture(scope="module")
def real():
    return real_of([chorale(seed) for seed in range(20)])


@pytest.fixture(scope="module")
def usual(real):
    """What other pieces of the same kind have, and the halves of the test split."""
    _, ceiling = real_measures(real)
    return fact_measures([chorale(200 + seed) for seed in range(10)], real), ceiling


@pytest.mark.parametrize("noise", [shuffled, drawn])
def test_noise_is_told_from_music(real, usual, noise):
    """Its density, pitches and pitch classes are those of the music."""
    measures = fact_measures([noise(chorale(100 + seed), seed) for seed in range(10)], real)
    again, ceiling = usual
    assert measures["music_auc"] > 0.99
    assert measures["music_best_auc"] > 0.99
    assert again["music_auc"] < 0.75
    assert again["music_best_auc"] < 0.75
    assert measures["music_beyond_chance"] == pytest.approx(0, abs=0.01)
    for name in ("beyond_chance", "clash", "on_beat", "recurring_bars", "one_step"):
        gap = f"music_{name}_gap"
        assert measures[gap] > 4 * max(again[gap], ceiling[gap], 0.01), name
    assert again["music_synchrony"] == 1.0
    assert measures["music_on_beat_gap"] > 0.4  # of noise a quarter of the onsets lies on the beat


def test_noise_has_much_of_the_overlap(real):
    overlaps = reference(real.pieces, STEPS)
    noise = music_measures([shuffled(chorale(100 + seed), seed) for seed in range(10)], overlaps)
    assert noise["music_pitch_overlap"] > 0.8
    assert "music_auc" not in noise  # without the facts of the test split
    whole = Reference(overlaps.parts, overlaps.features, overlaps.ceiling, facts=real)
    assert {*music_measures(real.pieces, whole)} <= {*MEASURES}


def piece(*notes, steps=32):
    """States of (start, end, pitch) notes."""
    roll = np.zeros((steps, 84), np.uint8)
    for start, end, pitch in notes:
        roll[start:end, pitch] = 1
        roll[start, pitch] = 2
    return roll


TUNE = piece((0, 4, 40), (0, 4, 44), (4, 5, 41), (16, 20, 40), (16, 20, 44), (20, 21, 44))


def test_the_facts_by_hand():
    """Of six onsets four begin in pairs and all lie on a beat; both bars have one rhythm; one note is struck again."""
    found = fact_measures([TUNE], real_of([TUNE]))
    assert found["music_synchrony"] == pytest.approx(4 / 6)
    assert (found["music_on_beat"], found["music_recurring_bars"]) == (1.0, 1.0)
    assert (found["music_restruck"], found["music_one_step"]) == (pytest.approx(1 / 6), pytest.approx(2 / 6))
    assert found["music_clash"] == 0.0
    assert [found[f"music_{name}_gap"] for name in FACTS if name != "shared_steps"] == [0.0] * 7
    assert found["music_auc"] is None  # too few pieces
    assert found["music_shared_steps"] is found["music_shared_steps_gap"] is None  # no training pieces are given
    assert found.keys() <= MEASURES.keys()


def test_the_gap_of_the_metre_is_over_all_positions_of_the_beat():
    off = piece((0, 1, 40), (5, 6, 40), (10, 11, 40), (14, 15, 40))  # 1/4 on the beat, 1/4 a step later, 1/2 two later
    found = fact_measures([off], real_of([TUNE]))
    assert (found["music_on_beat"], found["music_on_beat_gap"]) == (0.25, 0.75)
    found = fact_measures([off], real_of([np.roll(TUNE, 1, axis=0)]))  # all on the second position
    assert found["music_on_beat_gap"] == 0.75


def test_a_grid_of_seconds_has_neither_beats_nor_bars_and_a_plain_roll_no_strikes():
    found = fact_measures([TUNE], real_of([TUNE], SECONDS))
    for name in ("on_beat", "recurring_bars", "restruck"):
        assert found[f"music_{name}"] is found[f"music_{name}_gap"] is None
    assert found["music_synchrony"] == pytest.approx(4 / 6)
    values, ceiling = real_measures(real_of([chorale(seed) for seed in range(4)], SECONDS))
    assert (values["music_on_beat"], ceiling["music_on_beat_gap"], ceiling["music_restruck_gap"]) == (None, None, None)
    assert (values["music_synchrony"], ceiling["music_synchrony_gap"]) == (1.0, 0.0)
    assert "music_auc" not in ceiling  # too few pieces


def test_parts_begin_at_a_bar_line():
    """In 3/4, the second part of 32 steps begins 8 steps into a bar; its bars are those of the piece all the same."""
    bar = [(0, 4, 40), (4, 6, 41), (6, 12, 43)]
    waltz = piece(*((12 * n + a, 12 * n + b, pitch) for n in range(8) for a, b, pitch in bar), steps=96)
    found = real_of([waltz], steps=32, meter=Meter(3, 4))
    assert [part.facts.steps for part in found.parts[0]] == [32, 28, 24]
    assert [part.facts.recurring_bars for part in found.parts[0]] == [1.0, 1.0, 1.0]
    assert found.parts[0][1].facts.phase == pytest.approx((2 / 3, 0, 1 / 3, 0), abs=0.1)


def test_steps_shared_with_training():
    found = fact_measures([TUNE], real_of([chorale(1)], training=[chorale(2), np.roll(TUNE, 3, axis=1)]))
    assert found["music_shared_steps"] == 32  # transposed by three semitones
    assert found["music_shared_steps_gap"] > 0


def test_silence_has_no_facts():
    silence = np.zeros((STEPS, 84), np.uint8)
    found = fact_measures([silence], real_of([chorale(1)]))
    assert found["music_synchrony"] is found["music_on_beat_gap"] is found["music_recurring_bars"] is None
