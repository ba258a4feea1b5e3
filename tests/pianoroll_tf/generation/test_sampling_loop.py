"""The sampler with models that can be worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.data.clock import Meter, clock_codes
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation import sampling_loop
from pianoroll_tf.generation.governor import ControllerState, Governor, Reference
from pianoroll_tf.generation.sampling_loop import (
    BLOCK_STEPS,
    MAX_HELD,
    Clock,
    Limits,
    Network,
    SamplingState,
    begin,
    limit_polyphony,
    pack_state,
    sample,
    states_of,
    uniforms,
    unpack_state,
)
from pianoroll_tf.generation.sampling_options import Options, Shaping, Table

SURE = 100.0


def network(next_logits, steps_per_beat=None, shaping=Shaping()):  # noqa: B008 (frozen)
    """A model of independent cells, from a function of (what sounds float32 [batch, time, 84], state)."""

    def advance(cells, clock, state):
        return next_logits(tf.cast(cells != 0, tf.float32), state)

    def draw(hidden, held, thresholds):
        sounds = hidden > thresholds.sounds
        cells = tf.cast(sounds, tf.uint8) + tf.cast(sounds & ~held, tf.uint8)
        return cells, tf.zeros(tf.shape(hidden)[:1], tf.bool)

    return Network(advance, lambda: draw, lambda logits: logits, steps_per_beat, 84, lambda rows: (), shaping.rows)


def options_of(rows, temperature=1.0, top_p=1.0, density=1.0, meter=(4, 4), place=0):
    numbers = [tf.fill([rows], tf.constant(value, tf.float32)) for value in (temperature, top_p, density)]
    return Options(*numbers, tf.tile([meter], [rows, 1]), tf.fill([rows], place))


def draw(next_logits, state, primer, steps, seeds, eager=False, governor=Governor(), **settings):  # noqa: B008
    """What sounds, 0 or 1, uint8 [rows, steps, 84]."""
    made = next_logits if isinstance(next_logits, Network) else network(next_logits)
    made = made._replace(governor=governor, initial=lambda rows: state)

    def piece():
        seed = tf.constant(seeds, tf.int64)
        return sample(made, primer, tf.constant(steps), seed, options_of(len(seeds), **settings))[0]

    cells = (piece if eager else tf.function(piece, autograph=False))().numpy()
    assert cells.dtype == np.uint8
    return (cells != 0).astype(np.uint8)


def constant(logits):
    """A model that always answers the same."""
    logits = tf.constant(logits, tf.float32)
    return lambda frames, state: (tf.broadcast_to(logits, tf.shape(frames)), state)


def counting(frames, state):
    """A model that is sure of pitch n after n frames; its state is n, [batch]."""
    seen = state[:, None] + tf.range(1, tf.shape(frames)[1] + 1)
    return SURE * (2 * tf.one_hot(seen, 84) - 1), seen[:, -1]


def nothing(rows=1):
    return tf.zeros([rows, 0, 84], tf.uint8)


def test_steps_for_which_a_pitch_sounds_are_counted_through_primer_and_music():
    primer = np.zeros([1, 12, 84], np.uint8)
    primer[0, 9:, 0] = 1  # three steps
    primer[0, :, 1] = 1  # longer than is counted
    primer[0, :11, 2] = 1  # released
    lengths = Table((0.0, 1.0), (((0.0,) * 3 + (-2 * SURE,),) * 2))
    made = network(constant([SURE, SURE] + [-SURE] * 82), shaping=Shaping(lengths=lengths))
    state = begin(made._replace(initial=lambda rows: ()), tf.constant(primer), options_of(1))
    assert state.held[0, :4].numpy().tolist() == [3, MAX_HELD, 0, 0]
    roll = draw(made, (), tf.constant(primer), 8, [0])[0]
    assert roll[:, 0].tolist() == [1, 0, 1, 1, 1, 1, 0, 1]  # released after four steps
    assert roll[:, 1].tolist() == [1] * 8


def test_state_is_carried_and_the_silent_step_and_the_primer_are_read_first():
    roll = draw(counting, tf.zeros([1], tf.int32), tf.zeros([1, 4, 84], tf.uint8), 6, [0])
    assert roll.shape == (1, 6, 84)
    assert roll.sum() == 6
    assert roll[0].argmax(-1).tolist() == [5, 6, 7, 8, 9, 10]  # 1 silent step + 4 steps of primer came before


def test_calls_are_one_for_the_primer_and_one_a_step():
    calls = []

    def spy(frames, state):
        calls.append(frames.numpy())
        return counting(frames, state)

    primer = tf.one_hot([[70, 80]], 84)
    draw(spy, tf.zeros([1], tf.int32), primer, 2, [0], eager=True)
    assert [call.shape for call in calls] == [(1, 3, 84), (1, 1, 84), (1, 1, 84)]
    assert not calls[0][0, 0].any()
    assert calls[0][0, 1:].argmax(-1).tolist() == [70, 80]
    assert [call.argmax() for call in calls[1:]] == [3, 4]  # what was drawn


def test_any_cell_of_the_primer_that_is_not_zero_sounds():
    primer = np.random.default_rng(0).choice([0, 1, 255], size=(1, 9, 84)).astype(np.uint8)
    repeat = lambda frames, state: (SURE * (2 * frames - 1), state)  # noqa: E731
    roll = draw(repeat, (), tf.constant(primer), 2, [0])
    np.testing.assert_array_equal(roll[0], [primer[0, -1] != 0] * 2)


def test_notes_are_drawn_where_the_numbers_of_the_seed_are_below_the_probability():
    logits = np.linspace(-4, 4, 84)
    steps, seeds = BLOCK_STEPS + 3, [7, 2**62]
    roll = draw(constant(logits), (), nothing(2), steps, seeds)
    for row, seed in enumerate(seeds):
        numbers = [
            tf.random.stateless_uniform([BLOCK_STEPS, 84], tf.constant([seed, block], tf.int64), alg="philox").numpy()
            for block in (0, 1)
        ]
        oracle = np.concatenate(numbers)[:steps] < 1 / (1 + np.exp(-logits))
        np.testing.assert_array_equal(roll[row], oracle)


def test_what_a_seed_means_never_changes():
    roll = draw(constant(np.full(84, -3.5)), (), nothing(), 3, [0])
    assert [np.flatnonzero(step).tolist() for step in roll[0]] == [[32, 55], [38, 56, 80], [51, 60, 77]]


def test_rows_are_the_same_alone_in_a_batch_and_in_any_order():
    model = constant(np.zeros(84))
    together = draw(model, (), nothing(3), 300, [5, 6, 7])
    for row, seed in enumerate([5, 6, 7]):
        np.testing.assert_array_equal(draw(model, (), nothing(), 300, [seed])[0], together[row])
    np.testing.assert_array_equal(draw(model, (), nothing(2), 300, [7, 5]), together[[2, 0]])
    assert (together[0] != together[1]).mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("steps", [1, BLOCK_STEPS - 1, BLOCK_STEPS, BLOCK_STEPS + 1])
def test_a_shorter_piece_is_the_begin_of_a_longer_one(steps):
    model = constant(np.zeros(84))
    longer = draw(model, (), nothing(), 2 * BLOCK_STEPS + 1, [3])
    np.testing.assert_array_equal(draw(model, (), nothing(), steps, [3]), longer[:, :steps])


def test_blocks_have_their_own_numbers():
    first, second = (uniforms(tf.constant([1], tf.int64), tf.constant([block]), 84).numpy() for block in (0, 1))
    assert (first != second).mean() > 0.99
    assert first.min() >= 0
    assert first.max() < 1


def test_what_a_seed_means_does_not_change():
    numbers = uniforms(tf.constant([7], tf.int64), tf.constant([1]), 84).numpy()
    assert numbers.shape == (1, 256, 84)
    np.testing.assert_array_equal(numbers[0, 0, :2], np.float32([0.040120720863342285, 0.5423469543457031]))
    assert numbers[0, -1, -1] == np.float32(0.23400533199310303)


def test_frequencies_are_the_probabilities():
    probability = np.linspace(0.001, 0.999, 84)
    roll = draw(constant(np.log(probability / (1 - probability))), (), nothing(16), 2000, list(range(16)))
    deviation = np.sqrt(probability * (1 - probability) / 32000)
    assert np.abs((roll.mean((0, 1)) - probability) / deviation).max() < 5


def test_graph_and_eager_draw_the_same():
    initial_controller_state, primer = tf.zeros([2], tf.int32), tf.zeros([2, 3, 84], tf.uint8)
    pieces = [
        draw(soft_counting, initial_controller_state, primer, 12, [1, 2], temperature=1.5, eager=eager)
        for eager in (True, False)
    ]
    np.testing.assert_array_equal(*pieces)


def soft_counting(frames, state):
    logits, state = counting(frames, state)
    return logits / 40, state


def test_settings_are_each_rows_own():
    model = constant(np.linspace(-6, 0, 84))
    seeds = tf.constant([0, 0], tf.int64)
    settings = options_of(2)._replace(temperature=tf.constant([1.0, 0.2]), density=tf.constant([1.0, 3.0]))
    made = network(model, shaping=SHAPING)
    roll = tf.function(lambda: sample(made, nothing(2), tf.constant(400), seeds, settings)[0])().numpy() != 0
    np.testing.assert_array_equal(roll[0], draw(made, (), nothing(), 400, [0])[0])
    np.testing.assert_array_equal(roll[1], draw(made, (), nothing(), 400, [0], temperature=0.2, density=3.0)[0])
    assert (roll[0] != roll[1]).any()


SHAPING = Shaping(density=Table((-1.0, 0.0, 1.0), ((-1.0,) * 3, (0.0,) * 3, (1.0,) * 3)))


def test_a_density_shifts_the_log_odds_by_the_table():
    found = draw(
        network(constant(np.full(84, -3.0)), shaping=SHAPING), (), nothing(8), 400, list(range(8)), density=2.0
    )
    assert found.mean() == pytest.approx(1 / (1 + np.exp(3 - np.log(2))), rel=0.05)


@pytest.mark.parametrize("cells", [[0, 1, 1, 0, 1], [0, 2, 2, 1, 0], [1, 1, 2, 0, 2]])
def test_states_are_those_of_the_roll(cells):
    roll = np.zeros((1, 5, 84), np.uint8)
    roll[0, :, 7] = cells
    np.testing.assert_array_equal(states_of(tf.constant(roll))[0], as_states(roll[0]))


@pytest.mark.parametrize(("meter", "place", "primer_steps"), [((4, 4), 0, 0), ((3, 4), 5, 7), ((6, 8), 11, 30)])
def test_the_clock_of_every_step_is_that_of_the_bar(meter, place, primer_steps):
    codes = []

    def advance(cells, clock, state):
        codes.extend(clock.numpy()[0].tolist())
        return tf.fill([*cells.shape[:2], 84], -9.0), state

    spy = network(None, steps_per_beat=4)._replace(advance=advance)
    primer = tf.zeros([1, primer_steps, 84], tf.uint8)
    sample(spy, primer, tf.constant(9), tf.constant([0], tf.int64), options_of(1, meter=meter, place=place))
    expected = clock_codes([(0, Meter(*meter))], place + primer_steps + 10, 4)[place:]
    assert codes == expected.tolist()


def test_what_is_carried_can_be_packed_and_taken_apart_by_rows():
    state = (tf.constant([[[1.0, 2.0]], [[3.0, 4.0]]], tf.bfloat16), tf.constant([[5.0], [6.0]]))
    hidden, level, shares = tf.random.stateless_normal([2, 84], [0, 0]), tf.constant([7.0, 8.0]), tf.ones([2, 84])
    clock = Clock(*(tf.constant([number, 3]) for number in (11, 16, 0)))
    controller, reference = (
        ControllerState(level, -level, shares, shares[:, :4]),
        Reference(level / 2, 2 * shares[:, :4]),
    )
    sampling_state = SamplingState(hidden, hidden > 0, clock, level, controller, reference, state)
    packed = pack_state(sampling_state)
    assert packed.dtype == tf.float32
    assert packed.shape == (2, 84 + 84 + 3 + 1 + 1 + 1 + 84 + 4 + 1 + 4 + 2 + 1)
    one = unpack_state(packed[1:], sampling_state)
    for found, part in zip(tf.nest.flatten(one), tf.nest.flatten(sampling_state), strict=True):
        assert found.dtype == part.dtype
        np.testing.assert_array_equal(tf.cast(found, tf.float32), tf.cast(part[1:], tf.float32))
    tf.nest.assert_same_structure(one, sampling_state)


def runaway(frames, _):
    """A model that expects a little more than it hears: left alone it fills nearly every cell."""
    expected = tf.minimum(0.5 + tf.reduce_sum(frames, -1, keepdims=True), 80.0)
    return tf.broadcast_to(tf.math.log(expected / (84 - expected)), tf.shape(frames)), ()


def test_governor_lets_go_of_a_chord_that_is_held_for_ever():
    def stuck(frames, state):  # held pitches sustain at log-odds 6; one in 55 of the others begins
        return 10.0 * frames - 4.0, state

    primer = tf.repeat(tf.one_hot([[3]], 84), 4, axis=1)
    governor = Governor(hold=20.0, notes=1.5)
    held = [
        draw(stuck, (), tf.repeat(primer, 16, axis=0), 512, list(range(16)), governor=governor)
        for governor in (Governor(notes=1.5), governor)
    ]
    longest = [max(roll[:, :, 3].argmin(axis=1)) for roll in held]
    assert longest[0] > 300  # nothing ends it: one in 400 steps
    assert longest[1] < 100


def test_governor_holds_a_model_that_runs_away():
    free = draw(runaway, (), nothing(4), 1024, [0, 1, 2, 3])
    held = draw(runaway, (), nothing(4), 1024, [0, 1, 2, 3], governor=Governor(gain=1.0, notes=4.0))
    assert free[:, 512:].sum(-1).mean() > 40
    assert held[:, 512:].sum(-1).mean() == pytest.approx(4.0, rel=0.2)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_density_is_a_factor_on_what_the_governor_holds(factor):
    model = constant(np.full(84, -3.0))
    roll = draw(model, (), nothing(4), 2048, [0, 1, 2, 3], density=factor, governor=Governor(gain=1.0, notes=4.0))
    assert roll[:, 1024:].sum(-1).mean() == pytest.approx(4.0 * factor, rel=0.1)


@pytest.mark.parametrize("place", [0, 1, 6])
def test_onsets_are_penalized_at_their_own_position_in_the_beat(place):
    """Every note lasts one step, and half of the silent pitches begin at each, but for the third sixteenth."""

    def short_notes(frames, state):
        return -SURE * frames, state

    made = network(short_notes, steps_per_beat=4)
    roll = draw(made, (), nothing(2), 256, [1, 2], governor=Governor(onsets=(84.0, 84.0, 0.0, 84.0)), place=place)
    onsets = roll.sum(axis=2)[:, 64:].mean(axis=0)
    third = (place + np.arange(64, 256)) % 4 == 2
    assert onsets[third].max() < 12 < onsets[~third].min()


@pytest.mark.parametrize(
    ("cells", "held", "most", "kept"),
    [
        ([2, 2, 2, 2, 2], [0, 0, 0, 0, 0], 5, [2, 2, 2, 2, 2]),
        ([2, 2, 2, 2, 2], [0, 0, 0, 0, 0], 4, [2, 2, 0, 2, 2]),  # the middle voice goes first
        ([2, 2, 2, 2, 2], [0, 0, 0, 0, 0], 3, [2, 0, 0, 2, 2]),
        ([2, 2, 2, 2, 2], [0, 0, 0, 0, 0], 2, [2, 0, 0, 0, 2]),
        ([0, 2, 2, 2, 0], [0, 0, 0, 0, 0], 1, [0, 0, 0, 2, 0]),
        ([2, 1, 1, 2, 2], [0, 1, 1, 0, 0], 2, [0, 1, 1, 0, 0]),  # no new note cuts one that is held
        ([2, 1, 1, 2, 2], [0, 1, 1, 0, 0], 4, [2, 1, 1, 0, 2]),
        ([0, 2, 1, 0, 1], [0, 1, 1, 0, 1], 2, [0, 2, 0, 0, 1]),  # struck again is held
        ([2, 0, 0, 0, 0], [0, 1, 1, 1, 1], 1, [2, 0, 0, 0, 0]),  # a note that ends leaves its place
    ],
)
def test_a_limit_on_the_polyphony_keeps_held_notes_and_then_the_outer_voices(cells, held, most, kept):
    found = limit_polyphony(tf.constant([cells], tf.uint8), tf.constant([held]) != 0, tf.constant([most]))
    assert found.numpy()[0].tolist() == kept


def steered(model, primer, steps, allowed, polyphony, governor=Governor()):  # noqa: B008 (frozen)
    """Cells drawn within limits, [rows, steps, 84]; `allowed` is [rows, steps, 84]."""
    made = network(model)._replace(governor=governor, initial=lambda rows: ())
    options = options_of(len(allowed))
    numbers = uniforms(tf.range(len(allowed), dtype=tf.int64), tf.zeros([len(allowed)], tf.int32), 84)[:, :steps]
    limits = Limits(tf.constant(allowed), tf.constant(polyphony))
    state = begin(made, tf.constant(primer), options)
    (cells, _), state = sampling_loop.draw(made, state, numbers, options.temperature, options.top_p, limits)
    return cells.numpy().transpose(1, 0, 2), state


def test_what_may_not_sound_is_released_however_sure_the_model_is():
    sure = constant([SURE] * 84)
    primer = np.zeros([2, 3, 84], np.uint8)
    primer[:, :, :4] = 1
    allowed = np.ones([2, 3, 84], bool)
    allowed[0, 0, 1:] = allowed[0, 1, 2:] = False
    cells, state = steered(sure, primer, 3, allowed, [84, 84])
    assert cells[0, :, :4].tolist() == [[1, 0, 0, 0], [1, 2, 0, 0], [1, 1, 2, 2]]
    assert cells[0, 0].sum() == 1
    assert cells[1, 0].tolist() == [1] * 4 + [2] * 80  # another row of the batch is free
    assert state.held[0, :3].numpy().tolist() == [6, 2, 1]


def test_the_polyphony_is_of_each_row_and_the_held_notes_of_a_primer_go_first():
    primer = np.zeros([3, 2, 84], np.uint8)
    primer[:, :, [10, 20, 30, 40]] = 1
    cells, _ = steered(constant([SURE] * 84), primer, 4, np.ones([3, 4, 84], bool), [1, 3, 5])
    assert [np.flatnonzero(row[0]).tolist() for row in cells] == [[40], [10, 30, 40], [10, 20, 30, 40, 83]]
    assert ((cells != 0).sum(axis=2) == [[1], [3], [5]]).all()


def test_no_limits_draw_what_is_drawn_without_them():
    model, nobody = constant(np.linspace(-3, 3, 84)), np.zeros([2, 0, 84], np.uint8)
    cells, _ = steered(model, nobody, 20, np.ones([2, 20, 84], bool), [84, 84])
    np.testing.assert_array_equal(cells != 0, draw(model, (), nothing(2), 20, [0, 1]))


def test_the_density_controller_does_not_make_up_for_notes_that_may_not_sound():
    """One pitch of 84 may sound; the controller would add to its log-odds until it sounds always."""
    allowed = np.zeros([1, 256, 84], bool)
    allowed[0, :, 7] = True
    nobody = np.zeros([1, 0, 84], np.uint8)
    governor = Governor(gain=8.0, notes=40.0)
    cells, state = steered(constant(np.zeros(84)), nobody, 256, allowed, [84], governor)
    assert 0.4 < (cells[0, :, 7] != 0).mean() < 0.6
    assert state.controller.drift.numpy() < 0.1  # at most one step from 0
