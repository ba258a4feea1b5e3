"""Drawing music step by step: microseconds a step, and how long it takes from nothing to the first step."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, Experiment, Side
from benchmarks.rows import Row
from benchmarks.side import Stopwatch, torch_as_tuned
from benchmarks.training import SIZES, torch_layers

NAMES = ("sampling_1", "sampling_64", "first_step")
STEPS = 512  # drawn a measurement
PREDICTED = 20  # by `model.predict`, of which a step takes as long as all of ours
SEEN = 128  # steps that `model.predict` is given each time
PITCHES = 84


def generator(model: str, wrapped: bool) -> Callable[[int, int], np.ndarray]:
    """Our exported model as a function of (batch, steps), plain or compiled after loading."""
    from pianoroll_tf.config import SamplingConfig
    from pianoroll_tf.generation import saved_model

    loaded = saved_model.load(model)
    return lambda batch, steps: loaded.generate(
        np.zeros((batch, 0, PITCHES), np.uint8), steps, SamplingConfig(), compiled=wrapped
    )


def _measured(draw: Callable[[int], Any], steps: int, warm_up: int | None = None) -> Iterator[dict[str, float]]:
    """Measures `draw(steps)`, after it drew `warm_up` steps; default: as many."""
    draw(warm_up or steps)
    yield {}
    while True:
        watch = Stopwatch()
        draw(steps)
        yield {"microseconds": 1e6 * watch.lap() / steps}


def ours(model: str, batch: int, steps: int, wrapped: bool = False) -> Iterator[dict[str, float]]:
    """The exported model, with governor, as `generate` asks it."""
    draw = generator(model, wrapped)
    yield from _measured(lambda count: draw(batch, count), steps)


def pytorch(batch: int, steps: int, warm_up: int | None = None) -> Iterator[dict[str, float]]:
    """A PyTorch loop over steps: the last 5 frames, one step of the GRU, the draw."""
    torch = torch_as_tuned()
    with torch.inference_mode():
        convolution, recurrent, dense = torch_layers(torch, SIZES)

        def draw(count: int):
            frames = torch.zeros(batch, PITCHES, SIZES["kernel"])
            state = torch.zeros(1, batch, SIZES["units"])
            roll = torch.zeros(count, batch, PITCHES, dtype=torch.uint8)
            for step in range(count):
                hidden, state = recurrent(torch.relu(convolution(frames)).transpose(1, 2), state)
                frame = torch.rand(batch, PITCHES) < torch.sigmoid(dense(hidden[:, -1]))
                roll[step] = frame
                frames = torch.cat([frames[:, :, 1:], frame.float()[:, :, None]], dim=2)
            return roll

        yield from _measured(draw, steps, warm_up)


def model_predict(batch: int, steps: int) -> Iterator[dict[str, float]]:
    """Keras's `model.predict` on the last 128 steps for each new step."""
    from pianoroll_tf.config import ModelConfig
    from pianoroll_tf.modeling.network import build_model

    network = build_model(ModelConfig())
    rng = np.random.default_rng(0)

    def draw(count: int) -> np.ndarray:
        roll = np.zeros((batch, SEEN, PITCHES), np.float32)
        for _ in range(count):
            logits = network.predict(roll[:, -SEEN:], verbose=0)[:, -1]
            frame = rng.random(logits.shape) < 1 / (1 + np.exp(-logits))
            roll = np.concatenate([roll, frame[:, None].astype(np.float32)], axis=1)
        return roll

    yield from _measured(draw, steps)


def first_step(model: str, wrapped: bool) -> Iterator[dict[str, float]]:
    """Seconds of loading, and of the first step after it, each time in a new process that has imported TensorFlow."""
    yield {}
    while True:
        command = [sys.executable, "-m", "benchmarks.sampling", model, str(int(wrapped))]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
        yield json.loads(done.stdout.splitlines()[-1])


def _print_first_step(model: str, wrapped: str) -> None:
    import tensorflow  # noqa: F401  (its import is no part of the load time)

    import pianoroll_tf.generation.saved_model  # noqa: F401  (likewise)

    watch = Stopwatch()
    draw = generator(model, wrapped=bool(int(wrapped)))
    load = watch.lap()
    draw(1, 1)
    print(json.dumps({"load": load, "first": watch.lap()}))


def experiments(materials) -> Iterator[Experiment]:
    """`sampling_1` and `sampling_64`, by the batch; `first_step`."""
    steps = {"steps": 64 if materials.quick else STEPS}
    for batch in (1, 64):
        shared = {"batch": batch, **steps}
        exported = shared | {"model": materials.model}
        sides = {
            "plain": Side(function="benchmarks.sampling:ours", arguments=exported),
            "compiled": Side(function="benchmarks.sampling:ours", arguments=exported | {"wrapped": True}),
            "torch": Side(function="benchmarks.sampling:pytorch", arguments=shared),
            "predict": Side(function="benchmarks.sampling:model_predict", arguments=shared | {"steps": PREDICTED}),
        }
        yield Experiment(name=f"sampling_{batch}", sides=sides, repeats=materials.repeats(5))
    ways = {"plain": False, "compiled": True}
    sides = {
        name: Side(function="benchmarks.sampling:first_step", arguments={"model": materials.model, "wrapped": wrapped})
        for name, wrapped in ways.items()
    }
    yield Experiment(name="first_step", sides=sides, repeats=materials.repeats(3))


def rows() -> list[Row]:
    """Their lines of the table."""
    note = f"{STEPS} steps in one call, all that `generate` does included; `model.predict`: {PREDICTED} steps"
    predict = f"`model.predict` on the last {SEEN} steps"
    shared = {"unit": "µs a step", "more": False, "note": note}
    found = []
    for batch, compiled_goal, torch_goal in ((1, 2.5, 5.0), (64, None, None)):
        place = f"sampling_{batch}"
        goals = {"plain": compiled_goal, "torch": torch_goal, "predict": None}
        words = {"plain": "plain `tf.while_loop`", "torch": "PyTorch, step by step", "predict": predict}
        for peer, goal in goals.items():
            references = {"ours": f"{place}/compiled.microseconds", "peers": (f"{place}/{peer}.microseconds",)}
            name = f"sampling, batch {batch}"
            found.append(Row(name=name, peer_name=words[peer], goal=goal, **references, **shared))
    for metric, name in (("load", "loading the SavedModel"), ("first", "the first step after it")):
        references = {"ours": f"first_step/compiled.{metric}", "peers": (f"first_step/plain.{metric}",)}
        words = "not compiled"
        found.append(Row(name=f"sampling, {name}", unit="s", more=False, peer_name=words, **references))
    return found


if __name__ == "__main__":
    _print_first_step(*sys.argv[1:])
