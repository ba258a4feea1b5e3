"""Tables of a plan's report on density, on robustness and on tuning."""

from typing import Any

from pianoroll_tf.choices import label
from tuner.report.data import StudyData
from tuner.report.language import DASH, N_, Language
from tuner.report.page import Cell, Table
from tuner.report.paper import rarity
from tuner.report.paper.data import PaperData, copy_nll
from tuner.report.paper.grids import caption, label_of, pair_name, study_cell, verdict
from tuner.report.paper.robustness import agreements
from tuner.report.reproduce import plain
from tuner.study import factorial
from tuner.study.results import edge_names
from tuner.study.settings import Combination
from tuner.study.statistics import summarise

SIDES = {
    "up": N_("at the edge: nothing higher was tried with these other values"),
    "down": N_("at the edge: nothing lower was tried with these other values"),
    "both": N_("at the edge: nothing else was tried with these other values"),
}


def advantage_name(name: str, language: Language) -> str:
    """An entry of `rarity.ADVANTAGES` in words: "BCE − focal"."""
    better, worse, change = rarity.ADVANTAGES[name]
    more = f", {language.ablation(change)}" if change else ""
    return f"{label('loss', worse)} − {label('loss', better)}{more}"


def by_density(paper: PaperData) -> list[tuple[str, StudyData]]:
    """The studies of density, from the rarest cells to the most frequent."""
    return sorted(paper.density.items(), key=lambda entry: entry[1].study.records["density"])


def density(paper: PaperData, language: Language) -> Table | None:
    """The advantage of each loss over BCE in each condition of density."""
    _, studies = language.gettext, by_density(paper)
    if not studies:
        return None
    names = [name for name in rarity.ADVANTAGES if any(rarity.advantage(data, name) for _name, data in studies)]
    rows = []
    for name, data in studies:
        row: list[Cell] = [study_cell(paper, name, language), language.percent(data.study.records["density"], 2)]
        row.append(language.number(copy_nll(data), 3))
        for each in names:
            mean, small = language.mean(summarise(rarity.advantage(data, each)))
            row.append(mean if mean == DASH else (f"{mean}\u00a0%", small))
        rows.append(row)
    heads = [
        _("condition"),
        _("sounding cells"),
        _("copy the last step"),
        *(advantage_name(each, language) for each in names),
    ]
    text = _("Advantage over BCE: difference of the test NLL in per cent of that of copying the last step")
    return Table(caption(text, paper, [name for name, _data in studies], language), heads, rows)


def trends(paper: PaperData, language: Language) -> Table | None:
    """Spearman's correlation of each advantage with the density."""
    _, rows = language.gettext, []
    for name in rarity.ADVANTAGES:
        if found := rarity.trend_of(paper.density, name):
            p = language.p(found.p) if found.can_show else (language.p(found.p), _("too few to show anything"))
            kind = _("as planned") if name == "focal" else _("exploratory")
            numbers = [language.number(found.rho, 2), str(found.values), str(found.conditions), p]
            rows.append([advantage_name(name, language), *numbers, kind])
    if not rows:
        return None
    heads = [_("advantage"), _("Spearman’s correlation"), _("values"), _("conditions"), _("p, one-sided"), ""]
    text = _("Does the advantage grow as cells become rarer? Below 0 it does")
    return Table(caption(text, paper, list(paper.density), language), heads, rows)


def alternatives(paper: PaperData, language: Language) -> Table | None:
    """The differences of the losses over all conditions of density."""
    _ = language.gettext
    rows: list[list[Cell]] = []
    for first, second, pair in rarity.tested(paper.density).values():
        if pair.mean is None:
            continue
        mean, small = language.mean(pair)
        tested = str(pair.seeds), language.p(pair.adjusted), verdict(pair, language)
        rows.append([pair_name(first, second, language), (f"{mean}\u00a0%", small), *tested])
    if not rows:
        return None
    heads = [_("pair"), _("difference, 95 % interval"), _("blocks"), _("p, Wilcoxon with Holm"), _("verdict")]
    text = _("Over all conditions: difference of the test NLL, first − second, in per cent of copying’s")
    return Table(caption(text, paper, list(paper.density), language), heads, rows)


def robustness(paper: PaperData, language: Language) -> Table | None:
    """Kendall's correlation of the order of the combinations in a study with that in the one it repeats."""
    _ = language.gettext
    rows: list[list[Cell]] = []
    for each in agreements(paper):
        changes = "\n".join(f"{name}: {plain(value)}" for name, value in each.changes.items())
        orders = [" < ".join(label_of(one, language) for one in order) or DASH for order in each.orders]
        tau = language.number(each.tau, 2)
        p = DASH if each.p is None else language.p(each.p)
        first = study_cell(paper, each.name, language)
        name, small = (first, "") if isinstance(first, str) else first
        rows.append([(name, "\n".join(filter(None, (changes, small)))), tau, p, str(len(each.orders[0])), *orders])
    if not rows:
        return None
    heads = [
        _("study"),
        _("Kendall’s correlation"),
        "p",
        _("combinations"),
        _("order in the main study"),
        _("order here"),
    ]
    text = _("Order of the combinations by their mean test NLL, from the lowest")
    return Table(caption(text, paper, list(paper.controls), language), heads, rows)


def tuning(paper: PaperData, language: Language) -> Table | None:
    """The values that tuning chose in each study, the runs that it took, and those at an edge of what was tried."""
    _, found = language.gettext, [row for name in paper.studies for row in _chosen(paper, name)]
    if not found:
        return None
    every = dict.fromkeys(key for _n, _c, _r, values, _e in found for key in values)
    names = [name for name in every if any(values.get(name) is not None for _n, _c, _r, values, _e in found)]
    rows: list[list[Cell]] = []
    for name, combination, runs, values, edges in found:
        row: list[Cell] = [(name, label_of(combination, language)), runs]
        for setting in names:
            value = values.get(setting)
            text = DASH if value is None else plain(value)
            row.append((text, _(SIDES[edges[setting]])) if setting in edges else text)
        rows.append(row)
    text = _("Values with the lowest validation NLL in tuning")
    heads = [_("study"), _("tuning runs"), *names]
    return Table(caption(text, paper, list(paper.studies), language), heads, rows)


def _chosen(paper: PaperData, name: str) -> list[tuple[str, Combination, str, dict[str, Any], dict[str, str]]]:
    """Study, combination, number of its tuning runs, settings of the lowest, those at an edge → the side."""
    data, rows = paper.studies[name], []
    for each in data.main:
        own = [run for run in data.tuning if run.combination == each.name]
        if own:
            chosen = factorial.in_order(own[factorial.best(own)].settings)
            rows.append((name, each, str(len(own)), chosen, edges_of(data, each)))
    return rows


def edges_of(data: StudyData, combination: Combination) -> dict[str, str]:
    """Settings of a combination whose chosen value is at an edge of what was tried → an entry of `SIDES`.

    It is "both" where neither side was tried, and for a setting with a list of values, which has no sides.
    """
    own = [run for run in data.tuning if run.combination == combination.name]
    found: dict[str, str] = {}
    for name, _, side in (edge.partition(":") for edge in edge_names(data.study, combination.name, own)):
        has_values = own and not isinstance(own[0].settings[name], float)
        found[name] = "both" if name in found or has_values else side
    return found
