"""What the command `train` prints at the end of a training."""

import shlex
from pathlib import Path

from pianoroll_tf.config import RunConfig
from pianoroll_tf.modeling.advice import training_advice
from pianoroll_tf.modeling.baselines import baseline_nlls
from pianoroll_tf.modeling.training_state import TrainingState
from pianoroll_tf.plugins import plugin_flags


def result_lines(run_dir: Path, state: TrainingState, config: RunConfig) -> list[str]:
    """Why the run is finished, its best epoch, advice if it went wrong, and the command that comes next."""
    before = "" if state.initial_nll is None else f"; {state.initial_nll:.4f} nats per step before"
    return [
        f"{run_dir} is finished: {state.finished}",
        f"best validation NLL {state.best_nll:.4f} nats per step, epoch {state.best_epoch}{before}",
        *training_advice(state, config, baseline_nlls(config)),
        f"next: python -m pianoroll_tf.evaluate {shlex.join([str(run_dir), *plugin_flags(config.plugins)])}",
    ]
