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

Endpoints = dict[str, tf.types.experimental.PolymorphicFunction]

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
ROW_ALLOWED = tf.TensorSpec([None, None, NUM_PITCHES], tf.uint8, "allowed")
ROW_POLYPHONY = tf.TensorSpec([None], tf.int32, "polyphony")
ROW_TEMPERATURE, ROW_TOP_P, ROW_DENSITY = (tf.TensorSpec([None], tf.float32, option.name) for option in OPTIONS)


@dataclasses.dataclass(frozen=True)
class SamplingModel:
    """A trained model, made by `build_model`, with everything that sampling from it needs.

    Attributes:
        loss: The loss it was trained with, which determines how its posterior is recovered.
        steps_per_beat: Of the grid of beats; None on the grid of seconds.
        shaping: Shifts of its log-odds.
        meter: Default time signature.
    """

    model: keras.Model
    loss: LossConfig
    steps_per_beat: int | None = None
    governor: Governor = Governor()  # noqa: RUF009 (frozen)
    shaping: Shaping = Shaping()  # noqa: RUF009 (frozen)
    meter: Meter = Meter()  # noqa: RUF009 (frozen)

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
            decisions=head.decisions,
            initial=lambda rows: initial_state(self.model, rows),
            shape=self.shaping.rows,
            governor=self.governor,
        )

    def clock(self, batch, meter=None, place=0) -> tuple[tf.Tensor, tf.Tensor]:
        """One meter, by default the model's, and place for all rows: int32 [batch, 2] and [batch]."""
        meter = tf.cast((self.meter.numerator, self.meter.denominator) if meter is None else meter, tf.int32)
        return tf.tile(meter[tf.newaxis], [batch, 1]), tf.fill([batch], tf.cast(place, tf.int32))

    def sample(self, primer, steps, seeds, temperature, top_p, density) -> tuple[tf.Tensor, tf.Tensor]:
        """`sampling_loop.sample` from the start of a bar."""
        options = Options(temperature, top_p, density, *self.clock(tf.shape(primer)[0]))
        return sampling_loop.sample(self.network(), primer, steps, seeds, options)


