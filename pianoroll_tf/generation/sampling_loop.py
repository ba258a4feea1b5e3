"""Samples a piano-roll step by step, in one graph, from a network given as functions."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from pianoroll_tf.data.clock import code_at
from pianoroll_tf.data.roll import STRUCK
from pianoroll_tf.generation.governor import (
    ControllerState,
    Governor,
    Reference,
    correction,
    initial_controller_state,
    onset_penalty,
    thinning_only,
    update_controller_state,
)
from pianoroll_tf.generation.sampling_options import Options, Shaping
from pianoroll_tf.modeling.nade import log_odds
from pianoroll_tf.modeling.run_folder import MAX_HOLD_LENGTH

MAX_HELD = MAX_HOLD_LENGTH + 1  # the lengths that `Shaped.lengths` distinguishes, and "longer"
BLOCK_STEPS = 256  # steps whose random numbers are drawn at once; changing it changes the music of every seed

State = Any


class Network(NamedTuple):
    """The functions and settings of a model that sampling needs.

    Attributes:
        advance: (cells uint8 [batch, time, pitches], clock int32 [batch, time], state) → (features for the head,
            float32 [batch, time, features], state). The cells are those of the previous step: 0 silent, 1 held, 2
            struck.
        drawer: () → `modeling.nade.Draw`, which draws a step; called once, before the loop over steps.
        posterior: Log-odds of the network → log-odds of the posterior.
        steps_per_beat: Of the clock; None if the model has no clock input.
        decisions: Decisions, and thus random numbers, per step.
        initial: Number of rows → their initial state, a tensor or a nest of tensors.
        shape: (temperature, top_p, density) → `Shaped`: what the options do to the log-odds.
        governor: Governor of the model; the default leaves the log-odds unchanged.
    """

    advance: Callable
    drawer: Callable
    posterior: Callable
    steps_per_beat: int | None
    decisions: int
    initial: Callable
    shape: Callable = Shaping().rows
    governor: Governor = Governor()


class Clock(NamedTuple):
    """Position of each row in its bar; int32 [batch] each.

    Attributes:
        place: Steps since the bar line, of the step after the next step to be drawn.
        bar: Steps per bar.
        compound: 0 or 1.
    """

    place: tf.Tensor
    bar: tf.Tensor
    compound: tf.Tensor


class Limits(NamedTuple):
    """What the steps to be drawn keep to, see `steering.Steering`.

    Attributes:
        allowed: Whether each pitch may sound, bool [batch, steps, pitches].
        polyphony: Most notes in a step, int32 [batch].
    """

    allowed: tf.Tensor
    polyphony: tf.Tensor


class SamplingState(NamedTuple):
    """State between two steps; the first axis of every tensor is the batch, so rows can be split and joined.

    Attributes:
        hidden: Features for the head to decide the next step from, float32 [batch, features].
        held: Number of steps, up to `MAX_HELD`, for which each pitch has sounded at the last step, int32
            [batch, pitches]; 0: it is silent.
        clock: Positions of the rows in their bars.
        density: Requested factor on the density, float32 [batch].
        controller: State of the governor.
        reference: Set points of the governor.
        state: State of the model.
    """

    hidden: tf.Tensor
    held: tf.Tensor
    clock: Clock
    density: tf.Tensor
    controller: ControllerState
    reference: Reference
    state: State


def sample(
    network: Network, primer: tf.Tensor, steps: tf.Tensor, seeds: tf.Tensor, options: Options
) -> tuple[tf.Tensor, tf.Tensor]:
    """Continues `primer` by `steps` steps, block by block, so that memory holds the random numbers of one block.

    The model reads a silent step and then the primer in one call; from there on it reads each drawn step, with its
    state carried. So the length is unbounded, and the cost per step is constant. Every row has its own options, so that
    different requests fit in one batch.

    Args:
        network: The model.
        primer: Cells to continue, [batch, primer_steps >= 0, pitches]; of 0 and 1 only, or 0, 1 and 2.
        steps: int32 [], how many steps to draw, >= 1.
        seeds: int64 [batch]. A row's random numbers depend on its seed, the step and the decision alone.
        options: Options of the rows.

    Returns:
        (cells uint8 [batch, steps, pitches], the drawn steps without the primer: 0 silent, 1 held, 2 struck; ends
        uint8 [batch, steps], 1 where the piece ends with that step).
    """
    sampling_state = begin(network, primer, options)
    steps = tf.convert_to_tensor(steps, tf.int32)
    blocks = (steps + BLOCK_STEPS - 1) // BLOCK_STEPS
    shapes = [[None, *sampling_state.held.shape], [None, None]]
    rolls = [tf.TensorArray(tf.uint8, size=blocks, infer_shape=False, element_shape=shape) for shape in shapes]

    def draw_block(block, rolls, sampling_state):
        numbers = uniforms(seeds, tf.fill(tf.shape(seeds), block), network.decisions)
        numbers = numbers[:, : steps - block * BLOCK_STEPS]  # of the last block, the steps that are left
        drawn, sampling_state = draw(network, sampling_state, numbers, options.temperature, options.top_p)
        return block + 1, [roll.write(block, part) for roll, part in zip(rolls, drawn, strict=True)], sampling_state

    _, rolls, _ = tf.while_loop(
        lambda block, *_: block < blocks, draw_block, (0, rolls, sampling_state), parallel_iterations=1
    )
    cells, ends = (roll.concat() for roll in rolls)
    return tf.transpose(cells, [1, 0, 2]), tf.transpose(ends)


def states_of(cells: tf.Tensor) -> tf.Tensor:
    """Cells as 0 silent, 1 held, 2 struck: `data.roll.as_states` for tensors [batch, time, pitches], uint8."""
    sounds = cells != 0
    struck = sounds & ((cells == STRUCK) | ~after_silence(sounds)[:, :-1])
    return tf.cast(sounds, tf.uint8) + tf.cast(struck, tf.uint8)


def after_silence(cells: tf.Tensor) -> tf.Tensor:
    """A silent step before the cells, [batch, time + 1, pitches]."""
    return tf.pad(cells, [[0, 0], [1, 0], [0, 0]])


def _codes(network: Network, clock: Clock, place: tf.Tensor) -> tf.Tensor:
    """Clock codes of `place` int32 [batch, time]."""
    if network.steps_per_beat is None:
        return tf.zeros_like(place)
    bar, compound = clock.bar[:, tf.newaxis], clock.compound[:, tf.newaxis]
    return code_at(place, bar, compound, network.steps_per_beat, minimum=tf.minimum)


def _position_in_beat(network: Network, clock: Clock, place: tf.Tensor) -> tf.Tensor:
    """Position in the beat of steps at `place` int32 [batch, time] in their bars; 0 on the grid of seconds."""
    return place % clock.bar[:, tf.newaxis] % (network.steps_per_beat or 1)


def read(network: Network, cells: tf.Tensor, meter: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, State, Clock]:
    """Reads steps, uint8 [batch, time >= 1, pitches], from the initial state on: (features, state, clock) after them.

    The head decides the step after each of them from its features, [batch, time, features]. `meter` is int32
    [batch, 2], `place` the position in its bar of the step after the first one, int32 [batch].
    """
    rows, time = tf.unstack(tf.shape(cells)[:2])
    numerator, denominator = tf.unstack(tf.cast(meter, tf.int32), axis=1)
    quarters = tf.cast(numerator * 4, tf.float32) / tf.cast(denominator, tf.float32)
    bar = tf.maximum(tf.cast(tf.round(quarters * float(network.steps_per_beat or 1)), tf.int32), 1)
    compound = tf.cast((denominator >= 8) & (numerator % 3 == 0), tf.int32)
    clock = Clock(tf.cast(place, tf.int32) % bar, bar, compound)
    codes = _codes(network, clock, clock.place[:, tf.newaxis] + tf.range(time))
    hidden, state = network.advance(cells, codes, network.initial(rows))
    return hidden, state, clock._replace(place=(clock.place + time) % bar)


def begin(network: Network, primer: tf.Tensor, options: Options) -> SamplingState:
    """Reads a silent step and then the primer, as `sample` does; temperature and top-p are not used."""
    cells = states_of(primer)
    frames = after_silence(cells)
    hidden, state, clock = read(network, frames, options.meter, options.place)
    places = options.place[:, tf.newaxis] + tf.range(tf.shape(cells)[1])
    controller, reference = initial_controller_state(
        network.governor, cells, _position_in_beat(network, clock, places), options.density
    )
    silent = tf.cumsum(tf.cast(frames[:, : -MAX_HELD - 1 : -1] == 0, tf.int32), axis=1)  # steps, backwards in time
    held = tf.reduce_sum(tf.cast(silent == 0, tf.int32), axis=1)
    return SamplingState(hidden[:, -1], held, clock, options.density, controller, reference, state)


def limit_polyphony(cells: tf.Tensor, held: tf.Tensor, most: tf.Tensor) -> tf.Tensor:
    """Silences the notes of a step that are too many: `cells` uint8 [batch, pitches], `most` int32 [batch].

    Pitches that sounded at the step before, `held` bool [batch, pitches], go first, so that a new note never cuts one
    that is held. Among them, and then among the new notes, the outer voices go first: the highest, the lowest, the
    second highest, the second lowest, and so on, because melody and bass are heard more than what lies between.

    >>> chord = tf.constant([[2, 2, 1, 2, 2]], tf.uint8)
    >>> limit_polyphony(chord, chord == 1, tf.constant([3])).numpy().tolist()
    [[2, 0, 1, 0, 2]]
    """
    kept = tf.zeros_like(held)
    for group in ((cells != 0) & held, (cells != 0) & ~held):
        number = tf.cast(group, tf.int32)
        above = tf.cumsum(number, axis=1, exclusive=True, reverse=True)
        below = tf.cumsum(number, axis=1, exclusive=True)
        left = most - tf.reduce_sum(tf.cast(kept, tf.int32), axis=1)
        kept |= group & (tf.minimum(2 * above, 2 * below + 1) < left[:, tf.newaxis])
    return tf.where(kept, cells, tf.constant(0, tf.uint8))


def draw(
    network: Network,
    sampling_state: SamplingState,
    numbers: tf.Tensor,
    temperature: tf.Tensor,
    top_p: tf.Tensor,
    limits: Limits | None = None,
) -> tuple[tuple[tf.Tensor, tf.Tensor], SamplingState]:
    """Draws the next steps: ((cells uint8 [steps, batch, pitches], ends uint8 [steps, batch]), the state after them).

    `numbers` are those of `uniforms` for the steps, float32 [batch, steps, decisions]. The result does not depend on
    how steps are split into calls. XLA can compile it: with static input shapes, all shapes are static. Within `limits`
    the density controller does not add notes, as it would make up for those that are not allowed.
    """
    length = tf.shape(numbers)[1]
    governor, clock, reference = network.governor, sampling_state.clock, sampling_state.reference
    shaped = network.shape(temperature, top_p, sampling_state.density)
    odds, draw_cells = log_odds(numbers), network.drawer()
    shapes = [sampling_state.held.shape, sampling_state.held.shape[:1]]
    rolls = [tf.TensorArray(tf.uint8, size=length, element_shape=shape) for shape in shapes]

    def draw_step(step, rolls, hidden, held, place, controller, state):
        position = _position_in_beat(network, clock, place[:, tf.newaxis] - 1)[:, 0]
        penalty = onset_penalty(governor, controller, reference, position) - shaped.at_position(position)
        acting = controller if limits is None else thinning_only(controller, reference, sampling_state.density)
        sustain = correction(governor, acting, reference) + shaped.at_length(held)
        thresholds = shaped.thresholds(tf.gather(odds, step, axis=1), held > 0, sustain, penalty)
        if limits is not None:
            allowed = tf.gather(limits.allowed, step, axis=1)
            thresholds = thresholds._replace(sounds=tf.where(allowed, thresholds.sounds, np.inf))  # no odds exceed it
        cells, ends = draw_cells(hidden, held > 0, thresholds)
        if limits is not None:
            cells = limit_polyphony(cells, held > 0, limits.polyphony)
        following, state = network.advance(cells[:, tf.newaxis], _codes(network, clock, place[:, tf.newaxis]), state)
        drawn = (cells, tf.cast(ends, tf.uint8))
        rolls = [roll.write(step, part) for roll, part in zip(rolls, drawn, strict=True)]
        controller = controller._replace(drift=acting.drift)
        controller = update_controller_state(governor, controller, reference, position, cells)
        held = tf.where(cells != 0, tf.minimum(held + 1, MAX_HELD), 0)
        return step + 1, rolls, following[:, 0], held, (place + 1) % clock.bar, controller, state

    initial = (sampling_state.hidden, sampling_state.held, clock.place, sampling_state.controller, sampling_state.state)
    _, rolls, hidden, held, place, controller, state = tf.while_loop(
        lambda step, *_: step < length, draw_step, (0, rolls, *initial), parallel_iterations=1
    )
    sampling_state = sampling_state._replace(
        hidden=hidden, held=held, clock=clock._replace(place=place), controller=controller, state=state
    )
    return tuple(roll.stack() for roll in rolls), sampling_state


def pack_state(sampling_state: SamplingState) -> tf.Tensor:
    """Packs the state into one tensor, float32 [batch, size]."""
    parts = [tf.cast(part, tf.float32) for part in tf.nest.flatten(sampling_state)]
    return tf.concat([tf.reshape(part, [tf.shape(part)[0], math.prod(part.shape[1:])]) for part in parts], axis=1)


def unpack_state(packed: tf.Tensor, like: SamplingState) -> SamplingState:
    """The inverse of `pack_state`; `like` has the same shapes except for the batch."""
    parts = tf.nest.flatten(like)
    pieces = tf.split(packed, [math.prod(part.shape[1:]) for part in parts], axis=1)
    pieces = [
        tf.cast(tf.reshape(piece, [tf.shape(packed)[0], *part.shape[1:]]), part.dtype)
        for piece, part in zip(pieces, parts, strict=True)
    ]
    return tf.nest.pack_sequence_as(like, pieces)


def uniforms(seeds: tf.Tensor, blocks: tf.Tensor, decisions: int) -> tf.Tensor:
    """Random numbers in [0, 1) of one block of each row, float32 [batch, BLOCK_STEPS, decisions].

    They are Philox's, keyed by (seed of the row, block), where the block is step // BLOCK_STEPS; XLA's are others.
    """
    return tf.map_fn(
        lambda key: tf.random.stateless_uniform([BLOCK_STEPS, decisions], key, alg="philox"),
        tf.stack([seeds, tf.cast(blocks, tf.int64)], axis=1),
        fn_output_signature=tf.TensorSpec([BLOCK_STEPS, decisions], tf.float32),
    )
