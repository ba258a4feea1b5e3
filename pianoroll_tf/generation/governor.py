"""Holds the density of what is drawn near a reference, by a slow shift of all log-odds.

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

Reference:
    Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks",
    on the feedback of errors; Åström and Murray 2008, "Feedback Systems", chapter 10, on the controller.
"""

import dataclasses

import tensorflow as tf

MEMORY_STEPS = 64  # time constant of the running average: 8 s at 8 steps a second
DRIFT_STEPS = 128  # time constant of the drift
WIDEST = 2.0  # a primer moves the reference by this factor at most
LARGEST_DRIFT = 5.0  # 150 times the odds
HEAD_START = 0.3  # drift at the first step for each e-fold of density that was asked for; feedback does the rest


@dataclasses.dataclass(frozen=True)
class Governor:
    """The settings of the governor; numbers, or scalar tensors in a graph.

    Attributes:
        shift: Added to all log-odds.
        gain: How strongly a density that is off is answered; 0: not at all.
        notes: Notes a step in the training data, > 0.
    """

    shift: float | tf.Tensor = 0.0
    gain: float | tf.Tensor = 0.0
    notes: float = 1.0


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


def start(reference: tf.Tensor, density: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Level and drift [batch] before the first step: on the reference, and towards the density asked for."""
    return reference, HEAD_START * tf.math.log(density)


def correction(governor: Governor, held: tuple[tf.Tensor, tf.Tensor], reference: tf.Tensor) -> tf.Tensor:
    """What is added to all log-odds of a step, float32 [batch], for (level, drift) and `reference` [batch]."""
    level, drift = held
    margin = reference / 10
    return governor.shift + drift - governor.gain * tf.math.log((level + margin) / (reference + margin))


def follow(
    governor: Governor, held: tuple[tf.Tensor, tf.Tensor], reference: tf.Tensor, frame: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """(level, drift) after one more step, `frame` [batch, 84] of zeros and ones."""
    level, drift = held
    level += (tf.reduce_sum(frame, axis=-1) - level) / MEMORY_STEPS
    error = tf.clip_by_value(level / reference - 1, -1.0, 1.0)
    return level, tf.clip_by_value(drift - governor.gain * error / DRIFT_STEPS, -LARGEST_DRIFT, LARGEST_DRIFT)