def sample_rows(sampler: SamplingModel, primer, steps, seed, *options) -> tuple[tf.Tensor, tf.Tensor]:
    """Samples from the start of a bar with one setting for all rows; row i is drawn with seed + i.

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
    return sampler.sample(primer, steps, seeds, temperature, top_p, density)


def make_endpoints(sampler: SamplingModel) -> Endpoints:
    """All endpoints, traced, in the order in which they are exported."""
    endpoints = _generators(sampler) | _likelihoods(sampler) | _row_generators(sampler) | _block_endpoints(sampler)
    for function in endpoints.values():
        function.get_concrete_function()
    return endpoints


def _generators(sampler: SamplingModel) -> Endpoints:
    """Generation with one setting for all rows.

    `generate` (primer, steps, seed, temperature, top_p, density → roll), and `generate_simple` (primer, steps, seed →
    roll) with the defaults of `SamplingConfig`.
    """

    @tf.function(input_signature=[PRIMER, STEPS, SEED, *OPTIONS], autograph=False)
    def generate(primer, steps, seed, temperature, top_p, density):
        last = seed + tf.maximum(tf.shape(primer, tf.int64)[0] - 1, 0)  # negative where it is too large
        checks = _checks(steps, seed, temperature=temperature, top_p=top_p, density=density)
        checks += [_within("seed of the last row", last, minimum=0, maximum=SEED.dtype.max)]
        with tf.control_dependencies(checks):
            steps = tf.identity(steps)
        return {"roll": sample_rows(sampler, primer, steps, seed, temperature, top_p, density)[0]}

    @tf.function(input_signature=[PRIMER, STEPS, SEED], autograph=False)
    def generate_simple(primer, steps, seed):
        return generate(primer, steps, seed, *map(tf.constant, DEFAULTS))

    return {"generate": generate, "generate_simple": generate_simple}


def _likelihoods(sampler: SamplingModel) -> Endpoints:
    """Probabilities of given music, without governor and shaping; `MusicModel` has methods of the same names.

    `predict` (roll → probability float32 [batch, T, 84]), from the start of a bar; `log_likelihood` (roll, meter, place
    → cells, strikes, ends float32 [batch, T]).
    """
    network, head = sampler.network(), head_of(sampler.model)

    @tf.function(input_signature=[ROLL], autograph=False)
    def predict(roll):
        cells = sampling_loop.states_of(roll)
        hidden, *_ = sampling_loop.read(network, cells, *sampler.clock(tf.shape(cells)[0], place=1))
        return {"probability": marginals(head, network, hidden, cells)}

    @tf.function(input_signature=[ROLL, METER, PLACE], autograph=False)
    def likelihood(roll, meter, place):
        checks = [_within("meter", meter, minimum=1, maximum=64), _within("place", place, minimum=0, maximum=MAX_STEPS)]
        with tf.control_dependencies(checks):
            cells = sampling_loop.states_of(roll)
        before = sampling_loop.after_silence(cells)[:, :-1]
        hidden, *_ = sampling_loop.read(network, before, *sampler.clock(tf.shape(cells)[0], meter, place))
        return log_likelihood(head, network, hidden, cells)

    return {"predict": predict, "log_likelihood": likelihood}


def _row_generators(sampler: SamplingModel) -> Endpoints:
    """Generation in which the batch is the first axis of each input, so that any server can batch requests.

    `generate_rows` (primer, steps, seed, temperature, top_p, density → roll), and `compose_rows`, the same without a
    primer, which JSON cannot express: a list without steps has no axis of pitches. All rows are drawn as long as the
    longest requested; a shorter row is silent after its requested length.
    """
    settings = [ROW_STEPS, ROW_SEEDS, ROW_TEMPERATURE, ROW_TOP_P, ROW_DENSITY]

    @tf.function(input_signature=[PRIMER, *settings], autograph=False)
    def generate_rows(primer, steps, seed, temperature, top_p, density):
        with tf.control_dependencies(_checks(steps, seed, temperature=temperature, top_p=top_p, density=density)):
            longest = tf.maximum(tf.reduce_max(steps), 1)
        roll, _ = sampler.sample(primer, longest, seed, temperature, top_p, density)
        return {"roll": roll * tf.sequence_mask(steps, longest, tf.uint8)[:, :, tf.newaxis]}

    @tf.function(input_signature=settings, autograph=False)
    def compose_rows(steps, seed, temperature, top_p, density):
        silence = tf.zeros([tf.shape(steps)[0], 0, NUM_PITCHES], tf.uint8)
        return generate_rows(silence, steps, seed, temperature, top_p, density)

    return {"generate_rows": generate_rows, "compose_rows": compose_rows}


def _block_endpoints(sampler: SamplingModel) -> Endpoints:
    """Generation in blocks of any length, with explicit state, in which rows can join and leave between two calls.

    `begin` (primer, density, meter, place → next_state), `uniforms` (seed, block → numbers) and `draw` (state, numbers,
    temperature, top_p → roll, ends, next_state), with `state` float32 [batch, size]. `draw_steered` also has inputs
    `allowed` and `polyphony`, see `sampling_loop.Limits`; without limits it gives the same rolls, in more time. Values
    are not checked, because XLA has no assertions.
    """
    network, silence = sampler.network(), tf.zeros([1, 0, NUM_PITCHES], tf.uint8)
    like = sampling_loop.begin(network, silence, plain_options(1))
    state_spec = tf.TensorSpec([None, sampling_loop.pack_state(like).shape[1]], tf.float32, "state")
    numbers_spec = tf.TensorSpec([None, None, network.decisions], tf.float32, "numbers")

    @tf.function(input_signature=[PRIMER, ROW_DENSITY, ROW_METERS, ROW_PLACES], autograph=False)
    def begin(primer, density, meter, place):
        options = Options(density, density, density, meter, place)
        return {"next_state": sampling_loop.pack_state(sampling_loop.begin(network, primer, options))}

    @tf.function(input_signature=[ROW_SEEDS, ROW_BLOCKS], autograph=False)
    def uniforms(seed, block):
        return {"numbers": sampling_loop.uniforms(seed, block, network.decisions)}

    def drawn(state, *inputs):
        before = sampling_loop.unpack_state(state, like)
        (cells, ends), after = sampling_loop.draw(network, before, *inputs)
        roll = tf.transpose(cells, [1, 0, 2])
        return {"roll": roll, "ends": tf.transpose(ends), "next_state": sampling_loop.pack_state(after)}

    @tf.function(input_signature=[state_spec, numbers_spec, ROW_TEMPERATURE, ROW_TOP_P], autograph=False)
    def draw(state, numbers, temperature, top_p):
        return drawn(state, numbers, temperature, top_p)

    @tf.function(
        input_signature=[state_spec, numbers_spec, ROW_TEMPERATURE, ROW_TOP_P, ROW_ALLOWED, ROW_POLYPHONY],
        autograph=False,
    )
    def draw_steered(state, numbers, temperature, top_p, allowed, polyphony):
        limits = sampling_loop.Limits(allowed != 0, polyphony)
        return drawn(state, numbers, temperature, top_p, limits)

    return {"begin": begin, "uniforms": uniforms, "draw": draw, "draw_steered": draw_steered}


def _checks(steps: tf.Tensor, seed: tf.Tensor, **options: tf.Tensor) -> list[tf.Operation]:
    """Assertions that what to generate is within its limits."""
    checks = [_within("steps", steps, minimum=1, maximum=MAX_STEPS)]
    checks.append(_within("seed", seed, minimum=0, maximum=SEED.dtype.max))
    return checks + [_within(name, value, **LIMITS[name]) for name, value in options.items()]


def _within(name: str, value: tf.Tensor, minimum=None, above=None, maximum=None, **_) -> tf.Operation:
    """An assertion in the graph that all numbers are within their limits; NaN is not."""
    low = value > above if minimum is None else value >= minimum
    bound = f"> {above}" if minimum is None else f">= {minimum}"
    text = f"{name} must be {bound} and <= {maximum}. Received: {name}="
    return tf.debugging.Assert(tf.reduce_all(low & (value <= maximum)), [text, value])
