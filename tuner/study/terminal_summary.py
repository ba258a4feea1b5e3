"""The result of a study in words and as a table for the terminal. Needs no framework."""

from collections.abc import Sequence

from tuner.study import factorial
from tuner.study.folder import COLLAPSED, DIVERGED, FINISHED, Comparison, Study, TuningRun
from tuner.study.measure_table import HIGHER, LOWER, MEASURES
from tuner.study.statistics import NOT_SHOWN, SHOWN, Pair, Summary, least_p

# Measures that the table shows, with short heads; and those that a sentence is made of, with what more of it means.
COLUMNS = {
    "nll": "test NLL",
    "pr_auc": "PR-AUC",
    "onset_f1": "onset F1",
    "ece": "ECE",
    "steps_to_copy": "steps to copy",
    "music_overlap": "music",
    "recall_rare": "rare recall",
}
TOLD = ("nll", "pr_auc", "onset_f1", "ece", "steps_to_copy", "curve_area", "music_overlap", "recall_rare")


def number(value: float | None) -> str:
    """A number with four digits, or a dash.

    >>> number(5.49642), number(0.000123456), number(224.0), number(None)
    ('5.496', '0.0001235', '224', '–')
    """
    return "–" if value is None else f"{value:.4g}"


def with_interval(summary: Summary) -> str:
    """A mean with its interval.

    >>> with_interval(Summary(runs=5, missing=0, mean=5.5, low=5.25, high=5.75, sd=0.3))
    '5.5 (5.25 to 5.75)'
    """
    if summary.mean is None:
        return "–"
    between = "" if summary.low is None else f" ({number(summary.low)} to {number(summary.high)})"
    return number(summary.mean) + between


def table(study: Study, comparison: Comparison) -> str:
    """The combinations, a line each: how their runs ended, and the means of `COLUMNS`."""
    lines = [f"{'':<26}{'runs':>6}" + "".join(f"{head:>15}" for head in COLUMNS.values())]
    for combination in study.combinations:
        name, outcomes = combination.name, comparison.outcomes[combination.name]
        means = (comparison.measures[measure].summaries[name].mean for measure in COLUMNS)
        ended = f"{outcomes[FINISHED]}/{sum(outcomes.values())}"
        lines.append(f"{name:<26}{ended:>6}" + "".join(f"{number(mean):>15}" for mean in means))
    return "\n".join(lines)


def sentences(study: Study, comparison: Comparison, tuning: Sequence[TuningRun]) -> list[str]:
    """The result in words: what ended well, what differs, how sure that is, and what limits it."""
    said = [_outcomes(comparison)]
    for measure in TOLD:
        found = comparison.measures[measure]
        for pair in (*found.losses, *found.optimizers):
            if pair.mean is not None:
                said.append(_difference(measure, pair))
    for measure in ("nll", "ece"):
        for pair in comparison.measures[measure].ablations:
            if pair.mean is not None:
                said.append(_difference(measure, pair))
    return said + _limits(study, comparison, tuning)


def headline(comparison: Comparison) -> str:
    """The sentence that answers the question: of the test NLL, losses before optimizers."""
    found = comparison.measures["nll"]
    pairs = [pair for pair in (*found.losses, *found.optimizers, *found.pairs) if pair.mean is not None]
    if not pairs:
        return _outcomes(comparison)
    return _difference("nll", next((pair for pair in pairs if pair.verdict == SHOWN), pairs[0]))


def _outcomes(comparison: Comparison) -> str:
    total = sum(sum(each.values()) for each in comparison.outcomes.values())
    parts = [f"{sum(each[FINISHED] for each in comparison.outcomes.values())} of {total} runs ended well"]
    for outcome in (COLLAPSED, DIVERGED):
        names = [f"{name} {each[outcome]}" for name, each in comparison.outcomes.items() if each[outcome]]
        if names:
            parts.append(f"{outcome}: {', '.join(names)}")
    if comparison.missing:
        parts.append(f"{comparison.missing} are not done yet")
    return "; ".join(parts) + "."


def _difference(measure: str, pair: Pair) -> str:
    """A paired difference, with all that is needed to doubt it."""
    about = MEASURES[measure]
    better = {LOWER: " (lower is better)", HIGHER: " (higher is better)"}.get(about.better, "")
    what = f"{about.label[0].upper()}{about.label[1:]}{better}, {pair.first} minus {pair.second}"
    unit = f" {about.unit}" if about.unit else ""
    between = "" if pair.low is None else f" (95 % interval {number(pair.low)} to {number(pair.high)})"
    test = f"p {pair.wilcoxon:.3g}, {pair.adjusted:.3g} after Holm's correction"
    seeds = f"{pair.seeds} seed{'s' * (pair.seeds != 1)}"
    return f"{what}: {number(pair.mean)}{unit}{between}, {seeds}, Wilcoxon {test}: {_verdict(pair)}."


def _verdict(pair: Pair) -> str:
    if pair.verdict in (SHOWN, NOT_SHOWN):
        return "a difference is shown" if pair.verdict == SHOWN else NOT_SHOWN
    return f"all seeds agree, but {pair.seeds} are too few for a test to show it"


def _limits(study: Study, comparison: Comparison, tuning: Sequence[TuningRun]) -> list[str]:
    """What the reader must know to weigh the numbers."""
    seeds = study.settings.study.seeds
    said = []
    if least_p(seeds) >= 0.05:
        said.append(
            f"With {seeds} seed{'s' * (seeds != 1)} the least p-value of a paired test is {least_p(seeds):.3g}: "
            "no difference can be shown at 0.05, however large."
        )
    rates = [run.settings["learning_rate"] for run in tuning]
    for name in dict.fromkeys(run.combination for run in tuning):
        own = [run for run in tuning if run.combination == name]
        rate = own[[run.run for run in own].index(factorial.best(own))].settings["learning_rate"]
        if len(set(rates)) > 1 and rate in (min(rates), max(rates)):
            said.append(
                f"The best learning rate of {name}, {rate:g}, lies at the edge of those tried: a wider range may "
                "serve it better."
            )
    return said
