"""What the head that draws chords costs beside independent cells: a training step, drawing, a loop in TensorFlow."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.harness import Experiment, Side
from benchmarks.rows import Row
from benchmarks.worker import Stopwatch, tensorflow_as_ours

NAMES = ("head_training", "head_sampling_1", "head_sampling_64", "head_loop")
HEADS = ("nade", "independent")
STEPS = 512
FEATURES, UNITS, PITCHES, DECISIONS = 256, 64, 84, 169


def loop(way: str, steps: int) -> Iterator[dict[str, float]]:
    """One row's cells drawn step by step from a fixed output of the network, without the network.

    Args:
        way: "jumps", as the plain export draws; or "pitches": a loop over the 84 pitches in plain TensorFlow
            operations, as other implementations of the NADE have it.
        steps: Steps of a measurement.
    """
    tf = tensorflow_as_ours()
    from pianoroll_tf.modeling.heads import make_head
    from pianoroll_tf.modeling.nade import plain_thresholds

    bias = np.full(DECISIONS, -3.0, np.float32)
    head = make_head("nade", PITCHES, True, bias, UNITS, seed=0)
    cells = tf.zeros([1, 1, PITCHES], tf.uint8)
    head(tf.zeros([1, 1, FEATURES]), cells, cells)
    hidden = tf.random.stateless_normal([1, FEATURES], [0, 0])

    @tf.function(autograph=False)
    def draw(numbers):
        draw_step = head.drawer(lambda logits: logits, in_turn=way == "pitches")

        def step(number, held):
            thresholds = plain_thresholds(numbers[number], PITCHES)
            drawn, _ = draw_step(hidden, held, thresholds)
            return number + 1, drawn != 0

        begin = (0, tf.zeros([1, PITCHES], tf.bool))
        return tf.while_loop(lambda number, _: number < steps, step, begin, parallel_iterations=1)[1]

    numbers = tf.random.stateless_uniform([steps, 1, DECISIONS], [1, 1])
    draw(numbers)
    yield {}
    while True:
        watch = Stopwatch()
        draw(numbers).numpy()
        yield {"microseconds": 1e6 * watch.lap() / steps}


def experiments(materials) -> Iterator[Experiment]:
    """Both heads, interleaved."""
    few = materials.quick
    training: dict[str, Any] = {"records": materials.records, "steps": 3 if few else 12}
    sides = {head: Side(function="benchmarks.training:command", arguments=training | {"head": head}) for head in HEADS}
    yield Experiment(name="head_training", sides=sides, repeats=materials.repeats(5))
    models = {"nade": materials.model, "independent": materials.independent_model}
    for batch in (1, 64):
        shared = {"batch": batch, "steps": 64 if few else STEPS}
        sides = {
            f"{head}_{way}": Side(
                function="benchmarks.sampling:ours", arguments=shared | {"model": models[head], "way": way}
            )
            for head in HEADS
            for way in ("plain", "compiled")
        }
        yield Experiment(name=f"head_sampling_{batch}", sides=sides, repeats=materials.repeats(5))
    sides = {
        way: Side(function="benchmarks.heads:loop", arguments={"way": way, "steps": 16 if few else 128})
        for way in ("jumps", "pitches")
    }
    yield Experiment(name="head_loop", sides=sides, repeats=materials.repeats(5))


def rows() -> list[Row]:
    """Their lines of the table; a goal of 0.77 is "at most 1.3 times as long"."""
    shared = {"more": False, "note": "of untrained models, whose steps have as many notes as the data"}
    found = [
        Row(
            name="training step, nade head",
            ours="head_training/nade.milliseconds",
            peers=("head_training/independent.milliseconds",),
            peer_name="independent head",
            goal=1 / 1.3,
            unit="ms",
            **shared,
        )
    ]
    for batch, way, goal in ((1, "compiled", 1 / 3), (1, "plain", None), (64, "compiled", 1 / 2), (64, "plain", None)):
        found.append(
            Row(
                name=f"drawing, nade head, {way}, batch {batch}",
                ours=f"head_sampling_{batch}/nade_{way}.microseconds",
                peers=(f"head_sampling_{batch}/independent_{way}.microseconds",),
                peer_name="independent head",
                goal=goal,
                unit="µs per step",
                **shared,
            )
        )
    found.append(
        Row(
            name="drawing a step by jumps, the head alone, batch 1",
            ours="head_loop/jumps.microseconds",
            peers=("head_loop/pitches.microseconds",),
            peer_name="loop over 84 pitches in TensorFlow",
            unit="µs per step",
            more=False,
        )
    )
    return found
