"""Whether the order of the combinations is the same in a study that repeats some of them under other settings."""

import dataclasses
from typing import Any

from scipy import stats

from pianoroll_tf.settings import to_dict
from tuner.report.paper.data import PaperData, values
from tuner.study.settings import Combination
from tuner.study.statistics import summarise

BUDGET = {"combinations", "losses", "optimizers", "seeds", "pieces", "piece_steps"} | {
    *("tuning_runs", "most_tuning_runs", "tuning_epochs", "epochs", "patience"),
}  # settings that differ by the plan, and are no change of the model or its training


@dataclasses.dataclass(frozen=True)
class Agreement:
    """The order of the combinations in a study and in the one it repeats.

    Attributes:
        after: Name of the study it repeats.
        changes: Settings that differ: name → value.
        orders: The combinations that both have, from the lowest mean test NLL to the highest; in the study it repeats,
            and in this one.
        tau: Kendall's rank correlation; None for fewer than two combinations.
        p: Its two-sided p-value.
    """

    name: str
    after: str
    changes: dict[str, Any]
    orders: tuple[list[Combination], list[Combination]]
    tau: float | None
    p: float | None


def agreements(paper: PaperData) -> list[Agreement]:
    """One for each study that repeats another and has begun."""
    return [_agreement(paper, name) for name in paper.controls]


def _agreement(paper: PaperData, name: str) -> Agreement:
    planned, data = paper.planned(name), paper.studies[name]
    earlier = paper.studies.get(planned.after)
    means: dict[Combination, tuple[float, float]] = {}
    for each in data.main:
        if earlier is not None and each in earlier.main:
            one, other = (summarise(values(study, each)).mean for study in (earlier, data))
            if one is not None and other is not None:
                means[each] = one, other
    tau = p = None
    if len(means) > 1:
        found = stats.kendalltau(*zip(*means.values(), strict=True))
        tau, p = float(found.statistic), float(found.pvalue)
    before = sorted(means, key=lambda each: means[each][0])
    now = sorted(means, key=lambda each: means[each][1])
    changes = _changes(to_dict(paper.planned(planned.after).settings), to_dict(planned.settings))
    return Agreement(name, planned.after, changes, (before, now), tau, p)


def _changes(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Settings of `now` that differ, but for those of the budget."""
    return {
        name: value
        for section, entries in now.items()
        for name, value in entries.items()
        if name not in BUDGET and value != before[section][name]
    }
