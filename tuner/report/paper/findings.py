"""What the studies of the corpora say of losses and optimizers, by the tests of the plan. Needs no framework.

Values are the test NLL in per cent of that of copying the last step, so that the corpora have one scale. Blocks are
corpus × seed: Wilcoxon's signed-rank test over them, with Holm's correction for all pairs, is of these corpora. The
mean difference over the corpora and its interval, with n = corpora, and the mixed model are of music in general.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from tuner.report.data import StudyData
from tuner.report.paper.data import combinations, relative, values
from tuner.study.across import REVERSED, Difference, compare_across
from tuner.study.mixed_model import MixedModel, fit
from tuner.study.settings import Combination
from tuner.study.statistics import SHOWN, TOO_FEW_SEEDS, Pair, Ranks, Summary, compare, rank, summarise

# What is said of a difference: shown in each corpus; shown over all corpora together, but not in each; some corpora
# show it the other way round; too few runs for the test; not shown
EVERYWHERE, OVERALL, DIFFERS, TOO_FEW, OPEN = "everywhere", "overall", "differs", "too few", "open"
BASE_LOSS = "bce"

Studies = Mapping[str, StudyData]


@dataclasses.dataclass(frozen=True)
class Finding:
    """The difference of two combinations, first minus second.

    Attributes:
        difference: In per cent of copying's NLL, in each corpus and over them.
        nats: Corpus → the difference in nats per step.
        pair: Over all blocks; its `adjusted` is corrected for all pairs of combinations.
    """

    first: Combination
    second: Combination
    difference: Difference
    nats: dict[str, Summary]
    pair: Pair

    @property
    def state(self) -> str:
        """What is said of it: one of the five words above."""
        if REVERSED in self.difference.says.values():
            return DIFFERS
        if self.pair.verdict == SHOWN:
            return EVERYWHERE if self.difference.holds_everywhere else OVERALL
        return TOO_FEW if self.pair.verdict == TOO_FEW_SEEDS else OPEN

    @property
    def mean(self) -> float:
        """Mean over the corpora, per cent of copying's NLL."""
        return self.difference.mean or 0.0

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its interval over the corpora; of a single corpus over its seeds; None without one."""
        found: Difference | Summary = self.difference
        if found.low is None and len(self.difference.corpora) == 1:
            [found] = self.difference.corpora.values()
        return None if found.low is None or found.high is None else (found.low, found.high)


def find(studies: Studies) -> dict[tuple[str, str], Finding]:
    """Names of two combinations → their difference, for every two that share a corpus and a seed, in both orders."""
    every = combinations(studies.values())
    blocks = {
        each.name: [value for data in studies.values() for value in _there(data, each)] for each in every
    }  # [combination][corpus × seed]
    pairs = {(pair.first, pair.second): pair for pair in compare(blocks)}
    found = {}
    for one, other in itertools.combinations(every, 2):
        for first, second in ((one, other), (other, one)):
            pair = pairs[one.name, other.name]
            if pair.mean is not None:
                found[first.name, second.name] = _finding(studies, first, second, pair)
    return found


def _there(data: StudyData, combination: Combination) -> list[float | None]:
    return relative(data, combination) if combination in data.main else [None] * data.seeds


def _finding(studies: Studies, first: Combination, second: Combination, pair: Pair) -> Finding:
    shared = {name: data for name, data in studies.items() if {first, second} <= set(data.main)}
    table = {name: {each.name: relative(data, each) for each in (first, second)} for name, data in shared.items()}
    paired = {name: rows for name, rows in table.items() if _both(*rows.values())}
    [difference] = compare_across(paired)
    nats = {
        name: summarise([a - b for a, b in _both(values(studies[name], first), values(studies[name], second))])
        for name in paired
    }
    return Finding(first, second, difference, nats, pair)


def _both(one: Sequence[float | None], other: Sequence[float | None]) -> list[tuple[float, float]]:
    return [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]


def loss_pairs(every: Sequence[Combination]) -> dict[str, list[tuple[Combination, Combination]]]:
    """Loss → its pairs with BCE (else with the first loss), one for each optimizer that both have."""
    every = [each for each in every if not each.change]
    losses = list(dict.fromkeys(each.loss for each in every))
    base = BASE_LOSS if BASE_LOSS in losses else next(iter(losses), "")
    by_key = {(each.loss, each.optimizer): each for each in every}
    found = {
        loss: [(each, by_key[base, each.optimizer]) for each in every if each.loss == loss and _has(by_key, base, each)]
        for loss in losses
        if loss != base
    }
    return {loss: pairs for loss, pairs in sorted(found.items(), key=lambda entry: -len(entry[1])) if pairs}


def _has(by_key: Mapping[tuple[str, str], Combination], base: str, each: Combination) -> bool:
    return (base, each.optimizer) in by_key


def optimizer_pairs(every: Sequence[Combination]) -> dict[tuple[str, str], list[tuple[Combination, Combination]]]:
    """Two optimizers, the later first → the pairs of combinations that differ in them alone, one for each loss."""
    every = [each for each in every if not each.change]
    optimizers = list(dict.fromkeys(each.optimizer for each in every))
    by_key = {(each.loss, each.optimizer): each for each in every}
    losses = list(dict.fromkeys(each.loss for each in every))
    found = {
        (later, earlier): [
            (by_key[loss, later], by_key[loss, earlier])
            for loss in losses
            if (loss, later) in by_key and (loss, earlier) in by_key
        ]
        for earlier, later in itertools.combinations(optimizers, 2)
    }
    return {names: pairs for names, pairs in found.items() if pairs}


def mixed_model(studies: Studies) -> MixedModel | None:
    """The mixed model, of the losses that were trained with every optimizer; None: it cannot be fit."""
    every = [each for each in combinations(studies.values()) if not each.change]
    optimizers = {each.optimizer for each in every}
    complete = {each.loss for each in every if {one.optimizer for one in every if one.loss == each.loss} == optimizers}
    rows = [
        (name, each.loss, each.optimizer, seed, value)
        for name, data in studies.items()
        for each in data.main
        if each.loss in complete and not each.change
        for seed, value in enumerate(relative(data, each))
        if value is not None
    ]
    return fit(rows)


def block_ranks(studies: Studies) -> Ranks | None:
    """Ranks over the blocks of corpus and seed whose runs are all done, diverged ones last; None without a block."""
    every = combinations(studies.values())
    blocks = [
        [relative(data, each)[seed] for each in every]
        for data in studies.values()
        if set(every) <= set(data.main)
        for seed in range(data.seeds)
        if all(seed not in data.missing.get(each.name, []) for each in every)
    ]
    if not blocks or len(every) < 2:
        return None
    return rank({each.name: list(column) for each, column in zip(every, zip(*blocks, strict=True), strict=True)})
