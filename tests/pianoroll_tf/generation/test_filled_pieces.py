"""Filling bars of a MIDI file: which steps they are, and what is written."""

import types
from pathlib import Path

import numpy as np
import pytest

from pianoroll_tf.config import RecordsConfig, SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation import saved_model
from pianoroll_tf.generation.continuation import Primer
from pianoroll_tf.generation.dynamics import Dynamics
from pianoroll_tf.generation.filled_pieces import fill_pieces, gap_steps, plan_pieces, write_pieces
from pianoroll_tf.generation.piece_options import PieceOptions
from pianoroll_tf.generation.steering import NO_STEERING

BEATS = types.SimpleNamespace(
    steps_per_beat=4,
    grid=RecordsConfig(grid="beats"),
    tempo=120.0,
    meter=Meter(),
    window_steps=32,
    dynamics=Dynamics(),
)
SECONDS = types.SimpleNamespace(steps_per_beat=None)


def piece(steps, *meters):
    roll = np.zeros((steps, 84), np.uint8)
    roll[:, 36] = 1
    roll[0, 36] = 2
    velocities = np.where(roll == 2, 99, 0).astype(np.uint8)
    return Primer(roll, 90.0, meters or ((0, Meter()),), velocities)


@pytest.mark.parametrize(
    ("bars", "steps"),
    [((1, 1), (0, 16)), ((2, 3), (16, 48)), ((4, 4), (48, 60)), ((5, 6), (60, 84)), ((7, 7), (84, 90))],
)
def test_bars_count_from_one_and_include_the_last(bars, steps):
    whole = piece(90, (0, Meter()), (48, Meter(3, 4)))
    assert gap_steps(whole, *bars, BEATS, 8.0) == steps


def test_on_the_grid_of_seconds_they_are_seconds():
    assert gap_steps(piece(80), 2, 5, SECONDS, 8.0) == (16, 40)
    assert gap_steps(piece(80), 9, 11, SECONDS, 8.0) == (72, 80)


@pytest.mark.parametrize(
    ("model", "bars", "text"),
    [
        (BEATS, (5, 6), r"infill must be bars 1\.\.5 of the piece\. Received: infill=5\.\.6"),
        (BEATS, (0, 1), r"Received: infill=0\.\.1"),
        (SECONDS, (10, 12), r"infill must be seconds within the piece, which has 10\. Received: infill=10\.\.12"),
    ],
)
def test_bars_that_the_piece_has_not(model, bars, text):
    with pytest.raises(ValueError, match=text):
        gap_steps(piece(80), *bars, model, 8.0)


def options(**values):
    return PieceOptions(primer=Path("a.mid"), **values)


def test_the_plan_keeps_the_whole_piece_and_reads_what_is_before():
    whole = piece(96)
    plan = plan_pieces(BEATS, whole, options(infill="4..5"))
    assert (plan.gap.start, plan.gap.end, plan.tempo, plan.steps) == (48, 80, 90.0, 32)
    assert len(plan.primer.roll) == 32  # a training window, from a bar line
    assert plan.written_primer is whole
    assert plan.meters() == [(0, Meter())]
    assert len(plan_pieces(BEATS, whole, options(infill="4..5", primer_steps=16)).primer.roll) == 16


def test_a_filled_piece_is_written_and_the_next_has_other_particles(exported, tmp_path):
    model, whole = saved_model.load(exported), piece(120)
    chosen = options(infill="4..6", particles=2, count=2, png=True)
    plan = plan_pieces(model, whole, chosen)
    written = list(write_pieces(model, plan, SamplingConfig(seed=5), tmp_path / "x.mid", chosen))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x-1.mid", "x-1.png", "x-2.mid", "x-2.png"]
    assert [one.music.shape for one in written] == [(16, 84)] * 2
    assert "of 2 particles took part" in written[0].lines[0]
    alone = options(infill="4..6", particles=2)
    [(filling, filled)] = fill_pieces(model, plan, SamplingConfig(seed=7), alone, NO_STEERING)
    np.testing.assert_array_equal(filling.music, written[1].music)  # seeds 7 and 8
    np.testing.assert_array_equal(filled.roll[:32], whole.roll[:32])
    np.testing.assert_array_equal(filled.roll[32:48], filling.music)
    assert (filled.roll[48:] != 0).tolist() == (whole.roll[48:] != 0).tolist()
    assert filled.velocities[0, 36] == 99
