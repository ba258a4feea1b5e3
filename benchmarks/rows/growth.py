"""Benchmarks of growth: the experiment, rows of the largest values, and a plot, a table and a sentence per axis."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import plots
from benchmarks.harness import Experiment, Measurements, Variant
from benchmarks.results_table import Row


@dataclasses.dataclass(frozen=True, kw_only=True)
class Growth:
    """Seconds of each variant along some axes; the metrics are named "axis value".

    Attributes:
        name: Name of the experiment.
        function: "module:name" of the variants' function, which takes `variant`, `axes` and the keyword arguments of
            `experiments`.
        what: What is timed: the first words of the rows' names.
        axes: Axis → its values, ascending.
        labels: Axis → what it counts.
        variants: Variant → the name shown; the first is ours.
        sentences: Axis → a sentence about its plot.
        titles: Axis → title of its plot, and label of the seconds.
        repeats: Measurements per variant.
    """

    name: str
    function: str
    what: str
    axes: Mapping[str, Sequence[int]]
    labels: Mapping[str, str]
    variants: Mapping[str, str]
    sentences: Mapping[str, str]
    titles: Callable[[str], tuple[str, str]]
    repeats: int

    def experiments(self, fixtures, **arguments: Any) -> Iterator[Experiment]:
        """The experiment; a quick one takes two values per axis."""
        axes = {axis: values[:2] if fixtures.quick else values for axis, values in self.axes.items()}
        variants = {
            variant: Variant(function=self.function, arguments={"variant": variant, "axes": axes} | arguments)
            for variant in self.variants
        }
        yield Experiment(name=self.name, variants=variants, repeats=fixtures.repeats(self.repeats))

    def rows(self) -> list[Row]:
        """The largest value of each axis, ours compared with each peer."""
        ours, *peers = self.variants
        return [
            Row(
                name=f"{self.what}, {values[-1]:,} {self.labels[axis]}",
                unit="s",
                ours=f"{self.name}/{ours}.{axis} {values[-1]}",
                peers=(f"{self.name}/{peer}.{axis} {values[-1]}",),
                peer_name=self.variants[peer],
                more=False,
            )
            for axis, values in self.axes.items()
            for peer in peers
        ]

    def details(self, results: Mapping[str, Mapping[str, Measurements]], folder: Path) -> str:
        """Writes the plots to the folder; returns Markdown of the plots, their sentences and their tables."""
        shown = {self.variants[name]: one.values for name, one in results[self.name].items() if not one.missing}
        texts = []
        for axis, words in self.labels.items():
            lines = {name: plots.points(values, axis) for name, values in shown.items()}
            picture = f"{self.name.replace('_', '-')}-{axis}.png"
            title, label = self.titles(axis)
            plots.draw(folder / picture, title, (words, label), lines)
            parts = [f"![{title}, by {words}]({picture})", self.sentences.get(axis, ""), f"{label.capitalize()}:"]
            texts.append("\n\n".join([*filter(None, parts), plots.table(words, lines)]))
        return "\n\n".join(texts)
