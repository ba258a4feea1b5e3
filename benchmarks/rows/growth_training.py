"""Growth of the time of a training step with units, batch and window, compared with stock Keras and PyTorch."""

from collections.abc import Iterator

from benchmarks.harness import Experiment
from benchmarks.rows import training
from benchmarks.rows.growth import Growth
from benchmarks.rows.training import SIZES

AXES = {
    "units": (128, 256, 512, 1024),
    "batch": (16, 64, 256),
    "time": (64, 256, 1024),
}
LABELS = {"units": "hidden units", "batch": "windows a batch", "time": "steps a window"}
VARIANTS = {"ours": "ours", "keras": "stock Keras", "torch": "PyTorch"}
SENTENCES = {
    "units": (
        "From 256 units on, the time grows faster than the units: the recurrent products grow with their square."
        " At 1,024 units, a step of ours and one of PyTorch take the same time, because nearly all of it is products."
    ),
    "batch": (
        "Linear from 64 windows on; below that, a step costs more per window, because the 128 time steps run one after"
        " another, however few rows each has."
    ),
    "time": (
        "Linear: each time step costs the same; the fixed part of a training step is less than a tenth of the shortest."
    ),
}
FUNCTIONS = {"ours": training.ours, "keras": training.stock_keras, "torch": training.pytorch}


def sweep(variant: str, axes: dict[str, list[int]], steps: int) -> Iterator[dict[str, float]]:
    """Seconds of a training step for each value of each axis; the other sizes are the default ones."""
    points = [(axis, value) for axis, values in axes.items() for value in values]
    yield {}
    while True:
        seconds = {}
        for axis, value in points:
            measured = FUNCTIONS[variant](sizes=SIZES | {axis: value}, steps=steps)
            next(measured)
            seconds[f"{axis} {value}"] = next(measured)["milliseconds"] / 1000
            measured.close()
        yield seconds


def _titles(axis: str) -> tuple[str, str]:
    others = ", ".join(f"{LABELS[other]} {SIZES[other]}" for other in LABELS if other != axis)
    return f"A training step ({others})", "seconds per step"


GROWTH = Growth(
    name="growth_training",
    function="benchmarks.rows.growth_training:sweep",
    what="training step",
    axes=AXES,
    labels=LABELS,
    variants=VARIANTS,
    sentences=SENTENCES,
    titles=_titles,
    repeats=2,
)
rows, details = GROWTH.rows, GROWTH.details


def experiments(fixtures) -> Iterator[Experiment]:
    """The experiment `growth_training`."""
    return GROWTH.experiments(fixtures, steps=1 if fixtures.quick else 3)
