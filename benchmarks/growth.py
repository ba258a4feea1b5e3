"""Measurements of growth: the experiment, the far ends as rows, a plot, a table and a sentence an axis."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import plots
from benchmarks.harness import Experiment, Measured, Side
from benchmarks.rows import Row


@dataclasses.dataclass(frozen=True, kw_only=True)
class Growth:
    """Seconds along some axes, by side; a side's metrics are called "axis value".

    Attributes:
        name: Of the experiment.
        function: "module:name" of the side, which takes `side`, `axes` and what `experiments` is given.
        what: What is timed, as the beginning of a row's name.
        axes: Axis → its values, ascending.
        words: Axis → what it counts.
        sides: Side → its name; the first is ours.
        titles: Axis → title of its plot, and label of the seconds.
        repeats: Measurements a side.
    """

    name: str
    function: str
    what: str
    axes: Mapping[str, Sequence[int]]
    words: Mapping[str, str]
    sides: Mapping[str, str]
    titles: Callable[[str], tuple[str, str]]
    repeats: int

    def experiments(self, materials, **arguments: Any) -> Iterator[Experiment]:
        """The one experiment; a quick one takes two values an axis."""
        axes = {axis: values[:2] if materials.quick else values for axis, values in self.axes.items()}
        sides = {
            side: Side(function=self.function, arguments={"side": side, "axes": axes} | arguments)
            for side in self.sides
        }
        yield Experiment(name=self.name, sides=sides, repeats=materials.repeats(self.repeats))

    def rows(self) -> list[Row]:
        """The far end of each axis, ours beside each peer."""
        ours, *peers = self.sides
        return [
            Row(
                name=f"{self.what}, {values[-1]:,} {self.words[axis]}",
                unit="s",
                ours=f"{self.name}/{ours}.{axis} {values[-1]}",
                peers=(f"{self.name}/{peer}.{axis} {values[-1]}",),
                peer_name=self.sides[peer],
                more=False,
            )
            for axis, values in self.axes.items()
            for peer in peers
        ]

    def details(self, results: Mapping[str, Mapping[str, Measured]], folder: Path, sentences: Mapping[str, str]) -> str:
        """The plots, written to the folder, with their tables and what is to be said of each."""
        sides = {self.sides[side]: found for side, found in results[self.name].items() if not found.missing}
        texts = []
        for axis, words in self.words.items():
            lines = {name: plots.points(found.values, axis) for name, found in sides.items()}
            picture = f"{self.name.replace('_', '-')}-{axis}.png"
            title, label = self.titles(axis)
            plots.draw(folder / picture, title, (words, label), lines)
            said = [f"![{title}, by {words}]({picture})", sentences.get(axis, ""), f"{label.capitalize()}:"]
            texts.append("\n\n".join([*filter(None, said), plots.table(words, lines)]))
        return "\n\n".join(texts)
