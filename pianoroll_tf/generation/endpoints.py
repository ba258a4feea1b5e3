"""What an exported model can be asked: its endpoints as graph functions of a Keras model."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from pianoroll_tf.config import MAX_STEPS, NUM_PITCHES, LossConfig, SamplingConfig
from pianoroll_tf.generation import sampling
from pianoroll_tf.generation.governor import Governor
from pianoroll_tf.modeling.losses import posterior_logits
from pianoroll_tf.modeling.network import advance, initial_state

LIMITS = {field.name: field.metadata for field in dataclasses.fields(SamplingConfig)}

PRIMER = tf.TensorSpec([None, None, NUM_PITCHES], tf.uint8, "primer")
STEPS = tf.TensorSpec([], tf.int32, "steps")
SEED = tf.TensorSpec([], tf.int64, "seed")
OPTIONS = [tf.TensorSpec([], tf.float32, name) for name in ("temperature", "top_p", "density")]
DEFAULTS = [float(getattr(SamplingConfig, option.name)) for option in OPTIONS]
ROLL = tf.TensorSpec([None, None, NUM_PITCHES], tf.uint8, "roll")
ROW_SEEDS = tf.TensorSpec([None], tf.int64, "seed")
ROW_STEPS = tf.TensorSpec([None], tf.int32, "steps")
ROW_BLOCKS = tf.TensorSpec([None], tf.int32, "block")
NUMBERS = tf.TensorSpec([None, None, NUM_PITCHES], tf.float32, "numbers")
ROW_TEMPERATURE, ROW_TOP_P, ROW_DENSITY = (tf.TensorSpec([None], tf.float32, option.name) for option in OPTIONS)


def make_next_logits(model, loss: LossConfig) -> sampling.NextLogits:
    """The `next_logits` function of a Keras model: log-odds of its posterior.

    Args:
        model: Made by `build_model`.
        loss: The loss it was trained with; says how its posterior is recovered.
    """

    def next_logits(frames, state):
        logits, state = advance(model, frames, state)
        return posterior_logits(loss, logits), state

    return next_logits


def sample_rows(model, loss: LossConfig, governor: Governor, primer, steps, seed, *options) -> tf.Tensor:
    """`sampling.sample` with one setting for all rows; row i is drawn with seed + i.

    Args:
        model: Made by `build_model`.
        loss: The loss it was trained with.
        governor: Holds the density.
        primer: uint8 [batch, primer_steps >= 0, 84].
        steps: int32 [].
        seed: int64 [].
        *options: temperature, top_p, density, float32 [] each; default: those of `SamplingConfig`.

    Returns:
        uint8 [batch, steps, 84].
    """
    batch = tf.shape(primer)[0]
    seeds = tf.cast(seed, tf.int64) + tf.range(tf.cast(batch, tf.int64), dtype=tf.int64)
    options = [tf.fill([batch], tf.cast(option, tf.float32)) for option in options or DEFAULTS]
    state = initial_state(model, batch)
    return sampling.sample(make_next_logits(model, loss), state, primer, steps, seeds, *options, governor=governor)


def make_endpoints(model, loss: LossConfig, governor: Governor) -> dict[str, Callable]:
    """The endpoints, traced, in the order in which they are exported.

    Args:
        model: Made by `build_model`.
        loss: The loss it was trained with.
        governor: Holds the density of what is drawn; `predict` is without it.

    Returns:
        `generate` (primer, steps, seed, temperature, top_p, density → roll), `generate_simple` (primer, steps,
        seed → roll) with the defaults of `SamplingConfig`, and `predict` (roll → probability): the posterior of
        the step after each step of `roll`. Training precedes a piece by one silent step: put one first to
        have the probabilities of a piece's first step too. And those of `make_rows` and `make_parts`.
    """
    next_logits = make_next_logits(model, loss)
    endpoints = make_generators(model, loss, governor)

    @tf.function(input_signature=[ROLL], autograph=False)
    def predict(roll):
        frames = tf.cast(roll != 0, tf.float32)
        logits, _ = next_logits(frames, initial_state(model, tf.shape(roll)[0]))
        return {"probability": tf.sigmoid(logits)}

    endpoints |= {"predict": predict} | make_rows(model, loss, governor) | make_parts(model, loss, governor)
    for function in endpoints.values():
        function.get_concrete_function()
    return endpoints


def make_generators(model, loss: LossConfig, governor: Governor) -> dict[str, Callable]:
    """`generate` and `generate_simple` of `make_endpoints`, not yet traced."""

    @tf.function(input_signature=[PRIMER, STEPS, SEED, *OPTIONS], autograph=False)
    def generate(primer, steps, seed, temperature, top_p, density):
        checks = [_within("steps", steps, minimum=1, maximum=MAX_STEPS)]
        checks += [_within("seed", seed, minimum=0, maximum=SEED.dtype.max)]
        last = seed + tf.maximum(tf.shape(primer, tf.int64)[0] - 1, 0)  # negative where it is too large
        checks += [_within("seed of the last row", last, minimum=0, maximum=SEED.dtype.max)]
        values = {"temperature": temperature, "top_p": top_p, "density": density}
        checks += [_within(name, value, **LIMITS[name]) for name, value in values.items()]
        with tf.control_dependencies(checks):
            steps = tf.identity(steps)
        return {"roll": sample_rows(model, loss, governor, primer, steps, seed, temperature, top_p, density)}

    @tf.function(input_signature=[PRIMER, STEPS, SEED], autograph=False)
    def generate_simple(primer, steps, seed):
        return generate(primer, steps, seed, *map(tf.constant, DEFAULTS))

    return {"generate": generate, "generate_simple": generate_simple}


def make_rows(model, loss: LossConfig, governor: Governor) -> dict[str, Callable]:
    """Generation in which each input has the batch as its first axis; not yet traced.

    So requests can be joined to one batch by a server that knows nothing of them, and be written row by row.

    Returns:
        `generate_rows` (primer, steps, seed, temperature, top_p, density → roll), and `compose_rows`, the same without
        a primer, which JSON could not say: a list without steps has no axis of pitches. As many steps are drawn as
        the longest row asks for; a shorter row is silent after its own.
    """
    settings = [ROW_STEPS, ROW_SEEDS, ROW_TEMPERATURE, ROW_TOP_P, ROW_DENSITY]

    @tf.function(input_signature=[PRIMER, *settings], autograph=False)
    def generate_rows(primer, steps, seed, temperature, top_p, density):
        checks = [_within("steps", steps, minimum=1, maximum=MAX_STEPS)]
        checks += [_within("seed", seed, minimum=0, maximum=SEED.dtype.max)]
        values = {"temperature": temperature, "top_p": top_p, "density": density}
        checks += [_within(name, value, **LIMITS[name]) for name, value in values.items()]
        with tf.control_dependencies(checks):
            longest = tf.maximum(tf.reduce_max(steps), 1)
        state, options = initial_state(model, tf.shape(primer)[0]), (temperature, top_p, density)
        next_logits = make_next_logits(model, loss)
        roll = sampling.sample(next_logits, state, primer, longest, seed, *options, governor=governor)
        return {"roll": roll * tf.sequence_mask(steps, longest, roll.dtype)[:, :, tf.newaxis]}

    @tf.function(input_signature=settings, autograph=False)
    def compose_rows(steps, seed, temperature, top_p, density):
        silence = tf.zeros([tf.shape(steps)[0], 0, NUM_PITCHES], tf.uint8)
        return generate_rows(silence, steps, seed, temperature, top_p, density)

    return {"generate_rows": generate_rows, "compose_rows": compose_rows}


def make_parts(model, loss: LossConfig, governor: Governor) -> dict[str, Callable]:
    """Generation in parts of any length, with the state carried; not yet traced.

    Every row has its own seed, place and settings, so unlike requests can be drawn in one batch, and rows can join
    and leave between two calls. Values are not checked, so that each part can be compiled.

    Returns:
        `begin` (primer, density → next_state), `uniforms` (seed, block → numbers) and `draw` (state, numbers,
        temperature, top_p → roll, next_state), with `state` float32 [batch, size].
    """
    next_logits = make_next_logits(model, loss)
    silence = tf.zeros([1, 0, NUM_PITCHES], tf.uint8)
    like = sampling.begin(next_logits, initial_state(model, 1), silence, tf.ones([1]), governor)
    state_spec = tf.TensorSpec([None, sampling.pack(like).shape[1]], tf.float32, "state")

    @tf.function(input_signature=[PRIMER, ROW_DENSITY], autograph=False)
    def begin(primer, density):
        state = initial_state(model, tf.shape(primer)[0])
        return {"next_state": sampling.pack(sampling.begin(next_logits, state, primer, density, governor))}

    @tf.function(input_signature=[ROW_SEEDS, ROW_BLOCKS], autograph=False)
    def uniforms(seed, block):
        return {"numbers": sampling.uniforms(seed, block, NUM_PITCHES)}

    @tf.function(input_signature=[state_spec, NUMBERS, ROW_TEMPERATURE, ROW_TOP_P], autograph=False)
    def draw(state, numbers, temperature, top_p):
        carried = sampling.unpack(state, like)
        roll, carried = sampling.draw(next_logits, carried, numbers, temperature, top_p, governor)
        return {"roll": roll, "next_state": sampling.pack(carried)}

    return {"begin": begin, "uniforms": uniforms, "draw": draw}


def _within(name: str, value: tf.Tensor, minimum=None, above=None, maximum=None, **_) -> tf.Operation:
    """An assertion in the graph that all numbers are within their limits; NaN is not."""
    low = value > above if minimum is None else value >= minimum
    bound = f"> {above}" if minimum is None else f">= {minimum}"
    text = f"{name} must be {bound} and <= {maximum}. Received: {name}="
    return tf.debugging.Assert(tf.reduce_all(low & (value <= maximum)), [text, value])
