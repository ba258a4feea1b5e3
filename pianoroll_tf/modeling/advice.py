"""What went wrong in a training, in sentences with the cure, judged from its history alone. Needs no framework."""

import math
from collections.abc import Mapping

from pianoroll_tf.config import OptimizerConfig, RunConfig, TrainingConfig
from pianoroll_tf.modeling.training_state import TrainingState

SAME = 1e-5  # relative difference of validation NLLs below which the model has not changed
DENSITY_FACTOR = 3  # between the predicted and the true density, from which notes are missing or in excess
LEARNED, WORSE = 0.99, 1.05  # shares of the NLL of note frequency: what came before is not used; training did harm
FALL, GAP = 0.95, 0.7  # of overfitting: the training loss since the best epoch; training loss over validation NLL
RISE, RISE_ALONE = 1.01, 1.05  # validation since then, with that gap, or where the training loss is no NLL
EARLY_EPOCH = 2  # a best epoch up to this one is suspicious
PLATEAU_EPOCHS = 12  # without a better one, more than the default patience


def training_advice(state: TrainingState, config: RunConfig, baselines: Mapping[str, float] | None = None) -> list[str]:
    """Sentences about a training that went wrong; none for one that went well.

    Args:
        state: The state that `training.train` returns.
        config: Settings of the run, from whose values the cures are computed.
        baselines: Validation NLL of the baselines, from `baselines.baseline_nlls`; what is missing is not judged.

    Returns:
        At most one sentence about the predictions and one about the course of the training.

    >>> rows = [{"epoch": n, "loss": 8.0 - n, "val_nll": 8.0 - n} for n in (1, 2)]
    >>> state = TrainingState(epoch=2, best_nll=6.0, best_epoch=2, rows=rows)
    >>> training_advice(state, RunConfig(), {"copy_last_step": 5.0})
    ['It predicts worse than copying the last step (5.0000): train longer, with --epochs 80 in a new folder.']
    >>> training_advice(state, RunConfig(), {"copy_last_step": 6.5})
    []
    """
    if not state.rows or state.best_nll is None:
        return []
    if unchanged := _unchanged(state, config):
        return [unchanged]
    return [text for text in (_predictions(state, config, baselines or {}), _course(state, config)) if text]


def fault(numbers: Mapping[str, float], baselines: Mapping[str, float]) -> str:
    """The most serious fault of predictions on a split, as a clause; empty if there is none.

    Args:
        numbers: Metrics of the model: `nll`, and, where known, `density_predicted` and `density_true`.
        baselines: NLL of "note_frequency" and "copy_last_step" on the same split, where known.

    >>> fault({"nll": 6.0, "density_predicted": 0.01, "density_true": 0.04}, {})
    'It predicts almost silence: 1.0 % of the cells, where 4.0 % sound'
    """
    predicted, true = (100 * numbers.get(name, 0.0) for name in ("density_predicted", "density_true"))
    cells = f"{predicted:.1f} % of the cells, where {true:.1f} % sound"
    if predicted * DENSITY_FACTOR < true:
        return f"It predicts almost silence: {cells}"
    if predicted > true * DENSITY_FACTOR > 0:
        return f"It predicts far too many notes: {cells}"
    frequency, copying = (baselines.get(name) for name in ("note_frequency", "copy_last_step"))
    if frequency is not None and numbers["nll"] > LEARNED * frequency:
        return f"It predicts no better than the frequency of each note ({frequency:.4f}), whatever came before"
    if copying is not None and numbers["nll"] > copying:
        return f"It predicts worse than copying the last step ({copying:.4f})"
    return ""


def lower_rate(config: RunConfig) -> str:
    """The flags for a training that a high learning rate has spoilt.

    >>> lower_rate(RunConfig())
    '--learning-rate 0.0004'
    """
    clipping = "" if config.optimizer.clip_norm else " and --clip-norm 1"
    return f"--learning-rate {config.optimizer.learning_rate / 10:g}{clipping}"


