"""The figures of a plan's report: NLL by corpus, differences by corpus, advantage by density, validation curves."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from tuner.report import curves as report_curves
from tuner.report import page
from tuner.report.figures import STYLES, new_figure, numbers, panels, save
from tuner.report.language import N_, Language
from tuner.report.paper import rarity
from tuner.report.paper.answer import Findings
from tuner.report.paper.controls import advantage_name, by_density
from tuner.report.paper.data import PaperData, combinations, relative
from tuner.report.paper.grids import listed, pair_name
from tuner.study.statistics import summarise

# Figure → its alternative text, its caption
TEXTS = {
    "nll": (
        N_("For each corpus and combination the test NLL of every run, the mean and its interval; see the table."),
        N_(
            "Test NLL in per cent of that of copying the last step, one panel per corpus. Grey: every run. Coloured: "
            "mean and 95 % interval over the seeds; colour and shape show the loss."
        ),
    ),
    "differences": (
        N_("For each pair of combinations its difference in each corpus with its interval; see the table."),
        N_(
            "Differences of the test NLL, first − second, in per cent of that of copying the last step, with 95 % "
            "intervals over the seeds, by corpus. Left of 0 the first of a pair is better."
        ),
    ),
    "density": (
        N_("The advantage of each loss over BCE against the share of sounding cells; see the table."),
        N_(
            "Advantage over BCE against the share of sounding cells: each seed, mean and 95 % interval. Above 0 the "
            "loss is better than BCE. Points of the losses are moved aside a little."
        ),
    ),
    "curves": (
        N_("Validation NLL by epoch in {name}, one panel per optimizer, one line per loss."),
        N_(
            "Validation curves in {name}: mean over the seeds, and a band from the lowest to the highest; after the "
            "first run that stopped early, each run is a thin line. Below: the second half, enlarged."
        ),
    ),
}


def figures(paper: PaperData, findings: Findings, language: Language) -> dict[str, page.Figure]:
    """Name in `TEXTS`, or "curves-STUDY" → the figure, of those that have something to show."""
    drawn = {
        "nll": nll(paper, language),
        "differences": differences(paper, findings, language),
        "density": density(paper, language),
    }
    found = {name: _block(name, name, figure, language) for name, figure in drawn.items() if figure is not None}
    for name, data in paper.main.items():
        figure = report_curves.curves(data, language, by="optimizer")
        if figure is not None:
            found[f"curves-{name}"] = _block("curves", f"curves-{name}", figure, language, name=name)
    return found


def _block(key: str, file: str, figure: Figure, language: Language, **values: object) -> page.Figure:
    alt, text = (language.gettext(message, **values) for message in TEXTS[key])
    return save(file, figure, alt, text)


def nll(paper: PaperData, language: Language) -> Figure | None:
    """The test NLL in per cent of copying's: one panel per corpus; None without a run."""
    studies = {name: data for name, data in paper.main.items() if any(any(_there(data, each)) for each in data.main)}
    if not studies:
        return None
    every = combinations(studies.values())
    losses = list(dict.fromkeys(each.loss for each in every))
    figure, all_axes = panels(len(studies), 2, 0.95 + 0.3 * len(every))
    for index, (axes, (name, data)) in enumerate(zip(all_axes, studies.items(), strict=True)):
        for row, each in enumerate(every):
            if each in data.main:
                style = STYLES[losses.index(each.loss) % len(STYLES)]
                _mean(axes, _there(data, each), row, style, hollow=bool(each.change))
        interim = "" if name in paper.finished else language.gettext(" (interim)")
        axes.set_title(f"{name}{interim}", loc="left")
        axes.set_yticks(range(len(every)), ["" if index % 2 else language.combination(each) for each in every])
        axes.set_ylim(len(every) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        numbers(language, axes.xaxis)
    for axes in all_axes[-2:]:
        axes.set_xlabel(language.gettext("test NLL, % of copying’s"))
    return figure


def _there(data, combination) -> list[float]:
    return [value for value in relative(data, combination) if value is not None]


def _mean(axes, values: Sequence[float], row: float, style: dict, hollow: bool = False) -> None:
    """Every run, the mean and its interval in a row."""
    found = summarise(values)
    if found.mean is None:
        return
    offsets = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(1)
    axes.plot(values, row + offsets, ".", color="0.6", markersize=5, zorder=2)
    if found.low is not None and found.high is not None:
        axes.plot([found.low, found.high], [row, row], color=style["color"], linewidth=2.2, zorder=3)
    face = "white" if hollow else style["color"]
    axes.plot(found.mean, row, style["marker"], color=style["color"], markerfacecolor=face, markersize=7, zorder=4)


def differences(paper: PaperData, findings: Findings, language: Language) -> Figure | None:
    """The pairs of interest, one row each, in it a point with its interval for each corpus; None without a pair."""
    found = listed(paper, findings)
    if not found:
        return None
    names = list(paper.main)
    figure = new_figure(1.3 + len(found) * (0.2 + 0.13 * len(names)))
    axes = figure.subplots()
    axes.axvline(0, color="0.35", linewidth=1)
    places = np.linspace(-0.3, 0.3, len(names)) if len(names) > 1 else [0.0]
    for row, each in enumerate(found):
        if row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color="0.96", linewidth=0, zorder=0)
        for index, name in enumerate(names):
            summary, style = each.difference.corpora.get(name), STYLES[index % len(STYLES)]
            if summary is None or summary.mean is None:
                continue
            if summary.low is not None and summary.high is not None:
                axes.plot([summary.low, summary.high], [row + places[index]] * 2, color=style["color"], linewidth=1.8)
            point = {"color": style["color"], "marker": style["marker"], "linestyle": "", "markersize": 6}
            axes.plot(summary.mean, row + places[index], **point)
    axes.set_yticks(range(len(found)), [pair_name(each.first, each.second, language) for each in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(language.gettext("difference of the test NLL (first − second), % of copying’s"))
    axes.xaxis.set_major_locator(MaxNLocator(7))
    numbers(language, axes.xaxis)
    handles = [
        axes.plot([], [], marker=STYLES[index % len(STYLES)]["marker"], color=STYLES[index % len(STYLES)]["color"])[0]
        for index in range(len(names))
    ]
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 4), fontsize="small")
    return figure


