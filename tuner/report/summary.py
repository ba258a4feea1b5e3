"""The first paragraph of a report on a study: the answer in language, with its uncertainty; and what limits it."""

from collections.abc import Callable, Sequence

from tuner.report.data import StudyData
from tuner.report.language import N_, Language, decimals_between
from tuner.study import factorial
from tuner.study.measure_table import HIGHER, LOWER, MEASURES
from tuner.study.results_model import COLLAPSED, DIVERGED, FINISHED
from tuner.study.statistics import LEVEL, NOT_SHOWN, SHOWN, TOO_FEW_SEEDS, Pair, least_p

QUESTION = "nll"  # the measure that answers it
# In which measures one loss is said to lose to another.
WEIGHED = (
    "nll",
    "pr_auc",
    "f1",
    "onset_f1",
    "ece",
    "ece_raw",
    "steps_to_copy",
    "curve_area",
    "gradient_ratio",
    "roughness",
    "step_density_error",
    "recall_rare",
    "music_overlap",
)
DIFFERENCES = {
    SHOWN: N_(
        "{subject} is lower with {better} than with {worse}, by {amount} nats per step (95 % "
        "interval {interval}; {seeds}; Wilcoxon’s test with Holm’s correction, {p}): a difference is "
        "shown."
    ),
    TOO_FEW_SEEDS: N_(
        "{subject} was lower with {better} than with {worse} at all of {n} seeds, by {amount} nats "
        "per step on average (95 % interval {interval}), but these are too few for a test to show a "
        "difference ({p})."
    ),
    NOT_SHOWN: N_(
        "{subject} shows no difference between {first} and {second}: {mean} nats per step on average "
        "(95 % interval {interval}; {seeds}; {p})."
    ),
}
MAX_PAIRS = 3  # of optimizers, or losses, that the paragraph goes through; else only those of the best


def paragraphs(data: StudyData, language: Language) -> list[str]:
    """The answer: how many runs there are, what is best, and what differs by how much; then where else a loss loses."""
    said = _intro(data, language)
    if not data.runs:
        return [" ".join([*said, language.gettext("No run has been measured yet.")])]
    study, found = data.study.settings.study, data.comparison.measures[QUESTION]
    said += _best(data, language)
    for pairs, name, averaged in (
        (
            found.losses,
            language.loss,
            language.gettext("Averaged over the optimizers, the test NLL")
            if len(study.optimizers) > 1
            else language.gettext("The test NLL"),
        ),
        (
            found.optimizers,
            language.optimizer,
            language.gettext("Averaged over the losses, the test NLL")
            if len(study.losses) > 1
            else language.gettext("The test NLL"),
        ),
    ):
        said += [difference(pair, language, name, averaged) for pair in _told(pairs) if pair.mean is not None]
    return [" ".join(said), *([" ".join(where)] if (where := _where(data, language)) else [])]


def _intro(data: StudyData, language: Language) -> list[str]:
    study, outcomes = data.study.settings.study, data.comparison.outcomes
    total = len(data.study.combinations) * data.seeds
    ended = sum(each[FINISHED] for each in outcomes.values())
    pieces = data.study.records["splits"]["test"]["pieces"]
    if len(data.main) > 1:
        losses, optimizers = (
            language.join(names)
            for names in ([*map(language.loss, study.losses)], [*map(language.optimizer, study.optimizers)])
        )
        parts = [
            language.gettext(
                "{losses} and {optimizers} were compared in every combination.",
                losses=language.ngettext("The loss {names}", "The losses {names}", len(study.losses), names=losses),
                optimizers=language.ngettext(
                    "the optimizer {names}", "the optimizers {names}", len(study.optimizers), names=optimizers
                ),
            )
        ]
    else:
        parts = [
            language.gettext(
                "Only {name} was trained: only the baselines can be compared with it.",
                name=language.combination(data.main[0]),
            )
        ]
    if data.seeds > 1:
        parts.append(
            language.ngettext(
                "Each combination is trained {times} from different random seeds and judged on {n} piece that no "
                "training sees.",
                "Each combination is trained {times} from different random seeds and judged on {n} pieces that no "
                "training sees.",
                pieces,
                times=language.ngettext("{n} time", "{n} times", data.seeds),
            )
        )
    else:
        parts.append(
            language.ngettext(
                "Each combination is trained once and judged on {n} piece that no training sees.",
                "Each combination is trained once and judged on {n} pieces that no training sees.",
                pieces,
            )
        )
    parts.append(
        language.ngettext(
            "{ended} of {n} run ended well.", "{ended} of {n} runs ended well.", total, ended=language.number(ended)
        )
    )
    for outcome, message in ((COLLAPSED, N_("Collapsed: {names}.")), (DIVERGED, N_("Diverged: {names}."))):
        bad = [name for name in outcomes if outcomes[name][outcome]]
        if bad:
            labels = [
                f"{language.combination(each)} ({outcomes[each.name][outcome]})"
                for each in data.study.combinations
                if each.name in bad
            ]
            parts.append(language.gettext(message, names=language.join(labels)))
    if data.comparison.missing:
        parts.append(
            language.gettext(
                "Still to do: {missing}, so all that follows is provisional.",
                missing=language.ngettext("{n} run", "{n} runs", data.comparison.missing),
            )
        )
    return parts


