"""How the time of sampling grows with the number of steps and with the batch, ours beside PyTorch."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks import plots, sampling
from benchmarks.harness import Experiment, Measured, Side
from benchmarks.rows import Row
from benchmarks.side import Stopwatch

AXES = {"steps": (128, 512, 2048, 8192, 65536), "batch": (1, 4, 16, 64, 256, 1024)}
WORDS = {"steps": "steps, batch 1", "batch": "rows a batch, 128 steps"}
SIDES = {"compiled": "ours, compiled", "plain": "ours, plain", "torch": "PyTorch"}
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


def experiments(materials) -> Iterator[Experiment]:
    """The experiment `growth_sampling`."""
    axes = {axis: values[:2] if materials.quick else values for axis, values in AXES.items()}
    shared = {"axes": axes, "model": materials.model}
    sides = {
        side: Side(function="benchmarks.growth_sampling:sweep", arguments=shared | {"side": side}) for side in SIDES
    }
    yield Experiment(name="growth_sampling", sides=sides, repeats=materials.repeats(3))


def rows() -> list[Row]:
    """The far end of each axis as lines of the table."""
    return [
        Row(
            name=f"sampling, {values[-1]:,} {WORDS[axis]}",
            unit="s",
            ours=f"growth_sampling/compiled.{axis} {values[-1]}",
            peers=(f"growth_sampling/{peer}.{axis} {values[-1]}",),
            peer_name=SIDES[peer],
            more=False,
        )
        for axis, values in AXES.items()
        for peer in ("plain", "torch")
    ]


def details(results: dict[str, dict[str, Measured]], folder: Path) -> str:
    """A plot and a table an axis."""
    sides = {SIDES[side]: found for side, found in results["growth_sampling"].items() if not found.missing}
    texts = []
    for axis, words in WORDS.items():
        lines = {name: plots.points(found.values, axis) for name, found in sides.items()}
        picture = f"growth-sampling-{axis}.png"
        plots.draw(folder / picture, "Drawing music", (words, "seconds"), lines)
        texts.append(f"![Drawing music by {words}]({picture})\n\nSeconds:\n\n{plots.table(words, lines)}")
    return "\n\n".join(texts)
