"""The signatures of an exported model, as graph functions of a Keras model."""

import dataclasses

import keras
import tensorflow as tf

from pianoroll_tf.config import MAX_STEPS, NUM_PITCHES, LossConfig, SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation import sampling_loop
from pianoroll_tf.generation.governor import Governor
from pianoroll_tf.generation.likelihood import log_likelihood, marginals
from pianoroll_tf.generation.sampling_options import Options, Shaping, plain_options
from pianoroll_tf.modeling.losses import posterior_logits
from pianoroll_tf.modeling.network import advance, head_of, initial_state

LIMITS = {field.name: field.metadata for field in dataclasses.fields(SamplingConfig)}

PRIMER = tf.TensorSpec([None, None, NUM_PITCHES], tf.uint8, "primer")
STEPS = tf.TensorSpec([], tf.int32, "steps")
SEED = tf.TensorSpec([], tf.int64, "seed")
OPTIONS = [tf.TensorSpec([], tf.float32, name) for name in ("temperature", "top_p", "density")]
DEFAULTS = [float(getattr(SamplingConfig, option.name)) for option in OPTIONS]
METER = tf.TensorSpec([2], tf.int32, "meter")
PLACE = tf.TensorSpec([], tf.int32, "place")
ROLL = tf.TensorSpec([None, None, NUM_PITCHES], tf.uint8, "roll")
ROW_SEEDS = tf.TensorSpec([None], tf.int64, "seed")
ROW_STEPS = tf.TensorSpec([None], tf.int32, "steps")
ROW_BLOCKS = tf.TensorSpec([None], tf.int32, "block")
ROW_METERS = tf.TensorSpec([None, 2], tf.int32, "meter")
ROW_PLACES = tf.TensorSpec([None], tf.int32, "place")
ROW_TEMPERATURE, ROW_TOP_P, ROW_DENSITY = (tf.TensorSpec([None], tf.float32, option.name) for option in OPTIONS)


@dataclasses.dataclass(frozen=True)
class SamplingModel:
    """A trained model with everything that sampling from it needs.

    Attributes:
        model: Made by `build_model`.
        loss: The loss it was trained with, which determines how its posterior is recovered.
        steps_per_beat: Of the grid of beats; None on the grid of seconds.
        governor: Settings of the governor.
        shaping: Shifts of its log-odds.
        meter: Default time signature.
    """

    model: keras.Model
    loss: LossConfig
    steps_per_beat: int | None = None
    governor: Governor = sampling_loop.NO_GOVERNOR
    shaping: Shaping = Shaping()  # noqa: RUF009 (frozen)
    meter: Meter = Meter()  # noqa: RUF009 (frozen)

    @property
    def articulation(self) -> bool:
        """Whether the model decides if a sounding pitch is struck again."""
        return head_of(self.model).articulation

    def network(self) -> sampling_loop.Network:
        """The model in the form that `sampling` needs."""
        head = head_of(self.model)

        def posterior(logits):
            return posterior_logits(self.loss, logits)

        return sampling_loop.Network(
            advance=lambda cells, clock, state: advance(self.model, cells, clock, state),
            drawer=lambda: head.drawer(posterior),
            posterior=posterior,
            steps_per_beat=self.steps_per_beat,
            pitches=head.pitches,
            decisions=head.decisions,
            shaping=self.shaping,
        )

    def state(self, batch) -> tuple:
        """The initial state of the model for `batch` rows."""
        return initial_state(self.model, batch)

    def clock(self, batch) -> tuple[tf.Tensor, tf.Tensor]:
        """`meter` and place 0 for all rows: int32 [batch, 2] and [batch]."""
        return _clock(batch, (self.meter.numerator, self.meter.denominator), 0)


