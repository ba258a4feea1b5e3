"""Drawing compiled by XLA: the same music as the plain graph, and the rule for when it pays."""

import types

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation import compiled, saved_model
from pianoroll_tf.generation.compiled import CompiledModel, worthwhile
from pianoroll_tf.generation.sampling_loop import BLOCK_STEPS

PRIMER = (np.random.default_rng(0).random((2, 9, 84)) < 0.05).astype(np.uint8)
STEPS = BLOCK_STEPS + 40


@pytest.fixture(scope="module")
def model(exported):
    return saved_model.load(exported)


@pytest.mark.parametrize("settings", [{}, {"temperature": 1.5, "top_p": 0.8, "density": 2.0}])
def test_a_seed_gives_the_roll_of_the_plain_graph(model, settings):
    sampling = SamplingConfig(seed=7, **settings)
    fast = model.generate(PRIMER, STEPS, sampling, first_row=3, compiled=True)
    assert fast.dtype == np.uint8
    assert fast.any()
    np.testing.assert_array_equal(fast, model.generate(PRIMER, STEPS, sampling, first_row=3, compiled=False))


def test_unlike_rows_share_a_batch(model):
    """Two requests with their own primer, seed, settings and place: the second one joins after a block."""
    one, two = SamplingConfig(seed=1, temperature=0.7), SamplingConfig(seed=9, top_p=0.9, density=1.5)
    alone = [
        model.generate(primer[np.newaxis], 2 * BLOCK_STEPS, sampling, compiled=False)[0]
        for primer, sampling in zip(PRIMER, (one, two), strict=True)
    ]
    parts = model.compiled
    first = parts.begin(PRIMER[:1], [one.density], Meter())
    nobody = parts.begin(PRIMER[:1, :0], [1.0], Meter())
    rolls = []
    for block, newcomer in enumerate([nobody, parts.begin(PRIMER[1:], [two.density], Meter())]):
        state = tf.concat([first, newcomer], axis=0)
        settings = ([one.temperature, two.temperature], [1.0, two.top_p])
        roll, _, state = parts.draw(state, parts.uniforms([1, 9], [block, 0]), *settings)
        rolls.append(roll.numpy())
        first = state[:1]
    np.testing.assert_array_equal(np.concatenate([roll[0] for roll in rolls]), alone[0])
    np.testing.assert_array_equal(rolls[1][1], alone[1][:BLOCK_STEPS])


def test_each_batch_size_is_compiled_once(model):
    parts = CompiledModel(model.program)
    count = parts._draw["draw"].experimental_get_tracing_count
    list(parts.blocks(np.zeros((3, 0, 84)), 1, np.zeros(3, np.int64), SamplingConfig(), Meter(), 0))
    compilations = count()
    list(parts.blocks(np.zeros((3, 5, 84)), STEPS, np.arange(3), SamplingConfig(temperature=2.0), Meter(), 0))
    assert compilations == count() == 1


def test_a_piece_ends_where_the_model_ends_it_or_at_the_bound(model):
    nothing = np.zeros((4, 0, 84))
    pieces, ended = model.compose(nothing, SamplingConfig(seed=3), max_steps=280, compiled=False)
    assert all(len(piece) == 280 or done for piece, done in zip(pieces, ended, strict=True))
    whole = model.generate(nothing, 280, SamplingConfig(seed=3), compiled=False)
    for piece, roll in zip(pieces, whole, strict=True):
        np.testing.assert_array_equal(piece, roll[: len(piece)])
    fast, _ = model.compose(nothing, SamplingConfig(seed=3), max_steps=280, compiled=True)
    assert [len(piece) for piece in fast] == [len(piece) for piece in pieces]
    longest, _ = model.compose(nothing, SamplingConfig(seed=3), compiled=False)
    assert max(map(len, longest)) <= model.longest_piece == 300


def test_the_rule_chooses(model, monkeypatch):
    asked = []
    monkeypatch.setattr(saved_model, "worthwhile", lambda *work: asked.append(work))
    compiled = np.full((2, BLOCK_STEPS, 84), 9)
    monkeypatch.setattr(CompiledModel, "blocks", lambda *_: [(compiled, None)])
    assert model.generate(PRIMER, 5).shape == (2, 5, 84)
    assert asked == [(2, 5)]
    np.testing.assert_array_equal(model.generate(PRIMER, 5, compiled=True), compiled[:, :5])
    monkeypatch.setattr(saved_model, "worthwhile", lambda *_: True)
    np.testing.assert_array_equal(model.generate(PRIMER, 5), compiled[:, :5])


def test_an_export_without_the_parts_is_drawn_as_it_is(model, monkeypatch):
    signatures = {name: model.program.signatures[name] for name in ("generate", "predict")}
    old = saved_model.MusicModel(model.version, model.config, types.SimpleNamespace(signatures=signatures))
    monkeypatch.setattr(saved_model, "worthwhile", lambda *_: True)
    np.testing.assert_array_equal(old.generate(PRIMER, 5), model.generate(PRIMER, 5, compiled=False))
    with pytest.raises(ValueError, match="model must be exported again to be compiled"):
        old.generate(PRIMER, 5, compiled=True)


def test_only_long_work_is_worth_compiling():
    assert not worthwhile(1, 512)
    assert worthwhile(1, 1_000_000)
    least = [next(steps for steps in range(1, 10**6) if worthwhile(batch, steps)) for batch in (1, 8, 64)]
    assert least == sorted(least, reverse=True)  # the more rows, the more a step saves
    expected = compiled.COMPILE_SECONDS / (compiled.SAVED_SECONDS_A_STEP + compiled.SAVED_SECONDS_A_ROW)
    assert least[0] == pytest.approx(expected, abs=2)


def test_large_batches_are_not_compiled():
    assert worthwhile(64, 10**6)
    assert not worthwhile(65, 10**6)


def test_nothing_is_compiled_by_itself_where_there_is_a_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"a {kind}"])
    assert not worthwhile(1, 10**6)
