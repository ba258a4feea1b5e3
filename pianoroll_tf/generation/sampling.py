"""Draws a piano-roll step by step, in one graph, from a network given as functions; knows no model."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from pianoroll_tf.data.clock import code_at
from pianoroll_tf.data.roll import STRUCK
from pianoroll_tf.generation.governor import Governor, Heard, Reference, brake, correction, follow, start
from pianoroll_tf.generation.shaping import Shaping
from pianoroll_tf.modeling.nade import log_odds

FREE = Governor()  # governs nothing
BLOCK_STEPS = 256  # steps whose random numbers are made at once; part of what a seed means: never change it

State = Any


class Network(NamedTuple):
    """What drawing must know of a model.

    Attributes:
        advance: (cells uint8 [batch, time, pitches], clock int32 [batch, time], state) → (what the head decides from,
            float32 [batch, time, features], state). The cells are those of the step before, 0 silent, 1 held, 2 struck.
        drawer: () → `modeling.nade.Draw`, what draws a step; called once, before the loop over steps.
        posterior: The network's log-odds → those of the posterior.
        steps_per_beat: Of the clock; None: it reads none.
        pitches: Pitches of a step.
        decisions: Numbers that a step takes.
        shaping: How its log-odds are shaped.
    """

    advance: Callable
    drawer: Callable
    posterior: Callable
    steps_per_beat: int | None
    pitches: int
    decisions: int
    shaping: Shaping = Shaping()


class Clock(NamedTuple):
    """Where each row is in its bar; int32 [batch] each.

    Attributes:
        place: Steps since the bar line, of the step after the one that is decided next.
        bar: Steps per bar.
        compound: 0 or 1.
    """

    place: tf.Tensor
    bar: tf.Tensor
    compound: tf.Tensor


class Carried(NamedTuple):
    """What is carried from step to step; every tensor begins with the batch, so rows can be taken apart and joined.

    Attributes:
        hidden: What the head decides the next step from, float32 [batch, features].
        held: Cells that sound at the last step, bool [batch, pitches].
        clock: Where the rows stand in their bars.
        density: float32 [batch], the factor that was asked for.
        heard: What the governor remembers.
        reference: Its set points.
        state: State of the model.
    """

    hidden: tf.Tensor
    held: tf.Tensor
    clock: Clock
    density: tf.Tensor
    heard: Heard
    reference: Reference
    state: State


class Options(NamedTuple):
    """Sampling options, one value per row of the batch.

    Attributes:
        temperature: float32 [batch], > 0; 1 leaves the log-odds as they are.
        top_p: float32 [batch] in (0, 1]; 1 admits every pitch.
        density: float32 [batch], > 0, factor on the number of notes.
        meter: Numerator and denominator, int32 [batch, 2].
        place: Place in its bar of the first step of the primer, or of the music where there is none, int32 [batch].
    """

    temperature: tf.Tensor
    top_p: tf.Tensor
    density: tf.Tensor
    meter: tf.Tensor
    place: tf.Tensor


def plain_options(batch) -> Options:
    """Temperature, top-p and density of 1, from the beginning of a bar of 4/4.

    Args:
        batch: Rows, an int or an int32 scalar tensor.
    """
    one, meter = tf.ones([batch]), tf.fill([batch, 2], 4)
    return Options(one, one, one, meter, tf.zeros([batch], tf.int32))


def sample(
    network: Network,
    state: State,
    primer: tf.Tensor,
    steps: tf.Tensor,
    seeds: tf.Tensor,
    options: Options,
    governor: Governor = FREE,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Continues `primer` by `steps` steps.

    The model reads a silent step and then the primer in one call; from there on it reads, one step at a time, what was
    drawn, with its state carried. So the length has no bound, and a step costs the same wherever it stands. Every row
    has its own settings, so that unlike requests fit in one batch.

    Args:
        network: The model.
        state: Its state before anything was heard: a tensor or a nest of tensors.
        primer: Cells to continue, [batch, primer_steps >= 0, pitches]; of 0 and 1 alone, or 0, 1 and 2.
        steps: int32 [], how many steps to draw, >= 1.
        seeds: int64 [batch]. A row's random numbers depend on its seed, the step and the decision alone.
        options: Settings of the rows.
        governor: Holds the density over time; the default leaves the log-odds as they are.

    Returns:
        (cells uint8 [batch, steps, pitches], the drawn steps without the primer: 0 silent, 1 held, 2 struck; ends
        uint8 [batch, steps], 1 where the piece ends with that step).
    """
    carried = begin(network, state, primer, options, governor)
    steps = tf.convert_to_tensor(steps, tf.int32)
    cells, ends = _draw_blocks(network, carried, steps, seeds, options, governor)
    return tf.transpose(cells, [1, 0, 2]), tf.transpose(ends)


