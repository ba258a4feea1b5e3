"""Measures of the course of a training: validation curve and gradient norms. Needs no framework.

A curve is the validation NLL after each epoch, nats per step. As it has one point per epoch, every "epochs to" is a
whole number; `--steps-per-epoch` makes epochs shorter if that is too coarse.
"""

from collections.abc import Mapping, Sequence

import numpy as np

NEAR = 1.02  # times the best final value of all runs
SETTLED = 1.01  # times the best value of the run itself
LAST = 0.1  # share of a run's epochs that are its last ones
FACTOR = 10.0  # by which the predicted density may be off before the output counts as silent or saturated


def reached(curve: Sequence[float], target: float) -> int | None:
    """The first epoch, counted from 1, whose value is at most `target`; None if there is none."""
    return next((epoch for epoch, value in enumerate(curve, 1) if value <= target), None)


def effort(prefix: str, epoch: int | None, steps_per_epoch: int, seconds: Sequence[float]) -> dict[str, float | None]:
    """The effort up to the end of an epoch (counted from 1): epochs, steps, and seconds of wall-clock time.

    `seconds` are those of each epoch, including validation.
    """
    values = (None, None, None) if epoch is None else (epoch, epoch * steps_per_epoch, float(sum(seconds[:epoch])))
    return {f"{unit}_{prefix}": value for unit, value in zip(("epochs", "steps", "seconds"), values, strict=True)}


def cost(
    prefix: str, epoch: int | None, steps_per_epoch: int, windows: int | None, operations: float | None
) -> dict[str, float | None]:
    """What the training up to the end of an epoch (counted from 1) cost, whatever the machine.

    Args:
        prefix: Of the names: "to_best".
        epoch: None if it was never reached.
        steps_per_epoch: Batches per epoch.
        windows: Per batch; None: not known.
        operations: Floating-point operations of a step of training; None: not known.

    Returns:
        Epochs, steps, examples (windows, with repetition) and operations in 10¹².

    >>> cost("to_best", 2, 56, 64, 2.5e10)
    {'epochs_to_best': 2, 'steps_to_best': 112, 'examples_to_best': 7168, 'operations_to_best': 2.8}
    """
    steps = None if epoch is None else epoch * steps_per_epoch
    return {
        f"epochs_{prefix}": epoch,
        f"steps_{prefix}": steps,
        f"examples_{prefix}": None if steps is None or windows is None else steps * windows,
        f"operations_{prefix}": None if steps is None or operations is None else steps * operations / 1e12,
    }


def last_gain(curve: Sequence[float]) -> float | None:
    """Share of the whole gain, from the first epoch to the best, that the last tenth of the epochs brought.

    None for a single epoch or without a gain; 0 if the best epoch is earlier.

    >>> last_gain([9.0, 7.0, 6.0, 5.5, 5.25, 5.25, 5.25, 5.25, 5.25, 5.0])  # 0.25 of 4
    0.0625
    """
    last = max(1, round(LAST * len(curve)))
    if len(curve) < 2 or min(curve) >= curve[0]:
        return None
    return float((min(curve[:-last]) - min(curve)) / (curve[0] - min(curve)))


def area(curve: Sequence[float], epochs: int) -> float:
    """Mean over all epochs of the run of the best value so far, that of the weights kept at that time.

    A run that stopped early keeps its best value to the end, so that stopping is not rewarded.
    """
    best = np.minimum.accumulate(curve)
    return float((best.sum() + (epochs - len(best)) * best[-1]) / epochs)


def roughness(curve: Sequence[float]) -> float | None:
    """Median distance of a point from the middle of its neighbours, nats per step; None for fewer than three epochs.

    A straight fall has 0. The median, so that the steep fall at the start does not count as rough.
    """
    return float(np.median(np.abs(np.diff(curve, n=2))) / 2) if len(curve) > 2 else None


def gradient_ratio(norms: Sequence[float]) -> float | None:
    """99th percentile over median of the gradient norms of a run's steps; None without a step or with a median of 0."""
    median = np.median(norms) if len(norms) else 0.0
    return float(np.percentile(norms, 99) / median) if median else None


def collapse(last: Mapping[str, float], note_frequency: float) -> str:
    """Why a run counts as collapsed; empty if it does not.

    `last` is the last epoch's row of history, `note_frequency` the validation NLL of that baseline in nats per step.
    """
    predicted, true = last["val_density_predicted"], last["val_density_true"]
    if not last["val_nll"] <= note_frequency:
        return f"worse than note frequency: {last['val_nll']:.2f} nats per step against {note_frequency:.2f}"
    densities = f"it predicts a density of {predicted:.2%}, the data have {true:.2%}".replace("%", " %")
    if predicted * FACTOR < true:
        return f"silent: {densities}"
    return f"saturated: {densities}" if predicted > true * FACTOR else ""


def course(
    history: Sequence[Mapping[str, float]],
    norms: Sequence[float],
    epochs: int,
    steps_per_epoch: int,
    copy_nll: float,
) -> dict[str, float | None]:
    """All measures of a training except those that depend on other runs.

    Args:
        history: Rows of history.csv, one per epoch, at least one.
        norms: Gradient norm of each step.
        epochs: Maximum of the run.
        copy_nll: Validation NLL of the baseline "copy the last step", nats per step.
    """
    curve = [row["val_nll"] for row in history]
    seconds = [row["seconds"] for row in history]
    return {
        "val_nll": min(curve),
        "last_val_nll": curve[-1],
        "gradient_ratio": gradient_ratio(norms),
        "roughness": roughness(curve),
        **effort("to_copy", reached(curve, copy_nll), steps_per_epoch, seconds),
        "curve_area": area(curve, epochs),
    }
