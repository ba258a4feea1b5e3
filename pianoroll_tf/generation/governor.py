"""Holds the density of what is drawn near a reference, and lets go of pitches that sound for ever.

While it is trained, a model reads true steps; while it generates, it reads its own. Dense music makes
it expect dense music, so small errors feed back, and a piece may run away to an endless chord or fade
to silence although every single prediction is calibrated (exposure bias). The governor is a
proportional-integral controller. To all log-odds of a step it adds

    shift + drift - gain * log((level + m) / (reference + m)),   m = reference / 10

    level     running average of notes a step in what was drawn
    reference what it should be
    m         keeps silence finite
    drift     moves by -gain * (level / reference - 1) / DRIFT_STEPS a step, so that in the long run the
              density is the reference, whatever the temperature

With shift and gain 0, and density 1, the model's own log-odds are left.

The same feedback can lock on a few pitches that then sound for ever, which a density that is right
does not show: the governor makes room for them by silencing the others. So from the log-odds of each
pitch it also takes

    RELEASE * max(share - limit, 0) / (1 - limit)

    share     running average of whether that pitch sounded
    limit     share after a note as long as one in 1000 of the data, at least LEAST_LIMIT

Reference:
    Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks",
    on the feedback of errors; Åström and Murray 2008, "Feedback Systems", chapter 10, on the controller.
"""

import dataclasses
import math
from typing import NamedTuple

import tensorflow as tf

MEMORY_STEPS = 64  # time constant of the running average: 8 s at 8 steps a second
DRIFT_STEPS = 128  # time constant of the drift
WIDEST = 2.0  # a primer moves the reference by this factor at most
LARGEST_DRIFT = 5.0  # 150 times the odds
RELEASE = 10.0  # a held note has log-odds of 5 to 8
LEAST_LIMIT, LARGEST_LIMIT = 0.4, 0.99  # music of short notes repeats them; music of drones is left alone
HEAD_START = 0.3  # drift at the first step for each e-fold of density that was asked for; feedback does the rest


@dataclasses.dataclass(frozen=True)
class Governor:
    """The settings of the governor; numbers, or scalar tensors in a graph.

    Attributes:
        shift: Added to all log-odds.
        gain: How strongly a density that is off is answered; 0: not at all.
        notes: Notes a step in the training data, > 0.
        hold: Steps that one held note in 1000 of the training data exceeds; 0: pitches may sound for ever.
    """

    shift: float | tf.Tensor = 0.0
    gain: float | tf.Tensor = 0.0
    notes: float = 1.0
    hold: float = 0.0

    @property
    def is_off(self) -> bool:
        """Whether it leaves all log-odds as they are."""
        return not any(isinstance(value, tf.Tensor) or value for value in (self.shift, self.gain, self.hold))


class Heard(NamedTuple):
    """What the governor remembers of what was heard.

    Attributes:
        level: Running average of notes a step, float32 [batch].
        drift: float32 [batch].
        shares: Running average of whether each pitch sounded, float32 [batch, 84].
    """

    level: tf.Tensor
    drift: tf.Tensor
    shares: tf.Tensor


def reference_notes(governor: Governor, frames: tf.Tensor, density: tf.Tensor) -> tf.Tensor:
    """Notes a step that each row is held to: those of the data, drawn towards those of a long primer.

    Args:
        governor: Settings.
        frames: Primer, float32 [batch, primer_steps >= 0, 84].
        density: float32 [batch], factor that was asked for.

    Returns:
        float32 [batch]: data * (primer / data)^(n / (n + MEMORY_STEPS)) * density for a primer of n steps,
        with the factor of the primer between 1/2 and 2.

    >>> import tensorflow as tf
    >>> reference_notes(Governor(notes=3.0), tf.zeros([1, 0, 84]), tf.constant([2.0])).numpy().tolist()
    [6.0]
    """
    steps = tf.cast(tf.shape(frames)[1], tf.float32)
    heard = tf.reduce_sum(frames, axis=[1, 2]) / tf.maximum(steps, 1.0)
    factor = tf.clip_by_value(heard / governor.notes, 1 / WIDEST, WIDEST)
    return governor.notes * factor ** (steps / (steps + MEMORY_STEPS)) * density


def start(frames: tf.Tensor, reference: tf.Tensor, density: tf.Tensor) -> Heard:
    """What is remembered before the first step: on the reference, and leaning towards the density asked for.

    Args:
        frames: Primer, float32 [batch, primer_steps >= 0, 84] of zeros and ones.
        reference: float32 [batch].
        density: float32 [batch], factor that was asked for.
    """
    before_last = tf.range(tf.shape(frames)[1])[::-1]
    weights = (1 - 1 / MEMORY_STEPS) ** tf.cast(before_last, tf.float32) / MEMORY_STEPS
    return Heard(reference, HEAD_START * tf.math.log(density), tf.einsum("t,btp->bp", weights, frames))


def correction(governor: Governor, heard: Heard, reference: tf.Tensor) -> tf.Tensor:
    """What is added to the log-odds of a step, float32 [batch, 84]; `reference` is [batch]."""
    if governor.is_off:
        return tf.zeros_like(heard.shares)
    margin = reference / 10
    density = governor.gain * tf.math.log((heard.level + margin) / (reference + margin))
    added = (governor.shift + heard.drift - density)[:, tf.newaxis]
    limit = max(1 - math.exp(-governor.hold / MEMORY_STEPS), LEAST_LIMIT)
    if not governor.hold or limit > LARGEST_LIMIT:
        return tf.broadcast_to(added, tf.shape(heard.shares))
    return added - RELEASE / (1 - limit) * tf.nn.relu(heard.shares - limit)


def follow(governor: Governor, heard: Heard, reference: tf.Tensor, frame: tf.Tensor) -> Heard:
    """What is remembered after one more step, `frame` [batch, 84] of zeros and ones."""
    if governor.is_off:
        return heard
    level = heard.level + (tf.reduce_sum(frame, axis=-1) - heard.level) / MEMORY_STEPS
    error = tf.clip_by_value(level / reference - 1, -1.0, 1.0)
    drift = tf.clip_by_value(heard.drift - governor.gain * error / DRIFT_STEPS, -LARGEST_DRIFT, LARGEST_DRIFT)
    return Heard(level, drift, heard.shares + (frame - heard.shares) / MEMORY_STEPS)
