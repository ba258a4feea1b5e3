"""Friedman's test over blocks, with its pairs of combinations."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

from scipy import stats

from tuner.study.statistics import Ranks, holm, rank


@dataclasses.dataclass(frozen=True)
class RankTest:
    """Ranks of the combinations over blocks, and each pair compared by the difference of their mean ranks.

    Attributes:
        ranks: `Ranks.seeds` is the number of blocks.
        pairs: (first, second, difference of the mean ranks, two-sided p-value of its normal score, the same after
            Holm's correction); empty where `ranks` has no test.
    """

    ranks: Ranks
    pairs: list[tuple[str, str, float, float, float]]


def rank_test(values: Mapping[str, Sequence[float | None]], lower_is_better: bool = True) -> RankTest | None:
    """Friedman's test over blocks, `values[combination]` having one value a block, and its pairs.

    A block without any value is left out; None if there is no other, or fewer than two combinations.

    Reference:
        Demšar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets", section 3.2.2: the normal score
        of a pair is the difference of its mean ranks over √(k (k + 1) / 6 n).
    """
    columns = [column for column in zip(*values.values(), strict=True) if any(value is not None for value in column)]
    if not columns or len(values) < 2:
        return None
    names = list(values)
    found = rank({name: [column[i] for column in columns] for i, name in enumerate(names)}, lower_is_better)
    if found.p is None:
        return RankTest(found, [])
    error = math.sqrt(len(names) * (len(names) + 1) / (6 * len(columns)))
    pairs = list(itertools.combinations(names, 2))
    gaps = [found.mean[one] - found.mean[other] for one, other in pairs]
    p_values = [float(2 * stats.norm.sf(abs(gap) / error)) for gap in gaps]
    compared = zip(pairs, gaps, p_values, holm(p_values), strict=True)
    return RankTest(found, [(*pair, gap, p, adjusted) for pair, gap, p, adjusted in compared])
