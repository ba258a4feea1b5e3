"""How the time of sampling grows with the number of steps and with the batch, ours beside PyTorch."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks import sampling
from benchmarks.growth import Growth
from benchmarks.harness import Experiment, Measured
from benchmarks.rows import Row
from benchmarks.worker import Stopwatch

AXES = {"steps": (128, 1024, 8192, 65536), "batch": (1, 8, 64, 256, 1024)}
WORDS = {"steps": "steps, batch 1", "batch": "rows a batch, 128 steps"}
SIDES = {"compiled": "ours, compiled", "plain": "ours, plain", "torch": "PyTorch"}
SENTENCES = {
    "steps": (
        "Linear from 1,024 steps on; below, the fixed part of a call counts, and compiled drawing makes whole blocks of"
        " 256 steps."
    ),
    "batch": (
        "Up to 8 rows more of them cost little, because a small product waits for its weights; from 64 on it is near"
        " linear. Compiled drawing makes 256 steps where 128 are asked for, so a step of it takes half of what the line"
        " shows."
    ),
}
FEW_STEPS = 128  # along the axis of the batch


def _place(axis: str, value: int) -> dict[str, int]:
    """Batch and steps at a point of an axis."""
    return {"batch": 1, "steps": value} if axis == "steps" else {"batch": value, "steps": FEW_STEPS}


def sweep(side: str, axes: dict[str, list[int]], model: str) -> Iterator[dict[str, float]]:
    """Seconds of drawing at every point of every axis."""
    draw = _torch_draw if side == "torch" else sampling.generator(model, side)
    places = [(axis, value) for axis, values in axes.items() for value in values]
    for axis, value in places:  # traces and compiles
        draw(_place(axis, value)["batch"], FEW_STEPS)
    yield {}
    while True:
        found = {}
        for axis, value in places:
            watch = Stopwatch()
            draw(**_place(axis, value))
            found[f"{axis} {value}"] = watch.lap()
        yield found


def _torch_draw(batch: int, steps: int) -> None:
    measured = sampling.pytorch(batch, steps, warm_up=16)
    next(measured)
    next(measured)


GROWTH = Growth(
    name="growth_sampling",
    function="benchmarks.growth_sampling:sweep",
    what="sampling",
    axes=AXES,
    words=WORDS,
    sides=SIDES,
    titles=lambda axis: ("Drawing music", "seconds"),
    repeats=3,
)


def experiments(materials) -> Iterator[Experiment]:
    """The experiment `growth_sampling`."""
    return GROWTH.experiments(materials, model=materials.model)


def rows() -> list[Row]:
    """The far end of each axis as lines of the table."""
    return GROWTH.rows()


def details(results: dict[str, dict[str, Measured]], folder: Path) -> str:
    """A plot and a table an axis."""
    return GROWTH.details(results, folder, SENTENCES)
