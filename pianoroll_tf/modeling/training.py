"""The training of a run: Keras `compile` and `fit`, from the state that the run folder holds."""

import contextlib
import functools
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from pianoroll_tf.config import RunConfig
from pianoroll_tf.data.opening import said
from pianoroll_tf.data.pipeline import (
    Corpus,
    batch_size,
    batches_per_epoch,
    evaluation_dataset,
    make_dataset,
    windows_per_epoch,
)
from pianoroll_tf.data.stream import Stream, reported_failures
from pianoroll_tf.messages import count
from pianoroll_tf.modeling import run, run_folder, warm_start
from pianoroll_tf.modeling.callbacks import Bookkeeping, Checkpointing, SwapAverages, Termination, Validation
from pianoroll_tf.modeling.checkpoints import running_metrics
from pianoroll_tf.modeling.heads import decision_targets
from pianoroll_tf.modeling.losses import make_loss
from pianoroll_tf.modeling.metrics import Statistics
from pianoroll_tf.modeling.optimizers import make_optimizer, sum_before_clipping
from pianoroll_tf.modeling.precision import arithmetic, has_bfloat16
from pianoroll_tf.modeling.run_data import check_records, keeps_on_disk, load_split
from pianoroll_tf.modeling.start import Start, open_start
from pianoroll_tf.modeling.tensorboard import TensorBoard
from pianoroll_tf.modeling.training_state import TrainingState

CHECKPOINT_SECONDS = 60.0
_log = logging.getLogger(__name__)


def train(
    config: RunConfig,
    run_dir: Path | str,
    extra_callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    until: int | None = None,
    strategy: tf.distribute.Strategy | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    init: Path | str | None = None,
) -> TrainingState:
    """Trains a run to its end, from its last checkpoint if there is one.

    A run that exists may be given more epochs if its learning rates do not depend on their number: with a constant
    schedule, it ends bit for bit as if it had had them from the start.

    A run that is killed, at any moment and any number of times, ends with the same weights, bit for bit, as one that is
    not. That holds for one machine and one mode: same versions, precision and choice of oneDNN
    (`TF_ENABLE_ONEDNN_OPTS`). To that end, TensorFlow is put into its deterministic mode for the whole process.

    Args:
        extra_callbacks: Called at epoch ends, after validation and before the checkpoint.
        quiet: Show no progress and log nothing but warnings.
        until: Number of epochs of the run, counted from its start, after which the call returns. Schedule and early
            stopping follow `config.training` all the same, and the run is not marked as finished, so that a later call
            resumes it bit for bit, as the rungs of successive halving do. None, or a number above
            `config.training.epochs`: the end of the run.
        strategy: Distribution of batches over devices; None: over all GPUs when there are several.
        checkpoint_seconds: Minimum time between two checkpoints within an epoch; there is one at each epoch's end.
        init: Folder of a run from whose best weights a new run starts, with a fresh optimizer (warm start). It is
            recorded in `config.provenance` of the new run, which keeps a copy of the weights: to resume it, neither
            `init` nor that folder is needed. None: the run that `config.provenance` names, if any.

    Returns:
        The state of the training; `finished` is empty where it ended by `until`.

    Raises:
        UserError: The folder holds another run or is in use, the records are damaged, the loss is not finite
            (`DivergedError`), SIGTERM came (`StoppedError`), the model or the grid is not that of `init`, or the run
            cannot have this number of epochs.
        ValueError: `until` is less than 1.
        OSError: The disk is full or cannot be read; the same call resumes from what was saved.
    """
    if until is not None and until < 1:
        raise ValueError(f"until must be >= 1. Received: until={until}")
    folder = Path(run_dir)
    check_records(config)
    streamed = keeps_on_disk(config, folder)
    corpora = {split: load_split(config, split, streamed) for split in ("train", "val")}
    steps_per_epoch = config.training.steps_per_epoch or batches_per_epoch(corpora["train"], config.dataset)
    with run_folder.sole_use(folder):
        start = open_start(config, folder, init, streamed, steps_per_epoch)
        config, state = start.config, start.state
        epochs = min(until or config.training.epochs, config.training.epochs)
        if state.finished or state.epoch >= epochs:
            return state
        tf.config.experimental.enable_op_determinism()
        strategy = strategy or default_strategy()
        model = compiled_model(config, steps_per_epoch, strategy)
        if strategy.num_replicas_in_sync > 1:
            sum_before_clipping(model.optimizer)
        start.assign(model)
        start.record_precision(trained_precision(config))
        if not quiet:
            log_start(corpora, config, model, steps_per_epoch, state)
        termination = Termination()
        with termination.watched(), reported_failures(*corpora.values()):
            callbacks = make_callbacks(start, corpora["val"], extra_callbacks, termination, checkpoint_seconds)
            _fit(model, config, corpora["train"], steps_per_epoch, state, epochs, callbacks, quiet)
        return state