def _best(data: StudyData, language: Language) -> list[str]:
    """The combination with the lowest mean, beside the baselines."""
    summaries = data.comparison.measures[QUESTION].summaries
    there = [each for each in data.main if summaries[each.name].mean is not None]
    if not there:
        return [language.gettext("No run ended with a model that can be evaluated.")]
    best = min(there, key=lambda each: summaries[each.name].mean)
    found = summaries[best.name]
    between = language.interval(found.low, found.high)
    interval = f" ({language.gettext('95 % interval {interval}', interval=between)})" if between else ""
    message = N_("{name} has the lowest mean test NLL: {mean} nats per step{interval}")
    if len(there) == 1:
        message = N_("{name} has a test NLL of {mean} nats per step{interval}")
    said = language.gettext(
        message,
        name=language.combination(best),
        mean=language.mean(found)[0],
        interval=interval,
    )
    baselines = data.baselines.get("test")
    if baselines:
        numbers = {name: language.number(baselines[name]["nll"], 2) for name in ("copy_last_step", "note_frequency")}
        said += language.gettext(
            ", where copying the last step has {copy_last_step} and note frequency {note_frequency}", **numbers
        )
    return [said + "."]


def _told(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs to speak of: all when they are few, else those of the one that wins most."""
    if len(pairs) <= MAX_PAIRS:
        return list(pairs)
    wins: dict[str, int] = {}
    for pair in pairs:
        if pair.mean is not None:
            winner = pair.first if pair.mean < 0 else pair.second
            wins[winner] = wins.get(winner, 0) + 1
    best = max(wins, key=wins.__getitem__, default="")
    return [pair for pair in pairs if best in (pair.first, pair.second)]


def difference(pair: Pair, language: Language, name: Callable[[str], str], subject: str) -> str:
    """What a paired difference of the test NLL shows, in language.

    Args:
        pair: With a mean.
        language: The language.
        name: How its two are called.
        subject: What is compared, as a sentence begins.
    """
    better, worse = (pair.first, pair.second) if pair.mean < 0 else (pair.second, pair.first)
    if pair.low is None:
        amount = language.number(abs(pair.mean))
        return language.gettext(
            "{subject} was lower with {better} than with {worse} by {amount} nats per step at the only "
            "seed that both have: without an interval, this may be due to chance.",
            subject=subject,
            better=name(better),
            worse=name(worse),
            amount=amount,
        )
    decimals = decimals_between(pair.low, pair.high)
    low, high = (pair.low, pair.high) if pair.verdict not in (SHOWN, TOO_FEW_SEEDS) else _positive(pair)
    return language.gettext(
        DIFFERENCES[pair.verdict],
        subject=subject,
        better=name(better),
        worse=name(worse),
        first=name(pair.first),
        second=name(pair.second),
        amount=language.number(abs(pair.mean), decimals),
        mean=language.number(pair.mean, decimals),
        interval=language.interval(low, high, decimals),
        n=language.number(pair.seeds),
        seeds=language.ngettext("{n} seed", "{n} seeds", pair.seeds),
        p=language.p_equals(pair.adjusted),
    )


def _positive(pair: Pair) -> tuple[float, float]:
    """The interval of the better one's lead."""
    return (-pair.high, -pair.low) if pair.mean < 0 else (pair.low, pair.high)


def _where(data: StudyData, language: Language) -> list[str]:
    """In which measures each loss loses to each other: shown, in every seed, or not; and where optimizers disagree."""
    said = []
    averaged = (
        language.gettext(", averaged over the optimizers,") if len(data.study.settings.study.optimizers) > 1 else ""
    )
    pairs = data.comparison.measures[QUESTION].losses
    for index in range(len(pairs)):
        found: dict[tuple[str, str], list[str]] = {}
        open_ones = []
        for measure in WEIGHED:
            pair = data.comparison.measures[measure].losses[index]
            if pair.mean is None or (measure == "ece_raw" and pair.mean == 0):
                continue
            worse = _worse(pair, MEASURES[measure].better)
            if worse and pair.seeds > 1 and pair.verdict in (SHOWN, TOO_FEW_SEEDS):
                found.setdefault((worse, pair.verdict), []).append(_but(data, measure, pair, language))
            else:
                open_ones.append(language.head(measure))
        for (worse, verdict), names in found.items():
            other = pairs[index].second if worse == pairs[index].first else pairs[index].first
            message = N_(
                "At every seed, though too few to show it, {worse} was worse than {better}{averaged} in: {measures}."
            )
            if verdict == SHOWN:
                message = N_("It is shown that {worse} is worse than {better}{averaged} in: {measures}.")
            said.append(
                language.gettext(
                    message,
                    worse=language.loss(worse),
                    better=language.loss(other),
                    measures=_listed(names),
                    averaged=averaged,
                )
            )
        if open_ones and pairs[index].seeds > 1:
            names = {"first": language.loss(pairs[index].first), "second": language.loss(pairs[index].second)}
            said.append(
                language.gettext(
                    "No difference between {first} and {second} is shown in: {measures}.",
                    measures=_listed(open_ones),
                    **names,
                )
            )
    return said


def _but(data: StudyData, measure: str, pair: Pair, language: Language) -> str:
    """The measure's name, with the optimizers whose means differ the other way, which an average over them hides."""
    means = {(each.loss, each.optimizer): each.name for each in data.main}
    summaries = data.comparison.measures[measure].summaries
    other_way = []
    for optimizer in data.study.settings.study.optimizers:
        first, second = (summaries[means[loss, optimizer]].mean for loss in (pair.first, pair.second))
        if first is not None and second is not None and (first - second) * pair.mean < 0:
            other_way.append(language.optimizer(optimizer))
    return language.head(measure) + (
        language.gettext(" (the other way round with {names})", names=language.join(other_way)) if other_way else ""
    )


def _listed(names: Sequence[str]) -> str:
    return "; ".join(names)


def _worse(pair: Pair, better: str) -> str:
    """Which of a pair is worse; empty where neither is."""
    if not pair.mean or better not in (LOWER, HIGHER):
        return ""
    first_is_worse = (pair.mean > 0) == (better == LOWER)
    return pair.first if first_is_worse else pair.second


def limits(data: StudyData, language: Language) -> list[str]:
    """What the reader must know to weigh the numbers."""
    said = []
    seeds = data.seeds
    if seeds == 1:
        said.append(
            language.gettext(
                "With one run per combination there is no interval and no test: every difference may be due to chance."
            )
        )
    elif least_p(seeds) >= 1 - LEVEL:
        said.append(
            language.gettext(
                "With {n} seeds a paired test cannot give less than p = {p}: no difference can be "
                "significant at 0.05, however large. Only the intervals, and whether all seeds agree, can be "
                "considered.",
                n=language.number(seeds),
                p=language.p(least_p(seeds)),
            )
        )
    if seeds > 1:
        said.append(
            language.gettext(
                "Intervals are bootstrap intervals of the mean over the seeds; with few seeds they are too "
                "narrow (for five values they cover the true mean about 83 times in 100, not 95). Holm’s "
                "correction is for the pairs of one measure; each measure is tested on its own."
            )
        )
    edges: dict[float, list[str]] = {}
    rates = {run.settings["learning_rate"] for run in data.tuning}
    for each in data.main:
        own = [run for run in data.tuning if run.combination == each.name]
        if not own:
            continue
        rate = next(run for run in own if run.run == factorial.best(own)).settings["learning_rate"]
        if len(rates) > 1 and rate in (min(rates), max(rates)):
            edges.setdefault(rate, []).append(language.combination(each))
    said += [
        language.gettext(
            "The best learning rate, {rate}, lies at the edge of those tried for {names}: a wider range may be better.",
            names="; ".join(names),
            rate=language.tick(rate),
        )
        for rate, names in edges.items()
    ]
    return [
        *said,
        language.gettext(
            "The seeds vary weights, windows and dropout, not the data: the results are of this corpus, "
            "this size of model and this budget of tuning."
        ),
    ]


def missing(data: StudyData, language: Language) -> list[str]:
    """What an unfinished study lacks, a line each; empty when it is finished."""
    said = []
    if data.missing_tuning:
        said.append(
            language.ngettext(
                "the first stage: {n} run of tuning", "the first stage: {n} runs of tuning", data.missing_tuning
            )
        )
    wholly = []
    for each in data.study.combinations:
        seeds = data.missing.get(each.name, [])
        if len(seeds) == data.seeds:
            wholly.append(language.combination(each))
        elif seeds:
            numbers = language.join([*map(str, seeds)])
            said.append(language.gettext("{name}: seeds {seeds}", name=language.combination(each), seeds=numbers))
    if wholly:
        said.append(language.gettext("all seeds of: {names}", names="; ".join(wholly)))
    if data.runs and not data.music:
        said.append(
            language.gettext(
                "the comparison of music with its ceiling (music.csv), which tuner.study writes at its end"
            )
        )
    return said
