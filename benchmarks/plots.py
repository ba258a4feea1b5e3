"""Line plots of growth: one line per variant, with median and range, on logarithmic axes."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.harness import Spread

# Okabe and Ito's palette, which is safe for colour-blind readers; the markers differ as well.
STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"))


def draw(
    path: Path,
    title: str,
    axes: tuple[str, str],
    lines: Mapping[str, Sequence[tuple[float, Spread]]],
    reference: bool = True,
) -> None:
    """Writes a plot.

    Args:
        path: The .png file.
        title: Title of the plot.
        axes: Labels of x and y, with units.
        lines: Name → (x, spread of y), in the order of x.
        reference: Whether y is logarithmic and a dotted line shows linear growth from the first point of each line; if
            not, y is linear and starts at 0.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot, ticker

    figure, plot = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    for (name, points), (colour, marker) in zip(lines.items(), itertools.cycle(STYLES), strict=False):
        xs, spreads = zip(*points, strict=True)
        plot.plot(xs, [spread.median for spread in spreads], color=colour, marker=marker, label=name)
        plot.fill_between(xs, [s.lowest for s in spreads], [s.highest for s in spreads], color=colour, alpha=0.2)
        if reference:
            rate = spreads[0].median / xs[0]
            plot.plot(xs, [rate * x for x in xs], color=colour, linewidth=0.8, linestyle=":")
    plot.set_xscale("log", base=2 if max(xs) <= 1 << 17 and min(xs) & (min(xs) - 1) == 0 else 10)
    plot.set_yscale("log" if reference else "linear")
    plot.set_xticks(xs, [f"{x:,}" for x in xs])
    plot.xaxis.set_minor_locator(ticker.NullLocator())
    if reference:
        plot.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        plot.yaxis.set_minor_locator(ticker.NullLocator())
    else:
        plot.set_ylim(bottom=0)
    plot.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    plot.set(title=title, xlabel=axes[0], ylabel=axes[1])
    plot.grid(alpha=0.3)
    plot.legend(title="dotted: linear from its first point" if reference else None, title_fontsize="small")
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def points(values: Mapping[str, list[float]], axis: str) -> list[tuple[int, Spread]]:
    """The measurements along an axis, sorted by its values; their metrics are named "axis value".

    >>> points({"batch 8": [2.0], "batch 1": [1.0], "hidden 2": [3.0]}, "batch")[0]
    (1, Spread(median=1.0, lowest=1.0, highest=1.0, count=1))
    """
    pairs = [(int(name.split()[1]), Spread.of(list_)) for name, list_ in values.items() if name.split()[0] == axis]
    return sorted(pairs, key=lambda point: point[0])


def table(axis: str, lines: Mapping[str, Sequence[tuple[float, Spread]]], scale: float = 1.0) -> str:
    """The medians as a Markdown table, one row per value of x."""
    from benchmarks.results_table import number

    head = f"| {axis} | " + " | ".join(lines) + " |\n| ---: | " + " | ".join("---:" for _ in lines) + " |"
    rows: dict[float, list[str]] = {}
    for name in lines:
        for x, spread in lines[name]:
            rows.setdefault(x, []).append(number(scale * spread.median))
    return "\n".join([head, *(f"| {x:,} | " + " | ".join(cells) + " |" for x, cells in rows.items())])
