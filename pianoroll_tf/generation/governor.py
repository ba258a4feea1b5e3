"""Feedback control of density, note length and onset rate in generated music.

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

Fast rhythms feed back in the same way, at a density and note lengths that are correct: once one voice moves in
sixteenths, all voices may keep moving in sixteenths. The governor therefore keeps a moving average of onsets for each
position in the beat. While the average exceeds its 95th percentile in the training data, this penalty is subtracted
from the log-odds of all onsets and re-strikes at that position:

    BRAKE * log((onsets + MARGIN) / (usual + MARGIN))

    onsets    moving average of onsets at that position, with a time constant of MEMORY_BEATS
    usual     its 95th percentile in the training data, or its value at the end of the primer if that is higher

The three parts are independent; calibration enables those that a model needs.

Reference:
    Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks",
    on the feedback of errors; Åström and Murray 2008, "Feedback Systems", chapter 10, on the controller.
"""

import dataclasses
import math
from typing import NamedTuple

import tensorflow as tf

from pianoroll_tf.data.rhythm import MEMORY_STEPS, onset_weight
from pianoroll_tf.data.roll import STRUCK

DRIFT_STEPS = 128  # time constant of the drift
WIDEST = 2.0  # a primer moves the reference by this factor at most
LARGEST_DRIFT = 5.0  # 150 times the odds
RELEASE = 10.0  # a held note has log-odds of 5 to 8
LEAST_LIMIT, LARGEST_LIMIT = 0.4, 0.99  # music of short notes repeats them; music of drones is left alone
HEAD_START = 0.3  # drift at the first step for each e-fold of density that was asked for; feedback does the rest
BRAKE, MARGIN = 2.0, 0.1  # at three times the percentile the odds of an onset are divided by up to 9


@dataclasses.dataclass(frozen=True)
class Governor:
    """The settings of the governor; numbers, or scalar tensors in a graph.

    Attributes:
        shift: Added to all log-odds.
        gain: How strongly a density that is off is answered; 0: not at all.
        notes: Notes a step in the training data, > 0.
        hold: Steps that one held note in 1000 of the training data exceeds; 0: pitches may sound for ever.
        onsets: 95th percentile of the moving average of onsets in the training data, for each position in the beat (one
            for all steps on the grid of seconds); empty disables the penalty.
    """

    shift: float | tf.Tensor = 0.0
    gain: float | tf.Tensor = 0.0
    notes: float = 1.0
    hold: float = 0.0
    onsets: tuple[float, ...] = ()

    @property
    def holds_density(self) -> bool:
        """Whether it changes the log-odds for the sake of density or of long notes."""
        return any(isinstance(value, tf.Tensor) or value for value in (self.shift, self.gain, self.hold))


class Reference(NamedTuple):
    """Set points of the controller for each row.

    Attributes:
        notes: Notes per step, float32 [batch].
        onsets: Onsets per step at each position in the beat above which the penalty applies, float32
            [batch, positions]; zero positions if it is disabled.
    """

    notes: tf.Tensor
    onsets: tf.Tensor


class Heard(NamedTuple):
    """What the governor remembers of what was heard.

    Attributes:
        level: Running average of notes a step, float32 [batch].
        drift: float32 [batch].
        shares: Running average of whether each pitch sounded, float32 [batch, 84].
        onsets: Moving average of onsets at each position in the beat, float32 [batch, positions].
    """

    level: tf.Tensor
    drift: tf.Tensor
    shares: tf.Tensor
    onsets: tf.Tensor


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


