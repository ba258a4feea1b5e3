"""Tables with studies as rows and combinations as columns, and those of pairs, tests, density and tuning."""

from collections.abc import Mapping, Sequence

from pianoroll_tf.choices import label
from tuner.report.data import StudyData
from tuner.report.language import DASH, N_, Language
from tuner.report.page import Cell, Table
from tuner.report.paper.answer import Findings, state_in_words
from tuner.report.paper.data import PaperData, combinations, copy_nll
from tuner.report.paper.findings import Finding, block_ranks, loss_pairs, mixed_model, optimizer_pairs
from tuner.report.tables import OUTCOMES, VERDICTS
from tuner.study.measures import MEASURES
from tuner.study.results_model import COLLAPSED, DIVERGED
from tuner.study.settings import Combination
from tuner.study.statistics import Summary

EFFECTS = {"loss": N_("loss"), "optimizer": N_("optimizer"), "loss:optimizer": N_("loss × optimizer")}


def study_cell(paper: PaperData, name: str, language: Language) -> Cell:
    """The name of a study as a row's head; marked as interim unless it is finished."""
    if name in paper.finished:
        return name
    data = paper.studies[name]
    done = language.gettext(
        "interim: {done} of {all} runs", done=len(data.runs), all=data.seeds * len(data.study.combinations)
    )
    return name, done


def caption(text: str, paper: PaperData, names: Sequence[str], language: Language) -> str:
    """The caption of a table; of one with unfinished studies it says so, with the date."""
    if set(names) <= paper.finished:
        return text
    return language.gettext("{caption} (interim, {date})", caption=text, date=paper.date)


def head(combination: Combination, language: Language) -> str:
    """A combination as a column's head, which may break."""
    return language.combination(combination).replace("\u00a0", " ")


def grid(
    paper: PaperData, studies: Mapping[str, StudyData], measure: str, language: Language, marked: bool = False
) -> Table:
    """The means of a measure with their intervals.

    With `marked`, the baselines come first and the lowest mean of each row is marked.
    """
    every, rows = combinations(studies.values()), []
    for name, data in studies.items():
        found = data.comparison.measures[measure].summaries
        means = {each: mean for each in data.main if (mean := found[each.name].mean) is not None}
        lowest = min(means, key=means.__getitem__) if marked and len(means) > 1 else None
        row: list[Cell] = [study_cell(paper, name, language)]
        if marked:
            note = data.baselines.get("test", {}).get("note_frequency", {}).get("nll")
            row += [language.number(copy_nll(data), 3), language.number(note, 3)]
        row += [_mean_cell(data, each, measure, each == lowest, language) for each in every]
        rows.append(row)
    baselines = [language.gettext(text) for text in ("copy the last step", "note frequency")] if marked else []
    heads = [language.gettext("study"), *baselines, *(head(each, language) for each in every)]
    text = capitalized(language.measure(measure, with_unit=True))
    if marked:
        text = language.gettext("{measure}: mean over the seeds and its 95 % interval", measure=text)
    return Table(caption(text, paper, list(studies), language), heads, rows)


def capitalized(text: str) -> str:
    """A text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def _mean_cell(data: StudyData, each: Combination, measure: str, is_lowest: bool, language: Language) -> Cell:
    found = data.comparison.measures[measure].summaries.get(each.name)
    if found is None or each not in data.main:
        return DASH
    mean, small = language.mean(found)
    lines = [small] if small else []
    if found.missing or (found.runs == 1 and mean != DASH):
        lines.append(language.gettext("{runs} of {all} runs", runs=found.runs, all=found.runs + found.missing))
    if is_lowest:
        lines.append(language.gettext("lowest"))
    return (mean, "\n".join(lines)) if lines else mean


def outcomes(paper: PaperData, studies: Mapping[str, StudyData], language: Language) -> Table:
    """How the runs ended: the number of runs, and of those that did not end well."""
    every, rows = combinations(studies.values()), []
    for name, data in studies.items():
        row: list[Cell] = [study_cell(paper, name, language)]
        for each in every:
            found = data.comparison.outcomes.get(each.name)
            if found is None:
                row.append(DASH)
                continue
            bad = [f"{language.gettext(OUTCOMES[end])}: {found[end]}" for end in (COLLAPSED, DIVERGED) if found[end]]
            row.append((str(sum(found.values())), "\n".join(bad)))
        rows.append(row)
    heads = [language.gettext("study"), *(head(each, language) for each in every)]
    return Table(
        caption(language.gettext("Runs, and those that did not end well"), paper, list(studies), language), heads, rows
    )


def listed(paper: PaperData, findings: Findings) -> list[Finding]:
    """The pairs of interest: each loss with BCE, each optimizer with each, both with the other the same."""
    every = combinations(paper.main.values())
    groups = [*loss_pairs(every).values(), *optimizer_pairs(every).values()]
    keys = dict.fromkeys((one.name, other.name) for pairs in groups for one, other in pairs)
    return [findings[key] for key in keys if key in findings]


def pairs(paper: PaperData, findings: Findings, language: Language) -> Table | None:
    """The pairs of interest: their difference in each corpus, over the corpora, by Wilcoxon's test; and the verdict."""
    _, found = language.gettext, listed(paper, findings)
    if not found:
        return None
    rows: list[Sequence[Cell]] = []
    for each in found:
        row: list[Cell] = [pair_name(each.first, each.second, language)]
        for name in paper.main:
            summary = each.nats.get(name)
            row.append(DASH if summary is None else language.mean(summary))
        over = each.difference
        mean, between = language.mean(Summary(len(over.corpora), 0, over.mean, over.low, over.high, None))
        row += [
            (f"{mean}\u00a0%", between),
            (language.p(each.pair.adjusted), language.ngettext("{n} block", "{n} blocks", each.pair.seeds)),
            state_in_words(each, (label_of(each.first, language), label_of(each.second, language)), language),
        ]
        rows.append(row)
    heads = [_("pair"), *paper.main, _("all, % of copying’s NLL"), _("p, Wilcoxon with Holm"), _("verdict")]
    text = _("Differences of the test NLL, first − second, nats per step; below 0 the first is better")
    return Table(caption(text, paper, list(paper.main), language), heads, rows)


