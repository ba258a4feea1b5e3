"""The mixed model against tests that are exact in designs without gaps."""

import math

import numpy as np
import pytest
from scipy import stats

from tuner.study.mixed_model import fit, fit_or_reason


def rows_of(table):
    """Rows from values [corpus, loss, optimizer, seed]."""
    return [(f"c{c}", f"l{loss}", f"o{opt}", s, float(value)) for (c, loss, opt, s), value in np.ndenumerate(table)]


def design(corpora=4, losses=2, optimizers=3, seeds=5):
    """Values in which every random effect is much larger than what it is made of, so that no variance is 0."""
    rng = np.random.default_rng(3)
    shape = (corpora, losses, optimizers, seeds)
    sizes = {
        (corpora, 1, 1, 1): 9.0,
        (corpora, losses, 1, 1): 1.0,
        (corpora, 1, optimizers, 1): 1.0,
        (corpora, losses, optimizers, 1): 0.3,
        (corpora, 1, 1, seeds): 0.3,
        shape: 0.02,
    }
    noise = sum(size * np.broadcast_to(rng.normal(size=part), shape) for part, size in sizes.items())
    return noise + np.array([0.0, 3.0])[:, None, None] + np.array([0.0, 1.0, 4.0])[None, :, None]


def test_two_losses_are_the_paired_t_test_over_corpora():
    """The seeds and optimizers of a corpus are averaged: n = 4, not 4 × 5 × 3."""
    table = design()
    means = table.mean(axis=(2, 3))  # [corpus, loss]
    oracle = stats.ttest_rel(means[:, 0], means[:, 1])
    found = fit(rows_of(table))
    effect = next(each for each in found.effects if each.name == "loss")
    assert (effect.numerator, effect.denominator, found.corpora, found.runs) == (1, 3, 4, 120)
    assert effect.f == pytest.approx(oracle.statistic**2, rel=1e-3)
    assert effect.p == pytest.approx(oracle.pvalue, rel=1e-3)
    contrast = next(each for each in found.contrasts if each.effect == "loss")
    assert (contrast.first, contrast.second, contrast.adjusted) == ("l0", "l1", contrast.p)
    assert contrast.mean == pytest.approx(np.mean(means[:, 0] - means[:, 1]))
    assert (contrast.low, contrast.high) == pytest.approx(tuple(oracle.confidence_interval(0.95)), rel=1e-3)


def test_optimizers_and_interaction_are_the_f_tests_of_the_analysis_of_variance():
    """F = mean square of the effect over that of its interaction with the corpora."""
    table = design()
    cells = table.mean(axis=3)  # [corpus, loss, optimizer]
    by_optimizer = cells.mean(axis=1)
    gap = by_optimizer - by_optimizer.mean(axis=1, keepdims=True)
    effect = 4 * np.sum(gap.mean(axis=0) ** 2) / 2
    rest = np.sum((gap - gap.mean(axis=0)) ** 2) / 6
    found = {each.name: each for each in fit(rows_of(table)).effects}
    assert found["optimizer"].f == pytest.approx(effect / rest, rel=1e-3)
    assert (found["optimizer"].numerator, found["optimizer"].denominator) == (2, 6)

    both = cells - cells.mean(axis=1, keepdims=True) - cells.mean(axis=2, keepdims=True)
    both = both + cells.mean(axis=(1, 2), keepdims=True)
    effect = 4 * np.sum(both.mean(axis=0) ** 2) / 2
    rest = np.sum((both - both.mean(axis=0)) ** 2) / 6
    assert found["loss:optimizer"].f == pytest.approx(effect / rest, rel=1e-3)
    assert found["loss:optimizer"].p == pytest.approx(stats.f.sf(effect / rest, 2, 6), rel=1e-3)


