"""The training of a run: Keras `compile` and `fit`, from wherever the run folder says that it stands."""

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from pianoroll_tf.config import RunConfig
from pianoroll_tf.data.pipeline import (
    Corpus,
    batch_size,
    batches_per_epoch,
    evaluation_dataset,
    load_corpus,
    make_dataset,
    windows_per_epoch,
)
from pianoroll_tf.data.records import manifest_sha256
from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import count
from pianoroll_tf.modeling import run, run_folder
from pianoroll_tf.modeling.callbacks import Average, Bookkeeping, Checkpointing, Termination, Validation, best_meta
from pianoroll_tf.modeling.checkpoints import CheckpointStore, best_weights, restore, running_metrics
from pianoroll_tf.modeling.heads import decision_targets
from pianoroll_tf.modeling.losses import make_loss
from pianoroll_tf.modeling.optimizers import make_optimizer
from pianoroll_tf.modeling.precision import arithmetic, has_bfloat16
from pianoroll_tf.modeling.tensorboard import TensorBoard
from pianoroll_tf.modeling.training_state import Standing, write_history
from pianoroll_tf.storage.files import remove_temporaries

CHECKPOINT_SECONDS = 60.0


def train(
    config: RunConfig,
    run_dir: Path | str,
    extra_callbacks: Sequence[keras.callbacks.Callback] = (),
    strategy: tf.distribute.Strategy | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    quiet: bool = False,
) -> Standing:
    """Trains a run to its end, from its last checkpoint if there is one.

    A run that was killed, at any moment and any number of times, ends with the same weights, bit for bit, as one that
    was not. That holds for one machine and one mode: same versions, arithmetic (`precision`) and choice of oneDNN
    (`TF_ENABLE_ONEDNN_OPTS`). For it, TensorFlow is put into its deterministic mode for the whole process.

    Args:
        config: All settings; `config.data.path` says where the records lie.
        run_dir: The run folder; made when needed.
        extra_callbacks: Called at epoch ends, after validation and before the checkpoint.
        strategy: How to spread batches over devices; None: over all GPUs when there are several.
        checkpoint_seconds: Least time between two checkpoints within an epoch; there is one at each epoch's end.
        quiet: Print nothing but warnings.

    Returns:
        Where the training stands: finished.

    Raises:
        UserError: The folder holds another run or is in use, the records are damaged, the loss is not finite, or
            SIGTERM came (`StoppedError`).
        ValueError: The settings name an entry that no table has.
        OSError: The disk is full or cannot be read; the same call goes on from what was saved.
    """
    folder = Path(run_dir)
    training, validation = (_load(config, split) for split in ("train", "val"))
    with run_folder.sole_use(folder):
        run_folder.open_run(folder, config)
        remove_temporaries(folder)
        store = CheckpointStore(folder / run_folder.CHECKPOINTS)
        arrays, meta = store.newest(_say) or ({}, {})
        standing, best = Standing.from_meta(meta), best_weights(arrays)
        if best:  # a kill between two files may have left others behind
            run.save_best(folder, best, best_meta(standing))
            write_history(folder / run_folder.HISTORY, standing.rows)
        if standing.finished:
            return standing
        steps_per_epoch = config.training.steps_per_epoch or batches_per_epoch(training, config.dataset)
        tf.config.experimental.enable_op_determinism()
        model = compiled_model(config, steps_per_epoch, strategy or default_strategy())
        if arrays:
            restore(model, arrays)
        if not quiet:
            _announce(training, validation, config, model, steps_per_epoch, standing)
        books = Bookkeeping(folder, config, standing, best)
        termination = Termination()
        windows = evaluation_dataset(validation, config.dataset)
        callbacks = [
            Average(),
            Validation(windows, config),
            books,
            TensorBoard(folder / run_folder.TENSORBOARD, windows, config),
            *extra_callbacks,
            Average(),
            Checkpointing(store, books, steps_per_epoch, termination, checkpoint_seconds, running_metrics(arrays)),
        ]
        with termination.watched():
            _fit(model, config, training, steps_per_epoch, standing, callbacks, quiet)
        return standing


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _announce(
    training: Corpus,
    validation: Corpus,
    config: RunConfig,
    model: keras.Model,
    steps_per_epoch: int,
    standing: Standing,
) -> None:
    """Says what is trained on what, and from where."""
    for name, corpus in (("training", training), ("validation", validation)):
        print(f"{name}: {count(len(corpus.piece_steps), 'piece')}, {count(len(corpus.counts), 'step')}")
    windows = windows_per_epoch(training, config.dataset)
    size = batch_size(training, config.dataset)
    print(f"an epoch: {windows} windows of {config.dataset.window_steps} steps, {steps_per_epoch} batches of {size}")
    print(f"model: {model.count_params()} parameters")
    _, advice = arithmetic(config.training.precision, has_bfloat16())
    if advice:
        print(advice)
    if standing.epoch or standing.batch:
        print(f"goes on in epoch {standing.epoch + 1} after {standing.batch} of its batches", flush=True)


def _load(config: RunConfig, split: str) -> Corpus:
    path = config.data.path
    if manifest_sha256(path) != config.data.manifest_sha256:
        raise UserError(f"{path} must hold the records this run began with, but its manifest is another")
    corpus = load_corpus(path, split)
    if not len(corpus.counts):
        raise UserError(f"{path} must hold pieces in the splits train and val, but {split} is empty; change --{split}")
    return corpus


def default_strategy() -> tf.distribute.Strategy:
    """All GPUs when there are several; else whatever device there is."""
    several = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


def compiled_model(config: RunConfig, steps_per_epoch: int, strategy: tf.distribute.Strategy) -> keras.Model:
    """The run's model with its optimizer and loss, all variables made."""
    with strategy.scope():
        model = run.run_model(config, precision=arithmetic(config.training.precision, has_bfloat16())[0])
        optimizer = make_optimizer(config.optimizer, config.training.epochs * steps_per_epoch)
        optimizer.build(model.trainable_variables)
        # XLA does not run cuDNN's GRU
        model.compile(optimizer=optimizer, loss=make_loss(config.loss), jit_compile=False)
    return model


def fit_batch(
    batch: dict[str, tf.Tensor], articulation: bool = True
) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
    """A training batch as `fit` takes it: inputs by name, targets of all decisions, weights of the steps.

    The weights are the mask, scaled so that its mean over the batch is 1. So the plain mean over a batch is the mean
    over its unmasked steps, also when the batch is spread over devices whose parts have unequally many of them.

    Args:
        batch: As `data.pipeline.make_dataset` makes it.
        articulation: Whether strikes are decided.

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
    corpus: Corpus,
    steps_per_epoch: int,
    standing: Standing,
    callbacks: list[keras.callbacks.Callback],
    quiet: bool,
) -> None:
    """Fits from where the training stands: first what is left of an interrupted epoch, then the whole epochs."""
    while not standing.finished:
        first_batch = standing.epoch * steps_per_epoch + standing.batch
        dataset = make_dataset(corpus, config.dataset, config.training.seed, first_batch)
        dataset = dataset.map(functools.partial(fit_batch, articulation=config.model.articulation))
        model.fit(
            dataset,
            initial_epoch=standing.epoch,
            epochs=standing.epoch + 1 if standing.batch else config.training.epochs,
            steps_per_epoch=steps_per_epoch - standing.batch,
            callbacks=list(callbacks),
            shuffle=False,  # the dataset is shuffled already
            verbose=0 if quiet else 1 if sys.stdout.isatty() else 2,
        )
