"""Loads an exported model, safely and with TensorFlow alone, and asks it for music."""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import MAX_STEPS, NUM_PITCHES, SamplingConfig
from pianoroll_tf.generation.compiled import PARTS, CompiledModel, worthwhile
from pianoroll_tf.generation.manifest import check_manifest
from pianoroll_tf.generation.operations import check_operations
from pianoroll_tf.generation.versions import find_version

CONFIG = "config.json"
FORMAT = 1  # of config.json and the endpoints
LAST_SEED = 2**63 - 1  # of any row


def read_config(version: Path) -> dict[str, Any]:
    """`config.json` of a version whose files are all as they were exported.

    Raises:
        ValueError: A file differs, or the format is another one.
    """
    check_manifest(version)
    try:
        config = json.loads((version / CONFIG).read_text(encoding="utf-8"))
        known = config["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"model must have a {CONFIG} that export wrote. Received: {version}") from error
    if not known:
        raise ValueError(f"model must be of format {FORMAT}. Received: format={config['format']!r} in {version}")
    return config


def load(path: Path | str) -> "MusicModel":
    """Loads a model after checking its files against its manifest and its operations against a list.

    Args:
        path: `saved_models/NAME` for the latest version, or the folder of a version.

    Raises:
        ValueError: There is no model, a file differs from what was exported, or its graph holds an
            operation that does more than compute.
    """
    version = find_version(Path(path))
    config = read_config(version)
    check_operations(version)
    return MusicModel(version=version, config=config, program=tf.saved_model.load(str(version)))


@dataclasses.dataclass(frozen=True)
class MusicModel:
    """A loaded model.

    Attributes:
        version: Its folder.
        config: Its `config.json`: settings of the run, density, versions.
        program: What TensorFlow loaded; `program.signatures` has the endpoints.
    """

    version: Path
    config: dict[str, Any]
    program: Any

    @property
    def density(self) -> float:
        """Share of active cells in the training data; 0 if it is not known."""
        return float(self.config["density"])

    @property
    def can_be_compiled(self) -> bool:
        """Whether it has the parts that are compiled; an export of an earlier version has not."""
        return set(PARTS) <= set(self.program.signatures)

    @functools.cached_property
    def compiled(self) -> CompiledModel:
        """The same model, drawing with XLA: for a server, which draws unlike requests in one batch.

        Raises:
            ValueError: It cannot be compiled.
        """
        return CompiledModel(self.program)

    def generate(
        self,
        primer: np.ndarray,
        steps: int,
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008 (frozen)
        first_row: int = 0,
        compiled: bool | None = None,
    ) -> np.ndarray:
        """Continues each row of `primer`; row i is drawn with `sampling.seed` + `first_row` + i.

        Args:
            primer: [batch, primer_steps >= 0, 84]; a cell that is not 0 sounds.
            steps: How many steps to draw, 1..1,000,000.
            sampling: Temperature, top-p, density, seed.
            first_row: Number of the first row, for a batch that is drawn in parts.
            compiled: Whether to draw with XLA, which rounds in another way: a note in a million differs. None: where it
                saves more time than compiling takes, see `worthwhile`.

        Returns:
            uint8 [batch, steps, 84].

        Raises:
            ValueError: A shape or number is not allowed, or the model cannot be compiled.
        """
        primer = _roll("primer", primer)
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= MAX_STEPS:
            raise ValueError(f"steps must be a whole number >= 1 and <= {MAX_STEPS}. Received: steps={steps!r}")
        seed = sampling.seed + first_row
        if not 0 <= seed <= seed + len(primer) - 1 <= LAST_SEED:
            raise ValueError(f"seed must be >= 0 and <= {LAST_SEED} in every row. Received: seed={seed} in the first")
        if compiled is None:
            compiled = self.can_be_compiled and worthwhile(len(primer), steps)
        if compiled:
            seeds = seed + np.arange(len(primer))
            settings = (sampling.temperature, sampling.top_p, sampling.density)
            return self.compiled.generate(primer, steps, seeds, *settings)
        answer = self.program.signatures["generate"](
            primer=tf.constant(primer, "uint8"),
            steps=tf.constant(steps, "int32"),
            seed=tf.constant(seed, "int64"),
            temperature=tf.constant(sampling.temperature, "float32"),
            top_p=tf.constant(sampling.top_p, "float32"),
            density=tf.constant(sampling.density, "float32"),
        )
        return answer["roll"].numpy()

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """Posterior probabilities of the step after each step of `roll`.

        Args:
            roll: [batch, steps >= 1, 84]. Training precedes a piece by one silent step; put one first to
                have the probabilities of the piece's first step too.

        Returns:
            float32 [batch, steps, 84].

        Raises:
            ValueError: The shape is not allowed.
        """
        roll = _roll("roll", roll)
        if not roll.shape[1]:
            raise ValueError(f"roll must have at least one step. Received: shape={roll.shape}")
        return self.program.signatures["predict"](roll=tf.constant(roll, "uint8"))["probability"].numpy()


def _roll(name: str, roll: np.ndarray) -> np.ndarray:
    """The roll as zeros and ones."""
    roll = np.asarray(roll)
    if roll.ndim != 3 or roll.shape[0] < 1 or roll.shape[2] != NUM_PITCHES or roll.dtype.kind not in "biuf":
        allowed = f"numbers of shape [batch >= 1, steps, {NUM_PITCHES}]"
        raise ValueError(f"{name} must be {allowed}. Received: shape={roll.shape}, dtype={roll.dtype}")
    return (roll != 0).astype(np.uint8)
