"""The validation curves of a study, with bands over the seeds."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tuner.report.data import StudyData, curve, trained
from tuner.report.figures import WIDTH, loss_style, numbers, optimizer_style, picture
from tuner.report.language import Language
from tuner.study.results_model import DIVERGED
from tuner.study.settings import Combination

HEADROOM = 0.25  # share of an axis for the fall at the start
SETTLED = 0.1  # share of a run's epochs after which a curve must be within the axis
MARKERS_PER_LINE = 8


def by_optimizer(data: StudyData, language: Language) -> bytes | None:
    """One panel per optimizer, one line per loss; None unless two losses are compared."""
    if len({each.loss for each in data.measured(ablations=False)}) < 2:
        return None
    names = data.study.settings.study.optimizers
    return _draw(
        data,
        {language.optimizer(name): [each for each in data.main if each.optimizer == name] for name in names},
        lambda each: (language.loss(each.loss), loss_style(data, each.loss)),
        language,
    )


def by_loss(data: StudyData, language: Language) -> bytes | None:
    """One panel per loss, one line per optimizer; None if there is no curve."""
    names = data.study.settings.study.losses
    return _draw(
        data,
        {language.loss(name): [each for each in data.main if each.loss == name] for name in names},
        lambda each: (language.optimizer(each.optimizer), optimizer_style(data, each.optimizer)),
        language,
    )


def curves_of(data: StudyData, combination: Combination) -> list[list[float]]:
    """The validation NLL after each epoch, of each run that did not diverge."""
    runs = [run for run in data.of(combination) if run.outcome != DIVERGED]
    found = [curve(data.histories.get((run.combination, run.seed), [])) for run in runs]
    return [values for values in found if values]


def _draw(
    data: StudyData,
    groups: dict[str, Sequence[Combination]],
    looks: Callable[[Combination], tuple[str, dict]],
    language: Language,
) -> bytes | None:
    curves = {each: curves_of(data, each) for group in groups.values() for each in group if trained(each)}
    groups = {title: [each for each in group if curves[each]] for title, group in groups.items()}
    groups = {title: group for title, group in groups.items() if group}
    if not groups:
        return None
    copy = data.baselines.get("val", {}).get("copy_last_step", {}).get("nll")
    shown = [values for group in groups.values() for each in group for values in curves[each]]
    whole, end = _limits(shown, SETTLED, copy), _limits(shown, 0.5, None)

    def draw(figure: Figure) -> None:
        upper, lower = figure.subplots(2, len(groups), squeeze=False, sharey="row")
        for axes, below, (title, group) in zip(upper, lower, groups.items(), strict=True):
            for each in group:
                _draw_band(axes, curves[each], *looks(each))
                _draw_band(below, curves[each], *looks(each))
            for panel in (axes, below):
                if copy is not None:
                    panel.axhline(
                        copy,
                        color="0.35",
                        linewidth=1,
                        linestyle=(0, (1, 2)),
                        label=language.gettext("copy the last step"),
                    )
                panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
                panel.set_xlabel(language.gettext("epoch"))
                numbers(language, panel.xaxis, panel.yaxis)
            axes.set_ylim(whole)
            below.set_ylim(end)
            below.set_xlim(left=max(max(map(len, shown)) // 2, 1))
            axes.set_title(title, loc="left")
            below.set_title(language.gettext("{title}, second half", title=title), loc="left")
            axes.legend(loc="upper right", fontsize="small")
        for panels in (upper, lower):
            panels[0].set_ylabel(language.gettext("validation NLL, nats per step"))

    return picture((WIDTH if len(groups) > 1 else 0.7 * WIDTH, 6.6), draw)


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
    """Limits of an axis of NLL.

    Args:
        curves: All curves of the axis.
        settled: Share of the longest curve's epochs after which all curves must be within the limits.
        copy: NLL of the baseline, which must be within the limits too; None: no baseline.

    >>> low, high = _limits([[20.0, 6.0, 5.0]], 0.3, copy=7.0)
    >>> round(low, 2), round(high, 2)
    (4.9, 7.5)
    """
    longest = max(map(len, curves))
    first = min(max(round(settled * longest), 1), longest - 1)
    late = [value for values in curves for value in values[first:]]
    low, high = min(late), max(late)
    if copy is not None:
        low, high = min(low, copy), max(high, copy)
    span = high - low or 1.0
    return low - 0.05 * span, high + HEADROOM * span
