"""The style of all figures of a report: size, colours, numbers on axes; and the figure of means with intervals."""

import io
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from tuner.report.data import StudyData
from tuner.report.language import N_, Language
from tuner.study.measure_table import CONVERGENCE, MEASURES
from tuner.study.settings import Combination

WIDTH = 10.0  # inches
DOTS_PER_INCH = 150  # of a PNG
# Okabe and Ito 2008: distinguishable with any colour vision, and by marker and line style.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
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


def picture(size: tuple[float, float], draw: Callable[[Figure], None], suffix: str = "svg") -> bytes:
    """A figure as the content of a file; the same drawing gives the same bytes.

    Args:
        size: Width and height, inches.
        draw: Draws on the figure.
        suffix: "svg" or "png".
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix, metadata={"Date": None} if suffix == "svg" else {"Software": None})
    return buffer.getvalue()


def style_of(index: int) -> dict[str, Any]:
    """Colour, marker and line style of entry `index`."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": LINES[index % len(LINES)],
    }


def loss_style(data: StudyData, loss: str) -> dict[str, Any]:
    """The style of a loss, the same in all figures."""
    return style_of(data.study.settings.study.losses.index(loss))


def optimizer_style(data: StudyData, optimizer: str) -> dict[str, Any]:
    """The style of an optimizer, the same in all figures, and different from those of losses if there are few."""
    study = data.study.settings.study
    return style_of(len(study.losses) + study.optimizers.index(optimizer))


def numbers(language: Language, *axes) -> None:
    """Formats the numbers of axes (`axes.xaxis`, `axes.yaxis`) in the language."""
    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda value, _: language.tick(value)))
        axis.set_minor_formatter(NullFormatter())


def wrapped(text: str, width: int) -> str:
    """A text in lines of at most `width` characters."""
    return "\n".join(textwrap.wrap(text, width))


def grid_of(count: int, columns: int) -> tuple[int, int]:
    """Rows and columns of a grid of panels.

    >>> grid_of(5, 3), grid_of(2, 3)
    ((2, 3), (1, 2))
    """
    columns = min(count, columns)
    return -(-count // columns), columns


def panels(figure: Figure, count: int, columns: int, **arguments: Any) -> list:
    """The axes of `count` panels; the rest of the last row stays empty."""
    axes = list(figure.subplots(*grid_of(count, columns), squeeze=False, **arguments).flat)
    for each in axes[count:]:
        each.remove()
    return axes[:count]


def means(
    data: StudyData,
    measures: Sequence[str],
    language: Language,
    columns: int = 2,
    combinations: Sequence[Combination] | None = None,
) -> bytes | None:
    """One panel per measure, in it for each combination every run, the mean and its interval.

    Args:
        data: The study.
        measures: One panel each.
        language: The language.
        columns: Panels per row.
        combinations: Default: all without ablations.

    Returns:
        The content of an SVG file; None if no run has any of these measures.
    """
    combinations = data.measured(ablations=False) if combinations is None else combinations
    if not any(data.values(name, each) for name in measures for each in combinations):
        return None
    rows, columns = grid_of(len(measures), columns)

    def draw(figure: Figure) -> None:
        for index, (axes, measure) in enumerate(zip(panels(figure, len(measures), columns), measures, strict=True)):
            for row, combination in enumerate(combinations):
                _draw_mean(axes, row, data, measure, combination, language)
            axes.set_title(wrapped(language.measure(measure), 84 // columns), loc="left")
            axes.set_xlabel(language.unit(MEASURES[measure].unit))
            labels = [language.combination(each) for each in combinations] if index % columns == 0 else []
            axes.set_yticks(range(len(combinations)), labels or [""] * len(combinations))
            axes.set_ylim(len(combinations) - 0.4, -0.6)
            axes.grid(visible=False, axis="y")
            axes.xaxis.set_major_locator(MaxNLocator(6 - columns))
            numbers(language, axes.xaxis)
            if not any(data.values(measure, each) for each in combinations):
                axes.set_xticks([])

    return picture((WIDTH, rows * (0.95 + 0.3 * len(combinations)) + 0.2), draw)


def _draw_mean(axes, row: int, data: StudyData, measure: str, combination: Combination, language: Language) -> None:
    """One row of a panel of `means`."""
    values, summary = data.values(measure, combination), data.comparison.measures[measure].summaries[combination.name]
    style = loss_style(data, combination.loss)
    face = "white" if combination.ablation else style["color"]
    offsets = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(len(values))
    axes.plot(values, row + offsets, ".", color="0.55", markersize=5, zorder=2)
    if summary.mean is not None:
        if summary.low is not None:
            axes.plot([summary.low, summary.high], [row, row], color=style["color"], linewidth=2.2, zorder=3)
        axes.plot(
            summary.mean, row, style["marker"], color=style["color"], markerfacecolor=face, markersize=7, zorder=4
        )
    if summary.missing:
        message = N_("{missing} of {runs}: no value")
        if MEASURES[measure].group == CONVERGENCE:
            message = N_("{missing} of {runs}: never")
        text = language.gettext(message, missing=summary.missing, runs=summary.missing + summary.runs)
        axes.text(1.01, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize="small", color="0.25")
