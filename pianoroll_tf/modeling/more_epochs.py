"""Another number of epochs for a run that exists: whether it continues as a run of so many epochs from the start."""

import dataclasses
import logging
import shlex
from pathlib import Path

from pianoroll_tf.config import RunConfig
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.checkpoints import CheckpointStore
from pianoroll_tf.modeling.optimizers import warmup_of
from pianoroll_tf.modeling.run_folder import CHECKPOINTS, CONFIG, differences, load_config, write_config
from pianoroll_tf.modeling.training_state import TrainingState
from pianoroll_tf.settings import from_dict, to_dict

_log = logging.getLogger(__name__)


def settle(config: RunConfig, run_dir: Path, steps_per_epoch: int) -> RunConfig:
    """The settings with which a run is trained, where it exists with another number of epochs.

    The folder's `config.json` is then replaced, and its `provenance["epochs"]` lists each earlier number, `epochs`, and
    the epochs done until then, `done`. To be called within `run_folder.sole_use`.

    Returns:
        `config`, with the record; if the run has stopped early, its own settings, as more epochs change nothing.

    Raises:
        UserError: The run would not be what a run of so many epochs is, or has done more.
    """
    if not (run_dir / CONFIG).exists():
        return config
    there = load_config(run_dir)
    before, after = there.training.epochs, config.training.epochs
    if before == after or differences(to_dict(there), to_dict(_with_epochs(config, before))):
        return config  # other differences are named by `run_folder.open_run`
    _, meta = CheckpointStore(run_dir / CHECKPOINTS).newest(_log.warning) or ({}, {})
    state = from_dict(TrainingState, meta)
    done = state.epoch + (state.batch > 0)
    if after < done:
        raise UserError(f"--epochs must be >= {done}, as {run_dir} has begun so many. Received: --epochs {after}")
    early = state.stopped_early(there.training.patience, there.training.objective)
    if early:
        _log.warning(
            f"{run_dir} stopped early, after epoch {state.epoch} ({early}), as it would with --epochs {after}; "
            f"to train on, start a new run in another folder with {_init(run_dir)}"
        )
        return _with_epochs(config, before)
    reason = done and depends_on_epochs(config, before, after, steps_per_epoch)
    if reason:
        left = f" --epochs {after - done}" if after > done else ""
        raise UserError(
            f"{run_dir} cannot continue from --epochs {before} to {after}: {reason}. "
            f"Start a new run in another folder with {_init(run_dir)}{left}"
        )
    entry = {"epochs": before, "done": state.epoch}
    past = config.provenance | {"epochs": [*config.provenance.get("epochs", []), entry]}
    config = dataclasses.replace(config, provenance=past)
    write_config(run_dir, config)
    _log.info(f"{run_dir} has {after} epochs now, not {before}; {state.epoch} of them done")
    return config


def depends_on_epochs(config: RunConfig, before: int, after: int, steps_per_epoch: int) -> str:
    """Why the learning rates so far depend on the number of epochs; empty if they do not."""
    optimizer = config.optimizer
    if optimizer.schedule != "constant":
        return f"its learning rate follows --schedule {optimizer.schedule}, which depends on the number of epochs"
    lengths = [warmup_of(optimizer.warmup_steps, epochs * steps_per_epoch) for epochs in (before, after)]
    if lengths[0] != lengths[1]:
        return (
            f"its warm-up of {optimizer.warmup_steps} steps is cut to half of the run, {lengths[0]} steps with "
            f"{before} epochs and {lengths[1]} with {after}"
        )
    return ""


def _with_epochs(config: RunConfig, epochs: int) -> RunConfig:
    return dataclasses.replace(config, training=dataclasses.replace(config.training, epochs=epochs))


def _init(run_dir: Path) -> str:
    return f"--init {shlex.quote(str(run_dir))}"
