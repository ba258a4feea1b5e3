"""Draws with an exported model compiled by XLA after it was loaded; the export itself stays free of XLA.

A compiled step takes a fraction of the time, but compiling takes a second or more, once for each batch size. So a short
piece is drawn by the graph as it is, and `worthwhile` says when compiling pays.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.sampling_loop import BLOCK_STEPS
from pianoroll_tf.generation.steering import NO_STEERING, Steering

ENDPOINTS = ("begin", "uniforms", "draw")  # that CompiledModel needs
STEERED = "draw_steered"  # that it needs for music that keeps to limits
# Default model, two cores with AVX2, processor time, which other work disturbs little: compiling takes 1.6 s for one
# row and 2.7 for 64; a step, plain and compiled, 119 and 39 microseconds for one row, 377 and 173 for 8, 1446 and 917
# for 64 (cores share what several rows take). `python -m benchmarks.run --rows sampling` has the times on the clock.
COMPILE_SECONDS = 2.0
SAVED_SECONDS_A_STEP, SAVED_SECONDS_A_ROW = 77e-6, 3e-6
# Most rows for which compiled drawing was found to be faster (docs/benchmarks). Microseconds per step of 64 rows, plain
# and compiled, with AVX-512: 709 and 504 (independent head), 1250 and 822 (nade); with AVX2: 740 and 653. At 256 rows
# now the one, now the other was faster.
LARGEST_BATCH = 64


def worthwhile(batch: int, steps: int) -> bool:
    """Whether compiling takes less time than it saves for `steps` steps, all together, in batches of `batch` rows.

    The clock is never asked: on one machine the answer depends on the arguments alone, and so does every note.

    >>> worthwhile(batch=1, steps=512)
    False
    """
    if tf.config.list_physical_devices("GPU") or batch > LARGEST_BATCH:
        return False
    return steps * (SAVED_SECONDS_A_STEP + SAVED_SECONDS_A_ROW * batch) > COMPILE_SECONDS


class CompiledModel:
    """The endpoints of a loaded model that generate block by block, with `draw` compiled by XLA.

    Rows are independent: each has its own seed, settings and state, and may join or leave between two calls. The size
    of the batch affects a row only in the last bits of its probabilities; see `serving.drawing.padded_batches`.

    Args:
        program: What `tf.saved_model.load` returned for an export.
        jit_compile: Whether to compile drawing, when it is first called for a batch size.

    Attributes:
        can_be_steered: Whether rows can keep to limits, which exports of earlier versions cannot.

    Raises:
        ValueError: An earlier version of this package exported it, without these endpoints.
    """

    def __init__(self, program: Any, jit_compile: bool = True) -> None:
        missing = [name for name in ENDPOINTS if name not in program.signatures]
        if missing:
            raise ValueError(f"model must be exported again to be compiled. Received: no endpoint {missing[0]!r}")
        self._program = program  # keeps its variables alive
        self.can_be_steered = STEERED in program.signatures
        names = [ENDPOINTS[-1], STEERED] if self.can_be_steered else ENDPOINTS[-1:]
        wrap = _compiled if jit_compile else lambda signature: signature
        self._draw = {name: wrap(program.signatures[name]) for name in names}

    def begin(self, primer: np.ndarray, density, meter: Meter, place: int = 0) -> tf.Tensor:
        """The state of each row after its primer, float32 [batch, state_size]; rows of several calls can be joined.

        Args:
            primer: uint8 [batch, primer_steps >= 0, 84].
            density: float32 [batch].
            meter: Time signature of all rows.
            place: Place in its bar of the first step of the primer, or of the music if there is no primer.
        """
        outputs = self._program.signatures["begin"](
            primer=tf.constant(primer, "uint8"),
            density=tf.constant(density, "float32"),
            meter=tf.tile([[meter.numerator, meter.denominator]], [len(primer), 1]),
            place=tf.fill([len(primer)], place),
        )
        return outputs["next_state"]

    def uniforms(self, seeds, blocks) -> tf.Tensor:
        """Random numbers of one block of each row, float32 [batch, BLOCK_STEPS, decisions].

        They are not compiled, because Philox's numbers are different inside XLA. `seeds` is int64 [batch], `blocks`
        int32 [batch], index of the block in its row.
        """
        seeds, blocks = tf.constant(seeds, "int64"), tf.constant(blocks, "int32")
        return self._program.signatures["uniforms"](seed=seeds, block=blocks)["numbers"]

    def log_likelihood(self, rolls: np.ndarray, meter: Meter, place: int) -> np.ndarray:
        """Nats of the cells and strikes of each step of `rolls` uint8 [batch, steps, 84], float32 [batch, steps]."""
        clock = {"meter": tf.constant([meter.numerator, meter.denominator]), "place": tf.constant(place, "int32")}
        nats = self._program.signatures["log_likelihood"](roll=tf.constant(rolls, "uint8"), **clock)
        return nats["cells"].numpy() + nats["strikes"].numpy()

    def draw(
        self, state, numbers, temperature, top_p, allowed=None, polyphony=None
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Draws some steps of each row.

        Args:
            state: float32 [batch, state_size], from `begin` or the steps before.
            numbers: float32 [batch, steps, decisions].
            temperature: float32 [batch].
            top_p: float32 [batch].
            allowed: Whether each pitch may sound, [batch, steps, 84]; None: all rows are free.
            polyphony: Most notes in a step, int32 [batch], with `allowed`.

        Returns:
            (roll uint8 [batch, steps, 84], ends uint8 [batch, steps], state after them).
        """
        inputs = {"state": state, "numbers": numbers, "temperature": temperature, "top_p": top_p}
        inputs = {name: tf.convert_to_tensor(value, tf.float32) for name, value in inputs.items()}
        if allowed is not None:
            cells = np.asarray(allowed, np.uint8)
            inputs |= {"allowed": tf.constant(cells), "polyphony": tf.constant(polyphony, "int32")}
        outputs = self._draw[ENDPOINTS[-1] if allowed is None else STEERED](**inputs)
        return outputs["roll"], outputs["ends"], outputs["next_state"]

    def blocks(
        self,
        primer,
        steps: int,
        seeds,
        sampling: SamplingConfig,
        meter: Meter,
        place: int,
        steering: Steering = NO_STEERING,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Continues each row of `primer` by at least `steps` steps, with the same settings but its own seed.

        `steering` needs a model that `can_be_steered`.

        Yields:
            Of each block of `BLOCK_STEPS` steps, roll and ends as of `draw`.
        """
        rows = len(primer)
        state = self.begin(primer, np.full(rows, sampling.density), meter, place)
        temperature, top_p = np.full(rows, sampling.temperature), np.full(rows, sampling.top_p)
        for block in range(math.ceil(steps / BLOCK_STEPS)):
            numbers, limits = self.uniforms(seeds, np.full(rows, block)), {}
            if not steering.is_free:
                allowed = steering.allowed(block * BLOCK_STEPS, BLOCK_STEPS)
                limits = {"allowed": [allowed] * rows, "polyphony": [steering.polyphony] * rows}
            roll, ends, state = self.draw(state, numbers, temperature, top_p, **limits)
            yield roll.numpy(), ends.numpy()


def _compiled(signature):
    """A signature compiled by XLA."""
    return tf.function(lambda **inputs: signature(**inputs), jit_compile=True, autograph=False)
