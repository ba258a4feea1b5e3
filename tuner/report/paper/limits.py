"""What would change the answer of a plan's report, and its limits, from the data where they can tell."""

from tuner.report.language import N_, Language
from tuner.report.paper.controls import edges_of
from tuner.report.paper.data import PaperData
from tuner.report.paper.grids import label_of
from tuner.study import factorial
from tuner.study.statistics import LEVEL, least_p, summarise

STILL_FALLING = 0.02  # share of the gain in the last tenth of the epochs, above which a curve counts as not flat

GENERAL = (
    N_(
        "The seeds vary weights, windows and dropout, not the splits of a corpus: an interval of one corpus is of these"
        " pieces. Whether a finding holds in music that is not here, only the number of corpora can tell."
    ),
    N_(
        "The conditions of density change more than density: a finer grid has longer contexts of silence and held "
        "notes, and thinned pitches are other music. A trend over them is not the effect of rarity alone."
    ),
    N_(
        "The models are small, and of one architecture. The controls repeat some combinations with another head, size "
        "or schedule; where the two lowest and the two highest are repeated, their order is easier to keep than that of"
        " all."
    ),
    N_(
        "Tuning has one seed, and its budget is small: a loss or an optimizer with more settings has to find them with "
        "as many runs. NLL is not the ear: the music is judged apart."
    ),
)


def changes(paper: PaperData, language: Language) -> list[str]:
    """What would change the answer, one note each."""
    _, notes = language.gettext, []
    if paper.is_interim:
        left = [name for name in paper.plan.studies if name not in paper.finished]
        notes.append(_("The studies that are not finished: {names}.", names=", ".join(left)))
    if edges := _at_edges(paper, language):
        message = N_(
            "A better value beyond the edge of what tuning tried, which no value there can be said to exclude: {names}."
        )
        notes.append(_(message, names="; ".join(edges)))
    if falling := _still_falling(paper, language):
        message = N_(
            "A longer training, where the last tenth of the epochs still brought more than {share} of the gain: "
            "{names}."
        )
        notes.append(_(message, share=language.percent(STILL_FALLING, 0), names="; ".join(falling)))
    if short := _cut_short(paper):
        message = N_(
            "Longer tuning runs, where the chosen one took all its epochs, so that a value which learns more slowly "
            "may do better in a full run: {names}."
        )
        notes.append(_(message, names="; ".join(short)))
    corpora = len(paper.main)
    if corpora > 1 and least_p(corpora) >= 1 - LEVEL:
        message = N_(
            "More corpora: with {n}, a sign test over corpora cannot fall below p = {p}, so that beyond these corpora "
            "only tests that take their mean differences as normal can show anything."
        )
        notes.append(_(message, n=language.number(corpora), p=language.p(least_p(corpora))))
    return notes


def _at_edges(paper: PaperData, language: Language) -> list[str]:
    """Study and combination with the settings whose chosen value is at an edge."""
    found = []
    for name, data in paper.studies.items():
        for each in data.main:
            if edges := edges_of(data, each):
                found.append(f"{name}, {label_of(each, language)} ({', '.join(edges)})")
    return found


def _still_falling(paper: PaperData, language: Language) -> list[str]:
    """Study and combination whose curves had not flattened."""
    found = []
    for name, data in paper.main.items():
        for each in data.main:
            share = summarise(data.values("last_gain", each)).mean
            if share is not None and share > STILL_FALLING:
                found.append(f"{name}, {label_of(each, language)} ({language.percent(share)})")
    return found


def _cut_short(paper: PaperData) -> list[str]:
    """Study, with how many of its combinations have chosen a tuning run that took all its epochs."""
    found = []
    for name, data in paper.studies.items():
        config, taken = data.study.settings.study, []
        for each in data.main:
            own = [run for run in data.tuning if run.combination == each.name]
            if own:
                taken.append(own[factorial.best(own)].epochs >= (config.tuning_epochs or config.epochs))
        if any(taken):
            found.append(f"{name} ({sum(taken)}/{len(taken)})")
    return found
