"""The style of all figures of a report: size, colours, numbers on axes; and the figure of means with intervals.

Figures are drawn and saved within `matplotlib.rc_context(STYLE)`.
"""

import io
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from tuner.report import page
from tuner.report.captions import FIGURES
from tuner.report.data import StudyData
from tuner.report.language import N_, Language
from tuner.study.measures import CONVERGENCE, MEASURES
from tuner.study.settings import Combination

WIDTH = 10.0  # inches
DOTS_PER_INCH = 150  # of a PNG
# Okabe and Ito 2008: distinguishable with any colour vision, and by marker and line style.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
STYLES: list[dict[str, Any]] = [
    {"color": colour, "marker": marker, "linestyle": line}
    for colour, marker, line in zip(COLOURS, "os^DvP", LINES, strict=True)
]
STYLE: dict[Any, Any] = {
    "font.size": 10.5,
    "font.family": "DejaVu Sans",  # comes with matplotlib; has Cyrillic
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "legend.frameon": False,
    "figure.constrained_layout.h_pad": 0.1,
    "svg.fonttype": "path",  # looks the same wherever it is read
    "svg.hashsalt": "report",
}


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure of a size in inches."""
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def panels(count: int, columns: int, row_height: float, more: float = 0.2, **arguments: Any) -> tuple[Figure, list]:
    """A figure of rows of at most `columns` panels, and their axes; its height is that of the rows and `more`, inches.

    >>> figure, axes = panels(5, 3, row_height=2.0)
    >>> len(axes), figure.get_size_inches().tolist()
    (5, [10.0, 4.2])
    """
    columns = min(count, columns)
    rows = -(-count // columns)
    figure = new_figure(rows * row_height + more)
    axes = list(figure.subplots(rows, columns, squeeze=False, **arguments).flat)
    for each in axes[count:]:
        each.remove()
    return figure, axes[:count]


def block(
    name: str, figure: Figure | None, language: Language, suffix: str = "svg", **values: object
) -> page.Figure | None:
    """A figure as a file, with its texts from `captions.FIGURES`; None without a figure."""
    if figure is None:
        return None
    alt, caption = (language.gettext(message, **values) for message in FIGURES[name])
    return save(name.replace("_", "-"), figure, alt, caption, suffix)


def save(name: str, figure: Figure, alt: str, caption: str, suffix: str = "svg") -> page.Figure:
    """A figure as a file with a name and texts; the same drawing gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=suffix, metadata={"Date": None} if suffix == "svg" else {"Software": None})
    return page.Figure(name, alt, caption, buffer.getvalue(), suffix)


def choice_style(data: StudyData, table: str, key: str) -> dict[str, Any]:
    """The style of a loss or an optimizer, the same in all figures; all differ if there are few."""
    study = data.study.settings.study
    index = study.losses.index(key) if table == "loss" else len(study.losses) + study.optimizers.index(key)
    return STYLES[index % len(STYLES)]


def numbers(language: Language, *axes) -> None:
    """Formats the numbers of axes (`axes.xaxis`, `axes.yaxis`) in the language."""
    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda value, _: language.tick(value)))
        axis.set_minor_formatter(NullFormatter())


def means(
    data: StudyData,
    measures: Sequence[str],
    language: Language,
    columns: int = 2,
    combinations: Sequence[Combination] | None = None,
) -> Figure | None:
    """One panel per measure, in it for each combination every run, the mean and its interval.

    The default of `combinations` is all without ablations. None if no run has any of these measures.
    """
    combinations = data.measured(ablations=False) if combinations is None else combinations
    if not any(data.values(name, each) for name in measures for each in combinations):
        return None
    figure, all_axes = panels(len(measures), columns, 0.95 + 0.3 * len(combinations))
    for index, (axes, measure) in enumerate(zip(all_axes, measures, strict=True)):
        for row, combination in enumerate(combinations):
            _draw_mean(axes, row, data, measure, combination, language)
        axes.set_title(textwrap.fill(language.measure(measure), 84 // columns), loc="left")
        axes.set_xlabel(language.gettext(MEASURES[measure].unit))
        labels = ["" if index % columns else language.combination(each) for each in combinations]
        axes.set_yticks(range(len(combinations)), labels)
        axes.set_ylim(len(combinations) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(6 - columns))
        numbers(language, axes.xaxis)
        if not any(data.values(measure, each) for each in combinations):
            axes.set_xticks([])
    return figure


def _draw_mean(axes, row: int, data: StudyData, measure: str, combination: Combination, language: Language) -> None:
    """One row of a panel of `means`."""
    values, summary = data.values(measure, combination), data.comparison.measures[measure].summaries[combination.name]
    style = choice_style(data, "loss", combination.loss)
    colour, face = style["color"], "white" if combination.ablation else style["color"]
    offsets = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(len(values))
    axes.plot(values, row + offsets, ".", color="0.55", markersize=5, zorder=2)
    if summary.low is not None:
        axes.plot([summary.low, summary.high], [row, row], color=colour, linewidth=2.2, zorder=3)
    if summary.mean is not None:
        axes.plot(summary.mean, row, style["marker"], color=colour, markerfacecolor=face, markersize=7, zorder=4)
    if summary.missing:
        message = N_("{missing} of {runs}: no value")
        if MEASURES[measure].group == CONVERGENCE:
            message = N_("{missing} of {runs}: never")
        text = language.gettext(message, missing=summary.missing, runs=summary.missing + summary.runs)
        axes.text(1.01, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize="small", color="0.25")
