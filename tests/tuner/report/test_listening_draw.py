"""The pairs of a listening test: which excerpts, in which order, on which side."""

from collections import Counter

import numpy as np
import pytest
from synthetic_study import tiny_settings, write_study

from tuner.report.data import read
from tuner.report.listening_draw import draw, start_of
from tuner.report.listening_model import REAL, content

SETTINGS = tiny_settings(pieces=12, piece_steps=128)  # four pieces of 16 s for each of three seeds


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return read(write_study(tmp_path_factory.mktemp("studies") / "made-up", SETTINGS))


@pytest.fixture(scope="module")
def drawn(data):
    return draw(data, 8)


def of(test, *names):
    return [pair for pair in test.pairs if pair.names == names]


def test_every_comparison_has_as_many_pairs_with_each_side_and_each_optimizer(drawn):
    assert drawn.comparisons == [("bce", "focal"), ("bce", REAL), ("focal", REAL)]
    for names in drawn.comparisons:
        pairs = of(drawn, *names)
        assert Counter(pair.first_is_a for pair in pairs) == {True: 4, False: 4}
        first = [pair.a if pair.first_is_a else pair.b for pair in pairs]
        assert Counter(excerpt.combination for excerpt in first) == {f"{names[0]}-adam": 4, f"{names[0]}-rmsprop": 4}
        second = [pair.b if pair.first_is_a else pair.a for pair in pairs]
        assert all(excerpt.combination.startswith(names[1]) for excerpt in second)


def test_each_round_has_one_pair_of_every_comparison_in_varying_order(drawn):
    rounds = [tuple(pair.names for pair in drawn.pairs[start : start + 3]) for start in range(0, 24, 3)]
    assert all(sorted(each) == drawn.comparisons for each in rounds)
    assert len(set(rounds)) > 1
    sides = ["".join("AB"[pair.first_is_a] for pair in of(drawn, *names)) for names in drawn.comparisons]
    assert all(side not in ("ABABABAB", "BABABABA", "AAAABBBB", "BBBBAAAA") for side in sides)


def test_losses_are_compared_by_the_same_piece_of_the_same_seed_and_no_piece_twice(drawn):
    for pair in of(drawn, "bce", "focal"):
        assert pair.a.combination.split("-")[1] == pair.b.combination.split("-")[1]
        assert (pair.a.seed, pair.a.piece) == (pair.b.seed, pair.b.piece)
    for names in drawn.comparisons:
        heard = [(one.combination, one.seed, one.piece) for pair in of(drawn, *names) for one in (pair.a, pair.b)]
        assert max(Counter(place for place in heard if place[0] != REAL).values()) == 1
    real = Counter(one.piece for pair in drawn.pairs for one in (pair.a, pair.b) if one.combination == REAL)
    assert set(real) == {0, 1, 2, 3}
    assert set(real.values()) == {4}  # 16 of four pieces


def test_excerpts_are_of_equal_length_and_start_with_a_note_where_there_is_one(data, drawn):
    assert drawn.steps == 96  # 12 s of 8 steps
    shown = content(data, drawn)
    assert (shown["steps"], shown["steps_per_second"]) == (96, 8)
    for pair in shown["pairs"]:
        for side in (pair["a"], pair["b"]):
            starts, ends, pitches = zip(*side["notes"], strict=True)
            assert min(starts) == 0 and max(ends) <= 96 and 24 <= min(pitches) <= max(pitches) <= 107


def test_the_same_study_gives_the_same_pairs_and_another_one_others(data, drawn, tmp_path):
    again = draw(read(write_study(tmp_path / "again", SETTINGS)), 8)
    assert again == drawn
    other = draw(read(write_study(tmp_path / "other", tiny_settings(pieces=12, piece_steps=128, epochs=9))), 8)
    assert [pair.id for pair in other.pairs] != [pair.id for pair in drawn.pairs]
    assert other.page != drawn.page
    names = [one for pair in drawn.pairs for one in (pair.id, pair.a.id, pair.b.id)]
    assert len(set(names)) == 3 * 24


def test_no_more_pairs_than_pieces_and_none_of_runs_that_diverged(tmp_path):
    settings = tiny_settings(pieces=3, seeds=3, piece_steps=16)
    folder = write_study(tmp_path / "few", settings, diverged=[("focal-adam", 0), ("focal-adam", 1)])
    drawn = draw(read(folder), 12)
    assert [len(of(drawn, *names)) for names in drawn.comparisons] == [4, 6, 4]
    assert drawn.steps == 16
    adam = [one for pair in drawn.pairs for one in (pair.a, pair.b) if one.combination == "focal-adam"]
    assert {one.seed for one in adam} == {2}


def test_on_a_grid_of_beats_excerpts_are_whole_bars(tmp_path):
    data = read(write_study(tmp_path / "beats", SETTINGS, grid="beats"))
    drawn = draw(data, 4)
    assert drawn.steps == 96  # 24 beats of 4 steps: 12 s at 120 beats a minute
    assert all(one.start % 16 == 0 for pair in drawn.pairs for one in (pair.a, pair.b))
    assert content(data, drawn)["steps_per_second"] == 8


def test_an_excerpt_of_silence_is_not_avoided():
    assert start_of(np.zeros((32, 84), np.uint8), 16, 1, 0.5) == 8
    late = np.zeros((32, 84), np.uint8)
    late[30:, 10] = 1
    assert start_of(late, 16, 1, 0.0) == 16  # the last place at which it can start
