"""Judging the test split in one pass, beside the forward pass of training."""

from collections.abc import Iterator

from benchmarks.harness import Experiment, Side
from benchmarks.rows import Row
from benchmarks.side import Stopwatch, tensorflow_as_ours


def one_pass(records: str) -> Iterator[dict[str, float]]:
    """Windows a second of a whole evaluation: pipeline, network with its state carried, all sums."""
    tensorflow_as_ours()
    from pianoroll_tf.config import DatasetConfig, LossConfig, ModelConfig
    from pianoroll_tf.data.pipeline import evaluation_dataset, load_corpus
    from pianoroll_tf.modeling.evaluation import model_evaluator
    from pianoroll_tf.modeling.network import build_model

    config = DatasetConfig()
    corpus = load_corpus(records, "test")
    windows = int((-(-corpus.piece_steps // config.window_steps)).sum())
    evaluator = model_evaluator(build_model(ModelConfig()), LossConfig())
    evaluator.statistics(evaluation_dataset(corpus, config))
    yield {"windows": windows}
    while True:
        watch = Stopwatch()
        evaluator.statistics(evaluation_dataset(corpus, config))
        yield {"windows": windows / watch.lap()}


def forward(records: str) -> Iterator[dict[str, float]]:
    """Windows a second of the forward pass and the loss of training, on batches that are in memory."""
    tf = tensorflow_as_ours()
    from pianoroll_tf.config import DatasetConfig, LossConfig, ModelConfig
    from pianoroll_tf.data.pipeline import load_corpus, make_dataset
    from pianoroll_tf.modeling.losses import make_loss
    from pianoroll_tf.modeling.network import build_model

    config, model, loss = DatasetConfig(), build_model(ModelConfig()), make_loss(LossConfig())
    batches = list(make_dataset(load_corpus(records, "train"), config, seed=0).take(8))

    @tf.function(autograph=False)
    def step(inputs, targets, mask):
        return loss(targets, model(inputs, training=True), sample_weight=mask)

    for batch in batches:
        step(*batch)
    yield {}
    while True:
        watch = Stopwatch()
        for batch in batches:
            step(*batch).numpy()
        yield {"windows": len(batches) * config.batch_size / watch.lap()}


def experiments(materials) -> Iterator[Experiment]:
    """The experiment `evaluating`."""
    records = {"records": materials.records}
    sides = {
        "ours": Side(function="benchmarks.evaluating:one_pass", arguments=records),
        "forward": Side(function="benchmarks.evaluating:forward", arguments=records),
    }
    yield Experiment(name="evaluating", sides=sides, repeats=materials.repeats(5))


def rows() -> list[Row]:
    """Its line of the table."""
    return [
        Row(
            name="evaluation of the test split, one pass",
            unit="windows/s",
            ours="evaluating/ours.windows",
            peers=("evaluating/forward.windows",),
            peer_name="training's forward pass and loss",
            goal=1,
            note="ours with pipeline, metrics and the padding of its lanes; its peer from memory",
        )
    ]