def label_of(each: Combination, language: Language) -> str:
    """The label of a combination, which may break."""
    return language.combination(each).replace("\u00a0", " ")


def pair_name(first: Combination, second: Combination, language: Language) -> str:
    """A pair of combinations by what differs: "focal − BCE, Adam"."""
    same_change = first.change == second.change
    if first.optimizer == second.optimizer and same_change:
        names, rest = (label("loss", first.loss), label("loss", second.loss)), label("optimizer", first.optimizer)
    elif first.loss == second.loss and same_change:
        names = (label("optimizer", first.optimizer), label("optimizer", second.optimizer))
        rest = label("loss", first.loss)
    else:
        return f"{label_of(first, language)} − {label_of(second, language)}"
    more = f", {language.ablation(first.change)}" if first.change else ""
    return f"{names[0]} − {names[1]}, {rest}{more}"


def holds_everywhere(paper: PaperData, findings: Findings, language: Language) -> str:
    """In one sentence, which of the pairs of interest differ in the same direction in every corpus."""
    found = listed(paper, findings)
    there = [each for each in found if each.difference.holds_everywhere]
    count = max((len(each.difference.corpora) for each in found), default=0)
    if not there or count < 2:
        return ""
    signs = {True: N_("lower in every corpus"), False: N_("higher in every corpus")}
    parts = [
        f"{language.gettext(signs[sign])}: {', '.join(names)}"
        for sign in signs
        if (names := [pair_name(each.first, each.second, language) for each in there if (each.mean < 0) == sign])
    ]
    return language.gettext("The first of a pair is {parts}.", parts="; ".join(parts))


def models(paper: PaperData, language: Language) -> list[Table]:
    """The mixed model's effects and contrasts, and the rank test over the blocks."""
    _, found, tables = language.gettext, mixed_model(paper.main), []
    names = list(paper.main)
    if found is not None:
        tests = [
            [
                _(EFFECTS[each.name]),
                language.number(each.f, 2),
                str(each.numerator),
                str(each.denominator),
                language.p(each.p),
            ]
            for each in found.effects
        ]
        heads = [_("effect"), "F", _("degrees of freedom"), _("of the error"), "p"]
        text = _("Mixed model of the relative NLL, corpora as random effect")
        tables.append(Table(caption(text, paper, names, language), heads, tests))
        rows: list[list[Cell]] = [
            [
                f"{label(each.effect, each.first)} − {label(each.effect, each.second)}",
                (f"{mean}\u00a0%", between),
                language.p(each.adjusted),
            ]
            for each in found.contrasts
            for mean, between in [language.mean(Summary(found.runs, 0, each.mean, each.low, each.high, None))]
        ]
        heads = [_("pair"), _("difference, 95 % interval"), _("p with Holm")]
        tables.append(
            Table(caption(_("Its contrasts, in per cent of copying’s NLL"), paper, names, language), heads, rows)
        )
    ranks = block_ranks(paper.main)
    if ranks is not None and ranks.seeds > 1:
        every = {each.name: each for each in combinations(paper.main.values())}
        order = sorted(ranks.mean, key=lambda name: ranks.mean[name])
        rows = [[label_of(every[name], language), language.number(ranks.mean[name], 2)] for name in order]
        blocks = language.ngettext("{n} block", "{n} blocks", ranks.seeds)
        text = _(
            "Mean ranks over {blocks} of corpus and seed; Friedman’s test: {p}",
            blocks=blocks,
            p=language.p_equals(ranks.p),
        )
        tables.append(Table(caption(text, paper, names, language), [_("combination"), _("mean rank")], rows))
    return tables


def music(paper: PaperData, name: str, language: Language) -> Table | None:
    """The measures of the generated music of a study; None if no run has one."""
    data = paper.studies[name]
    rows = []
    for measure, entry in MEASURES.items():
        found = data.comparison.measures[measure].summaries
        if entry.group == "music" and any(found[each.name].runs for each in data.main):
            cells = [_mean_cell(data, each, measure, False, language) for each in data.main]
            text, unit = language.measure(measure), language.gettext(entry.unit)
            rows.append([(text, unit) if unit else text, *cells])
    if not rows:
        return None
    heads = [language.gettext("measure"), *(head(each, language) for each in data.main)]
    text = language.gettext("Music of {name}: mean over the seeds and its 95 % interval", name=name)
    return Table(caption(text, paper, [name], language), heads, rows)


def verdict(pair, language: Language) -> str:
    """The verdict on a paired difference in words."""
    return language.gettext(VERDICTS[pair.verdict])
