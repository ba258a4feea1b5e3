"""The endpoints of a tiny model, in Python before any export."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tiny_export import tiny_config, tiny_model

from pianoroll_tf.config import MAX_STEPS, SamplingConfig
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation.endpoints import SamplingModel, make_endpoints, sample_rows
from pianoroll_tf.generation.governor import Governor
from pianoroll_tf.generation.steering import Chord, PitchRange, Steering
from pianoroll_tf.modeling.losses import posterior_logits
from pianoroll_tf.modeling.nade import plain_thresholds

RNG = np.random.default_rng(0)
ROLL = as_states((RNG.random((2, 9, 84)) < 0.1) * RNG.integers(1, 3, (2, 9, 84)))
DEFAULTS = {"temperature": SamplingConfig.temperature, "top_p": 1.0, "density": 1.0}
CLOCK = {"meter": tf.constant([4, 4]), "place": tf.constant(0)}


@pytest.fixture(scope="module", params=["bce", "focal"])
def tiny(request):
    config = tiny_config(request.param)
    model = tiny_model(config)
    sampler = SamplingModel(model, config.loss, governor=Governor(0.3, 0.5, 4.0))
    return model, config.loss, make_endpoints(sampler)


def ask(endpoint, primer, steps, seed, **options):
    options = {name: tf.constant(value, tf.float32) for name, value in options.items()}
    return endpoint(primer, tf.constant(steps), tf.constant(seed, tf.int64), **options)["roll"].numpy()


def whole(model, loss, before, cells):
    """Log-odds of the posterior of all decisions of known steps."""
    given = {"inputs": before, "clock": np.zeros(before.shape[:2], np.int32), "targets": cells}
    return posterior_logits(loss, model(given))


def test_predict_is_the_marginal_posterior_of_the_model_whatever_the_governor(tiny):
    model, loss, endpoints = tiny
    found = endpoints["predict"](tf.constant(ROLL))["probability"]
    # A fresh nade head passes nothing from note to note, so its conditionals are its marginals.
    expected = tf.sigmoid(whole(model, loss, ROLL, np.zeros_like(ROLL))).numpy()
    np.testing.assert_allclose(found, expected[..., :84], atol=1e-6)


def test_marginals_of_a_head_that_draws_chords_are_its_frequencies():
    config = tiny_config()
    model = tiny_model(config)
    head = model.get_layer("head")
    head.triangle.assign(np.triu(np.full((84, 84), 0.1), 1))
    head.bias.assign(np.concatenate([np.zeros(4), np.full(84, -3.5), np.zeros(85)]))
    sampler = SamplingModel(model, config.loss)
    found = make_endpoints(sampler)["predict"](tf.constant(ROLL[:1, :1]))["probability"][0, 0].numpy()
    # The same step drawn often, after the same silent step and first step.
    rows = np.repeat(ROLL[:1, :1], 4000, axis=0)
    silent_first = model_reads_no_silent_step(sampler, rows)
    np.testing.assert_allclose(found, silent_first.mean(axis=0), atol=0.03)
    assert abs(found.mean() - silent_first.mean()) < 0.004


def model_reads_no_silent_step(sampler, rows):
    """The step after `rows`, drawn, uint8 0 or 1 [rows, 84]; `predict` reads no silent step before a roll."""
    network, head = sampler.network(), sampler.model.get_layer("head")
    hidden, _ = network.advance(tf.constant(rows), tf.zeros(rows.shape[:2], tf.int32), network.initial(len(rows)))
    numbers = np.random.default_rng(1).random((len(rows), head.decisions)).astype(np.float32)
    held, thresholds = tf.constant(rows[:, -1] != 0), plain_thresholds(numbers, 84)
    cells, _ = head.drawer(lambda logits: logits, False)(hidden[:, -1], held, thresholds)
    return cells.numpy() != 0


def test_log_likelihood_is_that_of_each_step_after_silence(tiny):
    model, loss, endpoints = tiny
    found = endpoints["log_likelihood"](tf.constant(ROLL), **CLOCK)
    before = np.concatenate([np.zeros_like(ROLL[:, :1]), ROLL[:, :-1]], axis=1)
    logits = whole(model, loss, before, ROLL).numpy()
    nats = -np.logaddexp(0, np.where(ROLL != 0, -1, 1) * logits[..., :84]).sum(axis=-1)
    np.testing.assert_allclose(found["cells"], nats, rtol=1e-4)
    again = -np.logaddexp(0, np.where(ROLL == 2, -1, 1) * logits[..., 84:-1])
    np.testing.assert_allclose(found["strikes"], (again * ((before != 0) & (ROLL != 0))).sum(axis=-1), rtol=1e-4)
    np.testing.assert_allclose(found["ends"], -np.logaddexp(0, -logits[..., -1]), rtol=1e-4)


def test_simple_has_the_defaults(tiny):
    *_, endpoints = tiny
    np.testing.assert_array_equal(
        ask(endpoints["generate_simple"], ROLL, 20, 3), ask(endpoints["generate"], ROLL, 20, 3, **DEFAULTS)
    )


def test_rows_have_seeds_of_their_own_and_are_the_same_alone(tiny):
    *_, endpoints = tiny
    nothing = np.zeros((3, 0, 84), np.uint8)
    rolls = ask(endpoints["generate"], nothing, 100, 5, **DEFAULTS)
    for row in range(3):
        np.testing.assert_array_equal(ask(endpoints["generate"], nothing[:1], 100, 5 + row, **DEFAULTS)[0], rolls[row])
    assert not np.array_equal(rolls[0], rolls[1])


def test_a_governor_that_governs_nothing_leaves_the_model_as_it_is(tiny):
    model, loss, _ = tiny
    nothing = tf.zeros([8, 0, 84], tf.uint8)
    roll, ends = tf.function(lambda: sample_rows(SamplingModel(model, loss), nothing, 1, 0, 1.0, 1.0, 1.0))()
    silence = np.zeros((8, 1, 84), np.uint8)
    first = tf.sigmoid(whole(model, loss, silence, roll.numpy())[:, 0]).numpy()
    numbers = np.stack(
        [tf.random.stateless_uniform([256, 169], tf.constant([row, 0], tf.int64), alg="philox")[0] for row in range(8)]
    )
    np.testing.assert_array_equal(roll[:, 0] != 0, numbers[:, :84] < first[:, :84])
    np.testing.assert_array_equal(ends[:, 0], numbers[:, -1] < first[:, -1])


def test_parts_draw_what_generate_draws_however_it_is_cut(tiny):
    *_, endpoints = tiny
    settings = {"temperature": 1.3, "top_p": 0.9, "density": 0.7}
    temperature, top_p, density = (tf.fill([2], value) for value in settings.values())
    clock = tf.constant([[4, 4]] * 2), tf.constant([0, 0])
    state = endpoints["begin"](tf.constant(ROLL), density, *clock)["next_state"]
    seeds = tf.constant([3, 4], tf.int64)
    blocks = [endpoints["uniforms"](seeds, tf.fill([2], block))["numbers"] for block in (0, 1)]
    numbers, rolls = tf.concat(blocks, axis=1), []
    for first, last in [(0, 1), (1, 8), (8, 250), (250, 270)]:
        answer = endpoints["draw"](state, numbers[:, first:last], temperature, top_p)
        state = answer["next_state"]
        rolls.append(answer["roll"])
    expected = ask(endpoints["generate"], ROLL, 270, 3, **settings)
    np.testing.assert_array_equal(tf.concat(rolls, axis=1), expected)


@pytest.fixture(scope="module", params=["nade", "independent"])
def parts(request):
    """The endpoints of a model whose notes depend on each other, where the head can express it."""
    config = tiny_config()
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, head=request.param))
    model = tiny_model(config)
    if request.param == "nade":
        head = model.get_layer("head")
        head.triangle.assign(np.triu(np.full((84, 84), 0.1), 1))
        head.out.assign(np.random.default_rng(1).normal(0, 0.3, head.out.shape))
    return make_endpoints(SamplingModel(model, config.loss, governor=Governor(0.0, 0.5, 8.0)))


SEEDS = 24
STEERINGS = [
    Steering(),
    Steering(lowest=48, highest=72, scale=(0, 2, 4, 5, 7, 9, 11), polyphony=3),
    Steering(chords=(Chord(0, (0, 4, 7)), Chord(9, (5, 9, 0)), Chord(30, (7, 11, 2))), silent=(PitchRange(60, 71),)),
    Steering(lowest=60, highest=60),
    Steering(polyphony=1),
]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_no_row_ever_leaves_its_limits_whatever_the_seed_and_the_others(parts, jit_compile):
    steps, primer = 64, np.repeat(ROLL[:1], SEEDS, axis=0)
    rows = [STEERINGS[row % len(STEERINGS)] for row in range(SEEDS)]
    allowed = np.stack([steering.allowed(0, steps) for steering in rows])
    most = np.array([steering.polyphony for steering in rows], np.int32)
    one = tf.ones([SEEDS])
    state = parts["begin"](primer, one, tf.tile([[4, 4]], [SEEDS, 1]), tf.zeros([SEEDS], tf.int32))["next_state"]
    numbers = parts["uniforms"](tf.range(SEEDS, dtype=tf.int64), tf.zeros([SEEDS], tf.int32))["numbers"][:, :steps]

    def wrap(name):
        return tf.function(lambda *inputs: parts[name](*inputs), jit_compile=jit_compile, autograph=False)

    limits = tf.constant(allowed, tf.uint8), tf.constant(most)
    steered = wrap("draw_steered")(state, numbers, one, one, *limits)["roll"].numpy()
    assert not steered[~allowed].any()
    assert ((steered != 0).sum(axis=2) <= most[:, np.newaxis]).all()
    assert steered.any(axis=(1, 2)).all()  # none is silent
    free = wrap("draw")(state, numbers, one, one)["roll"].numpy()
    plain = np.array([steering.is_free for steering in rows])
    assert ((free != 0).sum(axis=2).max(axis=1) > 3).all()  # so that the limits matter
    assert (free[~plain] != steered[~plain]).any(axis=(1, 2)).all()


def test_rows_without_limits_are_as_if_drawn_without_them(parts):
    one, steps = tf.ones([2]), 64
    sampler = parts["begin"](ROLL, one, tf.constant([[4, 4]] * 2), tf.zeros([2], tf.int32))["next_state"]
    numbers = parts["uniforms"](tf.constant([3, 4], tf.int64), tf.zeros([2], tf.int32))["numbers"][:, :steps]
    limits = tf.ones([2, steps, 84], tf.uint8), tf.constant([84, 84])
    free = parts["draw"](sampler, numbers[:, :16], one, one)["roll"]
    steered = parts["draw_steered"](sampler, numbers, one, one, *limits)["roll"][:, :16]
    assert (free.numpy() != steered.numpy()).mean() < 0.05  # its density controller only thins
    np.testing.assert_array_equal(free[:, 0], steered[:, 0])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"steps": 0}, f"steps must be >= 1 and <= {MAX_STEPS}. Received: steps="),
        ({"steps": MAX_STEPS + 1}, "steps must be"),
        ({"seed": -1}, "seed must be >= 0"),
        ({"seed": 2**63 - 1}, "seed of the last row must be"),
        ({"temperature": float("nan")}, "temperature must be >= 0.05 and <= 20.0"),
        ({"temperature": 0.0}, "temperature must be"),
        ({"top_p": 0.0}, "top_p must be > 0.0 and <= 1.0"),
        ({"top_p": 1.1}, "top_p must be"),
        ({"density": float("inf")}, "density must be"),
    ],
)
def test_values_that_are_not_allowed(tiny, changes, text):
    *_, endpoints = tiny
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        ask(endpoints["generate"], ROLL, **({"steps": 1, "seed": 0} | DEFAULTS | changes))
    assert text in str(caught.value)


def test_the_last_seeds_are_drawn(tiny):
    *_, endpoints = tiny
    assert ask(endpoints["generate"], ROLL, 1, 2**63 - 2, **DEFAULTS).shape == (2, 1, 84)


def test_nothing_is_compiled_by_xla(tiny):
    *_, endpoints = tiny
    for endpoint in endpoints.values():
        graph = endpoint.get_concrete_function().graph.as_graph_def()
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        attributes = [function.attr for function in graph.library.function] + [node.attr for node in nodes]
        assert not [node.op for node in nodes if "Xla" in node.op]
        assert not any(attr["_XlaMustCompile"].b for attr in attributes if "_XlaMustCompile" in attr)


def test_rows_of_a_batch_have_all_of_their_own_and_are_silent_after_their_end(tiny):
    *_, endpoints = tiny
    rows = [
        {"steps": 30, "seed": 3, "temperature": 1.0, "top_p": 1.0, "density": 1.0},
        {"steps": 9, "seed": 1, "temperature": 0.5, "top_p": 0.8, "density": 2.0},
    ]
    kinds = {"steps": tf.int32, "seed": tf.int64}
    columns = {name: tf.constant([row[name] for row in rows], kinds.get(name, tf.float32)) for name in rows[0]}
    together = endpoints["generate_rows"](tf.constant(ROLL), **columns)["roll"].numpy()
    assert together.shape == (2, 30, 84)
    for roll, primer, row in zip(together, ROLL, rows, strict=True):
        alone = ask(endpoints["generate"], primer[np.newaxis], **row)[0]
        np.testing.assert_array_equal(roll[: row["steps"]], alone)
        assert not roll[row["steps"] :].any()
    composed = endpoints["compose_rows"](**columns)["roll"].numpy()
    np.testing.assert_array_equal(composed[0], ask(endpoints["generate"], ROLL[:1, :0], **rows[0])[0])


@pytest.mark.parametrize("name", ["steps", "seed", "temperature", "top_p", "density"])
def test_one_row_that_is_not_allowed_is_refused(tiny, name):
    *_, endpoints = tiny
    columns = {"steps": [1, 1], "seed": [0, 0], "temperature": [1, 1], "top_p": [1, 1], "density": [1, 1]}
    columns[name] = [1, -1]
    kinds = {"steps": tf.int32, "seed": tf.int64}
    tensors = {key: tf.constant(value, kinds.get(key, tf.float32)) for key, value in columns.items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} must be"):
        endpoints["compose_rows"](**tensors)
