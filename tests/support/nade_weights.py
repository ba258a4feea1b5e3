"""Random weights of a small nade head, for the tests of its equations."""

import numpy as np
import tensorflow as tf

from pianoroll_tf.modeling import nade

FEATURES, UNITS, PITCHES = 5, 3, 12


def weights_of(seed: int, articulation: bool = True) -> nade.Weights:
    rng = np.random.default_rng(seed)
    decisions = PITCHES * (1 + articulation) + 1

    def variable(*shape):
        return tf.Variable(rng.normal(size=shape).astype(np.float32))

    return nade.Weights(
        hidden=variable(FEATURES, UNITS + decisions),
        bias=variable(UNITS + decisions),
        below=variable(PITCHES, UNITS),
        held=variable(PITCHES, UNITS),
        struck=variable(PITCHES, UNITS) if articulation else None,
        out=variable(UNITS, decisions),
        triangle=variable(PITCHES, PITCHES),
    )
