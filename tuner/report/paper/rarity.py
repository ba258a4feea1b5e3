"""Whether a loss gains on BCE as sounding cells become rarer: its advantage in each condition of density, its trend.

The advantage of a loss is how much lower its test NLL is than that of BCE, in per cent of the NLL of copying the last
step, within a seed.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from tuner.report.data import StudyData
from tuner.report.paper.data import combinations, relative
from tuner.study.settings import ZERO_BIAS, Combination
from tuner.study.statistics import LEVEL, Pair, compare_rows

RESAMPLES = 9999
MIN_CONDITIONS = 3
# Name of an advantage → loss that is better if it is positive, loss that is worse, change of both
ADVANTAGES = {
    "focal": ("focal", "bce", ""),
    "weighted_bce": ("weighted_bce", "bce", ""),
    "focal-zero-bias": ("focal", "bce", ZERO_BIAS),
}
# Pairs that are tested over all conditions, first minus second
TESTED = {
    "focal − weighted_bce": (("focal", ""), ("weighted_bce", "")),
    "focal − bce": (("focal", ""), ("bce", "")),
    "weighted_bce − bce": (("weighted_bce", ""), ("bce", "")),
    "focal − bce, zero-bias": (("focal", ZERO_BIAS), ("bce", ZERO_BIAS)),
}


@dataclasses.dataclass(frozen=True)
class Trend:
    """Spearman's rank correlation of an advantage with the density, over conditions and seeds.

    Attributes:
        rho: Negative if the advantage grows as cells become rarer.
        p: One-sided, of a permutation test that permutes the conditions within each seed.
        values: How many there are.
        conditions: In how many conditions.
        can_show: Whether there are enough arrangements, and conditions, for the test to show anything.
    """

    rho: float
    p: float
    values: int
    conditions: int
    can_show: bool

    @property
    def is_shown(self) -> bool:
        """Whether the test shows that the advantage grows."""
        return self.can_show and self.p < 1 - LEVEL


def combination_of(data: StudyData, loss: str, change: str) -> Combination | None:
    """The combination of a study with this loss and change, of its first optimizer that has one."""
    return next((each for each in data.main if (each.loss, each.change) == (loss, change)), None)


def advantage(data: StudyData, name: str) -> list[float | None]:
    """An entry of `ADVANTAGES` in one condition, one value a seed; empty if the study does not have both losses."""
    better, worse, change = ADVANTAGES[name]
    pair = combination_of(data, better, change), combination_of(data, worse, change)
    if pair[0] is None or pair[1] is None:
        return []
    columns = zip(relative(data, pair[1]), relative(data, pair[0]), strict=True)
    return [None if high is None or low is None else high - low for high, low in columns]


def trend(densities: Sequence[float], advantages: Sequence[Sequence[float | None]]) -> Trend | None:
    """The trend of the advantages (one list of a value a seed for each condition); None without two conditions.

    >>> found = trend([0.01, 0.02, 0.04], [[3.0, 3.5], [2.0, 2.5], [1.0, 1.5]])
    >>> round(found.rho, 3), round(found.p, 2)  # one of 6 · 6 arrangements
    (-0.956, 0.03)
    """
    points = [
        (seed, density, value)
        for density, row in zip(densities, advantages, strict=True)
        for seed, value in enumerate(row)
        if value is not None
    ]
    conditions = len({density for _, density, _ in points})
    if conditions < 2:
        return None
    seeds, density, value = (np.array(column) for column in zip(*points, strict=True))
    by_density, by_value = (stats.rankdata(column) for column in (density, value))
    if np.ptp(by_value) == 0:
        return Trend(0.0, 1.0, len(points), conditions, can_show=False)
    rng, shuffled = np.random.default_rng(0), np.tile(by_value, (RESAMPLES, 1))
    groups = [np.flatnonzero(seeds == seed) for seed in np.unique(seeds)]
    for places in groups:
        shuffled[:, places] = rng.permuted(shuffled[:, places], axis=1)
    centred = by_density - by_density.mean()
    scale = np.sqrt((centred**2).sum() * ((by_value - by_value.mean()) ** 2).sum())
    rho, others = float(by_value @ centred / scale), shuffled @ centred / scale
    p = float((1 + (others <= rho + 1e-12).sum()) / (1 + RESAMPLES))
    arrangements = math.prod(math.factorial(len(places)) for places in groups)
    return Trend(rho, p, len(points), conditions, conditions >= MIN_CONDITIONS and 1 / arrangements < 1 - LEVEL)


def trend_of(studies: Mapping[str, StudyData], name: str = "focal") -> Trend | None:
    """The trend of an entry of `ADVANTAGES` over the studies of density."""
    rows = [(data.study.records["density"], advantage(data, name)) for data in studies.values()]
    return trend([density for density, _ in rows], [row for _, row in rows])


def tested(studies: Mapping[str, StudyData]) -> dict[str, tuple[Combination, Combination, Pair]]:
    """Entry of `TESTED` → its combinations and their difference over conditions and seeds, tested together."""
    rows: dict[tuple[str, str], tuple[list[float | None], list[float | None]]] = {}
    pairs = {}
    for label, names in TESTED.items():
        first, second = ([value for data in studies.values() for value in _of(data, *name)] for name in names)
        every = combinations(studies.values())
        found = [next((each for each in every if (each.loss, each.change) == name), None) for name in names]
        if found[0] is not None and found[1] is not None:
            key = (found[0].name, found[1].name)
            rows[key] = first, second
            pairs[key] = (label, found[0], found[1])
    return {pairs[key][0]: (*pairs[key][1:], pair) for key, pair in zip(rows, compare_rows(rows), strict=True)}


def _of(data: StudyData, loss: str, change: str) -> list[float | None]:
    found = combination_of(data, loss, change)
    return [None] * data.seeds if found is None else relative(data, found)