def _draw_blocks(network: Network, carried: Carried, steps, seeds, options: Options, governor: Governor):
    """Draws block by block, uint8 [steps, batch, …]: memory grows with the roll alone, not with its numbers."""
    blocks = (steps + BLOCK_STEPS - 1) // BLOCK_STEPS
    parts = [carried.held.shape, [None]]
    rolls = [tf.TensorArray(tf.uint8, size=blocks, infer_shape=False, element_shape=[None, *part]) for part in parts]

    def draw_block(block, rolls, carried):
        numbers = uniforms(seeds, tf.fill(tf.shape(seeds), block), network.decisions)
        length = tf.minimum(BLOCK_STEPS, steps - block * BLOCK_STEPS)
        drawn, carried = _draw_frames(network, carried, numbers, length, options, governor)
        return block + 1, [roll.write(block, part) for roll, part in zip(rolls, drawn, strict=True)], carried

    _, rolls, _ = tf.while_loop(
        lambda block, *_: block < blocks, draw_block, (0, rolls, carried), parallel_iterations=1
    )
    return tuple(roll.concat() for roll in rolls)


def states_of(cells: tf.Tensor) -> tf.Tensor:
    """Cells as 0 silent, 1 held, 2 struck: `data.roll.as_states` for tensors [batch, time, pitches], uint8."""
    sounds = cells != 0
    before = tf.pad(sounds, [[0, 0], [1, 0], [0, 0]])[:, :-1]
    struck = sounds & ((cells == STRUCK) | ~before)
    return tf.cast(sounds, tf.uint8) + tf.cast(struck, tf.uint8)


def after_silence(cells: tf.Tensor) -> tf.Tensor:
    """A silent step before the cells, [batch, time + 1, pitches]."""
    return tf.pad(cells, [[0, 0], [1, 0], [0, 0]])


def clock_of(network: Network, meter: tf.Tensor, place: tf.Tensor) -> Clock:
    """The clock of rows that are at `place` int32 [batch] of their bars; `meter` int32 [batch, 2]."""
    numerator, denominator = tf.unstack(tf.cast(meter, tf.int32), axis=1)
    quarters = tf.cast(numerator * 4, tf.float32) / tf.cast(denominator, tf.float32)
    bar = tf.maximum(tf.cast(tf.round(quarters * float(network.steps_per_beat or 1)), tf.int32), 1)
    compound = tf.cast((denominator >= 8) & (numerator % 3 == 0), tf.int32)
    return Clock(tf.cast(place, tf.int32) % bar, bar, compound)


def _codes(network: Network, clock: Clock, place: tf.Tensor) -> tf.Tensor:
    """Clock codes of `place` int32 [batch, time]."""
    if network.steps_per_beat is None:
        return tf.zeros_like(place)
    bar, compound = clock.bar[:, tf.newaxis], clock.compound[:, tf.newaxis]
    return code_at(place, bar, compound, network.steps_per_beat, minimum=tf.minimum)


def _place_in_beat(network: Network, clock: Clock, place: tf.Tensor) -> tf.Tensor:
    """Place in the quarter of steps that are at `place` int32 [batch, time] of their bars; on the grid of seconds 0."""
    return place % clock.bar[:, tf.newaxis] % (network.steps_per_beat or 1)


def read(
    network: Network, state: State, frames: tf.Tensor, meter: tf.Tensor, place: tf.Tensor
) -> tuple[tf.Tensor, State, Clock]:
    """Reads some steps.

    Args:
        network: The model.
        state: Its state before them.
        frames: Their cells, uint8 [batch, time >= 1, pitches].
        meter: int32 [batch, 2].
        place: Place in its bar of the step after the first frame, int32 [batch].

    Returns:
        (what the head decides the step after each frame from, [batch, time, features]; the state; the clock).
    """
    time = tf.shape(frames)[1]
    clock = clock_of(network, meter, place)
    codes = _codes(network, clock, clock.place[:, tf.newaxis] + tf.range(time))
    hidden, state = network.advance(frames, codes, state)
    return hidden, state, clock._replace(place=(clock.place + time) % clock.bar)


def begin(network: Network, state: State, primer: tf.Tensor, options: Options, governor: Governor = FREE) -> Carried:
    """Reads a silent step and then the primer.

    Args:
        network: The model.
        state: Its state before anything was heard.
        primer: Cells to continue, [batch, primer_steps >= 0, pitches].
        options: Settings of the rows; temperature and top-p are not looked at.
        governor: Holds the density.
    """
    cells = states_of(primer)
    hidden, state, clock = read(network, state, after_silence(cells), options.meter, options.place)
    places = options.place[:, tf.newaxis] + tf.range(tf.shape(cells)[1])
    heard, reference = start(governor, cells, _place_in_beat(network, clock, places), options.density)
    held = after_silence(cells != 0)[:, -1]
    return Carried(hidden[:, -1], held, clock, options.density, heard, reference, state)


