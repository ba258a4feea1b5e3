"""Sampling music step by step: microseconds per step, and the time from loading to the first step."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.harness import Experiment, Variant, run_python
from benchmarks.results_table import Row
from benchmarks.rows.training import SIZES, torch_layers
from benchmarks.worker import Stopwatch, import_tensorflow, import_torch

NAMES = ("sampling_1", "sampling_64", "first_step")
STEPS = 512  # per measurement
PREDICT_STEPS = 20  # by `model.predict`, whose single step takes as long as all steps of ours
CONTEXT_STEPS = 128  # that `model.predict` receives for each new step
PITCHES = 84


def generator(model: str, way: str) -> Callable[[int, int], np.ndarray]:
    """Returns our exported model as a function of (batch, steps).

    Args:
        model: Its folder.
        way: "plain"; "compiled" after loading; or "chosen", the one of the two that the package uses for long music.
    """
    import_tensorflow()
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
    """Measures `draw(steps)`, after a warm-up of `warm_up` steps (default: `steps`)."""
    draw(warm_up or steps)
    yield {}
    while True:
        watch = Stopwatch()
        draw(steps)
        yield {"microseconds": 1e6 * watch.lap() / steps}


def ours(model: str, batch: int, steps: int, way: str) -> Iterator[dict[str, float]]:
    """The exported model, with its governor, as `generate` calls it."""
    draw = generator(model, way)
    yield from _measured(lambda count: draw(batch, count), steps)


def pytorch(batch: int, steps: int, warm_up: int | None = None) -> Iterator[dict[str, float]]:
    """A PyTorch loop over steps: convolution of the last 5 frames, one step of the GRU, random cells."""
    torch = import_torch()
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
    """Keras's `model.predict` of the last 128 steps, for each new step."""
    from pianoroll_tf.config import ModelConfig
    from pianoroll_tf.modeling.network import build_model

    network = build_model(ModelConfig(head="independent", articulation=False))
    rng = np.random.default_rng(0)

    def draw(count: int) -> np.ndarray:
        roll = np.zeros((batch, CONTEXT_STEPS, PITCHES), np.uint8)
        for _ in range(count):
            context = {
                "inputs": roll[:, -CONTEXT_STEPS:],
                "clock": np.zeros((batch, CONTEXT_STEPS), np.int32),
                "targets": roll[:, -CONTEXT_STEPS:],
            }
            logits = network.predict(context, verbose=0)[:, -1, :PITCHES]
            frame = rng.random(logits.shape) < 1 / (1 + np.exp(-logits))
            roll = np.concatenate([roll, frame[:, None].astype(np.uint8)], axis=1)
        return roll

    yield from _measured(draw, steps)


def first_step(model: str, way: str) -> Iterator[dict[str, float]]:
    """Seconds of loading and of the first step, each time in a new process that has imported TensorFlow."""
    yield {}
    while True:
        _, output = run_python("-m", "benchmarks.rows.sampling", model, way)
        yield json.loads(output.splitlines()[-1])


def _print_first_step(model: str, way: str) -> None:
    import_tensorflow()  # its import does not count as loading
    import pianoroll_tf.generation.saved_model  # noqa: F401  (the same)

    watch = Stopwatch()
    draw = generator(model, way)
    load = watch.lap()
    draw(1, 1)
    print(json.dumps({"load": load, "first": watch.lap()}))


def experiments(fixtures) -> Iterator[Experiment]:
    """`sampling_1` and `sampling_64`, named for the batch size; `first_step`."""
    steps = {"steps": 64 if fixtures.quick else STEPS}
    for batch in (1, 64):
        shared = {"batch": batch, **steps}
        exported = shared | {"model": fixtures.independent_model}  # as the peers
        variants = {
            way: Variant(function="benchmarks.rows.sampling:ours", arguments=exported | {"way": way})
            for way in ("plain", "compiled", "chosen")
        }
        variants["torch"] = Variant(function="benchmarks.rows.sampling:pytorch", arguments=shared)
        few = shared | {"steps": PREDICT_STEPS}
        variants["predict"] = Variant(function="benchmarks.rows.sampling:model_predict", arguments=few)
        yield Experiment(name=f"sampling_{batch}", variants=variants, repeats=fixtures.repeats(5))
    variants = {
        way: Variant(function="benchmarks.rows.sampling:first_step", arguments={"model": fixtures.model, "way": way})
        for way in ("plain", "compiled")
    }
    yield Experiment(name="first_step", variants=variants, repeats=fixtures.repeats(3))


def rows() -> list[Row]:
    """Their rows of the table."""
    note = (
        f"{STEPS} steps in one call, with all that `generate` does; `model.predict`: {PREDICT_STEPS} steps; chosen:"
        " what the package uses for long music, which should be within 5 % of the faster one; independent head, as the"
        " peers"
    )
    predict = f"`model.predict` on the last {CONTEXT_STEPS} steps"
    shared = {"unit": "µs a step", "more": False, "note": note}
    words = {"plain": "plain `tf.while_loop`", "torch": "PyTorch, step by step", "predict": predict}
    words["compiled"] = "compiled by XLA"
    comparisons = {
        ("compiled", 1): {("plain",): 2.5, ("torch",): 5.0, ("predict",): None},
        ("chosen", 64): {("plain", "compiled"): 0.95, ("torch",): None, ("predict",): None},
    }
    rows = []
    for (way, batch), peers in comparisons.items():
        for names, goal in peers.items():
            references = tuple(f"sampling_{batch}/{peer}.microseconds" for peer in names)
            rows.append(
                Row(
                    name=f"sampling, {way}, batch {batch}",
                    ours=f"sampling_{batch}/{way}.microseconds",
                    peers=references,
                    peer_name=" or ".join(words[name] for name in names),
                    goal=goal,
                    **shared,
                )
            )
    for metric, name in (("load", "loading the SavedModel"), ("first", "the first step after it")):
        references = {"ours": f"first_step/compiled.{metric}", "peers": (f"first_step/plain.{metric}",)}
        rows.append(Row(name=f"sampling, {name}", unit="s", more=False, peer_name="not compiled", **references))
    return rows


if __name__ == "__main__":
    _print_first_step(*sys.argv[1:])
