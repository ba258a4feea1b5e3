"""Draws a piano-roll step by step, in one graph, from a `next_logits` function; knows no model."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from pianoroll_tf.generation.shaping import shape_logits

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
        density: float32 [batch], > 0; 1 leaves the expected number of notes as it is.

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
    return draw(next_logits, logits[:, -1], state, steps, seeds, temperature, top_p, density)


def draw(
    next_logits: NextLogits,
    logits: tf.Tensor,
    state: State,
    steps: tf.Tensor,
    seeds: tf.Tensor,
    temperature: tf.Tensor,
    top_p: tf.Tensor,
    density: tf.Tensor,
) -> tf.Tensor:
    """Draws `steps` steps, given the log-odds [batch, 84] of the first one; otherwise as `sample`."""
    steps = tf.convert_to_tensor(steps, tf.int32)
    blocks = (steps + BLOCK_STEPS - 1) // BLOCK_STEPS
    rolls = tf.TensorArray(
        tf.uint8, size=blocks, infer_shape=False, element_shape=[None, logits.shape[0], logits.shape[1]]
    )

    def draw_block(block, rolls, logits, state):
        numbers = uniforms(seeds, block, logits.shape[-1])
        length = tf.minimum(BLOCK_STEPS, steps - block * BLOCK_STEPS)
        frames = tf.TensorArray(tf.uint8, size=length, element_shape=logits.shape)

        def draw_step(step, frames, logits, state):
            shaped = shape_logits(logits, temperature, top_p, density)
            frame = numbers[step] < tf.sigmoid(shaped)
            frames = frames.write(step, tf.cast(frame, tf.uint8))
            following, state = next_logits(tf.cast(frame, tf.float32)[:, tf.newaxis], state)
            return step + 1, frames, following[:, 0], state

        _, frames, logits, state = tf.while_loop(
            lambda step, *_: step < length, draw_step, (0, frames, logits, state), parallel_iterations=1
        )
        return block + 1, rolls.write(block, frames.stack()), logits, state

    _, rolls, _, _ = tf.while_loop(
        lambda block, *_: block < blocks, draw_block, (0, rolls, logits, state), parallel_iterations=1
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
