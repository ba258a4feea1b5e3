"""Drawing music step by step: microseconds a step, and how long it takes from nothing to the first step."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, Experiment, Side
from benchmarks.rows import Row
from benchmarks.training import SIZES, torch_layers
from benchmarks.worker import Stopwatch, tensorflow_as_ours, torch_as_tuned

NAMES = ("sampling_1", "sampling_64", "first_step")
STEPS = 512  # drawn a measurement
PREDICTED = 20  # by `model.predict`, of which a step takes as long as all of ours
# Why a goal may be missed: way and peers → in words
CAUSES = {
    ("chosen", "plain", "compiled"): (
        "what is chosen is one of the two, the same program in another process: the difference is the machine's noise"
    ),
    ("compiled", "torch"): (
        "both read all weights, 1.5 MB, in every step, ours at some 30 GB/s from the caches of one core, so what is"
        " left to gain is PyTorch's calls between the products, which were quick in this run: 4.4 to 5.5 times was seen"
    ),
}
SEEN = 128  # steps that `model.predict` is given each time
PITCHES = 84


def generator(model: str, way: str) -> Callable[[int, int], np.ndarray]:
    """Our exported model as a function of (batch, steps).

    Args:
        model: Its folder.
        way: "plain", "compiled" after loading, or "chosen": that of the two which the package takes for long music.
    """
    tensorflow_as_ours()
    from pianoroll_tf.config import MAX_STEPS, SamplingConfig
    from pianoroll_tf.generation import compiled, saved_model

    loaded = saved_model.load(model)
    ways = {
        "plain": lambda batch: False,
        "compiled": lambda batch: True,
        "chosen": lambda batch: compiled.worthwhile(batch, MAX_STEPS),
    }
    return lambda batch, steps: loaded.generate(
        np.zeros((batch, 0, PITCHES), np.uint8), steps, SamplingConfig(), compiled=ways[way](batch)
    )


def _measured(draw: Callable[[int], Any], steps: int, warm_up: int | None = None) -> Iterator[dict[str, float]]:
    """Measures `draw(steps)`, after it drew `warm_up` steps; default: as many."""
    draw(warm_up or steps)
    yield {}
    while True:
        watch = Stopwatch()
        draw(steps)
        yield {"microseconds": 1e6 * watch.lap() / steps}


def ours(model: str, batch: int, steps: int, way: str) -> Iterator[dict[str, float]]:
    """The exported model, with governor, as `generate` asks it."""
    draw = generator(model, way)
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

    network = build_model(ModelConfig(head="independent", articulation=False))
    rng = np.random.default_rng(0)

    def draw(count: int) -> np.ndarray:
        roll = np.zeros((batch, SEEN, PITCHES), np.uint8)
        for _ in range(count):
            seen = {"inputs": roll[:, -SEEN:], "clock": np.zeros((batch, SEEN), np.int32), "targets": roll[:, -SEEN:]}
            logits = network.predict(seen, verbose=0)[:, -1, :PITCHES]
            frame = rng.random(logits.shape) < 1 / (1 + np.exp(-logits))
            roll = np.concatenate([roll, frame[:, None].astype(np.uint8)], axis=1)
        return roll

    yield from _measured(draw, steps)


def first_step(model: str, way: str) -> Iterator[dict[str, float]]:
    """Seconds of loading, and of the first step after it, each time in a new process that has imported TensorFlow."""
    yield {}
    while True:
        command = [sys.executable, "-m", "benchmarks.sampling", model, way]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
        yield json.loads(done.stdout.splitlines()[-1])


def _print_first_step(model: str, way: str) -> None:
    tensorflow_as_ours()  # its import is no part of the load time
    import pianoroll_tf.generation.saved_model  # noqa: F401  (likewise)

    watch = Stopwatch()
    draw = generator(model, way)
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
            way: Side(function="benchmarks.sampling:ours", arguments=exported | {"way": way})
            for way in ("plain", "compiled", "chosen")
        }
        sides["torch"] = Side(function="benchmarks.sampling:pytorch", arguments=shared)
        few = shared | {"steps": PREDICTED}
        sides["predict"] = Side(function="benchmarks.sampling:model_predict", arguments=few)
        yield Experiment(name=f"sampling_{batch}", sides=sides, repeats=materials.repeats(5))
    sides = {
        way: Side(function="benchmarks.sampling:first_step", arguments={"model": materials.model, "way": way})
        for way in ("plain", "compiled")
    }
    yield Experiment(name="first_step", sides=sides, repeats=materials.repeats(3))


def rows() -> list[Row]:
    """Their lines of the table."""
    note = (
        f"{STEPS} steps in one call, all that `generate` does included; `model.predict`: {PREDICTED}; chosen: what"
        " the package takes for long music; it should be no slower than the better of both, within 5 %"
    )
    predict = f"`model.predict` on the last {SEEN} steps"
    shared = {"unit": "µs a step", "more": False, "note": note}
    words = {"plain": "plain `tf.while_loop`", "torch": "PyTorch, step by step", "predict": predict}
    words["compiled"] = "compiled by XLA"
    beside = {
        ("compiled", 1): {("plain",): 2.5, ("torch",): 5.0, ("predict",): None},
        ("chosen", 64): {("plain", "compiled"): 0.95, ("torch",): None, ("predict",): None},
    }
    found = []
    for (way, batch), peers in beside.items():
        for names, goal in peers.items():
            references = tuple(f"sampling_{batch}/{peer}.microseconds" for peer in names)
            found.append(
                Row(
                    name=f"sampling, {way}, batch {batch}",
                    ours=f"sampling_{batch}/{way}.microseconds",
                    peers=references,
                    peer_name=" or ".join(words[name] for name in names),
                    goal=goal,
                    cause=CAUSES.get((way, *names), ""),
                    **shared,
                )
            )
    for metric, name in (("load", "loading the SavedModel"), ("first", "the first step after it")):
        references = {"ours": f"first_step/compiled.{metric}", "peers": (f"first_step/plain.{metric}",)}
        found.append(Row(name=f"sampling, {name}", unit="s", more=False, peer_name="not compiled", **references))
    return found


if __name__ == "__main__":
    _print_first_step(*sys.argv[1:])
