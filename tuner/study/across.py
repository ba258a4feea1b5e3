"""Statistics over corpora and seeds: which differences hold everywhere, ranks over blocks, a mixed model.

Values are `values[corpus][combination]`, one a seed, None where a run has none. There are two questions. **Of these
corpora:** seeds are what is drawn, blocks are corpus × seed, and each corpus has its own interval over its seeds.
**Of music in general:** corpora are what is drawn, and the seeds of one only make its mean more certain; n is the
number of corpora. Every result says which question it answers. With n corpora no sign or signed-rank test of
a pair can fall below 2 / 2^n (0.125 for four) in the second question, whatever the number of seeds. Friedman's test of
three or more combinations can, and so can tests that take the mean differences of the corpora as normal, such as
Student's t and the mixed model.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from tuner.study.mixed_model import MixedModel, fit_or_reason
from tuner.study.rank_test import RankTest, rank_test
from tuner.study.settings import Combination
from tuner.study.statistics import LEVEL, Summary, holm, interval, least_p, sign_p, summarise

Values = Mapping[str, Mapping[str, Sequence[float | None]]]  # corpus → combination → a value a seed
# (first, second) → corpus → the values of both
Pairs = Mapping[tuple[str, str], Mapping[str, tuple[Sequence[float | None], Sequence[float | None]]]]
RESAMPLES = 9999
ROUNDING = 1e-9  # of a mean: a standard deviation below this share is no spread

HOLDS, REVERSED, OPEN = "holds", "reversed", "not shown"  # what a corpus says of a difference


@dataclasses.dataclass(frozen=True)
class Difference:
    """The difference of two combinations, first minus second within each seed, over the corpora.

    Attributes:
        corpora: Corpus → its mean difference over the seeds that both have, with Student's t interval; its `missing`
            are the other seeds.
        mean: Mean of the corpora's means, each with the same weight; None if no corpus has one.
        low, high: Its t interval with n = corpora: of music in general; None for fewer than two, or if they are equal.
        p: Two-sided p-value of the t test on the corpora's means, n = corpora; 1 without a test.
        adjusted: After Holm's correction for all pairs.
        sign: Of the sign test over corpora; at least `least`.
        least: What the sign test can give at best with so many corpora.
        bootstrap: Interval of `mean` when corpora are drawn with replacement and then seeds within each; with fewer
            than some ten corpora it is too narrow. None as for `low`.
        says: Corpus → `HOLDS` where its interval lies on the same side of 0 as `mean`, `REVERSED` where it lies on the
            other, `OPEN` where it holds 0 or there is none, where a seed is missing, or where all seeds agree to the
            last digit.
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
        losses: Each loss with each, averaged over the optimizers that both have within a seed.
        optimizers: Each optimizer with each, averaged over the losses that both have within a seed.
        blocks: Rank test over corpus × seed: of these corpora. None without a block that all combinations have.
        corpora: Rank test over the corpora, of means over the seeds: of music in general.
        model: The mixed model of losses and optimizers; None where it cannot be fit.
        no_model: Why there is none; "" if there is one.
        left_out: Corpus → the seeds that are not compared, as a run of theirs is not done.

    Combinations with a change are in `differences`, `blocks` and `corpora` alone.
    """

    differences: list[Difference]
    losses: list[Difference]
    optimizers: list[Difference]
    blocks: RankTest | None
    corpora: RankTest | None
    model: MixedModel | None
    no_model: str = ""
    left_out: dict[str, list[int]] = dataclasses.field(default_factory=dict)


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
    plain = [each for each in combinations if not each.change]
    rows = [
        (corpus, each.loss, each.optimizer, seed, value)
        for corpus, found in table.items()
        for each in plain
        for seed, value in enumerate(found[each.name])
        if value is not None
    ]
    names = [each.name for each in combinations]
    blocks = {name: [value for found in table.values() for value in found[name]] for name in names}
    means = {name: [summarise(found[name]).mean for found in table.values()] for name in names}
    model, no_model = fit_or_reason(rows)
    return Across(
        differences=compare_across(table),
        losses=_compare(_averaged(table, [(each.loss, each.optimizer, each.name) for each in plain])),
        optimizers=_compare(_averaged(table, [(each.optimizer, each.loss, each.name) for each in plain])),
        blocks=rank_test(blocks, lower_is_better),
        corpora=rank_test(means, lower_is_better),
        model=model,
        no_model=no_model,
    )


def _averaged(values: Values, cells: Sequence[tuple[str, str, str]]) -> Pairs:
    """Each pair of groups, averaged for each seed over what both were combined with; None if one value is None.

    `cells` are (group, what it is combined with, name of the combination).
    """
    groups: dict[str, dict[str, str]] = {}
    for group, other, name in cells:
        groups.setdefault(group, {})[other] = name
    found = {}
    for pair in itertools.combinations(groups, 2):
        first, second = (groups[group] for group in pair)
        if common := [other for other in first if other in second]:
            found[pair] = {
                corpus: (_mean([rows[first[key]] for key in common]), _mean([rows[second[key]] for key in common]))
                for corpus, rows in values.items()
            }
    return found


def _mean(rows: Sequence[Sequence[float | None]]) -> list[float | None]:
    return [None if None in column else float(np.mean(column)) for column in zip(*rows, strict=True)]


def compare_across(values: Values) -> list[Difference]:
    """The paired difference of each combination with each, in each corpus and over them."""
    pairs = itertools.combinations(next(iter(values.values()), {}), 2)
    return _compare(
        {(one, other): {corpus: (rows[one], rows[other]) for corpus, rows in values.items()} for one, other in pairs}
    )


def _compare(pairs: Pairs) -> list[Difference]:
    """The differences of pairs, corrected together."""
    found = [{corpus: _paired(*rows) for corpus, rows in by_corpus.items()} for by_corpus in pairs.values()]
    p_values = [
        _t_test([np.mean(there) for each in by_corpus.values() if (there := _there(each))]) for by_corpus in found
    ]
    return [
        _difference(pair, by_corpus, p, adjusted)
        for pair, by_corpus, p, adjusted in zip(pairs, found, p_values, holm(p_values), strict=True)
    ]


def _paired(first: Sequence[float | None], second: Sequence[float | None]) -> list[float | None]:
    pairs = zip(first, second, strict=True)
    return [None if one is None or other is None else one - other for one, other in pairs]


def _there(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _flat(values: Sequence[Any]) -> bool:
    """Whether values are equal up to rounding."""
    return len(values) > 0 and float(np.ptp(values)) <= ROUNDING * float(np.abs(values).max())


def _t_test(values: Sequence[Any]) -> float:
    """Two-sided p-value of Student's t test that the mean is 0."""
    if len(values) < 2 or _flat(values):
        return 1.0
    return float(stats.ttest_1samp(values, 0.0).pvalue)


