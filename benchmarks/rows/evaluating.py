"""Evaluates the test split in one pass, compared with the forward pass of training."""

import dataclasses
from collections.abc import Iterator

from benchmarks.harness import Experiment, Variant
from benchmarks.results_table import Row
from benchmarks.worker import Stopwatch, import_tensorflow


def one_pass(records: str) -> Iterator[dict[str, float]]:
    """Windows per second of a whole evaluation: pipeline, network with its state carried over, all statistics."""
    import_tensorflow()
    from pianoroll_tf.config import DatasetConfig, LossConfig, ModelConfig
    from pianoroll_tf.data.lanes import plan_lanes
    from pianoroll_tf.data.pipeline import evaluation_dataset, load_corpus
    from pianoroll_tf.modeling.evaluation import model_evaluator
    from pianoroll_tf.modeling.network import build_model

    config = DatasetConfig()
    corpus = load_corpus(records, "test")
    windows = int((-(-corpus.piece_steps // config.window_steps)).sum())
    evaluator = model_evaluator(build_model(ModelConfig()), LossConfig())
    evaluator.statistics(evaluation_dataset(corpus, config))
    yield {"windows": windows, "lanes": plan_lanes(corpus, config)["begin"].shape[1]}
    while True:
        watch = Stopwatch()
        evaluator.statistics(evaluation_dataset(corpus, config))
        yield {"windows": windows / watch.lap()}


def forward(records: str, as_evaluated: bool = False) -> Iterator[dict[str, float]]:
    """Windows per second of the forward pass and the loss of training, for batches in memory.

    Args:
        records: Folder of records.
        as_evaluated: Whether batches have as many rows as the evaluation has lanes, fewer than a training batch.
    """
    tf = import_tensorflow()
    from pianoroll_tf.config import DatasetConfig, LossConfig, ModelConfig
    from pianoroll_tf.data.lanes import plan_lanes
    from pianoroll_tf.data.pipeline import load_corpus, make_dataset
    from pianoroll_tf.modeling.losses import make_loss
    from pianoroll_tf.modeling.network import build_model
    from pianoroll_tf.modeling.training import fit_batch

    config, model, loss = DatasetConfig(batch_size=64), build_model(ModelConfig()), make_loss(LossConfig())
    if as_evaluated:
        lanes = plan_lanes(load_corpus(records, "test"), config)["begin"].shape[1]
        config = dataclasses.replace(config, batch_size=lanes)
    batches = list(make_dataset(load_corpus(records, "train"), config, seed=0).take(8))

    @tf.function(autograph=False)
    def step(batch):
        inputs, targets, weights = fit_batch(batch)
        return loss(targets, model(inputs, training=True), sample_weight=weights)

    for batch in batches:
        step(batch)
    yield {}
    while True:
        watch = Stopwatch()
        for batch in batches:
            step(batch).numpy()
        yield {"windows": len(batches) * config.batch_size / watch.lap()}


def experiments(fixtures) -> Iterator[Experiment]:
    """The experiment `evaluating`."""
    records = {"records": fixtures.records}
    variants = {
        "ours": Variant(function="benchmarks.rows.evaluating:one_pass", arguments=records),
        "forward": Variant(function="benchmarks.rows.evaluating:forward", arguments=records),
        "narrow": Variant(function="benchmarks.rows.evaluating:forward", arguments=records | {"as_evaluated": True}),
    }
    yield Experiment(name="evaluating", variants=variants, repeats=fixtures.repeats(5))


def rows() -> list[Row]:
    """Its rows of the table."""
    shared = {
        "name": "evaluation of the test split, one pass",
        "unit": "windows/s",
        "ours": "evaluating/ours.windows",
        "note": "ours includes pipeline, metrics and the padding of its lanes; the peers read batches from memory",
    }
    narrow = "the same in batches of as many rows as the evaluation has lanes"
    return [
        Row(**shared, peers=("evaluating/forward.windows",), peer_name="training's forward pass and loss", goal=1),
        Row(**shared, peers=("evaluating/narrow.windows",), peer_name=narrow),
    ]