def density(paper: PaperData, language: Language) -> Figure | None:
    """The advantages against the share of sounding cells; None without one."""
    studies = [data for _, data in by_density(paper)]
    names = [name for name in rarity.ADVANTAGES if any(any(_advantages(data, name)) for data in studies)]
    if not names:
        return None
    figure = new_figure(4.4)
    axes = figure.subplots()
    axes.axhline(0, color="0.35", linewidth=1)
    for index, name in enumerate(names):
        style, shift = STYLES[(index + 1) % len(STYLES)], 1.03 ** (index - (len(names) - 1) / 2)
        points = [(100 * data.study.records["density"] * shift, _advantages(data, name)) for data in studies]
        points = [(x, found) for x, found in points if found]
        for x, found in points:
            axes.plot([x] * len(found), found, ".", color=style["color"], alpha=0.35, markersize=6)
            summary = summarise(found)
            if summary.low is not None and summary.high is not None:
                axes.plot([x, x], [summary.low, summary.high], color=style["color"], linewidth=2)
        means = [float(np.mean(found)) for _, found in points]
        axes.plot([x for x, _ in points], means, label=advantage_name(name, language), markersize=7, **style)
    axes.set_xscale("log")
    ticks = sorted({100 * data.study.records["density"] for data in studies})
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.minorticks_off()
    numbers(language, axes.yaxis)
    axes.set_xticklabels([language.number(tick, 2) for tick in ticks])
    axes.set_xlabel(language.gettext("sounding cells, % (rarer to the left)"))
    label = language.gettext("advantage in the test NLL, % of copying’s")
    axes.set_ylabel("\n".join(textwrap.wrap(label, 34)))
    figure.legend(loc="outside lower center", ncols=len(names), fontsize="small")
    return figure


def _advantages(data, name: str) -> list[float]:
    return [value for value in rarity.advantage(data, name) if value is not None]
