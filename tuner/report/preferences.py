"""What the votes of a listening test say: an exact binomial test for each comparison."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

from scipy import stats

from tuner.report.listening_model import ListeningTest
from tuner.report.votes import Vote
from tuner.study.statistics import LEVEL, NOT_SHOWN, SHOWN, TOO_FEW_SEEDS, holm, least_p


@dataclasses.dataclass(frozen=True)
class Binomial:
    """An exact two-sided test that a share is a half; without a count, `share` is None, and nothing is known."""

    share: float | None = None
    low: float = 0.0  # of the Clopper–Pearson interval
    high: float = 1.0
    p: float = 1.0


@dataclasses.dataclass(frozen=True)
class Preference:
    """How often the first of two `names` was preferred to the second.

    Attributes:
        listeners: Who voted for at least one of the comparison's pairs.
        pairs: For which somebody voted.
        for_first, for_second, ties: Votes; ties say that there is no difference.
        share, low, high, p: `Binomial` of `for_first` in the votes that prefer one of the two.
        adjusted: `p` with Holm's correction for all comparisons of the test.
        by_pair: Like `adjusted`, but each pair counts once, for what most of its votes prefer: votes of several
            listeners for the same two excerpts are not independent.
        verdict: `SHOWN` if `adjusted` and `by_pair` are below 1 - LEVEL; `TOO_FEW_SEEDS` if all votes that prefer one
            agree, but are too few for that; else `NOT_SHOWN`.
    """

    names: tuple[str, str]
    listeners: int
    pairs: int
    for_first: int
    for_second: int
    ties: int
    share: float | None
    low: float
    high: float
    p: float
    adjusted: float
    by_pair: float
    verdict: str


def binomial(choices: Sequence[int]) -> Binomial:
    """The test of 1 (first) against −1 (second); 0 is left out.

    Reference:
        Clopper, Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the binomial".

    >>> found = binomial([1, 1, 1, 1, 1, -1, 0])
    >>> f"{found.share:.3f}, p = {found.p:.5f}"  # 2 × (1 + 6) / 64
    '0.833, p = 0.21875'
    """
    wins, total = choices.count(1), len(choices) - choices.count(0)
    if not total:
        return Binomial()
    found = stats.binomtest(wins, total)
    interval = found.proportion_ci(LEVEL, method="exact")
    return Binomial(wins / total, float(interval.low), float(interval.high), float(found.pvalue))


def preferences(test: ListeningTest, votes: Sequence[Vote]) -> list[Preference]:
    """The preferences in all comparisons of a test, tested together, also those without a vote."""
    own = [[vote for vote in votes if vote.pair.names == names] for names in test.comparisons]
    adjusted = holm([binomial([vote.choice for vote in each]).p for each in own])
    by_pair = holm([binomial(_majorities(each)).p for each in own])
    return [_preference(*each, len(own)) for each in zip(test.comparisons, own, adjusted, by_pair, strict=True)]


def _majorities(votes: Sequence[Vote]) -> list[int]:
    """For each pair 1 or −1, what most of its votes prefer, or 0."""
    totals: Counter[str] = Counter()
    for vote in votes:
        totals[vote.pair.id] += vote.choice
    return [(total > 0) - (total < 0) for total in totals.values()]


def _preference(
    names: tuple[str, str], votes: Sequence[Vote], adjusted: float, by_pair: float, comparisons: int
) -> Preference:
    choices, majorities = [vote.choice for vote in votes], _majorities(votes)
    found, decided = binomial(choices), len(majorities) - majorities.count(0)
    too_few = decided > 1 and found.share in (0, 1) and least_p(decided) * comparisons >= 1 - LEVEL
    return Preference(
        names=names,
        listeners=len({vote.listener for vote in votes}),
        pairs=len(majorities),
        for_first=choices.count(1),
        for_second=choices.count(-1),
        ties=choices.count(0),
        **dataclasses.asdict(found),
        adjusted=adjusted,
        by_pair=by_pair,
        verdict=SHOWN if max(adjusted, by_pair) < 1 - LEVEL else TOO_FEW_SEEDS if too_few else NOT_SHOWN,
    )
