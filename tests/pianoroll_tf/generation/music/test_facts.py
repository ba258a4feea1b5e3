"""Facts that hear a piece, counted by hand."""

import numpy as np
import pytest

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation import render
from pianoroll_tf.generation.music.facts import (
    clashes,
    corpus_facts,
    piece_facts,
    read_piece,
    recurring_bars,
    synchrony,
    synchrony_by_chance,
)


def piece() -> np.ndarray:
    """Two bars of 2/4: C and E together for two steps, C struck again for one, then D; the same rhythm again."""
    bar = np.zeros((8, 84), np.uint8)
    bar[0:2, [36, 40]] = [[2, 2], [1, 1]]
    bar[2, 36] = 2
    bar[5, 38] = 2
    return np.concatenate([bar, bar])


def test_facts_by_hand():
    facts = piece_facts(piece(), Meter(2, 4))
    assert facts.synchrony == 0.5  # of eight onsets four come in pairs
    assert facts.phase == (0.5, 0.25, 0.25, 0.0)  # steps 0, 0, 2, 5 of each bar
    assert facts.one_step == 0.5
    assert facts.restruck == 0.25
    assert facts.recurring_bars == 1.0
    assert facts.clash == 0.0
    assert facts.voices == pytest.approx(12 / 8)
    assert facts.density == pytest.approx(12 / (16 * 84))
    assert (facts.onsets, facts.steps, facts.pitches) == (0.5, 16, 4)


def test_silence_has_no_shares():
    facts = piece_facts(np.zeros((8, 84), np.uint8))
    assert facts.synchrony is facts.clash is facts.phase is facts.one_step is facts.restruck is None
    assert facts.recurring_bars is None
    assert (facts.voices, facts.density, facts.steps, facts.pitches) == (0.0, 0.0, 8, 0)


@pytest.mark.parametrize(
    ("pitches", "clash"), [((0, 1), True), ((0, 11), True), ((0, 12), False), ((0, 2), False), ((5, 30), True)]
)
def test_a_clash_is_a_semitone_in_any_octaves(pitches, clash):
    row = np.zeros((1, 84), bool)
    row[0, list(pitches)] = True
    assert clashes(row).tolist() == [clash]


def test_chance_is_what_the_shifts_leave():
    struck = np.zeros((400, 84), bool)
    struck[::4, :2] = True
    assert synchrony(struck) == 1.0
    assert 0.0 <= synchrony_by_chance(struck) < 0.6  # two pitches of one onset in four steps meet once in four
    assert synchrony_by_chance(struck) == synchrony_by_chance(struck)


def test_bars_recur_or_not():
    struck = np.array([[1], [0], [0], [1], [1], [1], [0], [0]], bool)
    assert recurring_bars(struck, 2) == 0.0  # three different bars, and a silent one
    assert recurring_bars(np.concatenate([struck, struck]), 2) == 1.0
    assert recurring_bars(struck, 16) is None


def test_facts_are_read_from_the_file_that_is_written():
    roll = piece()
    found, meter = read_piece(render.midi_bytes(roll, 4 * 90 / 60, 90, [(0, Meter(2, 4))]))
    assert meter == Meter(2, 4)
    np.testing.assert_array_equal(found, roll[: len(found)])  # but for the silence at its end
    assert len(found) == 14


def test_a_corpus_weighs_notes_by_notes_and_steps_by_steps():
    silent = np.zeros((16, 84), np.uint8)
    facts = corpus_facts([piece_facts(piece(), Meter(2, 4)), piece_facts(silent)])
    assert facts["synchrony"] == 0.5
    assert facts["phase_1"] == 0.5
    assert facts["density"] == pytest.approx(12 / (32 * 84))
    assert facts["onsets_spread"] == 0.25
    assert facts["steps"] == 16


def test_clashes_of_a_corpus_are_a_share_of_its_sounding_steps():
    clash, held = np.zeros((100, 84), np.uint8), np.zeros((100, 84), np.uint8)
    clash[0, [36, 37]] = 2
    held[:, 36] = 1
    assert corpus_facts([piece_facts(clash), piece_facts(held)])["clash"] == pytest.approx(1 / 101)