def start(governor: Governor, cells: tf.Tensor, places: tf.Tensor, density: tf.Tensor) -> tuple[Heard, Reference]:
    """Initial state of the controller after the primer, biased towards the requested density, and its set points.

    Args:
        governor: Settings.
        cells: Primer, uint8 [batch, primer_steps >= 0, 84]: 0 silent, 1 held, 2 struck.
        places: Position in the beat of its steps, int32 [batch, primer_steps].
        density: float32 [batch], factor that was asked for.
    """
    sounds = tf.cast(cells != 0, tf.float32)
    notes = reference_notes(governor, sounds, density)
    before_last = tf.range(tf.shape(sounds)[1])[::-1]
    weights = (1 - 1 / MEMORY_STEPS) ** tf.cast(before_last, tf.float32) / MEMORY_STEPS
    count = len(governor.onsets)
    onsets = tf.zeros([tf.shape(cells)[0], count])
    most = tf.constant(governor.onsets, tf.float32, [count]) * density[:, tf.newaxis]
    if count:
        struck = tf.reduce_sum(tf.cast(cells == STRUCK, tf.float32), axis=-1)
        here, weight = tf.one_hot(places, count), onset_weight(count)
        later = tf.cumsum(here, axis=1, exclusive=True, reverse=True)  # number of later steps at the same position
        onsets = tf.einsum("bt,btp->bp", struck, here * weight * (1 - weight) ** later)
        most = tf.maximum(most, onsets)
    heard = Heard(notes, HEAD_START * tf.math.log(density), tf.einsum("t,btp->bp", weights, sounds), onsets)
    return heard, Reference(notes, most)


def correction(governor: Governor, heard: Heard, reference: Reference) -> tf.Tensor:
    """Term added to the log-odds of "sounds?", float32 [batch, 84], or zero [1, 1] if it is disabled."""
    if not governor.holds_density:
        return tf.zeros([1, 1])
    notes = reference.notes
    margin = notes / 10
    density = governor.gain * tf.math.log((heard.level + margin) / (notes + margin))
    added = (governor.shift + heard.drift - density)[:, tf.newaxis]
    limit = max(1 - math.exp(-governor.hold / MEMORY_STEPS), LEAST_LIMIT)
    if not governor.hold or limit > LARGEST_LIMIT:
        return tf.broadcast_to(added, tf.shape(heard.shares))
    return added - RELEASE / (1 - limit) * tf.nn.relu(heard.shares - limit)


def brake(governor: Governor, heard: Heard, reference: Reference, place: tf.Tensor) -> tf.Tensor:
    """Penalty on the log-odds of onsets and re-strikes of a step, float32 [batch, 1], or [1, 1] if it is disabled.

    Args:
        governor: Settings.
        heard: State of the controller.
        reference: Set points.
        place: Position of the step in its beat, int32 [batch].
    """
    if not governor.onsets:
        return tf.zeros([1, 1])
    here = tf.one_hot(place, len(governor.onsets))
    found, most = (tf.reduce_sum(here * part, axis=1, keepdims=True) for part in (heard.onsets, reference.onsets))
    return BRAKE * tf.nn.relu(tf.math.log((found + MARGIN) / (most + MARGIN)))


def follow(governor: Governor, heard: Heard, reference: Reference, place: tf.Tensor, cells: tf.Tensor) -> Heard:
    """State of the controller after one more step: `cells` uint8 [batch, 84] at position `place` int32 [batch]."""
    if governor.holds_density:
        sounds = tf.cast(cells != 0, tf.float32)
        level = heard.level + (tf.reduce_sum(sounds, axis=-1) - heard.level) / MEMORY_STEPS
        error = tf.clip_by_value(level / reference.notes - 1, -1.0, 1.0)
        drift = tf.clip_by_value(heard.drift - governor.gain * error / DRIFT_STEPS, -LARGEST_DRIFT, LARGEST_DRIFT)
        heard = Heard(level, drift, heard.shares + (sounds - heard.shares) / MEMORY_STEPS, heard.onsets)
    if governor.onsets:
        places = len(governor.onsets)
        struck = tf.reduce_sum(tf.cast(cells == STRUCK, tf.float32), axis=-1, keepdims=True)
        moved = tf.one_hot(place, places) * (struck - heard.onsets) * onset_weight(places)
        heard = heard._replace(onsets=heard.onsets + moved)
    return heard
