"""The validation curves of a study, with bands over the seeds."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tuner.report_data import StudyData, curve, trained
from tuner.report_figures import WIDTH, grid_of, loss_style, numbers, optimizer_style, panels, picture
from tuner.report_words import Words
from tuner.study_settings import Combination

HEADROOM = 0.25  # of an axis, above what matters, that the fall at the start may fill
SETTLED = 0.1  # share of a run's epochs after which a curve is to be seen whole


def by_optimizer(data: StudyData, words: Words) -> bytes | None:
    """A panel an optimizer, a line a loss; None unless two losses are compared."""
    if len({each.loss for each in data.measured(ablations=False)}) < 2:
        return None
    names = data.study.settings.study.optimizers
    return _draw(
        data,
        {words.optimizer(name): [each for each in data.main if each.optimizer == name] for name in names},
        lambda each: (words.loss(each.loss), loss_style(data, each.loss)),
        words,
    )


def by_loss(data: StudyData, words: Words) -> bytes | None:
    """A panel a loss, a line an optimizer; None where there is no curve."""
    names = data.study.settings.study.losses
    return _draw(
        data,
        {words.loss(name): [each for each in data.main if each.loss == name] for name in names},
        lambda each: (words.optimizer(each.optimizer), optimizer_style(data, each.optimizer)),
        words,
    )


def curves_of(data: StudyData, combination: Combination) -> list[list[float]]:
    """The validation NLL of each run after each epoch."""
    found = [curve(data.histories.get((run.combination, run.seed), [])) for run in data.of(combination)]
    return [values for values in found if values]


def _draw(
    data: StudyData,
    groups: dict[str, Sequence[Combination]],
    looks: Callable[[Combination], tuple[str, dict]],
    words: Words,
) -> bytes | None:
    curves = {each: curves_of(data, each) for group in groups.values() for each in group if trained(each)}
    groups = {title: [each for each in group if curves[each]] for title, group in groups.items()}
    groups = {title: group for title, group in groups.items() if group}
    if not groups:
        return None
    rows, columns = grid_of(len(groups), 3)
    copy = data.baselines.get("val", {}).get("copy_last_step", {}).get("nll")
    limits = _limits([values for found in curves.values() for values in found], copy)

    def draw(figure: Figure) -> None:
        for index, (axes, (title, group)) in enumerate(
            zip(panels(figure, len(groups), columns, sharey=True), groups.items(), strict=True)
        ):
            for combination in group:
                _draw_band(axes, curves[combination], *looks(combination))
            if copy is not None:
                axes.axhline(copy, color="0.35", linewidth=1, linestyle=(0, (1, 2)), label=words("copy_last_step"))
            axes.set_title(title, loc="left")
            axes.set(xlabel=words("epoch"), ylim=limits)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.legend(loc="upper right", fontsize="small")
            if index % columns == 0:
                axes.set_ylabel(words("val_nll_axis"))
            numbers(words, axes)

    return picture((WIDTH, 3.6 * rows + 0.2), draw)


def _draw_band(axes, curves: Sequence[Sequence[float]], label: str, style: dict) -> None:
    """The mean over the runs as a line, their least and largest value as a band, for the epochs that all have.

    What a single run has beyond the shortest is a thin line.
    """
    shortest = min(map(len, curves))
    epochs = np.arange(1, shortest + 1)
    table = np.array([values[:shortest] for values in curves])
    line = {"color": style["color"], "linestyle": style["linestyle"]}
    axes.fill_between(epochs, table.min(axis=0), table.max(axis=0), color=style["color"], alpha=0.22, linewidth=0)
    axes.plot(epochs, table.mean(axis=0), linewidth=1.8, label=label, marker=style["marker"], markersize=3.5, **line)
    for values in curves:
        if len(values) > shortest:
            axes.plot(range(shortest, len(values) + 1), values[shortest - 1 :], linewidth=0.7, alpha=0.7, **line)


def _limits(curves: Sequence[Sequence[float]], copy: float | None) -> tuple[float, float]:
    """Of the axis of NLL: the curves from `SETTLED` of their epochs on, the baseline, and some room above.

    >>> low, high = _limits([[20.0, 6.0, 5.0]], copy=7.0)
    >>> round(low, 2), round(high, 2)
    (4.9, 7.5)
    """
    settled = [
        value for values in curves for value in values[min(round(SETTLED * len(values)) or 1, len(values) - 1) :]
    ]
    low, high = min(settled), max(settled)
    if copy is not None:
        low, high = min(low, copy), max(high, copy)
    span = high - low or 1.0
    return low - 0.05 * span, high + HEADROOM * span
