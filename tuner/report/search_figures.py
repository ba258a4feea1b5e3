"""The figures of a report on a search: objective by trial, by each setting, along all settings; curves of the best."""

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from tuner.report.figures import COLOURS, STYLES, new_figure, numbers, panels
from tuner.report.language import Language

Rows = Sequence[dict[str, Any]]  # completed trials, the best first
Places = list[float | None]  # of the trials along the axis of a setting; None where it has no effect
COLOUR_MAP = "cividis"  # the same with every colour vision, and in grey
COLUMNS = 3  # of panels
LOG_TICKS = 3


def by_trial(rows: Rows, label: str, largest: bool, language: Language) -> Figure:
    """The objective, called `label`, of each trial in order of start, and the best (`largest`: highest) so far."""
    ordered = sorted(rows, key=lambda row: row["trial"])
    places = [int(row["trial"]) if row["trial"].isdigit() else index for index, row in enumerate(ordered)]
    values = np.array([row["objective"] for row in ordered])
    best = (np.maximum if largest else np.minimum).accumulate(values)
    figure = new_figure(3.8)
    axes = figure.subplots()
    axes.step(places, best, where="post", color=COLOURS[1], linewidth=1.8, label=language.gettext("best so far"))
    axes.plot(places, values, "o", color=COLOURS[0], markersize=6, label=language.gettext("a trial"))
    axes.set(xlabel=language.gettext("trial, in order of start"), ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    axes.legend(loc="upper right")
    numbers(language, axes.xaxis, axes.yaxis)
    return figure


def _varied(rows: Rows, space: dict[str, Any]) -> dict[str, tuple[Places, dict[float, str], bool]]:
    """Setting that differs between the trials → their places, labels of the places of choices, whether it is log."""
    found = {name: _places([row.get(name) for row in rows], entry) for name, entry in space.items()}
    return {name: each for name, each in found.items() if len(set(each[0]) - {None}) > 1}


def _places(values: list[Any], entry: Any) -> tuple[Places, dict[float, str], bool]:
    """An entry of `_varied`; `entry` is a list of choices, or a dict with min, max and log."""
    if isinstance(entry, dict):
        return [None if value is None else float(value) for value in values], {}, bool(entry.get("log"))
    choices = ["none" if value is None else str(value) for value in entry]
    places = [None if value is None else float(choices.index(str(value))) for value in values]
    return places, dict(enumerate(choices)), False


def by_setting(rows: Rows, space: dict[str, Any], label: str, language: Language) -> Figure | None:
    """One panel per setting: the objective of the trials in which it has an effect; None if no setting differs."""
    shown = _varied(rows, space)
    if not shown:
        return None
    figure, all_axes = panels(len(shown), COLUMNS, 2.5, sharey=True)
    for index, (axes, (name, (places, labels, log))) in enumerate(zip(all_axes, shown.items(), strict=True)):
        found = [(place, row["objective"]) for place, row in zip(places, rows, strict=True) if place is not None]
        if log:
            low, high = min(found)[0], max(found)[0]
            axes.set(xscale="log", xlim=(low / 1.3, high * 1.3))
            axes.xaxis.set_major_locator(FixedLocator(np.geomspace(low, high, LOG_TICKS).tolist()))
        elif labels:
            axes.set_xticks(list(labels), list(labels.values()))
            axes.set_xlim(-0.5, len(labels) - 0.5)
            for place in labels:
                own = [value for at, value in found if at == place]
                if own:
                    axes.plot([place - 0.25, place + 0.25], [np.median(own)] * 2, color=COLOURS[1], linewidth=2)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=all(place == int(place) for place, _ in found)))
        axes.plot(*zip(*found, strict=True), "o", color=COLOURS[0], markersize=5, alpha=0.75)
        axes.set_title(name, loc="left")
        if index % COLUMNS == 0:
            axes.set_ylabel(textwrap.fill(label, 18))
        numbers(language, axes.yaxis)
        if not labels:
            numbers(language, axes.xaxis)
        if log:
            axes.xaxis.set_major_formatter(lambda value, _: language.tick(float(f"{value:.2g}")))
    return figure


def parallel(rows: Rows, space: dict[str, Any], label: str, largest: bool, language: Language) -> Figure | None:
    """Parallel coordinates: trials as lines through their settings, coloured by objective; None for one setting."""
    shown = _varied(rows, space)
    if len(shown) < 2:
        return None
    scaled = [_scaled(*each, language) for each in shown.values()]
    objectives = np.array([row["objective"] for row in rows])
    norm, colours = Normalize(objectives.min(), objectives.max()), matplotlib.colormaps[COLOUR_MAP]
    colours = colours if largest else colours.reversed()
    order = np.argsort(objectives if largest else -objectives)  # the best is drawn last
    figure = new_figure(4.6)
    axes = figure.subplots()
    for index in order:
        points = [(place, heights[index]) for place, (heights, _) in enumerate(scaled) if heights[index] is not None]
        width = 2.4 if index == order[-1] else 1.2
        axes.plot(*zip(*points, strict=True), color=colours(norm(objectives[index])), linewidth=width, alpha=0.9)
    look: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": "small"}
    look["bbox"] = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.8}
    for place, (_, marks) in enumerate(scaled):
        axes.axvline(place, color="0.6", linewidth=0.8, zorder=0)
        for height, text in marks:
            axes.annotate(text, (place, height), xytext=(4, 0), **look)
    axes.set_xticks(range(len(shown)), [textwrap.fill(name.replace("_", " "), 9) for name in shown])
    axes.set(yticks=[], xlim=(-0.15, len(shown) - 0.4), ylim=(-0.06, 1.06))
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=axes, label=label)
    numbers(language, bar.ax.yaxis)
    return figure


def _scaled(
    places: Places, labels: dict[float, str], log: bool, language: Language
) -> tuple[Places, list[tuple[float, str]]]:
    """Places along a setting as heights 0..1, and heights and texts of the marks of its axis."""
    there = list(labels) or [place for place in places if place is not None]
    low, high = min(there), max(there)
    scale = np.log if log else float
    span = scale(high) - scale(low) or 1.0
    heights = [None if place is None else float((scale(place) - scale(low)) / span) for place in places]
    ends = [(0.0, language.tick(float(f"{low:.2g}"))), (1.0, language.tick(float(f"{high:.2g}")))]
    return heights, [(place / (high or 1.0), text) for place, text in labels.items()] or ends


def curves(histories: dict[str, list[float]], label: str, language: Language) -> Figure | None:
    """The validation curves of at most `len(STYLES)` trials, the best first; None if there are none."""
    histories = {name: values for name, values in histories.items() if values}
    if not histories:
        return None
    settled = [value for values in histories.values() for value in values[min(1, len(values) - 1) :]]
    low, high = min(settled), max(settled)
    span = high - low or 1.0
    figure = new_figure(4.2)
    axes = figure.subplots()
    for index, (name, values) in enumerate(histories.items()):
        width = 2.2 if index == 0 else 1.3
        axes.plot(range(1, len(values) + 1), values, label=name, linewidth=width, markersize=4.5, **STYLES[index])
    axes.set(xlabel=language.gettext("epoch"), ylabel=label, ylim=(low - 0.05 * span, high + 0.15 * span))
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    figure.legend(loc="outside right upper", fontsize="small")
    numbers(language, axes.xaxis, axes.yaxis)
    return figure
