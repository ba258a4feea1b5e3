"""Loads an exported model safely, with TensorFlow alone, and generates music with it."""

import dataclasses
import functools
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import MAX_STEPS, NUM_PITCHES, RecordsConfig, SamplingConfig
from pianoroll_tf.data.clock import Meter, parse_meter
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation.allowed_operations import check_operations
from pianoroll_tf.generation.compiled import ENDPOINTS, STEERED, CompiledModel, worthwhile
from pianoroll_tf.generation.dynamics import Dynamics
from pianoroll_tf.generation.manifest import check_manifest
from pianoroll_tf.generation.plain_paths import plain_path
from pianoroll_tf.generation.sampling_loop import BLOCK_STEPS
from pianoroll_tf.generation.steering import NO_STEERING, Steering
from pianoroll_tf.generation.versions import find_version
from pianoroll_tf.settings import from_dict

CONFIG = "config.json"
FORMAT = 2  # of config.json and the endpoints
MAX_ROW_SEED = 2**63 - 1  # of any row


def read_config(version: Path) -> dict[str, Any]:
    """Reads `config.json` after all files of a version have been checked; ValueError if one differs or is of no use."""
    check_manifest(version)
    try:
        config = json.loads((version / CONFIG).read_text(encoding="utf-8"))
        known = config["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"model must have a {CONFIG} that export wrote. Received: {version}") from error
    if not known:
        again = f"export its run again (python -m pianoroll_tf.export RUN {shlex.quote(str(version.parent))})"
        received = f"format={config['format']!r} in {version}"
        raise ValueError(f"model must be of format {FORMAT}; {again}. Received: {received}")
    return config


def load(path: Path | str) -> "MusicModel":
    """Loads a model after checking its files against its manifest and its operations against a list.

    Args:
        path: `saved_models/NAME` for the latest version, or the folder of a version.

    Raises:
        ValueError: There is no model, a file differs from what was exported, or its graph holds an operation that is
            not allowed.
    """
    version = find_version(Path(path))
    config = read_config(version)
    check_operations(version)
    with plain_path(version) as plain:
        program = tf.saved_model.load(str(plain))
    return MusicModel(version=version, config=config, program=program)


@dataclasses.dataclass(frozen=True)
class MusicModel:
    """A loaded model: folder of its version, its `config.json`, and what `tf.saved_model.load` returned."""

    version: Path
    config: dict[str, Any]
    program: Any

    @property
    def density(self) -> float:
        """Share of active cells in the training data; 0 if it is not known."""
        return float(self.config["density"])

    @functools.cached_property
    def grid(self) -> RecordsConfig:
        """Grid of its training data."""
        return from_dict(RecordsConfig, self.config["run"]["records"])

    @property
    def steps_per_beat(self) -> int | None:
        """Steps per quarter note; None on the grid of seconds."""
        return self.grid.steps_per_beat if self.grid.grid == "beats" else None

    @property
    def meter(self) -> Meter:
        """The most frequent time signature of its training data."""
        return parse_meter(self.config["run"]["data"]["meter"])

    @property
    def tempo(self) -> float:
        """The median tempo of its training data, quarters per minute."""
        return float(self.config["run"]["data"]["tempo"])

    @property
    def window_steps(self) -> int:
        """Steps of a training window, the part of a primer that is continued by default."""
        return int(self.config["run"]["dataset"]["window_steps"])

    @functools.cached_property
    def dynamics(self) -> Dynamics:
        """The dynamics of its training data; the default ones if their velocities are not known or do not differ."""
        return Dynamics().fitted(self.config["run"]["data"].get("velocity_sums", ()))

    @property
    def longest_piece(self) -> int:
        """Steps of the longest training piece, the longest that `compose` generates; `MAX_STEPS` if not known."""
        return int(self.config["run"]["data"]["longest_piece"]) or MAX_STEPS

    @property
    def can_be_compiled(self) -> bool:
        """Whether it has the signatures that are compiled, which exports of earlier versions lack."""
        return set(ENDPOINTS) <= set(self.program.signatures)

    @property
    def can_be_steered(self) -> bool:
        """Whether its music can keep to limits, which that of exports of earlier versions cannot."""
        return STEERED in self.program.signatures

    def check_steering(self, steering: Steering) -> None:
        """Raises ValueError if the music has to keep to limits but cannot."""
        if not self.can_be_steered and not steering.is_free:
            again = f"export its run again (python -m pianoroll_tf.export RUN {shlex.quote(str(self.version.parent))})"
            raise ValueError(
                f"model must be able to keep to limits; {again}. Received: an export of an earlier version"
            )

    @functools.cached_property
    def compiled(self) -> CompiledModel:
        """The signatures that generate block by block, compiled by XLA; ValueError if it cannot be compiled."""
        return CompiledModel(self.program)

    @functools.cached_property
    def uncompiled(self) -> CompiledModel:
        """The signatures of `compiled`, not compiled."""
        return CompiledModel(self.program, jit_compile=False)

    def generate(
        self,
        primer: np.ndarray,
        steps: int,
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008 (frozen)
        first_row: int = 0,
        compiled: bool | None = None,
        meter: Meter | None = None,
        place: int = 0,
        steering: Steering = NO_STEERING,
    ) -> np.ndarray:
        """Continues each row of `primer`; row i is drawn with `sampling.seed` + `first_row` + i.

        Args:
            primer: [batch, primer_steps >= 0, 84]; 0 silent, 1 held, 2 struck, or 0 and 1 only.
            steps: Number of steps to draw, 1..1,000,000.
            sampling: Temperature, top-p, density, seed.
            first_row: Number of the first row, for a batch that is drawn in several calls.
            compiled: Whether to compile by XLA, which rounds differently: one note in a million differs. None: if it
                saves more time than compiling takes, see `worthwhile`.
            meter: Time signature, for models with a clock input; None: the most frequent of the training data.
            place: Position in its bar, in steps, of the first step of the primer, or of the music without a primer.
            steering: What the music keeps to.

        Returns:
            uint8 [batch, steps, 84]: 0 silent, 1 held, 2 struck.

        Raises:
            ValueError: A shape or number is not allowed, or the model cannot be compiled or steered.
        """
        self.check_steering(steering)
        primer = _roll("primer", primer)
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= MAX_STEPS:
            raise ValueError(f"steps must be a whole number >= 1 and <= {MAX_STEPS}. Received: steps={steps!r}")
        seeds, meter = _seeds(sampling, first_row, len(primer)), meter or self.meter
        if compiled is None:
            compiled = self.can_be_compiled and worthwhile(len(primer), steps)
        if compiled or place or meter != self.meter or not steering.is_free:  # the signature has no inputs for these
            parts = self.compiled if compiled else self.uncompiled
            blocks = parts.blocks(primer, steps, seeds, sampling, meter, place, steering)
            return np.concatenate([roll for roll, _ in blocks], axis=1)[:, :steps]
        outputs = self.program.signatures["generate"](
            primer=tf.constant(primer, "uint8"),
            steps=tf.constant(steps, "int32"),
            seed=tf.constant(seeds[0], "int64"),
            temperature=tf.constant(sampling.temperature, "float32"),
            top_p=tf.constant(sampling.top_p, "float32"),
            density=tf.constant(sampling.density, "float32"),
        )
        return outputs["roll"].numpy()

    def compose(
        self,
        primer: np.ndarray,
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008 (frozen)
        first_row: int = 0,
        max_steps: int | None = None,
        compiled: bool | None = None,
        meter: Meter | None = None,
        place: int = 0,
        steering: Steering = NO_STEERING,
    ) -> tuple[list[np.ndarray], list[bool]]:
        """Continues each row of `primer` until the model ends it, or by `max_steps` steps; otherwise as `generate`.

        `max_steps` is by default `longest_piece`.

        Returns:
            (uint8 [steps, 84] per row, whether the model ended the row itself).
        """
        self.check_steering(steering)
        primer = _roll("primer", primer)
        max_steps = min(max_steps or self.longest_piece, MAX_STEPS)
        seeds = _seeds(sampling, first_row, len(primer))
        if compiled is None:
            compiled = self.can_be_compiled and worthwhile(len(primer), max_steps)
        parts = self.compiled if compiled else self.uncompiled
        rolls, lengths = [], np.full(len(primer), max_steps)
        drawn = parts.blocks(primer, max_steps, seeds, sampling, meter or self.meter, place, steering)
        for block, (roll, ended) in enumerate(drawn):
            rolls.append(roll)
            first = np.where(ended.any(axis=1), block * BLOCK_STEPS + ended.argmax(axis=1) + 1, max_steps)
            lengths = np.minimum(lengths, first)
            if (lengths <= (block + 1) * BLOCK_STEPS).all():
                break
        music = np.concatenate(rolls, axis=1)
        return [row[:length] for row, length in zip(music, lengths, strict=True)], (lengths < max_steps).tolist()

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """Marginal probabilities that each pitch sounds at the step after each step of `roll`.

        Args:
            roll: [batch, steps >= 1, 84]. In training a piece is preceded by one silent step; put one first to
                get the probabilities of the first step too.

        Returns:
            float32 [batch, steps, 84]. With an autoregressive head they are means over 16 sampled steps.

        Raises:
            ValueError: The shape is not allowed.
        """
        return self._call("predict", roll)["probability"]

    def log_likelihood(self, roll: np.ndarray, meter: Meter | None = None, place: int = 0) -> dict[str, np.ndarray]:
        """Nats of each step of `roll`, given the steps before it and one silent step before the piece.

        Args:
            roll: [batch, steps >= 1, 84].
            meter: As in `generate`.
            place: Position in its bar of the first step of `roll`.

        Returns:
            `cells`, `strikes`, and `ends` (log-probability that the piece ends with the step),
            float32 [batch, steps] each.

        Raises:
            ValueError: The shape is not allowed.
        """
        meter = meter or self.meter
        clock = {"meter": tf.constant([meter.numerator, meter.denominator]), "place": tf.constant(place, "int32")}
        return self._call("log_likelihood", roll, **clock)

    def _call(self, signature: str, roll: np.ndarray, **more: tf.Tensor) -> dict[str, np.ndarray]:
        roll = _roll("roll", roll)
        if not roll.shape[1]:
            raise ValueError(f"roll must have at least one step. Received: shape={roll.shape}")
        outputs = self.program.signatures[signature](roll=tf.constant(roll, "uint8"), **more)
        return {name: value.numpy() for name, value in outputs.items()}


def _seeds(sampling: SamplingConfig, first_row: int, rows: int) -> np.ndarray:
    """The seeds of the rows, int64; ValueError where one is negative or exceeds `MAX_ROW_SEED`."""
    seed = sampling.seed + first_row
    if not 0 <= seed <= seed + rows - 1 <= MAX_ROW_SEED:
        raise ValueError(f"seed must be >= 0 and <= {MAX_ROW_SEED} in every row. Received: seed={seed} in the first")
    return seed + np.arange(rows)


def _roll(name: str, roll: np.ndarray) -> np.ndarray:
    """The roll as 0 silent, 1 held, 2 struck."""
    roll = np.asarray(roll)
    if roll.ndim != 3 or roll.shape[0] < 1 or roll.shape[2] != NUM_PITCHES or roll.dtype.kind not in "biuf":
        allowed = f"numbers of shape [batch >= 1, steps, {NUM_PITCHES}]"
        raise ValueError(f"{name} must be {allowed}. Received: shape={roll.shape}, dtype={roll.dtype}")
    return as_states(roll)