def sample_rows(sampler: SamplingModel, primer, steps, seed, *options) -> tuple[tf.Tensor, tf.Tensor]:
    """`sampling_loop.sample` with one setting for all rows; row i is drawn with seed + i, from the start of a bar.

    Args:
        sampler: The model.
        primer: uint8 [batch, primer_steps >= 0, 84].
        steps: int32 [].
        seed: int64 [].
        *options: temperature, top_p, density, float32 [] each; default: those of `SamplingConfig`.

    Returns:
        (roll uint8 [batch, steps, 84], ends uint8 [batch, steps]).
    """
    batch = tf.shape(primer)[0]
    seeds = tf.cast(seed, tf.int64) + tf.range(tf.cast(batch, tf.int64), dtype=tf.int64)
    temperature, top_p, density = (tf.fill([batch], tf.cast(option, tf.float32)) for option in options or DEFAULTS)
    rows = Options(temperature, top_p, density, *sampler.clock(batch))
    network = sampler.network()
    return sampling_loop.sample(network, sampler.state(batch), primer, steps, seeds, rows, sampler.governor)


def _clock(batch, meter, place) -> tuple[tf.Tensor, tf.Tensor]:
    """One meter and place for all rows: int32 [batch, 2] and [batch]."""
    return tf.tile(tf.cast(meter, tf.int32)[tf.newaxis], [batch, 1]), tf.fill([batch], tf.cast(place, tf.int32))


def make_endpoints(sampler: SamplingModel) -> dict[str, tf.types.experimental.PolymorphicFunction]:
    """The endpoints, traced, in the order in which they are exported.

    Returns:
        `generate` (primer, steps, seed, temperature, top_p, density → roll), `generate_simple` (primer, steps, seed →
        roll) with the defaults of `SamplingConfig` in 4/4; those of `make_likelihoods`,
        `make_row_generators` and `make_block_endpoints`.
    """
    endpoints = make_generators(sampler) | make_likelihoods(sampler)
    endpoints |= make_row_generators(sampler) | make_block_endpoints(sampler)
    for function in endpoints.values():
        function.get_concrete_function()
    return endpoints


def make_generators(sampler: SamplingModel) -> dict[str, tf.types.experimental.PolymorphicFunction]:
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
        return {"roll": sample_rows(sampler, primer, steps, seed, temperature, top_p, density)[0]}

    @tf.function(input_signature=[PRIMER, STEPS, SEED], autograph=False)
    def generate_simple(primer, steps, seed):
        return generate(primer, steps, seed, *map(tf.constant, DEFAULTS))

    return {"generate": generate, "generate_simple": generate_simple}


def make_likelihoods(sampler: SamplingModel) -> dict[str, tf.types.experimental.PolymorphicFunction]:
    """Probabilities of given music, without governor and shaping; not yet traced.

    Returns:
        `predict` (roll → probability float32 [batch, T, 84]): marginal probability that each pitch sounds at the
        step after each step of `roll`, from the start of a bar. In training a piece is preceded by one silent step: put
        one first to get the probabilities of the first step too. `log_likelihood` (roll,
        meter, place → cells, strikes, ends float32 [batch, T]): nats of each step of `roll` given the steps before it
        and one silent step before the piece; `ends` is the log-probability that the piece ends with the step.
    """
    network, head = sampler.network(), head_of(sampler.model)

    def hidden(frames, meter, place):
        return sampling_loop.read(network, sampler.state(tf.shape(frames)[0]), frames, meter, place)[0]

    @tf.function(input_signature=[ROLL], autograph=False)
    def predict(roll):
        cells = sampling_loop.states_of(roll)
        meter, place = sampler.clock(tf.shape(cells)[0])
        return {"probability": marginals(head, network, hidden(cells, meter, place + 1), cells)}

    @tf.function(input_signature=[ROLL, METER, PLACE], autograph=False)
    def likelihood(roll, meter, place):
        with tf.control_dependencies(_clock_checks(meter, place)):
            cells = sampling_loop.states_of(roll)
        before, clock = sampling_loop.after_silence(cells)[:, :-1], _clock(tf.shape(cells)[0], meter, place)
        return log_likelihood(head, network, hidden(before, *clock), cells)

    return {"predict": predict, "log_likelihood": likelihood}


