"""Draws a piano-roll step by step, in one graph, from a `next_logits` function; knows no model."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from pianoroll_tf.generation.governor import Governor, correction, follow, reference_notes, start
from pianoroll_tf.generation.shaping import shape_logits

FREE = Governor()  # governs nothing
BLOCK_STEPS = 256  # steps whose random numbers are made at once; part of what a seed means: never change it

State = Any
NextLogits = Callable[[tf.Tensor, State], tuple[tf.Tensor, State]]


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
        next_logits: Function of (frames float32 [batch, time, 84], state) to (log-odds of the next
            step float32 [batch, time, 84], state). The log-odds must be those of a posterior: the
            raw output of a model trained with the focal loss is none.
        state: State of the model before anything was heard: a tensor or a nest of tensors.
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
    frames = tf.cast(primer != 0, tf.float32)
    logits, state = next_logits(tf.pad(frames, [[0, 0], [1, 0], [0, 0]]), state)
    reference = reference_notes(governor, frames, density)

    def draw_step(numbers, logits, heard, state):
        governed = logits + correction(governor, heard, reference)
        shaped = shape_logits(governed, temperature, top_p)
        frame = tf.cast(numbers < tf.sigmoid(shaped), tf.float32)
        following, state = next_logits(frame[:, tf.newaxis], state)
        return frame, following[:, 0], follow(governor, heard, reference, frame), state

    return _loop(draw_step, (logits[:, -1], start(frames, reference, density), state), steps, seeds)


def _loop(draw_step: Callable, carried: tuple, steps: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
    """Runs `draw_step(numbers, *carried) -> (frame, *carried)` for all steps, block by block.

    Random numbers exist for one block at a time, so memory grows with the roll alone.

    Returns:
        The frames, uint8 [batch, steps, 84].
    """
    shape = carried[0].shape  # [batch, pitches]
    steps = tf.convert_to_tensor(steps, tf.int32)
    blocks = (steps + BLOCK_STEPS - 1) // BLOCK_STEPS
    rolls = tf.TensorArray(tf.uint8, size=blocks, infer_shape=False, element_shape=[None, *shape])

    def draw_block(block, rolls, carried):
        numbers = uniforms(seeds, block, shape[-1])
        length = tf.minimum(BLOCK_STEPS, steps - block * BLOCK_STEPS)
        frames = tf.TensorArray(tf.uint8, size=length, element_shape=shape)

        def write_step(step, frames, carried):
            frame, *carried = draw_step(numbers[step], *carried)
            return step + 1, frames.write(step, tf.cast(frame, tf.uint8)), tuple(carried)

        _, frames, carried = tf.while_loop(
            lambda step, *_: step < length, write_step, (0, frames, carried), parallel_iterations=1
        )
        return block + 1, rolls.write(block, frames.stack()), carried

    _, rolls, _ = tf.while_loop(
        lambda block, *_: block < blocks, draw_block, (0, rolls, carried), parallel_iterations=1
    )
    return tf.transpose(rolls.concat(), [1, 0, 2])


def uniforms(seeds: tf.Tensor, block: tf.Tensor, pitches: int) -> tf.Tensor:
    """Random numbers of block `block` of each row: Philox, keyed by (seed of the row, block).

    Args:
        seeds: int64 [batch].
        block: int32 [], absolute step // BLOCK_STEPS.
        pitches: Numbers a step.

    Returns:
        float32 [BLOCK_STEPS, batch, pitches] in [0, 1).
    """
    block = tf.cast(block, tf.int64)
    rows = tf.map_fn(
        lambda seed: tf.random.stateless_uniform([BLOCK_STEPS, pitches], tf.stack([seed, block]), alg="philox"),
        seeds,
        fn_output_signature=tf.TensorSpec([BLOCK_STEPS, pitches], tf.float32),
    )
    return tf.transpose(rows, [1, 0, 2])
