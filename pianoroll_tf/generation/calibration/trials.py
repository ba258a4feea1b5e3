"""Trials of calibration: a model generates pieces from scratch under settings that are changed from trial to trial."""

import dataclasses

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, DataFacts
from pianoroll_tf.data.clock import parse_meter
from pianoroll_tf.generation import sampling
from pianoroll_tf.generation.endpoints import Musician
from pianoroll_tf.generation.governor import Governor
from pianoroll_tf.generation.shaping import KINDS, NONE_BELOW, Shaped

SEED = 2**40  # no seed a person is likely to type


def make_governor(data: DataFacts, shift, gain, brakes: bool) -> Governor:
    """The governor of a model.

    Args:
        data: Of its training split.
        shift: Of all log-odds.
        gain: Of the density controller; where both are the number 0, density and long notes are not controlled.
        brakes: Whether onsets are penalized.
    """
    onsets = data.usual_onsets if brakes else ()
    holds = any(isinstance(value, tf.Tensor) or value for value in (shift, gain))
    return Governor(shift, gain, data.density * NUM_PITCHES, data.long_hold if holds else 0.0, onsets)


@dataclasses.dataclass(frozen=True)
class Forced:
    """A substitute for `Shaping` with the given tensors, whatever the options."""

    rate: tf.Tensor
    shift: tf.Tensor
    least: tf.Tensor

    def rows(self, temperature, top_p, density) -> Shaped:
        """As `Shaping.rows`."""
        rows = tf.shape(temperature)[0]
        shift, positions = tf.split(tf.tile(self.shift[tf.newaxis], [rows, 1]), [len(KINDS), self.positions], axis=1)
        return Shaped(tf.fill([rows, 1], self.rate), shift, tf.fill([rows, 1], self.least), positions)

    @property
    def positions(self) -> int:
        """Positions in the beat that have a shift."""
        return self.shift.shape[0] - len(KINDS)


class Trials:
    """Generates pieces from scratch, with the same seeds in every trial.

    Args:
        musician: The model; its governor and shaping are not looked at.
        data: Of the training split.
        rows: Pieces of a trial.
        window_steps: Length of a window.
        brakes: Whether the governor penalizes onsets.
    """

    def __init__(self, musician: Musician, data: DataFacts, rows: int, window_steps: int, brakes: bool = False) -> None:
        self._musician, self._data, self._rows, self._steps = musician, data, rows, window_steps
        self._brakes = brakes
        meter = parse_meter(data.meter)
        options = sampling.plain_options(rows)
        self._options = options._replace(meter=tf.tile([[meter.numerator, meter.denominator]], [rows, 1]))
        signature = [tf.TensorSpec(shape, tf.float32) for shape in ([], [], [], [len(KINDS)], [])]
        self._begin = tf.function(self._open, signature[:2], autograph=False)
        compiled = not tf.config.list_physical_devices("GPU")
        self._draw = tf.function(self._continue, jit_compile=compiled, autograph=False)

    def with_brakes(self) -> "Trials":
        """The same trials, with the penalty on onsets."""
        return Trials(self._musician, self._data, self._rows, self._steps, brakes=True)

    def _governor(self, shift, gain, holds: bool) -> Governor:
        return make_governor(self._data, *((shift, gain) if holds else (0.0, 0.0)), self._brakes)

    def _open(self, shift, gain):
        silence = tf.zeros([self._rows, 0, NUM_PITCHES], tf.uint8)
        network, governor = self._musician.network(), self._governor(shift, gain, True)
        return sampling.begin(network, self._musician.state(self._rows), silence, self._options, governor)

    def _continue(self, carried, numbers, governed, shift, gain, rate, shifts, least):
        network = self._musician.network()._replace(shaping=Forced(rate, shifts, least))
        one = tf.ones([self._rows])
        governor = self._governor(shift, gain, governed)
        return sampling.draw(network, carried, numbers, one, one, governor)

    def generate(self, governor=(0.0, 0.0), temperature=1.0, shifts=(0.0,) * 3, least=NONE_BELOW, windows=1):
        """Cells of pieces, uint8 [rows, windows * window_steps, 84].

        Args:
            governor: Its shift and gain.
            temperature: Of all decisions.
            shifts: Of `KINDS`, and of struck notes at each position in the beat, or without the latter.
            least: Log-odds below which an onset is silenced.
            windows: How many.
        """
        governed = any(governor)
        settings = [tf.constant(value, tf.float32) for value in (*governor, 1 / temperature, shifts, least)]
        carried, parts = self._begin(*settings[:2]), []
        seeds = tf.range(SEED, SEED + self._rows, dtype=tf.int64)
        network = self._musician.network()
        for window in range(windows):
            numbers = sampling.uniforms(seeds, tf.fill([self._rows], window), network.decisions)[:, : self._steps]
            roll, _, carried = self._draw(carried, numbers, governed, *settings)
            parts.append(roll.numpy())
        return np.concatenate(parts, axis=1)