def _unchanged(state: TrainingState, config: RunConfig) -> str:
    """Validation is the same after every epoch."""
    values = [row["val_nll"] for row in state.rows]
    if len(values) < 2 or max(values) - min(values) > SAME * max(values):
        return ""
    rate, usual = config.optimizer.learning_rate, OptimizerConfig().learning_rate
    cure = f"--learning-rate {usual:g}" if rate < usual else lower_rate(config)
    return (
        f"Its predictions do not change from epoch to epoch with --learning-rate {rate:g}: try {cure} in a new folder."
    )


def _predictions(state: TrainingState, config: RunConfig, baselines: Mapping[str, float]) -> str:
    """The fault of the predictions of the best epoch, with the cure."""
    row = state.rows[state.best_epoch - 1]
    found = fault({name.removeprefix("val_"): value for name, value in row.items()}, baselines)
    if not found:
        return ""
    spoilt = row["val_nll"] > WORSE * baselines.get("note_frequency", math.inf)  # with which training starts
    if not spoilt and _learns_by_heart(row, config):
        return f"{found}, although the training loss is {row['loss']:.4f}: it learns by heart. Better: {_more(config)}."
    if not spoilt and state.best_epoch == len(state.rows):  # it was still improving
        epochs = max(2 * config.training.epochs, TrainingConfig().epochs)
        where = "" if config.optimizer.schedule == "constant" else " in a new folder"
        return f"{found}: train longer, with --epochs {epochs}{where}."
    return f"{found}: try {lower_rate(config)} in a new folder, or {_more(config)}."


def _learns_by_heart(row: Mapping[str, float], config: RunConfig) -> bool:
    """Whether the training loss, where it is an NLL too, is far below that of validation."""
    return config.loss.loss == "bce" and row["loss"] < GAP * row["val_nll"]


def _course(state: TrainingState, config: RunConfig) -> str:
    """The fault of the course of the training, with the cure: fine-tuning in vain, overfitting, a plateau."""
    best, last = state.rows[state.best_epoch - 1], state.rows[-1]
    by_nll = config.training.objective == "nll"
    if by_nll and state.initial_nll is not None and best["val_nll"] >= state.initial_nll:
        return (
            f"Fine-tuning has not helped: validation NLL {state.initial_nll:.4f} before the first epoch, "
            f"{best['val_nll']:.4f} at best. Try {lower_rate(config)} in a new folder, or keep the earlier run."
        )
    nll_rises = last["val_nll"] > best["val_nll"] * (RISE if config.loss.loss == "bce" else RISE_ALONE)
    far_below = _learns_by_heart(last, config) or config.loss.loss != "bce"
    if nll_rises and far_below and last["loss"] < FALL * best["loss"]:
        return (
            f"It overfits: since epoch {state.best_epoch}, whose weights are kept, the training loss fell from "
            f"{best['loss']:.4f} to {last['loss']:.4f}, but the validation NLL rose from {best['val_nll']:.4f} to "
            f"{last['val_nll']:.4f}. Better: {_more(config)}."
        )
    stopped = state.stopped_early(config.training.patience, config.training.objective)
    if state.best_epoch <= EARLY_EPOCH and (stopped or state.waited >= PLATEAU_EPOCHS):
        return (
            f"Validation was best in epoch {state.best_epoch} and no better in {state.waited} more: "
            f"try {lower_rate(config)} in a new folder."
        )
    if state.waited >= PLATEAU_EPOCHS:
        return (
            f"Validation has not improved since epoch {state.best_epoch}, for {state.waited} epochs, so more do not "
            f"help: try --gru-units {2 * config.model.gru_units} in a new folder, or {_more(config)}."
        )
    return ""


def _more(config: RunConfig) -> str:
    """What makes learning by heart harder, as far as it is not set already."""
    cures = ["more files"]
    if config.dataset.transpose < 5:
        cures.append("--transpose 5")
    if config.model.dropout < 0.3:
        cures.append("--dropout 0.3")
    return " or ".join(cures)
