"""Generates the pieces of calibration, from scratch, with settings that change from trial to trial."""

import dataclasses

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, DataFacts
from pianoroll_tf.data.clock import parse_meter
from pianoroll_tf.generation import sampling_loop
from pianoroll_tf.generation.endpoints import SamplingModel
from pianoroll_tf.generation.governor import Governor
from pianoroll_tf.generation.sampling_options import KINDS, NO_THRESHOLD, Shaped, plain_options

SEED = 2**40  # unlikely to be chosen by a user


def make_governor(data: DataFacts, shift, gain, onset_penalty: bool) -> Governor:
    """The governor of a model.

    Args:
        data: Facts of its training split.
        shift: Shift of all log-odds.
        gain: Gain of the density controller; if both are the number 0, density and long notes are not controlled.
        onset_penalty: Whether to penalize onsets.
    """
    onsets = data.usual_onsets if onset_penalty else ()
    holds = any(isinstance(value, tf.Tensor) or value for value in (shift, gain))
    return Governor(shift, gain, data.density * NUM_PITCHES, data.long_hold if holds else 0.0, onsets)


@dataclasses.dataclass(frozen=True)
class FixedShaping:
    """A substitute for `Shaping` that ignores the options and applies the given tensors."""

    rate: tf.Tensor
    shift: tf.Tensor
    threshold: tf.Tensor

    def rows(self, temperature, top_p, density) -> Shaped:
        """As `Shaping.rows`."""
        rows = tf.shape(temperature)[0]
        shift, positions = tf.split(tf.tile(self.shift[tf.newaxis], [rows, 1]), [len(KINDS), self.positions], axis=1)
        return Shaped(tf.fill([rows, 1], self.rate), shift, tf.fill([rows, 1], self.threshold), positions)

    @property
    def positions(self) -> int:
        """Positions in the beat that have a shift."""
        return self.shift.shape[0] - len(KINDS)


class TrialGenerator:
    """Generates pieces from scratch, with the same seeds in every trial.

    Args:
        sampler: The model; its governor and shaping are not used.
        data: Facts of the training split.
        rows: Pieces per trial.
        window_steps: Steps per window.
        onset_penalty: Whether the governor penalizes onsets.
    """

    def __init__(
        self, sampler: SamplingModel, data: DataFacts, rows: int, window_steps: int, onset_penalty: bool = False
    ) -> None:
        self._sampler, self._data, self._rows, self._steps = sampler, data, rows, window_steps
        self._onset_penalty = onset_penalty
        meter = parse_meter(data.meter)
        options = plain_options(rows)
        self._options = options._replace(meter=tf.tile([[meter.numerator, meter.denominator]], [rows, 1]))
        signature = [tf.TensorSpec(shape, tf.float32) for shape in ([], [], [], [len(KINDS)], [])]
        self._begin = tf.function(self._open, signature[:2], autograph=False)
        compiled = not tf.config.list_physical_devices("GPU")
        self._draw = tf.function(self._continue, jit_compile=compiled, autograph=False)

    def with_onset_penalty(self) -> "TrialGenerator":
        """The same trials with the onset penalty."""
        return TrialGenerator(self._sampler, self._data, self._rows, self._steps, onset_penalty=True)

    def _governor(self, shift, gain, holds: bool) -> Governor:
        shift, gain = (shift, gain) if holds else (0.0, 0.0)
        return make_governor(self._data, shift, gain, self._onset_penalty)

    def _open(self, shift, gain):
        silence = tf.zeros([self._rows, 0, NUM_PITCHES], tf.uint8)
        network, governor = self._sampler.network(), self._governor(shift, gain, True)
        return sampling_loop.begin(network, self._sampler.state(self._rows), silence, self._options, governor)

    def _continue(self, sampling_state, numbers, governed, shift, gain, rate, shifts, threshold):
        network = self._sampler.network()._replace(shaping=FixedShaping(rate, shifts, threshold))
        one = tf.ones([self._rows])
        governor = self._governor(shift, gain, governed)
        return sampling_loop.draw(network, sampling_state, numbers, one, one, governor)

    def generate(self, governor=(0.0, 0.0), temperature=1.0, shifts=(0.0,) * 3, threshold=NO_THRESHOLD, windows=1):
        """Generates pieces, uint8 [rows, windows * window_steps, 84].

        Args:
            governor: Shift and gain of the governor.
            temperature: Temperature of all decisions.
            shifts: Shifts of `KINDS`, optionally followed by those of struck notes at each position in the beat.
            threshold: Log-odds below which an onset is removed.
            windows: Number of windows.
        """
        governed = any(governor)
        settings = [tf.constant(value, tf.float32) for value in (*governor, 1 / temperature, shifts, threshold)]
        sampling_state, parts = self._begin(*settings[:2]), []
        seeds = tf.range(SEED, SEED + self._rows, dtype=tf.int64)
        network = self._sampler.network()
        for window in range(windows):
            numbers = sampling_loop.uniforms(seeds, tf.fill([self._rows], window), network.decisions)[:, : self._steps]
            roll, _, sampling_state = self._draw(sampling_state, numbers, governed, *settings)
            parts.append(roll.numpy())
        return np.concatenate(parts, axis=1)
