"""Feedback control of density, note length and onset rate in generated music.

A model is trained on real music but generates from its own. Dense music makes it expect dense music, so small errors
accumulate, and a piece may run away to an endless chord or fade to silence although each single prediction is
calibrated (exposure bias). Three independent parts counteract this; calibration enables those that a model needs.

The density controller is a proportional-integral controller. It adds to the log-odds of all cells of a step

    shift + drift - gain * log((level + m) / (reference + m)),   m = reference / 10

    level     moving average of the notes per step in the generated music
    reference its set point
    m         keeps the term finite in silence
    drift     integral term; changes by -gain * (level / reference - 1) / DRIFT_STEPS per step, so that in the long run
              the density equals the reference, at any temperature

The release penalty ends notes that would otherwise be held indefinitely. The density controller does not detect them,
because the mean density may still be correct. The penalty subtracts from the log-odds of each pitch

    RELEASE_PENALTY * max(share - limit, 0) / (1 - limit)

    share     moving average of whether that pitch sounds
    limit     share after a note whose length one in 1000 notes of the data exceeds, at least MIN_LIMIT

The onset penalty stops fast rhythms from feeding back: once one voice moves in sixteenths, all voices may keep moving
in sixteenths. While the moving average of onsets at a position in the beat exceeds its 95th percentile in the training
data, this is subtracted from the log-odds of all onsets and re-strikes at that position:

    ONSET_PENALTY * log((onsets + MARGIN) / (usual + MARGIN))

    onsets    moving average of onsets at that position, with a time constant of MEMORY_BEATS
    usual     its 95th percentile in the training data, or its value at the end of the primer if that is higher

Reference:
    Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks",
    on exposure bias; Åström and Murray 2008, "Feedback Systems", chapter 10, on the controller.
"""

import dataclasses
import math
from typing import NamedTuple

import tensorflow as tf

from pianoroll_tf.data.rhythm import MEMORY_STEPS, onset_weight
from pianoroll_tf.data.roll import STRUCK

DRIFT_STEPS = 128  # time constant of the drift
MAX_PRIMER_FACTOR = 2.0  # largest factor by which a primer moves the reference
MAX_DRIFT = 5.0  # 150 times the odds
RELEASE_PENALTY = 10.0  # a held note has log-odds of 5 to 8
MIN_LIMIT, MAX_LIMIT = 0.4, 0.99  # music of short notes repeats them; music of drones is left alone
INITIAL_DRIFT = 0.3  # drift at the first step for each e-fold of requested density; feedback does the rest
ONSET_PENALTY, MARGIN = 2.0, 0.1  # at three times the percentile the odds of an onset are divided by up to 9


@dataclasses.dataclass(frozen=True)
class Governor:
    """Settings of the governor; numbers, or scalar tensors in a graph.

    Attributes:
        shift: Added to all log-odds.
        gain: Gain of the density controller; 0 disables it.
        notes: Notes per step in the training data, > 0.
        hold: Length in steps that one note in 1000 of the training data exceeds; 0 disables the release penalty.
        onsets: 95th percentile of the moving average of onsets in the training data, for each position in the beat (one
            for all steps on the grid of seconds); empty disables the penalty.
    """

    shift: float | tf.Tensor = 0.0
    gain: float | tf.Tensor = 0.0
    notes: float = 1.0
    hold: float = 0.0
    onsets: tuple[float, ...] = ()

    @property
    def controls_density(self) -> bool:
        """Whether the density controller or the release penalty is enabled."""
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


class ControllerState(NamedTuple):
    """State of the controller.

    Attributes:
        level: Moving average of notes per step, float32 [batch].
        drift: Integral term, float32 [batch].
        shares: Moving average of whether each pitch sounded, float32 [batch, 84].
        onsets: Moving average of onsets at each position in the beat, float32 [batch, positions].
    """

    level: tf.Tensor
    drift: tf.Tensor
    shares: tf.Tensor
    onsets: tf.Tensor


def reference_notes(governor: Governor, frames: tf.Tensor, density: tf.Tensor) -> tf.Tensor:
    """Set point of each row, notes per step, float32 [batch]: that of the data, moved towards that of the primer.

    It is data * (primer / data)^(n / (n + MEMORY_STEPS)) * density for a primer of n steps, `frames` float32
    [batch, n >= 0, 84], with primer / data between 1/2 and 2, and the requested factor `density` float32 [batch].

    >>> import tensorflow as tf
    >>> reference_notes(Governor(notes=3.0), tf.zeros([1, 0, 84]), tf.constant([2.0])).numpy().tolist()
    [6.0]
    """
    steps = tf.cast(tf.shape(frames)[1], tf.float32)
    notes = tf.reduce_sum(frames, axis=[1, 2]) / tf.maximum(steps, 1.0)
    factor = tf.clip_by_value(notes / governor.notes, 1 / MAX_PRIMER_FACTOR, MAX_PRIMER_FACTOR)
    return governor.notes * factor ** (steps / (steps + MEMORY_STEPS)) * density