def draw(
    network: Network,
    carried: Carried,
    numbers: tf.Tensor,
    temperature: tf.Tensor,
    top_p: tf.Tensor,
    governor: Governor = FREE,
) -> tuple[tf.Tensor, tf.Tensor, Carried]:
    """Draws the next steps from given random numbers. All in all, the same steps however they are cut into calls.

    It can be compiled: where the shapes of its inputs are known, those of all that it does are too.

    Args:
        network: The model.
        carried: From `begin` or an earlier call.
        numbers: float32 [batch, steps, decisions] in [0, 1), of `uniforms`; each call continues where the one before
            ended.
        temperature: float32 [batch], > 0.
        top_p: float32 [batch] in (0, 1].
        governor: That of `begin`.

    Returns:
        (cells uint8 [batch, steps, pitches], ends uint8 [batch, steps], what is carried on).
    """
    options = Options(temperature, top_p, carried.density, None, None)
    length = tf.shape(numbers)[1]
    (cells, ends), carried = _draw_frames(network, carried, numbers, length, options, governor)
    return tf.transpose(cells, [1, 0, 2]), tf.transpose(ends), carried


def _draw_frames(network: Network, carried: Carried, numbers, length, options: Options, governor: Governor):
    """The first `length` steps for which there are numbers: ((cells, ends), uint8 [length, batch, …]; carried on)."""
    reference = carried.reference
    shaped = network.shaping.rows(options.temperature, options.top_p, carried.density)
    odds, draw_cells = log_odds(numbers), network.drawer()
    shapes = [carried.held.shape, carried.held.shape[:1]]
    rolls = [tf.TensorArray(tf.uint8, size=length, element_shape=shape) for shape in shapes]

    def draw_step(step, rolls, hidden, held, place, heard, state):
        here = _place_in_beat(network, carried.clock, place[:, tf.newaxis] - 1)[:, 0]
        added, lost = correction(governor, heard, reference), brake(governor, heard, reference, here)
        lost -= shaped.at_position(here)
        thresholds = shaped.thresholds(tf.gather(odds, step, axis=1), held, added, lost)
        cells, ends = draw_cells(hidden, held, thresholds)
        codes = _codes(network, carried.clock, place[:, tf.newaxis])
        following, state = network.advance(cells[:, tf.newaxis], codes, state)
        sounds = cells != 0
        drawn = (cells, tf.cast(ends, tf.uint8))
        rolls = [roll.write(step, part) for roll, part in zip(rolls, drawn, strict=True)]
        heard = follow(governor, heard, reference, here, cells)
        return step + 1, rolls, following[:, 0], sounds, (place + 1) % carried.clock.bar, heard, state

    _, rolls, hidden, held, place, heard, state = tf.while_loop(
        lambda step, *_: step < length,
        draw_step,
        (0, rolls, carried.hidden, carried.held, carried.clock.place, carried.heard, carried.state),
        parallel_iterations=1,
    )
    clock = carried.clock._replace(place=place)
    carried = carried._replace(hidden=hidden, held=held, clock=clock, heard=heard, state=state)
    return tuple(roll.stack() for roll in rolls), carried


def pack(carried: Carried) -> tf.Tensor:
    """All that is carried as one tensor, float32 [batch, size]."""
    parts = [tf.cast(part, tf.float32) for part in tf.nest.flatten(carried)]
    return tf.concat([tf.reshape(part, [tf.shape(part)[0], math.prod(part.shape[1:])]) for part in parts], axis=1)


def unpack(packed: tf.Tensor, like: Carried) -> Carried:
    """What `pack` packed; `like` has the same shapes but for the batch."""
    parts = tf.nest.flatten(like)
    pieces = tf.split(packed, [math.prod(part.shape[1:]) for part in parts], axis=1)
    pieces = [
        tf.cast(tf.reshape(piece, [tf.shape(packed)[0], *part.shape[1:]]), part.dtype)
        for piece, part in zip(pieces, parts, strict=True)
    ]
    return tf.nest.pack_sequence_as(like, pieces)


def uniforms(seeds: tf.Tensor, blocks: tf.Tensor, decisions: int) -> tf.Tensor:
    """Random numbers of one block of each row: Philox, keyed by (seed of the row, block).

    Args:
        seeds: int64 [batch].
        blocks: int [batch], absolute step // BLOCK_STEPS.
        decisions: Numbers per step.

    Returns:
        float32 [batch, BLOCK_STEPS, decisions] in [0, 1). Compiled by XLA it would give other numbers.
    """
    return tf.map_fn(
        lambda key: tf.random.stateless_uniform([BLOCK_STEPS, decisions], key, alg="philox"),
        tf.stack([seeds, tf.cast(blocks, tf.int64)], axis=1),
        fn_output_signature=tf.TensorSpec([BLOCK_STEPS, decisions], tf.float32),
    )
