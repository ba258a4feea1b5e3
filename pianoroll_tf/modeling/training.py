"""The training of a run: Keras `compile` and `fit`, from the state that the run folder holds."""

import dataclasses
import functools
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from pianoroll_tf.config import RunConfig
from pianoroll_tf.data.advice import cure_for_empty_split
from pianoroll_tf.data.opening import open_split, said, streams
from pianoroll_tf.data.pipeline import (
    Corpus,
    batch_size,
    batches_per_epoch,
    evaluation_dataset,
    make_dataset,
    windows_per_epoch,
)
from pianoroll_tf.data.records import manifest_sha256, read_manifest
from pianoroll_tf.data.stream import Stream, reported_failures
from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import count
from pianoroll_tf.modeling import more_epochs, run, run_folder, warm_start
from pianoroll_tf.modeling.callbacks import Bookkeeping, Checkpointing, SwapAverages, Termination, Validation, best_meta
from pianoroll_tf.modeling.checkpoints import CheckpointStore, best_weights, restore, running_metrics
from pianoroll_tf.modeling.heads import decision_targets
from pianoroll_tf.modeling.losses import make_loss
from pianoroll_tf.modeling.optimizers import make_optimizer
from pianoroll_tf.modeling.precision import arithmetic, has_bfloat16
from pianoroll_tf.modeling.tensorboard import TensorBoard
from pianoroll_tf.modeling.training_state import TrainingState, write_history
from pianoroll_tf.settings import from_dict
from pianoroll_tf.storage.files import remove_temporaries

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
    _check_records(config)
    streamed = _streams(config, folder)
    corpora = {split: _load(config, split, streamed) for split in ("train", "val")}
    steps_per_epoch = config.training.steps_per_epoch or batches_per_epoch(corpora["train"], config.dataset)
    with run_folder.sole_use(folder):
        config = warm_start.with_provenance(config, folder, init)
        if streamed and config.dataset.stream == "auto":
            config = dataclasses.replace(config, provenance=config.provenance | {"stream": True})
        config = more_epochs.settle(config, folder, steps_per_epoch)
        run_folder.open_run(folder, config)
        remove_temporaries(folder)
        initial = warm_start.copy_weights(folder, config)
        store = CheckpointStore(folder / run_folder.CHECKPOINTS)
        arrays, meta = store.newest(_log.warning) or ({}, {})
        state, best = from_dict(TrainingState, meta), best_weights(arrays)
        plan = config.training
        epochs = min(until or plan.epochs, plan.epochs)
        state.finished = state.end(plan.epochs, plan.patience, plan.objective)  # the epochs may have become more
        if best:  # a kill between two writes may have left older files
            run.save_best(folder, best, best_meta(state))
            write_history(folder / run_folder.HISTORY, state.rows)
        if state.finished or state.epoch >= epochs:
            return state
        tf.config.experimental.enable_op_determinism()
        model = compiled_model(config, steps_per_epoch, strategy or default_strategy())
        if arrays:
            restore(model, arrays)
        elif initial is not None:
            run.assign_weights(model, initial)
        if not quiet:
            _log_start(corpora, config, model, steps_per_epoch, state)
        books = Bookkeeping(folder, config, state, best)
        termination = Termination()
        windows = evaluation_dataset(corpora["val"], config.dataset)
        with termination.watched(), reported_failures(*corpora.values()):
            callbacks = [
                SwapAverages(),
                Validation(windows, config, state),
                books,
                TensorBoard(folder / run_folder.TENSORBOARD, windows, config),
                *extra_callbacks,
                SwapAverages(),
                Checkpointing(store, books, steps_per_epoch, termination, checkpoint_seconds, running_metrics(arrays)),
            ]
            _fit(model, config, corpora["train"], steps_per_epoch, state, epochs, callbacks, quiet)
        return state


def _log_start(
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
    _log.info("model: %d parameters", model.count_params())
    _, advice = arithmetic(config.training.precision, has_bfloat16())
    if advice:
        _log.info(advice)
    if "init" in config.provenance and not (state.epoch or state.batch):
        _log.info(warm_start.start_line(config))
    if state.epoch or state.batch:
        _log.info("resumes in epoch %d after %d of its batches", state.epoch + 1, state.batch)


def _streams(config: RunConfig, folder: Path) -> bool:
    """Whether the pieces stay on disk. A run that exists keeps to it, as the order of the windows may depend on it."""
    if config.dataset.stream == "auto" and (folder / run_folder.CONFIG).exists():
        return bool(run_folder.load_config(folder).provenance.get("stream"))
    return streams(config.dataset.stream, config.data.path)


def _check_records(config: RunConfig) -> None:
    """Raises UserError if the records are not those of the run."""
    path = config.data.path
    if manifest_sha256(path) != config.data.manifest_sha256:
        raise UserError(f"{path} must hold the records that this run was started with, but its manifest differs")


def _load(config: RunConfig, split: str, stream: bool) -> Corpus | Stream:
    path = config.data.path
    corpus = open_split(path, split, stream)
    if not corpus.steps:
        cure = cure_for_empty_split(read_manifest(path), split)
        raise UserError(f"{path} must hold pieces in the splits train and val, but {split} is empty; {cure}")
    return corpus


def default_strategy() -> tf.distribute.Strategy:
    """All GPUs if there are several; else the only device."""
    several = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


def compiled_model(config: RunConfig, steps_per_epoch: int, strategy: tf.distribute.Strategy) -> keras.Model:
    """The run's model, compiled with its optimizer and loss; all variables are created."""
    with strategy.scope():
        model = run.run_model(config, precision=arithmetic(config.training.precision, has_bfloat16())[0])
        optimizer = make_optimizer(config.optimizer, config.training.epochs * steps_per_epoch)
        optimizer.build(model.trainable_variables)
        # XLA cannot run cuDNN's GRU
        model.compile(optimizer=optimizer, loss=make_loss(config.loss), jit_compile=False)
    return model


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
    return inputs, targets, batch["mask"] / tf.reduce_mean(batch["mask"])


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
