"""The first paragraph of a report on a study: the answer in words, with its uncertainty; and what limits it."""

from collections.abc import Callable, Sequence

from tuner.report.data import StudyData
from tuner.report.language import Words, decimals_between
from tuner.study import factorial
from tuner.study.folder import COLLAPSED, DIVERGED, FINISHED
from tuner.study.measure_table import HIGHER, LOWER, MEASURES
from tuner.study.statistics import LEVEL, SHOWN, TOO_FEW_SEEDS, Pair, least_p

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
MOST_PAIRS = 3  # of optimizers, or losses, that the paragraph goes through; else only those of the best


def paragraphs(data: StudyData, words: Words) -> list[str]:
    """The answer: how many runs there are, what is best, and what differs by how much; then where else a loss loses."""
    said = _intro(data, words)
    if not data.runs:
        return [" ".join([*said, words("nothing_yet")])]
    study, found = data.study.settings.study, data.comparison.measures[QUESTION]
    said += _best(data, words)
    for pairs, name, averaged in (
        (found.losses, words.loss, "over_optimizers" if len(study.optimizers) > 1 else "subject"),
        (found.optimizers, words.optimizer, "over_losses" if len(study.losses) > 1 else "subject"),
    ):
        said += [difference(pair, words, name, words(averaged)) for pair in _told(pairs) if pair.mean is not None]
    return [" ".join(said), *([" ".join(where)] if (where := _where(data, words)) else [])]


def _intro(data: StudyData, words: Words) -> list[str]:
    study, outcomes = data.study.settings.study, data.comparison.outcomes
    total = len(data.study.combinations) * data.seeds
    ended = sum(each[FINISHED] for each in outcomes.values())
    pieces = words.count(data.study.records["splits"]["test"]["pieces"], "pieces_on")
    if len(data.main) > 1:
        losses, optimizers = (
            words.join(names) for names in ([*map(words.loss, study.losses)], [*map(words.optimizer, study.optimizers)])
        )
        parts = [
            words(
                "compared",
                losses=words("the_losses" if len(study.losses) > 1 else "the_loss", names=losses),
                optimizers=words("the_optimizers" if len(study.optimizers) > 1 else "the_optimizer", names=optimizers),
            )
        ]
    else:
        parts = [words("one_combination", name=words.combination(data.main[0]))]
    times = words.count(data.seeds, "times")
    parts += [
        words("trained" if data.seeds > 1 else "trained_once", times=times, pieces=pieces),
        words("ended", ended=words.number(ended), total=words.count(total, "runs_of")),
    ]
    for outcome in (COLLAPSED, DIVERGED):
        bad = [name for name in outcomes if outcomes[name][outcome]]
        if bad:
            labels = [
                f"{words.combination(each)} ({outcomes[each.name][outcome]})"
                for each in data.study.combinations
                if each.name in bad
            ]
            parts.append(words(outcome, names=words.join(labels)))
    if data.comparison.missing:
        parts.append(words("unfinished", missing=words.count(data.comparison.missing, "runs")))
    return parts


def _best(data: StudyData, words: Words) -> list[str]:
    """The combination with the lowest mean, beside the baselines."""
    summaries = data.comparison.measures[QUESTION].summaries
    there = [each for each in data.main if summaries[each.name].mean is not None]
    if not there:
        return [words("nothing_judged")]
    best = min(there, key=lambda each: summaries[each.name].mean)
    found = summaries[best.name]
    between = words.interval(found.low, found.high)
    said = words(
        "best" if len(there) > 1 else "only",
        name=words.combination(best),
        mean=words.mean(found)[0],
        interval=f" ({words('interval', interval=between)})" if between else "",
    )
    baselines = data.baselines.get("test")
    if baselines:
        numbers = {name: words.number(baselines[name]["nll"], 2) for name in ("copy_last_step", "note_frequency")}
        said += words("beside_baselines", **numbers)
    return [said + "."]