def initial_controller_state(
    governor: Governor, cells: tf.Tensor, positions: tf.Tensor, density: tf.Tensor
) -> tuple[ControllerState, Reference]:
    """Initial state of the controller after the primer, biased towards the requested density, and its set points.

    `cells` are those of the primer, uint8 [batch, primer_steps >= 0, 84]; `positions` the positions in the beat of its
    steps, int32 [batch, primer_steps]; `density` is the requested factor, float32 [batch].
    """
    sounds = tf.cast(cells != 0, tf.float32)
    notes = reference_notes(governor, sounds, density)
    before_last = tf.range(tf.shape(sounds)[1])[::-1]
    weights = (1 - 1 / MEMORY_STEPS) ** tf.cast(before_last, tf.float32) / MEMORY_STEPS
    count = len(governor.onsets)
    onsets = tf.zeros([tf.shape(cells)[0], count])
    usual = tf.constant(governor.onsets, tf.float32, [count]) * density[:, tf.newaxis]
    if count:
        struck = tf.reduce_sum(tf.cast(cells == STRUCK, tf.float32), axis=-1)
        here, weight = tf.one_hot(positions, count), onset_weight(count)
        later = tf.cumsum(here, axis=1, exclusive=True, reverse=True)  # number of later steps at the same position
        onsets = tf.einsum("bt,btp->bp", struck, here * weight * (1 - weight) ** later)
        usual = tf.maximum(usual, onsets)
    drift, shares = INITIAL_DRIFT * tf.math.log(density), tf.einsum("t,btp->bp", weights, sounds)
    return ControllerState(notes, drift, shares, onsets), Reference(notes, usual)


def correction(governor: Governor, state: ControllerState, reference: Reference) -> tf.Tensor:
    """Term added to the log-odds of "sounds?", float32 [batch, 84], or zero [1, 1] if it is disabled."""
    if not governor.controls_density:
        return tf.zeros([1, 1])
    notes = reference.notes
    margin = notes / 10
    density = governor.gain * tf.math.log((state.level + margin) / (notes + margin))
    term = (governor.shift + state.drift - density)[:, tf.newaxis]
    limit = max(1 - math.exp(-governor.hold / MEMORY_STEPS), MIN_LIMIT)
    if not governor.hold or limit > MAX_LIMIT:
        return tf.broadcast_to(term, tf.shape(state.shares))
    return term - RELEASE_PENALTY / (1 - limit) * tf.nn.relu(state.shares - limit)


def thinning_only(state: ControllerState, reference: Reference, density: tf.Tensor) -> ControllerState:
    """The state with which `correction` only removes notes, for music that may not have all of them.

    There the density is below the reference for a reason, and the controller would make up for it without end. So the
    level is taken to be at least the reference, and the drift at most that of the first step.
    """
    most = INITIAL_DRIFT * tf.math.log(density)
    return state._replace(level=tf.maximum(state.level, reference.notes), drift=tf.minimum(state.drift, most))


def onset_penalty(governor: Governor, state: ControllerState, reference: Reference, position: tf.Tensor) -> tf.Tensor:
    """Penalty on the log-odds of onsets and re-strikes of a step, float32 [batch, 1], or [1, 1] if it is disabled.

    `position` is that of the step in its beat, int32 [batch].
    """
    if not governor.onsets:
        return tf.zeros([1, 1])
    here = tf.one_hot(position, len(governor.onsets))
    onsets, usual = (tf.reduce_sum(here * part, axis=1, keepdims=True) for part in (state.onsets, reference.onsets))
    return ONSET_PENALTY * tf.nn.relu(tf.math.log((onsets + MARGIN) / (usual + MARGIN)))


def update_controller_state(
    governor: Governor, state: ControllerState, reference: Reference, position: tf.Tensor, cells: tf.Tensor
) -> ControllerState:
    """State of the controller after one more step: `cells` uint8 [batch, 84] at `position` int32 [batch]."""
    if governor.controls_density:
        sounds = tf.cast(cells != 0, tf.float32)
        level = state.level + (tf.reduce_sum(sounds, axis=-1) - state.level) / MEMORY_STEPS
        error = tf.clip_by_value(level / reference.notes - 1, -1.0, 1.0)
        drift = tf.clip_by_value(state.drift - governor.gain * error / DRIFT_STEPS, -MAX_DRIFT, MAX_DRIFT)
        state = ControllerState(level, drift, state.shares + (sounds - state.shares) / MEMORY_STEPS, state.onsets)
    if governor.onsets:
        count = len(governor.onsets)
        struck = tf.reduce_sum(tf.cast(cells == STRUCK, tf.float32), axis=-1, keepdims=True)
        moved = tf.one_hot(position, count) * (struck - state.onsets) * onset_weight(count)
        state = state._replace(onsets=state.onsets + moved)
    return state
