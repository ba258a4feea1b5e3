"""Statistics over corpora and seeds: which differences hold everywhere, ranks over blocks, a mixed model.

Values are `values[corpus][combination]`, one a seed, None where a run has none. There are two questions. **Of these
corpora:** seeds are what is drawn, blocks are corpus × seed, and each corpus has its own interval over its seeds.
**Of music in general:** corpora are what is drawn, and the seeds of one only make its mean more certain; n is the
number of corpora. Every result says which question it answers. With n corpora no sign or rank test of the second
question can fall below 2 / 2^n (0.125 for four), whatever the number of seeds; only tests that take the mean
differences of the corpora as normal, such as Student's t and the mixed model, can.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from tuner.study.mixed_model import MixedModel, fit
from tuner.study.rank_test import RankTest, rank_test
from tuner.study.settings import Combination
from tuner.study.statistics import LEVEL, Summary, holm, interval, least_p, sign_p, summarise

Values = Mapping[str, Mapping[str, Sequence[float | None]]]  # corpus → combination → a value a seed
RESAMPLES = 9999

HOLDS, REVERSED, OPEN = "holds", "reversed", "not shown"  # what a corpus says of a difference


@dataclasses.dataclass(frozen=True)
class Difference:
    """The difference of two combinations, first minus second within each seed, over the corpora.

    Attributes:
        corpora: Corpus → its mean difference over the seeds that both have, with Student's t interval.
        mean: Mean of the corpora's means, each with the same weight; None if no corpus has one.
        low, high: Its t interval with n = corpora: of music in general; None for fewer than two.
        p: Two-sided p-value of the t test on the corpora's means, n = corpora; 1 without a test.
        adjusted: After Holm's correction for all pairs.
        sign: Of the sign test over corpora; at least `least`.
        least: What the sign test can give at best with so many corpora.
        bootstrap: Interval of `mean` when corpora are drawn with replacement and then seeds within each; with fewer
            than some ten corpora it is too narrow. None as for `low`.
        says: Corpus → `HOLDS` where its interval lies on the same side of 0 as `mean`, `REVERSED` where it lies on the
            other, `OPEN` where it holds 0 or there is none.
    """

    first: str
    second: str
    corpora: dict[str, Summary]
    mean: float | None
    low: float | None
    high: float | None
    p: float
    adjusted: float
    sign: float
    least: float
    bootstrap: tuple[float, float] | None
    says: dict[str, str]

    @property
    def holds_everywhere(self) -> bool:
        """Whether every corpus shows the same difference.

        As each must, no correction for their number is due (an intersection-union test).
        """
        return all(said == HOLDS for said in self.says.values())

    @property
    def verdict(self) -> str:
        """In words: "holds everywhere", or in which corpora it does not."""
        if self.holds_everywhere:
            return "holds everywhere"
        parts = {REVERSED: "reversed in", OPEN: "not shown in"}
        found = {kind: [corpus for corpus, said in self.says.items() if said == kind] for kind in parts}
        return "; ".join(f"{words} {', '.join(found[kind])}" for kind, words in parts.items() if found[kind])


@dataclasses.dataclass(frozen=True)
class Across:
    """The comparison of combinations over corpora; its lists of differences are each corrected by themselves.

    Attributes:
        differences: Each combination with each.
        losses: Each loss with each, averaged over the optimizers within a seed.
        optimizers: Each optimizer with each, averaged over the losses within a seed.
        blocks: Rank test over corpus × seed: of these corpora. None without a block that all combinations have.
        corpora: Rank test over the corpora, of means over the seeds: of music in general.
        model: The mixed model of losses and optimizers; None where it cannot be fit.
    """

    differences: list[Difference]
    losses: list[Difference]
    optimizers: list[Difference]
    blocks: RankTest | None
    corpora: RankTest | None
    model: MixedModel | None


def relative(values: Values, baselines: Mapping[str, float]) -> dict[str, dict[str, list[float | None]]]:
    """The values of each corpus as logarithms of their ratio to a baseline's, such as the NLL of copying the last step.

    So corpora of unlike difficulty have one scale. A difference of two combinations is the logarithm of their own
    ratio, whatever the baseline: -0.02 is 2 % less.

    Raises:
        ValueError: A value or a baseline is not above 0.

    >>> relative({"jsb": {"bce-adam": [4.0, None]}}, {"jsb": 8.0})["jsb"]["bce-adam"][0].__round__(4)
    -0.6931
    """
    found = [value for each in values.values() for row in each.values() for value in row if value is not None]
    lowest = min([*found, *(baselines[corpus] for corpus in values)], default=1.0)
    if not lowest > 0:
        raise ValueError(f"values and baselines must be > 0 for their ratio. Received: {lowest}")
    return {
        corpus: {
            name: [None if value is None else math.log(value / baselines[corpus]) for value in row]
            for name, row in each.items()
        }
        for corpus, each in values.items()
    }


def across(values: Values, combinations: Sequence[Combination], lower_is_better: bool = True) -> Across:
    """Compares combinations (without ablations) over corpora by all the tests of this module.

    `values` should be on one scale, as by `relative`; a missing value has the worst rank of its block.
    """
    table = {corpus: {each.name: list(rows[each.name]) for each in combinations} for corpus, rows in values.items()}
    rows = [
        (corpus, each.loss, each.optimizer, seed, value)
        for corpus, found in table.items()
        for each in combinations
        for seed, value in enumerate(found[each.name])
        if value is not None
    ]
    names = [each.name for each in combinations]
    blocks = {name: [value for found in table.values() for value in found[name]] for name in names}
    means = {name: [summarise(found[name]).mean for found in table.values()] for name in names}
    return Across(
        differences=compare_across(table),
        losses=compare_across(_averaged(table, {each.name: each.loss for each in combinations})),
        optimizers=compare_across(_averaged(table, {each.name: each.optimizer for each in combinations})),
        blocks=rank_test(blocks, lower_is_better),
        corpora=rank_test(means, lower_is_better),
        model=fit(rows),
    )


def _averaged(values: Values, groups: Mapping[str, str]) -> dict[str, dict[str, list[float | None]]]:
    """The mean of each group of combinations (name → group) for each seed; None if one of them has none."""
    return {
        corpus: {
            group: [
                None if None in column else float(np.mean(column))
                for column in zip(*(rows[name] for name in groups if groups[name] == group), strict=True)
            ]
            for group in dict.fromkeys(groups.values())
        }
        for corpus, rows in values.items()
    }


def compare_across(values: Values) -> list[Difference]:
    """The paired difference of each combination with each, in each corpus and over them."""
    names = list(next(iter(values.values()), {}))
    pairs = list(itertools.combinations(names, 2))
    found = [{corpus: _paired(rows[one], rows[other]) for corpus, rows in values.items()} for one, other in pairs]
    p_values = [_t_test([np.mean(each) for each in by_corpus.values() if each]) for by_corpus in found]
    return [
        _difference(pair, by_corpus, p, adjusted)
        for pair, by_corpus, p, adjusted in zip(pairs, found, p_values, holm(p_values), strict=True)
    ]


def _paired(first: Sequence[float | None], second: Sequence[float | None]) -> list[float]:
    pairs = zip(first, second, strict=True)
    return [one - other for one, other in pairs if one is not None and other is not None]


def _t_test(values: Sequence[Any]) -> float:
    """Two-sided p-value of Student's t test that the mean is 0."""
    if len(values) < 2 or np.ptp(values) == 0:
        return 1.0
    return float(stats.ttest_1samp(values, 0.0).pvalue)


