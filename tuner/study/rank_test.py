"""Friedman's test over blocks, and Wilcoxon's signed-rank test of each pair of combinations."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from tuner.study.statistics import Ranks, holm, rank, wilcoxon_p

FEW = 15  # blocks up to which the chi-squared distribution is not trusted
RESAMPLES = 9999


@dataclasses.dataclass(frozen=True)
class RankTest:
    """Ranks of the combinations over blocks, and each pair compared.

    Attributes:
        ranks: `Ranks.seeds` is the number of blocks. With at most `FEW` blocks its p-value is that of permuting the
            ranks within each block, from `RESAMPLES` permutations, so at least 0.0001.
        pairs: (first, second, difference of the mean ranks, two-sided p-value of Wilcoxon's signed-rank test over the
            blocks, the same after Holm's correction for all pairs).
    """

    ranks: Ranks
    pairs: list[tuple[str, str, float, float, float]]


def rank_test(values: Mapping[str, Sequence[float | None]], lower_is_better: bool = True) -> RankTest | None:
    """Friedman's test over blocks, `values[combination]` having one value a block, and its pairs.

    A missing value is worse than all others, by more than any other difference. A block without any value is left out;
    None if there is no other, or fewer than two combinations.

    Reference:
        Demšar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets", sections 3.1.3 and 3.2.2.
    """
    columns = [column for column in zip(*values.values(), strict=True) if any(value is not None for value in column)]
    if not columns or len(values) < 2:
        return None
    names = list(values)
    found = rank({name: [column[i] for column in columns] for i, name in enumerate(names)}, lower_is_better)
    sign = 1 if lower_is_better else -1
    table = np.array([[math.inf if x is None else sign * x for x in column] for column in columns], np.float64)
    if found.p is not None and len(columns) <= FEW:
        found = dataclasses.replace(found, p=_permuted_p(stats.rankdata(table, axis=1)))
    pairs = list(itertools.combinations(names, 2))
    gaps = [found.mean[one] - found.mean[other] for one, other in pairs]
    p_values = [wilcoxon_p(_differences(*both)) for both in itertools.combinations(table.T, 2)]
    compared = zip(pairs, gaps, p_values, holm(p_values), strict=True)
    return RankTest(found, [(*pair, gap, p, adjusted) for pair, gap, p, adjusted in compared])


def _permuted_p(ranks: np.ndarray) -> float:
    """P-value of Friedman's statistic for ranks [block, combination], by permuting them within blocks."""
    drawn = np.random.default_rng(0).permuted(np.broadcast_to(ranks, (RESAMPLES, *ranks.shape)), axis=2)
    # The statistic grows with the squared sums of ranks; the rest of it is the same for all permutations
    found, seen = np.sum(drawn.sum(axis=1) ** 2, axis=1), np.sum(ranks.sum(axis=0) ** 2)
    return float((1 + np.count_nonzero(found >= seen - 1e-9)) / (1 + RESAMPLES))


def _differences(first: np.ndarray, second: np.ndarray) -> list[float]:
    """First minus second; where one of them is missing (infinite), larger than all others, and 0 where both are."""
    both = np.isfinite(first) & np.isfinite(second)
    gaps = first[both] - second[both]
    most = 1 + max(np.abs(gaps), default=0.0)
    signs = np.isinf(first[~both]).astype(float) - np.isinf(second[~both])
    return [*gaps.tolist(), *(most * signs).tolist()]
