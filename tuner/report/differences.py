"""Figures of differences: paired differences with intervals, and mean ranks with the critical difference."""

import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tuner.report.data import StudyData
from tuner.report.figures import COLOURS, new_figure, numbers, panels
from tuner.report.language import N_, Language
from tuner.report.tables import VERDICTS, groups_of
from tuner.study.statistics import NOT_SHOWN, SHOWN, TOO_FEW_SEEDS

FACES = {SHOWN: COLOURS[0], TOO_FEW_SEEDS: "#9fcbe6", NOT_SHOWN: "white"}  # colour of a point, by its verdict
POINT: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "markersize": 7}
TITLES = {
    "losses": N_("losses, averaged over the optimizers"),
    "optimizers": N_("optimizers, averaged over the losses"),
    "combinations": N_("combinations"),
    "ablations": N_("Ablations"),
}


def differences(data: StudyData, measure: str, language: Language) -> Figure | None:
    """All paired differences of a measure with their intervals; None if there are none."""
    groups = groups_of(data, measure, language)
    far = groups.pop("ablations", [])  # so large that the others would shrink to points
    if not groups and not far:
        return None
    groups = groups or {"ablations": far}
    heights = [len(pairs) + 0.8 for pairs in groups.values()]
    figure = new_figure(0.28 * sum(heights) + 0.35 * len(heights) + 1.1)
    axes = figure.subplots(len(groups), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for each, (key, pairs) in zip(axes, groups.items(), strict=True):
        each.axvline(0, color="0.35", linewidth=1)
        for row, (_, pair) in enumerate(pairs):
            if pair.low is not None:
                each.plot([pair.low, pair.high], [row, row], color=COLOURS[0], linewidth=1.8)
            each.plot(pair.mean, row, markerfacecolor=FACES[pair.verdict], linestyle="", **POINT)
        each.set_yticks(range(len(pairs)), [label for label, _ in pairs])
        each.set_ylim(len(pairs) - 0.3, -0.7)
        each.set_title(language.gettext(TITLES[key]), loc="left")
        each.grid(visible=False, axis="y")
        numbers(language, each.xaxis)
    name = language.measure(measure, with_unit=True)
    axes[-1].set_xlabel(language.gettext("difference (first − second) of: {measure}", measure=name))
    axes[-1].xaxis.set_major_locator(MaxNLocator(7))
    handles = [
        Line2D([], [], markerfacecolor=face, label=language.gettext(VERDICTS[verdict]), **POINT)
        for verdict, face in FACES.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize="small")
    return figure


def ranks(data: StudyData, measures: Sequence[str], language: Language) -> Figure | None:
    """Mean ranks over the seeds, one panel per measure; the grey zone is as wide as the critical difference.

    None if no measure has a critical difference.
    """
    ranks = ((name, data.comparison.measures[name].ranks) for name in measures)
    found = [(name, each, each.critical_difference) for name, each in ranks if each and each.critical_difference]
    if not found:
        return None
    figure, all_axes = panels(len(found), 2, 1.3 + 0.28 * len(data.main))
    for axes, (measure, each, width) in zip(all_axes, found, strict=True):
        order = sorted(data.main, key=lambda combination: each.mean[combination.name])
        values = [each.mean[combination.name] for combination in order]
        axes.axvspan(values[0], values[0] + width, color="0.88", zorder=0, linewidth=0)
        axes.plot(values, range(len(order)), "o", color=COLOURS[0], markersize=7)
        axes.set_yticks(range(len(order)), [language.combination(combination) for combination in order])
        axes.set(xlim=(0.8, len(order) + 0.2), ylim=(len(order) - 0.4, -0.6))
        axes.set_xticks(range(1, len(order) + 1))
        title = language.gettext(
            "{measure} (Friedman {p}, critical difference {difference})",
            measure=language.head(measure),
            p=language.p_equals(each.p),
            difference=language.number(width, 2),
        )
        axes.set_title(textwrap.fill(title, 44), loc="left", fontsize="medium")
        axes.set_xlabel(language.gettext("mean rank over the seeds, 1 is best"))
        axes.grid(visible=False, axis="y")
        numbers(language, axes.xaxis)
    return figure
