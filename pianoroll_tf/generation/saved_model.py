"""Loads an exported model, safely and with TensorFlow alone, and asks it for music."""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import MAX_STEPS, NUM_PITCHES, RecordsConfig, SamplingConfig
from pianoroll_tf.data.clock import Meter, parse_meter
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation.allowed_operations import check_operations
from pianoroll_tf.generation.compiled import PARTS, CompiledModel, worthwhile
from pianoroll_tf.generation.manifest import check_manifest
from pianoroll_tf.generation.sampling import BLOCK_STEPS
from pianoroll_tf.generation.versions import find_version
from pianoroll_tf.settings import from_dict

CONFIG = "config.json"
FORMAT = 2  # of config.json and the endpoints
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
        again = f"export its run again (python -m pianoroll_tf.export RUN {version.parent})"
        received = f"format={config['format']!r} in {version}"
        raise ValueError(f"model must be of format {FORMAT}; {again}. Received: {received}")
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

    @functools.cached_property
    def grid(self) -> RecordsConfig:
        """How its training files were sampled."""
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
    def longest_piece(self) -> int:
        """Steps of the longest training piece, at which `compose` ends at the latest; `MAX_STEPS` if not known."""
        return int(self.config["run"]["data"]["longest_piece"]) or MAX_STEPS

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
        meter: Meter | None = None,
        place: int = 0,
    ) -> np.ndarray:
        """Continues each row of `primer`; row i is drawn with `sampling.seed` + `first_row` + i.

        Args:
            primer: [batch, primer_steps >= 0, 84]; 0 silent, 1 held, 2 struck, or 0 and 1 alone.
            steps: How many steps to draw, 1..1,000,000.
            sampling: Temperature, top-p, density, seed.
            first_row: Number of the first row, for a batch that is drawn in parts.
            compiled: Whether to draw with XLA, which rounds in another way: a note in a million differs. None: where it
                saves more time than compiling takes, see `worthwhile`.
            meter: Time signature, for models that read a clock; None: the most frequent of the training data.
            place: Place in its bar, in steps, of the primer's first step, or of the music's where there is no primer.

        Returns:
            uint8 [batch, steps, 84]: 0 silent, 1 held, 2 struck.

        Raises:
            ValueError: A shape or number is not allowed, or the model cannot be compiled.
        """
        primer = _roll("primer", primer)
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= MAX_STEPS:
            raise ValueError(f"steps must be a whole number >= 1 and <= {MAX_STEPS}. Received: steps={steps!r}")
        seed = self._first_seed(sampling, first_row, len(primer))
        meter = meter or self.meter
        if compiled is None:
            compiled = self.can_be_compiled and worthwhile(len(primer), steps)
        if compiled:
            seeds = seed + np.arange(len(primer))
            settings = (sampling.temperature, sampling.top_p, sampling.density)
            return self.compiled.generate(primer, steps, seeds, *settings, meter=meter, place=place)
        if place or meter != self.meter:  # which the signature does not know of
            seeds = seed + np.arange(len(primer))
            settings = (sampling.temperature, sampling.top_p, sampling.density)
            return self.plain.generate(primer, steps, seeds, *settings, meter=meter, place=place)
        answer = self.program.signatures["generate"](
            primer=tf.constant(primer, "uint8"),
            steps=tf.constant(steps, "int32"),
            seed=tf.constant(seed, "int64"),
            temperature=tf.constant(sampling.temperature, "float32"),
            top_p=tf.constant(sampling.top_p, "float32"),
            density=tf.constant(sampling.density, "float32"),
        )
        return answer["roll"].numpy()

    def compose(
        self,
        primer: np.ndarray,
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008 (frozen)
        first_row: int = 0,
        most_steps: int | None = None,
        compiled: bool | None = None,
        meter: Meter | None = None,
        place: int = 0,
    ) -> tuple[list[np.ndarray], list[bool]]:
        """Continues each row of `primer` until the model ends it; otherwise as `generate`.

        Args:
            primer: See `generate`; so are the others but for `most_steps`.
            sampling: See `generate`.
            first_row: See `generate`.
            most_steps: Steps after which a row ends in any case; None: `longest_piece`.
            compiled: See `generate`.
            meter: See `generate`.
            place: See `generate`.

        Returns:
            (uint8 [steps, 84] per row, whether the model ended the row itself).

        Raises:
            ValueError: A shape or number is not allowed, or the model cannot be compiled.
        """
        primer = _roll("primer", primer)
        most = min(most_steps or self.longest_piece, MAX_STEPS)
        seeds = self._first_seed(sampling, first_row, len(primer)) + np.arange(len(primer))
        if compiled is None:
            compiled = self.can_be_compiled and worthwhile(len(primer), most)
        parts = self.compiled if compiled else self.plain
        rows = np.shape(seeds)
        state = parts.begin(primer, np.full(rows, sampling.density), meter or self.meter, place)
        rolls, lengths = [], np.full(rows, most)
        for block in range(-(-most // BLOCK_STEPS)):
            settings = (np.full(rows, sampling.temperature), np.full(rows, sampling.top_p))
            roll, ends, state = parts.draw(state, seeds, np.full(rows, block), *settings)
            rolls.append(roll.numpy())
            ended = np.asarray(ends)
            first = np.where(ended.any(axis=1), block * BLOCK_STEPS + ended.argmax(axis=1) + 1, most)
            lengths = np.minimum(lengths, first)
            if (lengths <= (block + 1) * BLOCK_STEPS).all():
                break
        music = np.concatenate(rolls, axis=1)
        return [row[:length] for row, length in zip(music, lengths, strict=True)], (lengths < most).tolist()

    @functools.cached_property
    def plain(self) -> CompiledModel:
        """The parts that `compiled` compiles, as they are."""
        return CompiledModel(self.program, jit_compile=False)

    @staticmethod
    def _first_seed(sampling: SamplingConfig, first_row: int, rows: int) -> int:
        """The seed of the first row; raises ValueError where one is not allowed."""
        seed = sampling.seed + first_row
        if not 0 <= seed <= seed + rows - 1 <= LAST_SEED:
            raise ValueError(f"seed must be >= 0 and <= {LAST_SEED} in every row. Received: seed={seed} in the first")
        return seed

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """Marginal probabilities that each pitch sounds at the step after each step of `roll`.

        Args:
            roll: [batch, steps >= 1, 84]. Training precedes a piece by one silent step; put one first to
                have the probabilities of the piece's first step too.

        Returns:
            float32 [batch, steps, 84]: whatever the other pitches do. With a head whose decisions know each other they
            are means over 16 drawn steps.

        Raises:
            ValueError: The shape is not allowed.
        """
        return self._judge("predict", roll)["probability"]

    def log_likelihood(self, roll: np.ndarray, meter: Meter | None = None, place: int = 0) -> dict[str, np.ndarray]:
        """Nats of each step of `roll`, given the steps before it and a silent one before these.

        Args:
            roll: [batch, steps >= 1, 84].
            meter: As in `generate`.
            place: Place in its bar of the first step of `roll`.

        Returns:
            `cells`, `strikes`, and `ends`, of the piece's ending with the step; float32 [batch, steps] each.

        Raises:
            ValueError: The shape is not allowed.
        """
        meter = meter or self.meter
        clock = {"meter": tf.constant([meter.numerator, meter.denominator]), "place": tf.constant(place, "int32")}
        return self._judge("log_likelihood", roll, **clock)

    def _judge(self, signature: str, roll: np.ndarray, **more: tf.Tensor) -> dict[str, np.ndarray]:
        """What a signature says of a roll."""
        roll = _roll("roll", roll)
        if not roll.shape[1]:
            raise ValueError(f"roll must have at least one step. Received: shape={roll.shape}")
        answer = self.program.signatures[signature](roll=tf.constant(roll, "uint8"), **more)
        return {name: value.numpy() for name, value in answer.items()}


def _roll(name: str, roll: np.ndarray) -> np.ndarray:
    """The roll as 0 silent, 1 held, 2 struck."""
    roll = np.asarray(roll)
    if roll.ndim != 3 or roll.shape[0] < 1 or roll.shape[2] != NUM_PITCHES or roll.dtype.kind not in "biuf":
        allowed = f"numbers of shape [batch >= 1, steps, {NUM_PITCHES}]"
        raise ValueError(f"{name} must be {allowed}. Received: shape={roll.shape}, dtype={roll.dtype}")
    return as_states(roll)