def make_callbacks(
    start: Start,
    validation: Corpus | Stream,
    extra: Sequence[keras.callbacks.Callback],
    termination: Termination,
    checkpoint_seconds: float,
    sums: Callable[[], Statistics] | None = None,
) -> list[keras.callbacks.Callback]:
    """The callbacks of a training, in order; `sums` is that of `Validation`."""
    books = Bookkeeping(start.folder, start.config, start.state, start.best)
    windows = evaluation_dataset(validation, start.config.dataset)
    running = running_metrics(start.arrays)
    return [
        SwapAverages(),
        Validation(windows, start.config, start.state, sums),
        books,
        TensorBoard(start.folder / run_folder.TENSORBOARD, windows, start.config),
        *extra,
        SwapAverages(),
        Checkpointing(start.store, books, start.steps_per_epoch, termination, checkpoint_seconds, running),
    ]


def log_start(
    corpora: dict[str, Corpus | Stream],
    config: RunConfig,
    model: keras.Model,
    steps_per_epoch: int,
    state: TrainingState,
) -> None:
    """Logs the sizes of data and model, and where a training resumes."""
    for name, corpus in zip(("training", "validation"), corpora.values(), strict=True):
        _log.info("%s: %s, %s", name, count(len(corpus.piece_steps), "piece"), count(corpus.steps, "step"))
    if isinstance(corpora["train"], Stream):
        _log.info(said(config.data.path, config.dataset.stream))
    windows = windows_per_epoch(corpora["train"], config.dataset)
    size, steps = batch_size(corpora["train"], config.dataset), config.dataset.window_steps
    _log.info("an epoch: %d windows of %d steps, %d batches of %d", windows, steps, steps_per_epoch, size)
    precision, advice = arithmetic(config.training.precision, has_bfloat16())
    _log.info("model: %d parameters, trained in %s", model.count_params(), precision)
    if advice:
        _log.info(advice)
    if "init" in config.provenance and not (state.epoch or state.batch):
        _log.info(warm_start.start_line(config))
    if state.epoch or state.batch:
        _log.info("resumes in epoch %d after %d of its batches", state.epoch + 1, state.batch)


def default_strategy() -> tf.distribute.Strategy:
    """All GPUs if there are several; else the only device."""
    several = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


def trained_precision(config: RunConfig) -> str:
    """What this machine trains the run in: "float32" or "bfloat16"."""
    return arithmetic(config.training.precision, has_bfloat16())[0]


def compiled_model(config: RunConfig, steps_per_epoch: int, strategy: tf.distribute.Strategy) -> keras.Model:
    """The run's model, compiled with its optimizer and loss; all variables are created."""
    with strategy.scope():
        model = run.run_model(config, precision=trained_precision(config))
        optimizer = make_optimizer(config.optimizer, config.training.epochs * steps_per_epoch)
        optimizer.build(model.trainable_variables)
    # On several machines, reading a metric that is created in the scope would be a collective
    with contextlib.nullcontext() if several_machines(strategy) else strategy.scope():
        # XLA cannot run cuDNN's GRU
        model.compile(optimizer=optimizer, loss=make_loss(config.loss), jit_compile=False)
    return model


def several_machines(strategy: tf.distribute.Strategy) -> bool:
    """Whether the devices of a strategy belong to several processes."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def fit_batch(
    batch: dict[str, tf.Tensor], articulation: bool = True
) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
    """A batch of `make_dataset` in the form that `fit` expects: inputs by name, targets of all decisions, step weights.

    The weights are the mask, scaled so that its mean over the batch is 1. So the plain mean over a batch is the mean
    over its unmasked steps, also when the batch is spread over devices whose shares have different numbers of them.

    Returns:
        (`inputs`, `clock` and `targets` of `network.build_model`; float32 [batch, time, decisions]; float32
        [batch, time]).
    """
    inputs = {name: batch[name] for name in ("inputs", "clock", "targets")}
    targets = decision_targets(batch["inputs"], batch["targets"], batch["ends"], articulation)
    mean = batch["mask_mean"] if "mask_mean" in batch else tf.reduce_mean(batch["mask"])
    return inputs, targets, batch["mask"] / mean


def _fit(
    model: keras.Model,
    config: RunConfig,
    corpus: Corpus | Stream,
    steps_per_epoch: int,
    state: TrainingState,
    epochs: int,
    callbacks: list[keras.callbacks.Callback],
    quiet: bool,
) -> None:
    """Fits from the state to the end of `epochs`: first the rest of an interrupted epoch, then the whole epochs."""
    while not state.finished and state.epoch < epochs:
        first_batch = state.epoch * steps_per_epoch + state.batch
        dataset = make_dataset(corpus, config.dataset, config.training.seed, first_batch)
        dataset = dataset.map(functools.partial(fit_batch, articulation=config.model.articulation))
        model.fit(
            dataset,
            initial_epoch=state.epoch,
            epochs=state.epoch + 1 if state.batch else epochs,
            steps_per_epoch=steps_per_epoch - state.batch,
            callbacks=list(callbacks),
            shuffle=False,  # the dataset is shuffled already
            verbose=0 if quiet else 1 if sys.stdout.isatty() else 2,
        )