def _difference(pair: tuple[str, str], seeds: dict[str, list[float | None]], p: float, adjusted: float) -> Difference:
    """The comparison of two combinations, from their differences in each corpus."""
    corpora = {corpus: summarise(found) for corpus, found in seeds.items()}
    means = [each.mean for each in corpora.values() if each.mean is not None]
    mean = float(np.mean(means)) if means else None
    low, high = (None, None) if _flat(means) else interval(means) or (None, None)
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
        bootstrap=hierarchical_interval([_there(found) for found in seeds.values()]),
        says={corpus: OPEN if _flat(_there(seeds[corpus])) else _says(each, mean) for corpus, each in corpora.items()},
    )


def _says(found: Summary, mean: float | None) -> str:
    """What a corpus says of a difference whose mean over all corpora is `mean`."""
    if found.missing or found.low is None or found.high is None or not mean or found.low <= 0 <= found.high:
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
    """The differences as rows of a table: a pair's n, mean and interval per corpus and over them, and the verdict."""
    rows = []
    for each in (*found.losses, *found.optimizers, *found.differences):
        parts: list[tuple[str, Summary | Difference, str]] = [
            (corpus, summary, each.says[corpus]) for corpus, summary in each.corpora.items()
        ]
        for corpus, part, says in [*parts, ("all", each, each.verdict)]:
            n = part.runs if isinstance(part, Summary) else sum(one.mean is not None for one in each.corpora.values())
            numbers = {"n": n, "mean": part.mean, "low": part.low, "high": part.high}
            rows.append({"first": each.first, "second": each.second, "corpus": corpus} | numbers | {"says": says})
    return rows