def make_row_generators(sampler: SamplingModel) -> dict[str, tf.types.experimental.PolymorphicFunction]:
    """Generation in which the batch is the first axis of each input; not yet traced.

    So a server without knowledge of the model can batch requests, and clients can send them row by row.

    Returns:
        `generate_rows` (primer, steps, seed, temperature, top_p, density → roll), and `compose_rows`, the same without
        a primer, which JSON cannot express: a list without steps has no axis of pitches. All rows are drawn as long as
        the longest requested; a shorter row is silent after its requested length.
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
        batch = tf.shape(primer)[0]
        options, state = Options(temperature, top_p, density, *sampler.clock(batch)), sampler.state(batch)
        drawn = sampling_loop.sample(sampler.network(), state, primer, longest, seed, options, sampler.governor)
        return {"roll": drawn[0] * tf.sequence_mask(steps, longest, tf.uint8)[:, :, tf.newaxis]}

    @tf.function(input_signature=settings, autograph=False)
    def compose_rows(steps, seed, temperature, top_p, density):
        silence = tf.zeros([tf.shape(steps)[0], 0, NUM_PITCHES], tf.uint8)
        return generate_rows(silence, steps, seed, temperature, top_p, density)

    return {"generate_rows": generate_rows, "compose_rows": compose_rows}


def make_block_endpoints(sampler: SamplingModel) -> dict[str, tf.types.experimental.PolymorphicFunction]:
    """Generation in blocks of any length, with explicit state; not yet traced.

    Every row has its own seed, position and settings, so different requests can share a batch, and rows can join and
    leave between two calls. Values are not checked, because XLA has no assertions.

    Returns:
        `begin` (primer, density, meter, place → next_state), `uniforms` (seed, block → numbers) and `draw` (state,
        numbers, temperature, top_p → roll, ends, next_state), with `state` float32 [batch, size].
    """
    network, governor = sampler.network(), sampler.governor
    silence = tf.zeros([1, 0, NUM_PITCHES], tf.uint8)
    like = sampling_loop.begin(network, sampler.state(1), silence, plain_options(1), governor)
    state_spec = tf.TensorSpec([None, sampling_loop.pack_state(like).shape[1]], tf.float32, "state")
    numbers_spec = tf.TensorSpec([None, None, network.decisions], tf.float32, "numbers")

    @tf.function(input_signature=[PRIMER, ROW_DENSITY, ROW_METERS, ROW_PLACES], autograph=False)
    def begin(primer, density, meter, place):
        options = Options(density, density, density, meter, place)
        state = sampler.state(tf.shape(primer)[0])
        return {"next_state": sampling_loop.pack_state(sampling_loop.begin(network, state, primer, options, governor))}

    @tf.function(input_signature=[ROW_SEEDS, ROW_BLOCKS], autograph=False)
    def uniforms(seed, block):
        return {"numbers": sampling_loop.uniforms(seed, block, network.decisions)}

    @tf.function(input_signature=[state_spec, numbers_spec, ROW_TEMPERATURE, ROW_TOP_P], autograph=False)
    def draw(state, numbers, temperature, top_p):
        sampling_state = sampling_loop.unpack_state(state, like)
        roll, ends, sampling_state = sampling_loop.draw(network, sampling_state, numbers, temperature, top_p, governor)
        return {"roll": roll, "ends": ends, "next_state": sampling_loop.pack_state(sampling_state)}

    return {"begin": begin, "uniforms": uniforms, "draw": draw}


def _clock_checks(meter: tf.Tensor, place: tf.Tensor) -> list[tf.Operation]:
    """Assertions that time signatures and places in the bar are within their limits."""
    return [
        _within("meter", meter, minimum=1, maximum=64),
        _within("place", place, minimum=0, maximum=MAX_STEPS),
    ]


def _within(name: str, value: tf.Tensor, minimum=None, above=None, maximum=None, **_) -> tf.Operation:
    """An assertion in the graph that all numbers are within their limits; NaN is not."""
    low = value > above if minimum is None else value >= minimum
    bound = f"> {above}" if minimum is None else f">= {minimum}"
    text = f"{name} must be {bound} and <= {maximum}. Received: {name}="
    return tf.debugging.Assert(tf.reduce_all(low & (value <= maximum)), [text, value])
