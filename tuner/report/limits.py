"""The notes below the summary of a report on a study: what limits its results, and what an unfinished study lacks."""

from tuner.report.data import StudyData
from tuner.report.language import Language
from tuner.study import factorial
from tuner.study.statistics import LEVEL, least_p


def limits(data: StudyData, language: Language) -> list[str]:
    """What a reader must know to judge the results, one note each."""
    _, notes = language.gettext, []
    if data.seeds == 1:
        notes.append(
            _("With one run per combination there is no interval and no test: every difference may be due to chance.")
        )
    elif least_p(data.seeds) >= 1 - LEVEL:
        message = _(
            "With {n} seeds a paired test cannot give less than p = {p}: no difference can be significant at 0.05, "
            "however large. Only the intervals, and whether all seeds agree, can be considered."
        )
        notes.append(message.format(n=language.number(data.seeds), p=language.p(least_p(data.seeds))))
    if data.seeds > 1:
        notes.append(
            _(
                "Intervals are bootstrap intervals of the mean over the seeds; with few seeds they are too narrow (for "
                "five values they cover the true mean about 83 times in 100, not 95). Holm’s correction is for the "
                "pairs of one measure; each measure is tested on its own."
            )
        )
    for rate, names in _rates_at_the_edge(data, language).items():
        message = _(
            "The best learning rate, {rate}, lies at the edge of those tried for {names}: a wider range may be better."
        )
        notes.append(message.format(rate=language.tick(rate), names="; ".join(names)))
    notes.append(
        _(
            "The seeds vary weights, windows and dropout, not the data: the results are of this corpus, this size of "
            "model and this budget of tuning."
        )
    )
    return notes


def _rates_at_the_edge(data: StudyData, language: Language) -> dict[float, list[str]]:
    """Lowest and highest learning rate tried → the combinations for which it is the best."""
    edges: dict[float, list[str]] = {}
    rates = {tried for run in data.tuning if (tried := run.settings["learning_rate"]) is not None}
    for each in data.main:
        own = [run for run in data.tuning if run.combination == each.name]
        if own and len(rates) > 1:
            rate = next(run for run in own if run.run == factorial.best(own)).settings["learning_rate"]
            if rate is not None and rate in (min(rates), max(rates)):
                edges.setdefault(rate, []).append(language.combination(each))
    return edges


def missing(data: StudyData, language: Language) -> list[str]:
    """What an unfinished study lacks, one note each; empty if it is finished."""
    _, notes, unmeasured = language.gettext, [], []
    if count := data.missing_tuning:
        notes.append(
            language.ngettext("the first stage: {n} run of tuning", "the first stage: {n} runs of tuning", count)
        )
    for each in data.study.combinations:
        name, seeds = language.combination(each), data.missing.get(each.name, [])
        if len(seeds) == data.seeds:
            unmeasured.append(name)
        elif seeds:
            notes.append(_("{name}: seeds {seeds}", name=name, seeds=language.join([*map(str, seeds)])))
    if unmeasured:
        notes.append(_("all seeds of: {names}", names="; ".join(unmeasured)))
    if data.runs and not data.music:
        notes.append(_("the comparison of music with its ceiling (music.csv), which tuner.study writes at its end"))
    return notes
