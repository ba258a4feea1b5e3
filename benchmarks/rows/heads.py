"""The cost of the nade head, compared with independent cells: a training step, sampling, a loop in TensorFlow."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.harness import Experiment, Variant
from benchmarks.results_table import Row
from benchmarks.worker import Stopwatch, import_tensorflow

NAMES = ("head_training", "head_sampling_1", "head_sampling_64", "head_loop")
HEADS = ("nade", "independent")
STEPS = 512
FEATURES, UNITS, PITCHES, DECISIONS = 256, 64, 84, 169


def loop(way: str, steps: int) -> Iterator[dict[str, float]]:
    """Samples the cells of one row step by step from a fixed output of the network, without running the network.

    Args:
        way: "jumps", as in the plain export; or "pitches", a loop over the 84 pitches in TensorFlow operations, as in
            other implementations of NADE.
        steps: Steps per measurement.
    """
    tf = import_tensorflow()
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


def experiments(fixtures) -> Iterator[Experiment]:
    """The experiments of both heads."""
    quick = fixtures.quick
    training: dict[str, Any] = {"records": fixtures.records, "steps": 3 if quick else 12, "precision": "float32"}
    variants = {
        head: Variant(function="benchmarks.rows.training:bare_step", arguments=training | {"head": head})
        for head in HEADS
    }
    yield Experiment(name="head_training", variants=variants, repeats=fixtures.repeats(5))
    models = {"nade": fixtures.model, "independent": fixtures.independent_model}
    for batch in (1, 64):
        shared = {"batch": batch, "steps": 64 if quick else STEPS}
        variants = {
            f"{head}_{way}": Variant(
                function="benchmarks.rows.sampling:ours", arguments=shared | {"model": models[head], "way": way}
            )
            for head in HEADS
            for way in ("plain", "compiled")
        }
        arguments = shared | {"model": models["nade"], "way": "chosen"}
        variants["nade_chosen"] = Variant(function="benchmarks.rows.sampling:ours", arguments=arguments)
        yield Experiment(name=f"head_sampling_{batch}", variants=variants, repeats=fixtures.repeats(5))
    variants = {
        way: Variant(function="benchmarks.rows.heads:loop", arguments={"way": way, "steps": 16 if quick else 128})
        for way in ("jumps", "pitches")
    }
    yield Experiment(name="head_loop", variants=variants, repeats=fixtures.repeats(5))


def rows() -> list[Row]:
    """Their rows of the table; a goal of 1 / 1.3 means "at most 1.3 times as long"."""
    shared = {"more": False, "note": "untrained models, whose steps have as many notes as the data"}
    rows = [
        Row(
            name="training step, nade head, float32",
            ours="head_training/nade.milliseconds",
            peers=("head_training/independent.milliseconds",),
            peer_name="independent head",
            goal=1 / 1.3,
            unit="ms",
            **shared,
        )
    ]
    for batch, way, goal in ((1, "compiled", 1 / 3), (1, "plain", None), (64, "compiled", 1 / 2), (64, "plain", None)):
        rows.append(
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
    rows.append(
        Row(
            name="drawing, nade head, chosen, batch 64",
            ours="head_sampling_64/nade_chosen.microseconds",
            peers=tuple(f"head_sampling_64/nade_{way}.microseconds" for way in ("plain", "compiled")),
            peer_name="plain or compiled by XLA",
            goal=0.95,
            unit="µs per step",
            **shared,
        )
    )
    rows.append(
        Row(
            name="drawing a step by jumps, the head alone, batch 1",
            ours="head_loop/jumps.microseconds",
            peers=("head_loop/pitches.microseconds",),
            peer_name="loop over 84 pitches in TensorFlow",
            unit="µs per step",
            more=False,
        )
    )
    return rows
