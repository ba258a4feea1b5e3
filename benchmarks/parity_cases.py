"""The cases of the parity check, the same for both sides: what is computed from the inputs, and under which name."""

from collections.abc import Callable, Mapping

import numpy as np


def compute(given: Mapping[str, np.ndarray], focal: Callable, adamw: Callable, f1: Callable) -> dict[str, np.ndarray]:
    """Every case, by one side's functions.

    Args:
        given: The inputs that parity.py made.
        focal: (targets, logits, gamma, alpha) → (loss of each row, gradient of their sum).
        adamw: (weights, gradients, learning rate, Addons' weight decay) → weights after each step.
        f1: (targets, logits, threshold) → micro F1.

    Returns:
        Name → values.
    """
    made = {}
    for index, (gamma, alpha) in enumerate(given["focal_settings"]):
        for kind in ("random", "extreme"):
            rows, gradient = focal(given[f"{kind}_targets"], given[f"{kind}_logits"], float(gamma), float(alpha))
            made |= {f"focal_{index}_{kind}": rows, f"focal_gradient_{index}_{kind}": gradient}
    for index, (rate, decay) in enumerate(given["adamw_settings"]):
        made[f"adamw_{index}"] = adamw(given["weights"], given["gradients"], float(rate), float(decay))
    for index, threshold in enumerate(given["thresholds"]):
        for kind in ("random", "decided", "silent"):
            value = f1(given[f"{kind}_targets"], given[f"{kind}_logits"], float(threshold))
            made[f"f1_{index}_{kind}"] = np.float64(value)
    return made
