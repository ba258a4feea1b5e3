"""How the time of a training step grows with hidden size, batch and window, ours beside stock Keras and PyTorch."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks import plots, training
from benchmarks.harness import Experiment, Measured, Side
from benchmarks.rows import Row
from benchmarks.training import SIZES

AXES = {
    "units": (128, 256, 512, 1024),
    "batch": (8, 16, 32, 64, 128, 256),
    "time": (64, 128, 256, 512, 1024),
}
WORDS = {"units": "hidden units", "batch": "windows a batch", "time": "steps a window"}
SIDES = {"ours": "ours", "keras": "stock Keras", "torch": "PyTorch"}
FUNCTIONS = {"ours": training.ours, "keras": training.stock_keras, "torch": training.pytorch}


def sweep(side: str, axes: dict[str, list[int]], steps: int) -> Iterator[dict[str, float]]:
    """Seconds of a training step at every point of every axis, the other sizes being the default ones."""
    places = [(axis, value) for axis, values in axes.items() for value in values]
    yield {}
    while True:
        found = {}
        for axis, value in places:
            measured = FUNCTIONS[side](sizes=SIZES | {axis: value}, steps=steps)
            next(measured)
            found[f"{axis} {value}"] = next(measured)["milliseconds"] / 1000
            measured.close()
        yield found


def experiments(materials) -> Iterator[Experiment]:
    """The experiment `growth_training`."""
    axes = {axis: values[:2] if materials.quick else values for axis, values in AXES.items()}
    shared = {"axes": axes, "steps": 1 if materials.quick else 3}
    sides = {
        side: Side(function="benchmarks.growth_training:sweep", arguments=shared | {"side": side}) for side in SIDES
    }
    yield Experiment(name="growth_training", sides=sides, repeats=materials.repeats(2))


def rows() -> list[Row]:
    """The far end of each axis as lines of the table."""
    return [
        Row(
            name=f"training step, {values[-1]:,} {WORDS[axis]}",
            unit="s",
            ours=f"growth_training/ours.{axis} {values[-1]}",
            peers=(f"growth_training/{peer}.{axis} {values[-1]}",),
            peer_name=SIDES[peer],
            more=False,
        )
        for axis, values in AXES.items()
        for peer in ("keras", "torch")
    ]


def details(results: dict[str, dict[str, Measured]], folder: Path) -> str:
    """A plot and a table an axis."""
    sides = {SIDES[side]: found for side, found in results["growth_training"].items() if not found.missing}
    texts = []
    for axis, words in WORDS.items():
        lines = {name: plots.points(found.values, axis) for name, found in sides.items()}
        picture = f"growth-training-{axis}.png"
        others = ", ".join(f"{WORDS[other]} {SIZES[other]}" for other in WORDS if other != axis)
        title = f"A training step ({others})"
        plots.draw(folder / picture, title, (words, "seconds a step"), lines)
        texts.append(f"![{title}]({picture})\n\nSeconds a step:\n\n{plots.table(words, lines)}")
    return "\n\n".join(texts)