def _told(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs to speak of: all when they are few, else those of the one that wins most."""
    if len(pairs) <= MOST_PAIRS:
        return list(pairs)
    wins: dict[str, int] = {}
    for pair in pairs:
        if pair.mean is not None:
            winner = pair.first if pair.mean < 0 else pair.second
            wins[winner] = wins.get(winner, 0) + 1
    best = max(wins, key=wins.__getitem__, default="")
    return [pair for pair in pairs if best in (pair.first, pair.second)]


def difference(pair: Pair, words: Words, name: Callable[[str], str], subject: str) -> str:
    """What a paired difference of the test NLL shows, in words.

    Args:
        pair: With a mean.
        words: The language.
        name: How its two are called.
        subject: What is compared, as a sentence begins.
    """
    better, worse = (pair.first, pair.second) if pair.mean < 0 else (pair.second, pair.first)
    if pair.low is None:
        amount = words.number(abs(pair.mean))
        return words("single", subject=subject, better=name(better), worse=name(worse), amount=amount)
    decimals = decimals_between(pair.low, pair.high)
    low, high = (pair.low, pair.high) if pair.verdict not in (SHOWN, TOO_FEW_SEEDS) else _positive(pair)
    keys = {SHOWN: "shown", TOO_FEW_SEEDS: "too_few"}
    return words(
        keys.get(pair.verdict, "not_shown"),
        subject=subject,
        better=name(better),
        worse=name(worse),
        first=name(pair.first),
        second=name(pair.second),
        amount=words.number(abs(pair.mean), decimals),
        mean=words.number(pair.mean, decimals),
        interval=words.interval(low, high, decimals),
        seeds=words.count(pair.seeds, "seeds"),
        in_seeds=words.count(pair.seeds, "in_seeds"),
        p=words.p_equals(pair.adjusted),
    )


def _positive(pair: Pair) -> tuple[float, float]:
    """The interval of the better one's lead."""
    return (-pair.high, -pair.low) if pair.mean < 0 else (pair.low, pair.high)


def _where(data: StudyData, words: Words) -> list[str]:
    """In which measures each loss loses to each other: shown, in every seed, or not; and where optimizers disagree."""
    said = []
    averaged = words("averaged") if len(data.study.settings.study.optimizers) > 1 else ""
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
                found.setdefault((worse, pair.verdict), []).append(_but(data, measure, pair, words))
            else:
                open_ones.append(words.head(measure))
        for (worse, verdict), names in found.items():
            other = pairs[index].second if worse == pairs[index].first else pairs[index].first
            key = "loses" if verdict == SHOWN else "loses_in_all_seeds"
            said.append(
                words(
                    key, worse=words.loss(worse), better=words.loss(other), measures=_listed(names), averaged=averaged
                )
            )
        if open_ones and pairs[index].seeds > 1:
            names = {"first": words.loss(pairs[index].first), "second": words.loss(pairs[index].second)}
            said.append(words("undecided", measures=_listed(open_ones), **names))
    return said


def _but(data: StudyData, measure: str, pair: Pair, words: Words) -> str:
    """The measure's name, with the optimizers whose means differ the other way, which an average over them hides."""
    means = {(each.loss, each.optimizer): each.name for each in data.main}
    summaries = data.comparison.measures[measure].summaries
    other_way = []
    for optimizer in data.study.settings.study.optimizers:
        first, second = (summaries[means[loss, optimizer]].mean for loss in (pair.first, pair.second))
        if first is not None and second is not None and (first - second) * pair.mean < 0:
            other_way.append(words.optimizer(optimizer))
    return words.head(measure) + (words("other_way", names=words.join(other_way)) if other_way else "")


def _listed(names: Sequence[str]) -> str:
    return "; ".join(names)


def _worse(pair: Pair, better: str) -> str:
    """Which of a pair is worse; empty where neither is."""
    if not pair.mean or better not in (LOWER, HIGHER):
        return ""
    first_is_worse = (pair.mean > 0) == (better == LOWER)
    return pair.first if first_is_worse else pair.second


def limits(data: StudyData, words: Words) -> list[str]:
    """What the reader must know to weigh the numbers."""
    said = []
    seeds = data.seeds
    if seeds == 1:
        said.append(words("one_seed"))
    elif least_p(seeds) >= 1 - LEVEL:
        said.append(words("few_seeds", seeds=words.count(seeds, "seeds"), p=words.p(least_p(seeds))))
    if seeds > 1:
        said.append(words("narrow"))
    edges: dict[float, list[str]] = {}
    rates = {run.settings["learning_rate"] for run in data.tuning}
    for each in data.main:
        own = [run for run in data.tuning if run.combination == each.name]
        if not own:
            continue
        rate = next(run for run in own if run.run == factorial.best(own)).settings["learning_rate"]
        if len(rates) > 1 and rate in (min(rates), max(rates)):
            edges.setdefault(rate, []).append(words.combination(each))
    said += [words("edge", names="; ".join(names), rate=words.tick(rate)) for rate, names in edges.items()]
    return [*said, words("one_corpus")]


def missing(data: StudyData, words: Words) -> list[str]:
    """What an unfinished study lacks, a line each; empty when it is finished."""
    said = []
    if data.missing_tuning:
        said.append(words("missing_tuning", runs=words.count(data.missing_tuning, "runs")))
    wholly = []
    for each in data.study.combinations:
        seeds = data.missing.get(each.name, [])
        if len(seeds) == data.seeds:
            wholly.append(words.combination(each))
        elif seeds:
            numbers = words.join([*map(str, seeds)])
            said.append(words("missing_runs", name=words.combination(each), seeds=numbers))
    if wholly:
        said.append(words("missing_wholly", names="; ".join(wholly)))
    if data.runs and not data.music:
        said.append(words("missing_music"))
    return said
