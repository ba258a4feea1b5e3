"""Generates the pieces of calibration, from scratch, with settings that change from trial to trial."""

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, DataFacts
from pianoroll_tf.data.clock import parse_meter
from pianoroll_tf.generation import sampling_loop
from pianoroll_tf.generation.calibration.rates import split
from pianoroll_tf.generation.endpoints import SamplingModel
from pianoroll_tf.generation.governor import Governor
from pianoroll_tf.generation.sampling_options import NO_THRESHOLD, Shaped, plain_options

SEED = 2**40  # unlikely to be chosen by a user


def make_governor(data: DataFacts, shift, gain, onset_penalty: bool) -> Governor:
    """The governor of a model; if shift and gain are the number 0, density and long notes are not controlled."""
    onsets = data.usual_onsets if onset_penalty else ()
    holds = any(isinstance(value, tf.Tensor) or value for value in (shift, gain))
    return Governor(shift, gain, data.density * NUM_PITCHES, data.long_hold if holds else 0.0, onsets)


class TrialGenerator:
    """Generates `rows` pieces from scratch, with the same seeds in every trial.

    The governor and the shaping of the model are not used; `data` are facts of its training split.
    """

    def __init__(
        self, sampler: SamplingModel, data: DataFacts, rows: int, window_steps: int, onset_penalty: bool = False
    ) -> None:
        self._sampler, self._data, self._rows, self._steps = sampler, data, rows, window_steps
        self._onset_penalty = onset_penalty
        meter, options = parse_meter(data.meter), plain_options(rows)
        self._options = options._replace(meter=tf.tile([[meter.numerator, meter.denominator]], [rows, 1]))
        self._numbers: list[tf.Tensor] = []  # the random numbers of each window, the same in every trial
        self._begin = tf.function(self._open, [tf.TensorSpec([])] * 2, autograph=False)
        compiled = not tf.config.list_physical_devices("GPU")
        self._draw = tf.function(self._continue, jit_compile=compiled, autograph=False)

    def _network(self, shift, gain) -> sampling_loop.Network:
        governor = make_governor(self._data, shift, gain, self._onset_penalty)
        return self._sampler.network()._replace(governor=governor)

    def _open(self, shift, gain):
        silence = tf.zeros([self._rows, 0, NUM_PITCHES], tf.uint8)
        return sampling_loop.begin(self._network(shift, gain), silence, self._options)

    def _continue(self, sampling_state, numbers, governed, shift, gain, rate, shifts, threshold):
        settings = (rate, shifts, threshold)
        rate, shifts, threshold = (tf.tile(tf.reshape(part, [1, -1]), [self._rows, 1]) for part in settings)
        kinds, positions, lengths = split(shifts, self._sampler.steps_per_beat)
        shaped = Shaped(rate, kinds, threshold, positions, lengths)
        network = self._network(shift, gain) if governed else self._network(0.0, 0.0)
        network, one = network._replace(shape=lambda *_: shaped), tf.ones([self._rows])
        return sampling_loop.draw(network, sampling_state, numbers, one, one)

    def generate(self, governor=(0.0, 0.0), temperature=1.0, shifts=(0.0,) * 3, threshold=NO_THRESHOLD, windows=1):
        """Generates pieces, uint8 [rows, windows * window_steps, 84].

        `governor` is its shift and gain. The shifts of `KINDS` may be followed by those of struck notes at each
        position in the beat, and these by those of pitches held for 1, 2, 3, … steps; onsets with log-odds below the
        threshold are removed.
        """
        settings = [tf.constant(value, tf.float32) for value in (*governor, 1 / temperature, shifts, threshold)]
        sampling_state, parts = self._begin(*settings[:2]), []
        for numbers in self._windows(windows):
            (cells, _), sampling_state = self._draw(sampling_state, numbers, any(governor), *settings)
            parts.append(cells.numpy())
        return np.concatenate(parts).transpose(1, 0, 2)

    def _windows(self, count: int) -> list[tf.Tensor]:
        """The random numbers of the first windows, float32 [rows, window_steps, decisions] each."""
        decisions = self._sampler.network().decisions
        for window in range(len(self._numbers), count):
            self._numbers.append(_numbers(tf.constant(window), self._rows, self._steps, decisions))
        return self._numbers[:count]


@tf.function(autograph=False)  # of the module, so that it is traced once for all generators
def _numbers(window: tf.Tensor, rows: int, steps: int, decisions: int) -> tf.Tensor:
    """The random numbers of a window, float32 [rows, steps, decisions]."""
    seeds = tf.range(SEED, SEED + rows, dtype=tf.int64)
    return sampling_loop.uniforms(seeds, tf.fill([rows], window), decisions)[:, :steps]
