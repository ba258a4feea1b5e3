"""A training on several machines: the chief keeps the run folder, all workers make the steps together."""

import contextlib
import functools
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import pianoroll_tf
from pianoroll_tf.config import RunConfig
from pianoroll_tf.data.pipeline import Corpus, batch_size, batches_per_epoch, make_dataset
from pianoroll_tf.data.stream import Stream, reported_failures
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.modeling.callbacks import Termination
from pianoroll_tf.modeling.replica_step import Batch, all_reduced_bytes
from pianoroll_tf.modeling.run_data import check_records, keeps_on_disk, load_split
from pianoroll_tf.modeling.shared_validation import SharedValidation
from pianoroll_tf.modeling.start import Start, open_start
from pianoroll_tf.modeling.step_loop import Loop
from pianoroll_tf.modeling.team import Message, Team
from pianoroll_tf.modeling.training import (
    CHECKPOINT_SECONDS,
    compiled_model,
    fit_batch,
    log_start,
    make_callbacks,
    trained_precision,
)
from pianoroll_tf.modeling.training_state import TrainingState
from pianoroll_tf.settings import to_dict

_log = logging.getLogger(__name__)


def train_together(
    team: Team,
    config: RunConfig,
    run_dir: Path | str,
    extra_callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    until: int | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    init: Path | str | None = None,
) -> TrainingState:
    """Trains a run as `training.train` does, with the other workers of a team, each of which calls this.

    After the same number of steps, the weights are those of one process up to the rounding of sums, and those of
    another training with as many workers bit for bit. Any number of workers, or one process, can resume the run.

    The chief alone reads and writes the run folder and calls callbacks; the others wait for its decision. The records
    must be readable by all.

    Args:
        team: From `team.join`.
        config: Settings; the same on all workers.
        run_dir: The run folder; its path may differ, as only the chief uses it.
        extra_callbacks: As in `training.train`; called on the chief.
        quiet: Likewise.
        until: Likewise.
        checkpoint_seconds: Likewise.
        init: Likewise.

    Returns:
        The state of the training, on every worker.

    Raises:
        LostError: Another worker has ended or cannot be reached.
        StoppedError: SIGTERM came to any of the workers; everything is saved.
        UserError: As `training.train`; or a worker's records, settings or versions differ.
    """
    folder = Path(run_dir)
    with contextlib.ExitStack() as stack:
        stack.enter_context(team.watched())
        tf.config.experimental.enable_op_determinism()
        team.all_succeed(lambda: check_records(config))
        team.check_equal(_facts(config))
        _, decided = team.from_chief(lambda: ({}, {"stream": keeps_on_disk(config, folder)}))
        corpora = team.all_succeed(lambda: load_splits(team, config, decided["stream"]))
        stack.enter_context(reported_failures(*corpora.values()))
        steps_per_epoch = config.training.steps_per_epoch or batches_per_epoch(corpora["train"], config.dataset)

        def opened() -> Message:
            stack.enter_context(run_folder.sole_use(folder))
            opened_here.append(open_start(config, folder, init, decided["stream"], steps_per_epoch))
            opened_here[0].record("workers", team.size)
            opened_here[0].record_precision(trained_precision(config))
            return opened_here[0].message()

        opened_here: list[Start] = []
        message = team.from_chief(opened)
        start = opened_here[0] if team.is_chief else Start.from_message(folder, steps_per_epoch, *message)
        epochs = min(until or start.config.training.epochs, start.config.training.epochs)
        if start.state.finished or start.state.epoch >= epochs:
            return start.state
        model = compiled_model(start.config, steps_per_epoch, team.strategy)
        start.assign(model)
        termination = Termination()
        stack.enter_context(termination.watched())
        if not quiet:
            _say(team, corpora, start, model)
        validation = SharedValidation(team, model, corpora["val"], start.config)
        callbacks = []
        if team.is_chief:
            arguments = (extra_callbacks, termination, checkpoint_seconds, validation.sums)
            callbacks = make_callbacks(start, corpora["val"], *arguments)
        rows = _rows(team, start, corpora["train"])
        size = batch_size(corpora["train"], start.config.dataset)
        loop = Loop(team, model, rows, size, start.state, steps_per_epoch, termination, validation.run)
        loop.run(callbacks, epochs, quiet)
        if not quiet:
            _log.info(f"{team.name} is done: {start.state.finished}")
        return start.state


def _facts(config: RunConfig) -> dict[str, Any]:
    """What must be equal on all workers, for `run_folder.differences`."""
    settings = to_dict(config)
    settings.pop("provenance", None)
    return settings | {
        "data": {"manifest_sha256": config.data.manifest_sha256},
        "versions": {
            "pianoroll_tf": pianoroll_tf.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        "machine": {"precision": trained_precision(config), "devices": len(tf.config.list_logical_devices("GPU"))},
    }


def load_splits(team: Team, config: RunConfig, stream: bool) -> dict[str, Corpus | Stream]:
    """The splits train and val; UserError if a batch has fewer rows than there are devices."""
    corpora = {split: load_split(config, split, stream) for split in ("train", "val")}
    size, replicas = batch_size(corpora["train"], config.dataset), team.strategy.num_replicas_in_sync
    if size < replicas:
        raise UserError(f"--batch-size must be >= {replicas}, the number of devices. Received: --batch-size {size}")
    return corpora


def _rows(team: Team, start: Start, corpus: Corpus | Stream) -> Iterator[Batch]:
    """The rows of this worker of one batch after the other, from the state on."""
    state, config = start.state, start.config
    first_batch = state.epoch * start.steps_per_epoch + state.batch
    share = (team.cluster.rank, team.size)
    dataset = make_dataset(corpus, config.dataset, config.training.seed, first_batch, share)
    return iter(dataset.map(functools.partial(fit_batch, articulation=config.model.articulation)))


def _say(team: Team, corpora: dict[str, Corpus | Stream], start: Start, model: keras.Model) -> None:
    """Logs what `training.log_start` does, on the chief, and who works together."""
    if team.is_chief:
        log_start(corpora, start.config, model, start.steps_per_epoch, start.state)
    megabytes = all_reduced_bytes(model) / 1e6
    rows = f"{team.cluster.rank}::{team.size}"
    _log.info(f"{team.name} has the rows {rows} of each batch; {megabytes:.1f} MB are all-reduced per step")
