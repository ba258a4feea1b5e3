"""How the time of a training step grows with hidden size, batch and window, ours beside stock Keras and PyTorch."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks import training
from benchmarks.growth import Growth
from benchmarks.harness import Experiment, Measured
from benchmarks.rows import Row
from benchmarks.training import SIZES

AXES = {
    "units": (128, 256, 512, 1024),
    "batch": (16, 64, 256),
    "time": (64, 256, 1024),
}
WORDS = {"units": "hidden units", "batch": "windows a batch", "time": "steps a window"}
SIDES = {"ours": "ours", "keras": "stock Keras", "torch": "PyTorch"}
SENTENCES = {
    "units": (
        "From 256 units on it grows faster than the units: the recurrent products grow with their square. At 1,024"
        " units ours and PyTorch's step take the same time, because nearly all of it is products."
    ),
    "batch": (
        "Linear from 64 windows on; below, a step costs more a window, because the 128 steps in time follow one"
        " another, however few rows each has."
    ),
    "time": (
        "Linear: each step in time costs the same; a training step's fixed part is less than a tenth of the shortest."
    ),
}
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


def _titles(axis: str) -> tuple[str, str]:
    others = ", ".join(f"{WORDS[other]} {SIZES[other]}" for other in WORDS if other != axis)
    return f"A training step ({others})", "seconds a step"


GROWTH = Growth(
    name="growth_training",
    function="benchmarks.growth_training:sweep",
    what="training step",
    axes=AXES,
    words=WORDS,
    sides=SIDES,
    titles=_titles,
    repeats=2,
)


def experiments(materials) -> Iterator[Experiment]:
    """The experiment `growth_training`."""
    return GROWTH.experiments(materials, steps=1 if materials.quick else 3)


def rows() -> list[Row]:
    """The far end of each axis as lines of the table."""
    return GROWTH.rows()


def details(results: dict[str, dict[str, Measured]], folder: Path) -> str:
    """A plot and a table an axis."""
    return GROWTH.details(results, folder, SENTENCES)
