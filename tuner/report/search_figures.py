"""The figures of a report on a search: objective by trial, by each setting, along all settings; curves of the best."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from tuner.report.figures import COLOURS, WIDTH, grid_of, numbers, panels, picture, style_of, wrapped
from tuner.report.language import Language

Rows = Sequence[dict[str, Any]]
COLOUR_MAP = "cividis"  # the same with every colour vision, and in grey
LOG_TICKS = 3


def by_trial(rows: Rows, label: str, largest: bool, language: Language) -> bytes:
    """The objective of each trial in order of start, and the best so far.

    Args:
        rows: Completed trials.
        label: Of the objective.
        largest: Whether higher is better.
        language: Of the figure.
    """
    ordered = sorted(rows, key=lambda row: row["trial"])
    places = [int(row["trial"]) if row["trial"].isdigit() else index for index, row in enumerate(ordered)]
    values = np.array([row["objective"] for row in ordered])
    best = (np.maximum if largest else np.minimum).accumulate(values)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.step(places, best, where="post", color=COLOURS[1], linewidth=1.8, label=language.gettext("best so far"))
        axes.plot(places, values, "o", color=COLOURS[0], markersize=6, label=language.gettext("a trial"))
        axes.set(xlabel=language.gettext("trial, in order of start"), ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
        axes.legend(loc="upper right")
        numbers(language, axes.xaxis, axes.yaxis)

    return picture((WIDTH, 3.8), draw)


def positions(rows: Rows, name: str, entry: Any) -> tuple[list[float | None], dict[float, str], bool]:
    """The positions of the trials along the axis of a setting.

    Args:
        rows: Trials.
        name: Of the setting.
        entry: Of the space: a list of values, or a dict with min, max and log.

    Returns:
        (the position of each trial, None if the setting has no effect in it; position → label of each value of a
        list, else empty; whether the axis is logarithmic).
    """
    values = [row.get(name) for row in rows]
    if isinstance(entry, dict):
        return [None if value is None else float(value) for value in values], {}, bool(entry.get("log"))
    choices = ["none" if value is None else str(value) for value in entry]
    found = [None if value is None else float(choices.index(str(value))) for value in values]
    return found, dict(enumerate(map(str, choices))), False


def _varied(rows: Rows, space: dict[str, Any]) -> dict[str, tuple[list[float | None], dict[float, str], bool]]:
    """`positions` along each setting that differs between the trials."""
    found = {name: positions(rows, name, entry) for name, entry in space.items()}
    return {name: each for name, each in found.items() if len(set(each[0]) - {None}) > 1}


def by_setting(rows: Rows, space: dict[str, Any], label: str, language: Language) -> bytes | None:
    """One panel per setting: the objective of the trials in which it has an effect; None if no setting differs."""
    shown = _varied(rows, space)
    if not shown:
        return None
    lines, columns = grid_of(len(shown), 3)

    def draw(figure: Figure) -> None:
        all_axes = panels(figure, len(shown), columns, sharey=True)
        for index, (axes, (name, (places, labels, log))) in enumerate(zip(all_axes, shown.items(), strict=True)):
            found = [(place, row["objective"]) for place, row in zip(places, rows, strict=True) if place is not None]
            if log:
                axes.set_xscale("log")
                low, high = min(place for place, _ in found), max(place for place, _ in found)
                axes.xaxis.set_major_locator(FixedLocator(np.geomspace(low, high, LOG_TICKS).tolist()))
                axes.set_xlim(low / 1.3, high * 1.3)
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
            if index % columns == 0:
                axes.set_ylabel(wrapped(label, 18))
            numbers(language, axes.yaxis)
            if not labels:
                numbers(language, axes.xaxis)
            if log:
                axes.xaxis.set_major_formatter(lambda value, _: language.tick(float(f"{value:.2g}")))

    return picture((WIDTH, 2.5 * lines + 0.2), draw)


def parallel(rows: Rows, space: dict[str, Any], label: str, largest: bool, language: Language) -> bytes | None:
    """Parallel coordinates: trials as lines through their settings, coloured by objective; None for one setting."""
    shown = _varied(rows, space)
    if len(shown) < 2:
        return None
    heights = {name: _heights(*found) for name, found in shown.items()}
    objectives = np.array([row["objective"] for row in rows])
    norm, colours = Normalize(objectives.min(), objectives.max()), matplotlib.colormaps[COLOUR_MAP]
    colours = colours if largest else colours.reversed()
    order = np.argsort(objectives if largest else -objectives)  # the best is drawn last

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for index in order:
            points = [(place, column[index]) for place, column in enumerate(heights.values())]
            points = [(place, height) for place, height in points if height is not None]
            width = 2.4 if index == order[-1] else 1.2
            axes.plot(*zip(*points, strict=True), color=colours(norm(objectives[index])), linewidth=width, alpha=0.9)
        for place, (places, labels, log) in enumerate(shown.values()):
            axes.axvline(place, color="0.6", linewidth=0.8, zorder=0)
            for height, text in _marks(places, labels, log, language):
                axes.annotate(
                    text,
                    (place, height),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize="small",
                    bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.8},
                )
        axes.set_xticks(range(len(shown)), [wrapped(name.replace("_", " "), 9) for name in shown])
        axes.set(yticks=[], xlim=(-0.15, len(shown) - 0.4), ylim=(-0.06, 1.06))
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        bar = figure.colorbar(ScalarMappable(norm, colours), ax=axes, label=label)
        numbers(language, bar.ax.yaxis)

    return picture((WIDTH, 4.6), draw)


def _heights(places: Sequence[float | None], labels: dict[float, str], log: bool) -> list[float | None]:
    """Positions along a setting as heights 0..1."""
    low, high = _ends(places, labels)
    scale = np.log if log else float
    span = scale(high) - scale(low) or 1.0
    return [None if place is None else float((scale(place) - scale(low)) / span) for place in places]


def _ends(places: Sequence[float | None], labels: dict[float, str]) -> tuple[float, float]:
    there = list(labels) or [place for place in places if place is not None]
    return min(there), max(there)


def _marks(places, labels: dict[float, str], log: bool, language: Language) -> list[tuple[float, str]]:
    """Heights and texts of the marks of an axis of `parallel`."""
    low, high = _ends(places, labels)
    if labels:
        return [(place / (high or 1.0), text) for place, text in labels.items()]
    return [(0.0, language.tick(float(f"{low:.2g}"))), (1.0, language.tick(float(f"{high:.2g}")))]


def curves(histories: dict[str, list[float]], label: str, language: Language) -> bytes | None:
    """The validation curves of some trials, the best first; None if there are none."""
    histories = {name: values for name, values in histories.items() if values}
    if not histories:
        return None
    settled = [value for values in histories.values() for value in values[min(1, len(values) - 1) :]]
    span = max(settled) - min(settled) or 1.0

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for index, (name, values) in enumerate(histories.items()):
            epochs = range(1, len(values) + 1)
            width = 2.2 if index == 0 else 1.3
            axes.plot(epochs, values, label=name, linewidth=width, markersize=4.5, **style_of(index))
        axes.set(
            xlabel=language.gettext("epoch"),
            ylabel=label,
            ylim=(min(settled) - 0.05 * span, max(settled) + 0.15 * span),
        )
        axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
        figure.legend(loc="outside right upper", fontsize="small")
        numbers(language, axes.xaxis, axes.yaxis)

    return picture((WIDTH, 4.2), draw)
