"""Line plots of what grows: one line a side, median and range, logarithmic axes."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.harness import Spread

# Okabe and Ito's colours, told apart by people with any kind of colour vision; the markers differ as well.
STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"))


def draw(
    path: Path,
    title: str,
    axes: tuple[str, str],
    lines: Mapping[str, Sequence[tuple[float, Spread]]],
    straight: bool = True,
) -> None:
    """Writes a picture.

    Args:
        path: A .png.
        title: Above it.
        axes: Labels with units, of x and y.
        lines: Name → (x, spread of y) in the order of x.
        straight: Whether to draw beside each line what it would be if it grew as x does from its first point on; if
            not, y is linear and begins at 0.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot, ticker

    figure, plot = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    for (name, points), (colour, marker) in zip(lines.items(), itertools.cycle(STYLES), strict=False):
        xs, spreads = zip(*points, strict=True)
        plot.plot(xs, [spread.median for spread in spreads], color=colour, marker=marker, label=name)
        plot.fill_between(xs, [s.lowest for s in spreads], [s.highest for s in spreads], color=colour, alpha=0.2)
        if straight:
            rate = spreads[0].median / xs[0]
            plot.plot(xs, [rate * x for x in xs], color=colour, linewidth=0.8, linestyle=":")
    plot.set_xscale("log", base=2 if max(xs) <= 1 << 17 and min(xs) & (min(xs) - 1) == 0 else 10)
    plot.set_yscale("log" if straight else "linear")
    plot.set_xticks(xs, [f"{x:,}" for x in xs])
    plot.xaxis.set_minor_locator(ticker.NullLocator())
    if straight:
        plot.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        plot.yaxis.set_minor_locator(ticker.NullLocator())
    else:
        plot.set_ylim(bottom=0)
    plot.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    plot.set(title=title, xlabel=axes[0], ylabel=axes[1])
    plot.grid(alpha=0.3)
    plot.legend(title="dotted: linear from its first point" if straight else None, title_fontsize="small")
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def points(values: Mapping[str, list[float]], axis: str) -> list[tuple[int, Spread]]:
    """What was measured along an axis; a metric is called "axis value".

    >>> points({"batch 8": [2.0], "batch 1": [1.0], "hidden 2": [3.0]}, "batch")[0]
    (1, Spread(median=1.0, lowest=1.0, highest=1.0, count=1))
    """
    found = [(int(name.split()[1]), Spread.of(list_)) for name, list_ in values.items() if name.split()[0] == axis]
    return sorted(found, key=lambda point: point[0])


def table(axis: str, lines: Mapping[str, Sequence[tuple[float, Spread]]], scale: float = 1.0) -> str:
    """The same numbers as a Markdown table, medians; a line a value of x."""
    from benchmarks.rows import number

    head = f"| {axis} | " + " | ".join(lines) + " |\n| ---: | " + " | ".join("---:" for _ in lines) + " |"
    rows: dict[float, list[str]] = {}
    for name in lines:
        for x, spread in lines[name]:
            rows.setdefault(x, []).append(number(scale * spread.median))
    return "\n".join([head, *(f"| {x:,} | " + " | ".join(cells) + " |" for x, cells in rows.items())])