def test_variances_that_are_none_are_estimated_as_none():
    """Corpora that differ in level alone: no effect depends on the corpus, and nothing fails at the boundary."""
    rng = np.random.default_rng(0)
    table = (
        rng.normal(size=(4, 1, 1, 1)) * 5 + np.array([0.0, 0.5])[:, None, None] + rng.normal(size=(4, 2, 3, 5)) * 0.1
    )
    found = fit(rows_of(table))
    assert found.deviations["corpus"] == pytest.approx(np.std(table.mean(axis=(1, 2, 3)), ddof=1), rel=0.01)
    assert found.deviations["rest"] == pytest.approx(0.1, rel=0.15)
    assert all(found.deviations[name] < 0.06 for name in ("corpus:loss", "corpus:optimizer", "corpus:seed"))
    effects = {each.name: each.p for each in found.effects}
    assert effects["loss"] < 0.001 < 0.05 < effects["optimizer"]
    [contrast] = [each for each in found.contrasts if each.effect == "loss"]
    assert contrast.low < -0.5 < contrast.high < -0.4


def test_a_gap_in_the_design_changes_little():
    table, whole = design(), fit(rows_of(design()))
    rows = [row for row in rows_of(table) if row[:4] != ("c1", "l0", "o2", 4)]
    found = fit(rows)
    assert found.runs == 119
    assert found.contrasts[0].mean == pytest.approx(whole.contrasts[0].mean, abs=0.01)


def test_one_seed_and_one_loss_leave_out_what_cannot_be_estimated():
    found = fit(rows_of(design(seeds=1)))
    assert set(found.deviations) == {"corpus", "corpus:loss", "corpus:optimizer", "rest"}
    table = design()[:, :1]
    found = fit(rows_of(table))
    assert [each.name for each in found.effects] == ["optimizer"]
    assert set(found.deviations) == {"corpus", "corpus:optimizer", "corpus:seed", "rest"}
    assert [(each.first, each.second) for each in found.contrasts] == [("o0", "o1"), ("o0", "o2"), ("o1", "o2")]
    assert all(each.adjusted >= each.p for each in found.contrasts)


def test_no_model_without_corpora_levels_or_a_combination():
    table = design()
    assert fit([]) is None
    assert fit(rows_of(table[:1])) is None
    assert fit(rows_of(table[:, :1, :1])) is None
    assert fit(rows_of(np.zeros((3, 2, 1, 2)))) is None
    assert fit_or_reason(rows_of(table[:1])) == (None, "fewer than two corpora")
    diagonal = [row for row in rows_of(table) if row[1:3] in (("l0", "o0"), ("l1", "o1"))]
    assert fit_or_reason(diagonal)[1].startswith("no two losses with the same optimizer")


def test_the_largest_complete_design_is_fit_and_the_rest_is_named():
    """A third loss with one optimizer alone, as the plan has it, changes nothing of the other six combinations."""
    rows = rows_of(design())
    more = [(corpus, "l2", optimizer, seed, value) for corpus, loss, optimizer, seed, value in rows if loss == "l0"]
    found = fit(rows[:3] + [row for row in more if row[2] == "o0"] + rows[3:])
    assert found.left_out == [("l2", "o0")]
    whole = fit(rows)
    assert (found.contrasts, found.runs, whole.left_out) == (whole.contrasts, 120, [])
    assert fit([row for row in rows if row[1:3] != ("l1", "o2")]).left_out == [("l0", "o2")]


@pytest.mark.parametrize("seed_effect", [0.0, 0.7])
def test_effects_without_spread_have_no_test(seed_effect):
    """The same differences of losses and optimizers in every corpus and seed; then of the optimizers alone."""
    shape = np.indices((3, 2, 3, 4))
    table = 0.3 * shape[0] + 0.1 * shape[1] + 0.7 * shape[2] + seed_effect * shape[3] ** 2
    reason = "an effect without any spread over corpora and seeds"
    assert fit_or_reason(rows_of(table)) == (None, reason)
    assert fit_or_reason(rows_of(table + 0.2 * shape[0] ** 2 * shape[1])) == (None, reason)
    noise = np.random.default_rng(0).normal(size=table.shape)
    assert fit_or_reason(rows_of(table + 1e-3 * noise))[1] == ""


def test_the_values_of_the_f_test_by_hand():
    """Three corpora with differences 1, 2 and 3 of two losses: t = 2 / (1 / √3), F = 12."""
    table = np.array([[[[0.0]], [[1.0]]], [[[5.0]], [[7.0]]], [[[9.0]], [[12.0]]]])
    [effect] = fit(rows_of(table)).effects
    assert effect.f == pytest.approx(12.0, rel=1e-4)
    assert effect.p == pytest.approx(2 * stats.t.sf(math.sqrt(12), 2), rel=1e-4)
