"""Generated compared with real music: facts, table, sentences and picture from MIDI files."""

import numpy as np

from pianoroll_tf.generation import render
from pianoroll_tf.generation.music import comparison, two_sample
from pianoroll_tf.generation.music.comparison import compare, comparison_picture, comparison_table, read_pieces


def files(count: int, seed: int, steps: int = 128) -> list[bytes]:
    rng = np.random.default_rng(seed)
    rolls = ((rng.random((steps, 84)) < 0.03).astype(np.uint8) for _ in range(count))
    return [render.midi_bytes(roll, 8.0) for roll in rolls]


def test_a_few_pieces_have_facts_and_no_classifier():
    compared = compare(read_pieces(files(2, seed=1)), read_pieces(files(3, seed=2)))
    assert compared["pieces"] == {"generated": 2, "real": 3}
    assert compared["test"] is compared["halves"] is None
    assert set(comparison.LABELS) <= set(compared["generated"])
    lines = comparison_table(compared).splitlines()
    assert len(lines) == 2 + len(comparison.LABELS)
    density = next(line for line in lines if line.startswith("active cells"))
    assert density.split()[-2:] == [f"{compared[kind]['density']:.3f}" for kind in ("generated", "real")]


def test_enough_pieces_are_told_apart_or_not(monkeypatch):
    monkeypatch.setattr(two_sample, "TREES", 20)
    compared = compare(read_pieces(files(6, seed=1)), read_pieces(files(10, seed=2)))
    assert 0.0 <= compared["test"]["auc"] <= 1.0
    assert compared["halves"]["windows"] == (10, 10)
    printed = comparison_table(compared)
    assert f"with an AUC of {compared['test']['auc']:.3f}" in printed
    sentences = comparison.sentences(compared, "Bach").splitlines()
    assert sentences[-2].endswith(f"in Bach {compared['real']['clash']:.0%}")
    assert f"from Bach with an AUC of {compared['test']['auc']:.2f}" in sentences[-1]
    assert f"two halves of the real pieces with {compared['halves']['auc']:.3f}" in printed


def test_a_picture_of_unequally_many_pieces():
    rolls = read_pieces(files(6, seed=1)).rolls
    assert comparison_picture(rolls, rolls[:1])[:4] == b"\x89PNG"
    assert comparison_picture(rolls, []) != comparison_picture(rolls, rolls)


def test_silent_pieces_are_counted_and_left_out():
    note = np.zeros((8, 84), np.uint8)
    note[0:2, 40] = 2, 1
    found = read_pieces([render.midi_bytes(roll, 8) for roll in (np.zeros((8, 84), np.uint8), note)])
    assert (len(found.rolls), len(found.facts), found.silent) == (1, 1, 1)
