"""Generated beside real music: both are read from MIDI files, all is told, a picture is drawn."""

import numpy as np

from pianoroll_tf.generation import render
from pianoroll_tf.generation.music import comparison, two_sample
from pianoroll_tf.generation.music.comparison import judge, picture, side, table


def files(count: int, seed: int, steps: int = 128) -> list[bytes]:
    rng = np.random.default_rng(seed)
    rolls = ((rng.random((steps, 84)) < 0.03).astype(np.uint8) for _ in range(count))
    return [render.midi_bytes(roll, 8.0) for roll in rolls]


def test_a_few_pieces_have_facts_and_no_classifier():
    judged = judge(side(files(2, seed=1)), side(files(3, seed=2)))
    assert judged["pieces"] == {"generated": 2, "real": 3}
    assert judged["test"] is judged["halves"] is None
    assert set(comparison.LABELS) <= set(judged["generated"])
    lines = table(judged).splitlines()
    assert len(lines) == 2 + len(comparison.LABELS)
    density = next(line for line in lines if line.startswith("active cells"))
    assert density.split()[-2:] == [f"{judged[kind]['density']:.3f}" for kind in ("generated", "real")]


def test_enough_pieces_are_told_apart_or_not(monkeypatch):
    monkeypatch.setattr(two_sample, "TREES", 20)
    judged = judge(side(files(6, seed=1)), side(files(10, seed=2)))
    assert 0.0 <= judged["test"]["auc"] <= 1.0
    assert judged["halves"]["windows"] == (10, 10)
    said = table(judged)
    assert f"with an AUC of {judged['test']['auc']:.3f}" in said
    assert f"two halves of the real pieces with {judged['halves']['auc']:.3f}" in said


def test_a_picture_of_unequally_many_pieces():
    rolls = side(files(6, seed=1)).rolls
    assert picture(rolls, rolls[:1])[:4] == b"\x89PNG"
    assert picture(rolls, []) != picture(rolls, rolls)


def test_silent_pieces_are_counted_and_left_out():
    note = np.zeros((8, 84), np.uint8)
    note[0:2, 40] = 2, 1
    found = side([render.midi_bytes(roll, 8) for roll in (np.zeros((8, 84), np.uint8), note)])
    assert (len(found.rolls), len(found.facts), found.silent) == (1, 1, 1)