def _difference(pair: tuple[str, str], seeds: dict[str, list[float]], p: float, adjusted: float) -> Difference:
    """The comparison of two combinations, from their differences in each corpus."""
    corpora = {corpus: summarise(found) for corpus, found in seeds.items()}
    means = [each.mean for each in corpora.values() if each.mean is not None]
    mean = float(np.mean(means)) if means else None
    low, high = interval(means) or (None, None)
    return Difference(
        *pair,
        corpora=corpora,
        mean=mean,
        low=low,
        high=high,
        p=p,
        adjusted=adjusted,
        sign=sign_p(means),
        least=least_p(len(means)),
        bootstrap=hierarchical_interval(list(seeds.values())),
        says={corpus: _says(each, mean) for corpus, each in corpora.items()},
    )


def _says(found: Summary, mean: float | None) -> str:
    """What a corpus says of a difference whose mean over all corpora is `mean`."""
    if found.low is None or found.high is None or not mean or found.low <= 0 <= found.high:
        return OPEN
    return HOLDS if (found.low > 0) == (mean > 0) else REVERSED


def hierarchical_interval(groups: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """Percentile interval of the mean of the groups' means, when groups and then their values are drawn again.

    Empty groups are left out; None for fewer than two others.

    Reference:
        Davison, Hinkley 1997, "Bootstrap Methods and their Application", section 3.8.
    """
    filled = [np.asarray(group, np.float64) for group in groups if len(group)]
    if len(filled) < 2:
        return None
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(filled), size=(RESAMPLES, len(filled)))
    means = np.empty(drawn.shape)
    for number, group in enumerate(filled):
        places = drawn == number
        means[places] = group[rng.integers(len(group), size=(places.sum(), len(group)))].mean(axis=1)
    low, high = np.quantile(means.mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def table_rows(found: Across) -> list[dict[str, Any]]:
    """The differences as rows of a table: a pair's mean and interval in each corpus and over them, and the verdict."""
    rows = []
    for each in (*found.losses, *found.optimizers, *found.differences):
        parts: list[tuple[str, Summary | Difference, str]] = [
            (corpus, summary, each.says[corpus]) for corpus, summary in each.corpora.items()
        ]
        for corpus, part, says in [*parts, ("all", each, each.verdict)]:
            numbers = {"mean": part.mean, "low": part.low, "high": part.high}
            rows.append({"first": each.first, "second": each.second, "corpus": corpus} | numbers | {"says": says})
    return rows
