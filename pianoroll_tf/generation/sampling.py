"""Draws a piano-roll step by step, in one graph, from a `next_logits` function; knows no model."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from pianoroll_tf.generation.governor import Governor, Heard, correction, follow, reference_notes, start
from pianoroll_tf.generation.shaping import shape_logits

FREE = Governor()  # governs nothing
BLOCK_STEPS = 256  # steps whose random numbers are made at once; part of what a seed means: never change it

State = Any
NextLogits = Callable[[tf.Tensor, State], tuple[tf.Tensor, State]]


class Carried(NamedTuple):
    """What goes on from step to step; every tensor begins with the batch, so rows can be taken apart and joined.

    Attributes:
        logits: The model's log-odds of the next step, float32 [batch, 84].
        heard: What the governor remembers.
        reference: What it holds, notes a step, float32 [batch].
        state: State of the model.
    """

    logits: tf.Tensor
    heard: Heard
    reference: tf.Tensor
    state: State


def sample(
    next_logits: NextLogits,
    state: State,
    primer: tf.Tensor,
    steps: tf.Tensor,
    seeds: tf.Tensor,
    temperature: tf.Tensor,
    top_p: tf.Tensor,
    density: tf.Tensor,
    governor: Governor = FREE,
) -> tf.Tensor:
    """Continues `primer` by `steps` steps.

    The model reads a silent step and then the primer in one call; from there on it reads, one step
    at a time, what was drawn, with its state carried. So the length has no bound, and a step costs
    the same wherever it stands. Every row has its own settings, so that unlike requests fit in one
    batch.

    Args:
        next_logits: As in `begin`.
        state: As in `begin`.
        primer: Roll to continue, [batch, primer_steps >= 0, 84]; a cell that is not 0 sounds.
        steps: int32 [], how many steps to draw, >= 1.
        seeds: int64 [batch]. A row's random numbers depend on its seed, the step and the pitch alone.
        temperature: float32 [batch], > 0; 1 leaves the log-odds as they are.
        top_p: float32 [batch] in (0, 1]; 1 admits every pitch.
        density: float32 [batch], > 0, factor on the density that the governor holds.
        governor: Holds the density over time; the default leaves the log-odds as they are.

    Returns:
        uint8 [batch, steps, 84], the drawn steps without the primer.

    Example:
        A model that always repeats the last step:

        >>> import tensorflow as tf
        >>> repeat = lambda frames, state: (200.0 * frames - 100.0, state)
        >>> primer = tf.one_hot([[3, 5]], 84)
        >>> one = tf.ones([1])
        >>> roll = sample(repeat, (), primer, 4, tf.zeros([1], tf.int64), one, one, one)
        >>> tf.argmax(roll, -1).numpy().tolist()
        [[5, 5, 5, 5]]
    """
    carried = begin(next_logits, state, primer, density, governor)
    steps = tf.convert_to_tensor(steps, tf.int32)

    def blocks(shape: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
        return _draw_blocks(next_logits, carried, steps, seeds, shape, governor)

    plain = tf.reduce_all((temperature == 1) & (top_p == 1))  # asked here, it costs nothing in the loop
    shaped = functools.partial(shape_logits, temperature=temperature, top_p=top_p)
    return tf.transpose(tf.cond(plain, lambda: blocks(lambda logits: logits), lambda: blocks(shaped)), [1, 0, 2])


def _draw_blocks(next_logits, carried: Carried, steps, seeds, shape, governor: Governor) -> tf.Tensor:
    """Draws block by block, uint8 [steps, batch, 84]: memory grows with the roll alone, not with its numbers."""
    blocks, pitches = (steps + BLOCK_STEPS - 1) // BLOCK_STEPS, carried.logits.shape[-1]
    rolls = tf.TensorArray(tf.uint8, size=blocks, infer_shape=False, element_shape=[None, *carried.logits.shape])

    def draw_block(block, rolls, carried):
        numbers = uniforms(seeds, tf.fill(tf.shape(seeds), block), pitches)
        length = tf.minimum(BLOCK_STEPS, steps - block * BLOCK_STEPS)
        frames, carried = _draw_frames(next_logits, carried, numbers, length, shape, governor)
        return block + 1, rolls.write(block, frames), carried

    _, rolls, _ = tf.while_loop(
        lambda block, *_: block < blocks, draw_block, (0, rolls, carried), parallel_iterations=1
    )
    return rolls.concat()


def begin(
    next_logits: NextLogits, state: State, primer: tf.Tensor, density: tf.Tensor, governor: Governor = FREE
) -> Carried:
    """Reads a silent step and then the primer.

    Args:
        next_logits: Function of (frames float32 [batch, time, 84], state) to (log-odds of the next
            step float32 [batch, time, 84], state). The log-odds must be those of a posterior: the
            raw output of a model trained with the focal loss is none.
        state: State of the model before anything was heard: a tensor or a nest of tensors.
        primer: Roll to continue, [batch, primer_steps >= 0, 84]; a cell that is not 0 sounds.
        density: float32 [batch], > 0, factor on the density that the governor holds.
        governor: Holds the density.
    """
    frames = tf.cast(primer != 0, tf.float32)
    logits, state = next_logits(tf.pad(frames, [[0, 0], [1, 0], [0, 0]]), state)
    reference = reference_notes(governor, frames, density)
    return Carried(logits[:, -1], start(frames, reference, density), reference, state)


def draw(
    next_logits: NextLogits,
    carried: Carried,
    numbers: tf.Tensor,
    temperature: tf.Tensor,
    top_p: tf.Tensor,
    governor: Governor = FREE,
) -> tuple[tf.Tensor, Carried]:
    """Draws the next steps from given random numbers. All in all, the same steps however they are cut into calls.

    It can be compiled: where the shapes of its inputs are known, those of all that it does are too.

    Args:
        next_logits: As in `begin`.
        carried: From `begin` or an earlier call.
        numbers: float32 [batch, steps, 84] in [0, 1), of `uniforms`; each call goes on where the one before ended.
        temperature: float32 [batch], > 0.
        top_p: float32 [batch] in (0, 1].
        governor: That of `begin`.

    Returns:
        (uint8 [batch, steps, 84], what is carried on).
    """
    shape = functools.partial(shape_logits, temperature=temperature, top_p=top_p)
    frames, carried = _draw_frames(next_logits, carried, numbers, tf.shape(numbers)[1], shape, governor)
    return tf.transpose(frames, [1, 0, 2]), carried


def _draw_frames(next_logits, carried: Carried, numbers, length, shape, governor: Governor):
    """The first `length` steps for which there are numbers: (uint8 [length, batch, 84], what is carried on)."""
    reference = carried.reference
    frames = tf.TensorArray(tf.uint8, size=length, element_shape=carried.logits.shape)

    def draw_step(step, frames, logits, heard, state):
        shaped = shape(logits + correction(governor, heard, reference))
        sounds = tf.gather(numbers, step, axis=1) < tf.sigmoid(shaped)
        frame = tf.cast(sounds, tf.float32)
        following, state = next_logits(frame[:, tf.newaxis], state)
        frames = frames.write(step, tf.cast(sounds, tf.uint8))
        return step + 1, frames, following[:, 0], follow(governor, heard, reference, frame), state

    _, frames, logits, heard, state = tf.while_loop(
        lambda step, *_: step < length,
        draw_step,
        (0, frames, carried.logits, carried.heard, carried.state),
        parallel_iterations=1,
    )
    return frames.stack(), Carried(logits, heard, reference, state)


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


def uniforms(seeds: tf.Tensor, blocks: tf.Tensor, pitches: int) -> tf.Tensor:
    """Random numbers of one block of each row: Philox, keyed by (seed of the row, block).

    Args:
        seeds: int64 [batch].
        blocks: int [batch], absolute step // BLOCK_STEPS.
        pitches: Numbers a step.

    Returns:
        float32 [batch, BLOCK_STEPS, pitches] in [0, 1). Compiled by XLA it would give other numbers.
    """
    return tf.map_fn(
        lambda key: tf.random.stateless_uniform([BLOCK_STEPS, pitches], key, alg="philox"),
        tf.stack([seeds, tf.cast(blocks, tf.int64)], axis=1),
        fn_output_signature=tf.TensorSpec([BLOCK_STEPS, pitches], tf.float32),
    )
