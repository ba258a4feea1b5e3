"""The statistics of votes, against binomial tests computed by hand."""

import math

import pytest
from listening_votes import choosing, votes_content, write_votes
from synthetic_study import tiny_settings, write_study

from tuner.report.data import read
from tuner.report.listening import listening_test
from tuner.report.preferences import binomial, preferences
from tuner.report.votes import read_votes
from tuner.study.statistics import NOT_SHOWN, SHOWN, TOO_FEW_SEEDS

LOSSES, BCE, FOCAL = ("bce", "focal"), ("bce", "real"), ("focal", "real")


@pytest.fixture(scope="module")
def test(tmp_path_factory):
    folder = write_study(tmp_path_factory.mktemp("studies") / "made-up", tiny_settings(pieces=24, piece_steps=16))
    return listening_test(read(folder), 12)


def by_hand(wins, total):
    """Twice the probability of the smaller tail of `total` tosses of a fair coin."""
    tail = sum(math.comb(total, count) for count in range(min(wins, total - wins) + 1))
    return min(1.0, 2 * tail / 2**total)


def evaluate(test, tmp_path, **choices):
    """The preferences of listeners, each with choices for some pairs."""
    paths = [
        write_votes(tmp_path / f"{name}.json", votes_content(test, found, name)) for name, found in choices.items()
    ]
    return {found.names: found for found in preferences(test, read_votes(paths, test)[0])}


def test_the_exact_test_and_its_interval():
    assert binomial([1] * 11 + [-1]).p == pytest.approx(2 * 13 / 4096)
    assert binomial([1, -1]).p == 1
    found = binomial([1] * 5 + [0] * 3)
    assert (found.share, found.p) == (1, pytest.approx(2 / 32))
    assert (found.low, found.high) == (pytest.approx(0.025 ** (1 / 5)), 1)  # low ** 5 is the chance of five of five
    assert (binomial([0, 0]).share, binomial([]).low, binomial([]).high, binomial([]).p) == (None, 0, 1, 1)


def test_one_listener(test, tmp_path):
    choices = choosing(test, LOSSES, 2, 7, 3) | choosing(test, BCE, 0, 12) | choosing(test, FOCAL, 1, 11)
    found = evaluate(test, tmp_path, anna=choices)
    losses, bce, focal = (found[names] for names in (LOSSES, BCE, FOCAL))
    assert (losses.for_first, losses.for_second, losses.ties) == (2, 7, 3)
    assert losses.share == pytest.approx(2 / 9)  # of those that prefer one
    assert losses.p == pytest.approx(by_hand(2, 9)) == pytest.approx(2 * 46 / 512)
    assert (bce.p, focal.p) == (pytest.approx(2 / 4096), pytest.approx(26 / 4096))
    assert bce.adjusted == pytest.approx(3 * 2 / 4096)  # Holm: the least of three, then of two, then alone
    assert focal.adjusted == pytest.approx(2 * 26 / 4096)
    assert losses.adjusted == pytest.approx(by_hand(2, 9))
    assert all(each.by_pair == each.adjusted for each in found.values())  # of one listener
    assert [each.verdict for each in (losses, bce, focal)] == [NOT_SHOWN, SHOWN, SHOWN]
    assert (bce.listeners, bce.pairs) == (1, 12)


def test_several_listeners_of_the_same_pairs_and_each_pair_once(test, tmp_path):
    few = dict(list(choosing(test, LOSSES, 12, 0).items())[:4])
    found = evaluate(test, tmp_path, anna=few, boris=few, clara=few | choosing(test, BCE, 1, 0))[LOSSES]
    assert (found.listeners, found.pairs, found.for_first) == (3, 4, 12)
    assert (found.p, found.adjusted) == (pytest.approx(2 / 4096), pytest.approx(3 * 2 / 4096))
    assert found.by_pair == pytest.approx(3 * 2 / 16)
    assert found.verdict == TOO_FEW_SEEDS  # twelve votes that agree, but on four pairs


def test_a_preference_of_many_votes_on_few_pairs_is_not_shown(test, tmp_path):
    choices = choosing(test, LOSSES, 8, 4)
    found = evaluate(test, tmp_path, **{f"listener{number}": choices for number in range(4)})[LOSSES]
    assert found.adjusted == pytest.approx(3 * by_hand(32, 48)) and found.adjusted < 0.1
    more = evaluate(test, tmp_path, **{f"listener{number}": choices for number in range(9)})[LOSSES]
    assert more.adjusted < 0.05 < more.by_pair == pytest.approx(min(1, 3 * by_hand(8, 12)))
    assert more.verdict == NOT_SHOWN


def test_a_pair_on_which_listeners_disagree_counts_for_neither(test, tmp_path):
    found = evaluate(test, tmp_path, anna=choosing(test, LOSSES, 3, 0), boris=choosing(test, LOSSES, 2, 1))[LOSSES]
    assert (found.for_first, found.for_second) == (5, 1)
    assert found.by_pair == pytest.approx(1)  # two pairs that agree, and one undecided: 3 × 2 / 4


def test_votes_that_agree_but_are_too_few_and_comparisons_without_a_vote(test, tmp_path):
    found = evaluate(test, tmp_path, anna=choosing(test, LOSSES, 6, 0, 2))
    assert found[LOSSES].p == pytest.approx(2 / 64)
    assert found[LOSSES].adjusted == pytest.approx(6 / 64)  # corrected for the comparisons without a vote too
    assert found[LOSSES].verdict == TOO_FEW_SEEDS
    assert (found[BCE].listeners, found[BCE].share, found[BCE].adjusted, found[BCE].verdict) == (0, None, 1, NOT_SHOWN)
    assert evaluate(test, tmp_path, anna=choosing(test, LOSSES, 7, 0))[LOSSES].verdict == SHOWN  # 6 / 128
