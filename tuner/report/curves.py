"""The validation curves of a study, with bands over the seeds."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pianoroll_tf.choices import label
from tuner.report.data import StudyData, curve
from tuner.report.figures import WIDTH, choice_style, new_figure, numbers
from tuner.report.language import Language
from tuner.study.results_model import DIVERGED
from tuner.study.settings import Combination

HEADROOM = 0.25  # share of an axis for the fall at the start
SETTLED = 0.1  # share of a run's epochs after which a curve must be within the axis
MARKERS_PER_LINE = 8


def curves(data: StudyData, language: Language, by: str) -> Figure | None:
    """One panel per optimizer, one line per loss, or the other way round.

    `by` is that of which each has a panel: "optimizer", for which it is None unless two losses are compared, or "loss".
    It is None too if there is no curve.
    """
    study = data.study.settings.study
    names, line = (study.losses, "optimizer") if by == "loss" else (study.optimizers, "loss")
    if line == "loss" and len({each.loss for each in data.measured(ablations=False)}) < 2:
        return None
    curves = {each: found for each in data.main if (found := curves_of(data, each))}
    groups = {name: [each for each in curves if getattr(each, by) == name] for name in names}
    groups = {name: group for name, group in groups.items() if group}
    if not groups:
        return None
    copy = data.baselines.get("val", {}).get("copy_last_step", {}).get("nll")
    shown = [values for found in curves.values() for values in found]
    figure = new_figure(6.6, WIDTH if len(groups) > 1 else 0.7 * WIDTH)
    upper, lower = figure.subplots(2, len(groups), squeeze=False, sharey="row")
    for axes, below, (name, group) in zip(upper, lower, groups.items(), strict=True):
        for panel in (axes, below):
            for each in group:
                key = getattr(each, line)
                _draw_band(panel, curves[each], label(line, key), choice_style(data, line, key))
            if copy is not None:
                dots = {"color": "0.35", "linewidth": 1, "linestyle": (0, (1, 2))}
                panel.axhline(copy, label=language.gettext("copy the last step"), **dots)
            panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            panel.set_xlabel(language.gettext("epoch"))
            numbers(language, panel.xaxis, panel.yaxis)
        below.set_xlim(left=max(max(map(len, shown)) // 2, 1))
        axes.set_title(label(by, name), loc="left")
        below.set_title(language.gettext("{title}, second half", title=label(by, name)), loc="left")
        axes.legend(loc="upper right", fontsize="small")
    for panels, limits in ((upper, _limits(shown, SETTLED, copy)), (lower, _limits(shown, 0.5, None))):
        panels[0].set_ylim(limits)
        panels[0].set_ylabel(language.gettext("validation NLL, nats per step"))
    return figure


def curves_of(data: StudyData, combination: Combination) -> list[list[float]]:
    """The validation NLL after each epoch, of each run that did not diverge."""
    runs = [run for run in data.of(combination) if run.outcome != DIVERGED]
    found = [curve(data.histories.get((run.combination, run.seed), [])) for run in runs]
    return [values for values in found if values]


def _draw_band(axes, curves: Sequence[Sequence[float]], label: str, style: dict) -> None:
    """Draws the mean over the runs as a line and their range as a band, for the epochs that all runs have.

    Further epochs of single runs are thin lines.
    """
    shortest = min(map(len, curves))
    epochs = np.arange(1, shortest + 1)
    table = np.array([values[:shortest] for values in curves])
    line = {"color": style["color"], "linestyle": style["linestyle"]}
    mark = {"marker": style["marker"], "markersize": 4, "markevery": max(shortest // MARKERS_PER_LINE, 1)}
    axes.fill_between(epochs, table.min(axis=0), table.max(axis=0), color=style["color"], alpha=0.22, linewidth=0)
    axes.plot(epochs, table.mean(axis=0), linewidth=1.6, label=label, **mark, **line)
    for values in curves:
        if len(values) > shortest:
            axes.plot(range(shortest, len(values) + 1), values[shortest - 1 :], linewidth=0.8, alpha=0.8, **line)


def _limits(curves: Sequence[Sequence[float]], settled: float, copy: float | None) -> tuple[float, float]:
    """Limits of an axis of NLL, with the baseline `copy` and all curves after the share `settled` of the longest.

    >>> low, high = _limits([[20.0, 6.0, 5.0]], 0.3, copy=7.0)
    >>> round(low, 2), round(high, 2)
    (4.9, 7.5)
    """
    longest = max(map(len, curves))
    first = min(max(round(settled * longest), 1), longest - 1)
    within = [value for values in curves for value in values[first:]] + ([] if copy is None else [copy])
    low, high = min(within), max(within)
    span = high - low or 1.0
    return low - 0.05 * span, high + HEADROOM * span
