"""Compares our focal loss, AdamW and F1 with TensorFlow Addons' on random and extreme inputs.

Usage: python benchmarks/parity.py [--write-golden]

Run it with `make parity`, which creates the environment. Each side computes in its own process. Prints the largest
differences; the exit code is 1 if one exceeds its tolerance. Some of Addons' values are stored in
tests/pianoroll_tf/modeling/golden/addons.json, so that the ordinary tests compare with them without Addons.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "tests" / "pianoroll_tf" / "modeling" / "golden" / "addons.json"
GAMMAS, ALPHAS = (0.0, 0.5, 1.0, 2.0, 5.0), (0.25, 0.5, 0.9)
EXTREMES = (0.0, 1e-6, 1.0, 10.0, 16.7, 18.0, 40.0, 88.0, 100.0, 1e4)
# Largest |ours - Addons'| / (1 + |Addons'|); float32 has 6e-8, and a row sums 84 cells.
TOLERANCES = {"focal": 1e-5, "focal_gradient": 1e-5, "adamw": 5e-6, "f1": 1e-6}


def make_inputs(seed: int, rows: int, pitches: int, steps: int) -> dict[str, np.ndarray]:
    """Makes the inputs of every case; for F1 no logit is on a threshold, where `>` and `>=` differ."""
    rng = np.random.default_rng(seed)
    thresholds = np.array([0.2, 0.5, 0.8], np.float32)
    logits = rng.normal(0.0, 4.0, (rows, pitches))
    edges = np.log(thresholds / (1 - thresholds))
    for edge in edges:
        logits = np.where(np.abs(logits - edge) < 0.01, logits + 0.05, logits)
    extremes = np.array([sign * size for size in EXTREMES for sign in (1.0, -1.0)], np.float32)
    decided = extremes[(np.abs(extremes[:, None] - edges) > 0.01).all(axis=1)]
    silent = decided[decided < -9.0]  # nothing sounds and nothing is predicted: 0 / 0
    return {
        "random_targets": (rng.random((rows, pitches)) < 0.2).astype(np.float32),
        "random_logits": logits.astype(np.float32),
        "extreme_targets": np.repeat([0.0, 1.0], len(extremes)).astype(np.float32)[:, None],
        "extreme_logits": np.tile(extremes, 2)[:, None],
        "decided_targets": np.repeat([0.0, 1.0], len(decided)).astype(np.float32)[:, None],
        "decided_logits": np.tile(decided, 2)[:, None],
        "silent_targets": np.zeros_like(silent)[:, None],
        "silent_logits": silent[:, None],
        "focal_settings": np.array([(gamma, alpha) for gamma in GAMMAS for alpha in ALPHAS]),
        "adamw_settings": np.array([(1e-2, 0.0), (1e-2, 0.1), (1e-3, 0.5)]),
        "weights": rng.normal(size=pitches).astype(np.float32),
        "gradients": (rng.normal(size=(steps, pitches)) * 10.0 ** rng.integers(-6, 7, (steps, 1))).astype(np.float32),
        "thresholds": thresholds,
    }


def run_side(name: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Computes the values of one side, "addons" or "ours", in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        input_path, output_path = Path(folder) / "inputs.npz", Path(folder) / "outputs.npz"
        np.savez(input_path, **inputs)
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, HERE / f"parity_{name}.py", input_path, output_path]
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)  # TensorFlow logs to it
        if done.returncode:
            raise SystemExit(f"{done.stderr}\nparity_{name}.py failed (exit code {done.returncode})")
        with np.load(output_path) as values:
            return dict(values)


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest |ours - theirs| / (1 + |theirs|) where theirs is finite; infinite if ours is not finite."""
    if not np.isfinite(ours).all():
        return float("inf")
    finite = np.isfinite(theirs)
    return float(np.max(np.abs(ours - theirs)[finite] / (1.0 + np.abs(theirs[finite])), initial=0.0))


def report(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> bool:
    """Prints a line per kind of value; returns whether all are within their tolerances."""
    print(f"{'':<18}{'values':>9}{'largest difference':>20}{'tolerance':>11}{'not finite: Addons':>20}{'ours':>6}")
    within = True
    for kind, tolerance in TOLERANCES.items():
        names = [name for name in theirs if re.match(r"(.+?)_\d", name)[1] == kind]
        largest = max(difference(ours[name], theirs[name]) for name in names)
        not_finite = [sum(int(np.sum(~np.isfinite(side[name]))) for name in names) for side in (theirs, ours)]
        count = sum(theirs[name].size for name in names)
        print(f"{kind:<18}{count:>9}{largest:>20.2e}{tolerance:>11.0e}{not_finite[0]:>20}{not_finite[1]:>6}")
        within = within and largest <= tolerance
    return within


def listed(arrays: dict[str, np.ndarray]) -> dict:
    """Converts arrays to JSON-serializable lists, with the nine digits that a float32 needs; null if not finite."""

    def rounded(value):
        if isinstance(value, list):
            return [rounded(item) for item in value]
        return float(f"{value:.9g}") if np.isfinite(value) else None

    return {name: rounded(np.asarray(array, np.float64).tolist()) for name, array in arrays.items()}


def golden_rows() -> dict[str, dict]:
    """Computes a small set of inputs, and Addons' values for them."""
    inputs = make_inputs(seed=1, rows=3, pitches=5, steps=4)
    inputs["focal_settings"] = inputs["focal_settings"][:: len(ALPHAS)]  # one alpha
    return {"inputs": listed(inputs), "addons": listed(run_side("addons", inputs))}


def same(stored: dict[str, dict], live: dict[str, dict]) -> bool:
    """Whether the golden file holds these rows, up to differences of float32 between processors."""

    def array(value) -> np.ndarray:
        return np.array(value, np.float64)  # null becomes NaN

    return all(
        stored[side].keys() == live[side].keys()
        and all(np.allclose(array(stored[side][k]), array(v), 1e-5, 1e-6, True) for k, v in live[side].items())
        for side in ("inputs", "addons")
    )


def main() -> int:
    """Runs the comparison; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write-golden", action="store_true", help=f"rewrite {GOLDEN.name}")
    args = parser.parse_args()
    inputs = make_inputs(seed=0, rows=512, pitches=84, steps=50)
    within = report(run_side("ours", inputs), run_side("addons", inputs))
    rows = golden_rows()
    if args.write_golden:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(rows, sort_keys=True) + "\n")
    up_to_date = same(json.loads(GOLDEN.read_text()), rows)
    state = "equal to Addons" if up_to_date else "DIFFERENT"
    print(f"golden rows in {GOLDEN.relative_to(HERE.parent)}: {state}")
    print("parity holds" if within and up_to_date else "parity DOES NOT hold")
    return 0 if within and up_to_date else 1


if __name__ == "__main__":
    sys.exit(main())
