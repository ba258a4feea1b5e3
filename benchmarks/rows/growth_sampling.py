"""Growth of the time of sampling with the number of steps and the batch size, compared with PyTorch."""

from collections.abc import Iterator

from benchmarks.harness import Experiment
from benchmarks.rows import sampling
from benchmarks.rows.growth import Growth
from benchmarks.worker import Stopwatch

AXES = {"steps": (128, 1024, 8192, 65536), "batch": (1, 8, 64, 256, 1024)}
LABELS = {"steps": "steps, batch 1", "batch": "rows a batch, 128 steps"}
VARIANTS = {"compiled": "ours, compiled", "plain": "ours, plain", "torch": "PyTorch"}
SENTENCES = {
    "steps": (
        "Linear from 1,024 steps on; below that, the fixed part of a call counts, and compiled sampling generates whole"
        " blocks of 256 steps."
    ),
    "batch": (
        "Up to 8 rows, more rows cost little, because a small product waits for its weights; from 64 rows on, the time"
        " is nearly linear. Compiled sampling generates 256 steps where 128 are requested, so its time per step is half"
        " of what the line shows."
    ),
}
BATCH_AXIS_STEPS = 128


def _batch_and_steps(axis: str, value: int) -> dict[str, int]:
    """Batch size and number of steps for a value of an axis."""
    return {"batch": 1, "steps": value} if axis == "steps" else {"batch": value, "steps": BATCH_AXIS_STEPS}


def sweep(variant: str, axes: dict[str, list[int]], model: str) -> Iterator[dict[str, float]]:
    """Seconds of sampling for each value of each axis."""
    draw = _torch_draw if variant == "torch" else sampling.generator(model, variant)
    points = [(axis, value) for axis, values in axes.items() for value in values]
    for axis, value in points:  # traces and compiles
        draw(_batch_and_steps(axis, value)["batch"], BATCH_AXIS_STEPS)
    yield {}
    while True:
        seconds = {}
        for axis, value in points:
            watch = Stopwatch()
            draw(**_batch_and_steps(axis, value))
            seconds[f"{axis} {value}"] = watch.lap()
        yield seconds


def _torch_draw(batch: int, steps: int) -> None:
    measured = sampling.pytorch(batch, steps, warm_up=16)
    next(measured)
    next(measured)


GROWTH = Growth(
    name="growth_sampling",
    function="benchmarks.rows.growth_sampling:sweep",
    what="sampling",
    axes=AXES,
    labels=LABELS,
    variants=VARIANTS,
    sentences=SENTENCES,
    titles=lambda axis: ("Sampling music", "seconds"),
    repeats=3,
)
rows, details = GROWTH.rows, GROWTH.details


def experiments(fixtures) -> Iterator[Experiment]:
    """The experiment `growth_sampling`."""
    return GROWTH.experiments(fixtures, model=fixtures.model)
