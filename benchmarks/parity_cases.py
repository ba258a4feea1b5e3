"""The cases of the parity check, the same for both sides: what is computed from the inputs, and its names."""

from collections.abc import Callable, Mapping

import numpy as np


def compute(inputs: Mapping[str, np.ndarray], focal: Callable, adamw: Callable, f1: Callable) -> dict[str, np.ndarray]:
    """Computes every case with the functions of one side.

    Args:
        inputs: The inputs made by parity.py.
        focal: (targets, logits, gamma, alpha) → (loss of each row, gradient of their sum).
        adamw: (weights, gradients, learning rate, Addons' weight decay) → weights after each step.
        f1: (targets, logits, threshold) → micro F1.

    Returns:
        Name → values.
    """
    values = {}
    for index, (gamma, alpha) in enumerate(inputs["focal_settings"]):
        for kind in ("random", "extreme"):
            rows, gradient = focal(inputs[f"{kind}_targets"], inputs[f"{kind}_logits"], float(gamma), float(alpha))
            values |= {f"focal_{index}_{kind}": rows, f"focal_gradient_{index}_{kind}": gradient}
    for index, (rate, decay) in enumerate(inputs["adamw_settings"]):
        values[f"adamw_{index}"] = adamw(inputs["weights"], inputs["gradients"], float(rate), float(decay))
    for index, threshold in enumerate(inputs["thresholds"]):
        for kind in ("random", "decided", "silent"):
            value = f1(inputs[f"{kind}_targets"], inputs[f"{kind}_logits"], float(threshold))
            values[f"f1_{index}_{kind}"] = np.float64(value)
    return values
