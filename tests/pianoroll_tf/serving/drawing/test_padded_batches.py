"""Rows drawn in padded batches: each is the same whatever the batch, and as the model itself draws it."""

import concurrent.futures

import numpy as np
import pytest

from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation import saved_model
from pianoroll_tf.generation.compiled import CompiledModel
from pianoroll_tf.serving.drawing.padded_batches import CHUNK_STEPS, PaddedBatches


@pytest.fixture(scope="module")
def model(exported):
    return saved_model.load(exported)


@pytest.fixture(scope="module")
def batches(model):
    made = PaddedBatches(model.program, sizes=(2, 8))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made.prepare(pool)
    return made


def draw(batches, primers, seeds, temperature, top_p, size, chunks=3):
    """Rolls and states of rows in one batch."""
    state = np.stack([batches.begin(primer, 1.0, Meter(), 0) for primer in primers])
    numbers = batches.uniforms(list(seeds), [0] * len(seeds))
    rolls = []
    for first in range(0, chunks * CHUNK_STEPS, CHUNK_STEPS):
        part = numbers[:, first : first + CHUNK_STEPS]
        roll, _, state = batches.draw(state, part, np.float32(temperature), np.float32(top_p), size)
        rolls.append(roll)
    return np.concatenate(rolls, axis=1), state


def test_a_row_is_the_same_bit_for_bit_at_any_place_among_any_others(batches):
    rng = np.random.default_rng(1)
    primers = [(rng.random((length, 84)) < 0.1).astype(np.uint8) for length in (0, 3, 9, 20, 0, 1, 50, 2)]
    temperature, top_p = rng.choice([1.0, 0.5, 2.0], 8), rng.choice([1.0, 0.8], 8)
    together, states = draw(batches, primers, range(8), temperature, top_p, size=8)
    for size in batches.sizes:
        for row in range(8):
            one = slice(row, row + 1)
            alone, state = draw(batches, primers[one], [row], temperature[one], top_p[one], size)
            np.testing.assert_array_equal(alone[0], together[row])
            np.testing.assert_array_equal(state[0], states[row])
    order = rng.permutation(8)
    moved, _ = draw(batches, [primers[row] for row in order], order.tolist(), temperature[order], top_p[order], size=8)
    np.testing.assert_array_equal(moved, together[order])


def test_it_draws_what_the_model_generates(model, batches):
    primer = np.zeros((1, 0, 84), np.uint8)
    expected = model.generate(primer, 3 * CHUNK_STEPS, SamplingConfig(temperature=1.0), compiled=False)[0]
    found, _ = draw(batches, primer, [0], [1.0], [1.0], size=2)
    np.testing.assert_array_equal(found[0], expected)


class RoundsDifferently(PaddedBatches):
    """Draws without XLA, always two rows at once; for one of its sizes the last bit of the state differs."""

    def __init__(self, program):
        super().__init__(program, sizes=(2, 8))
        self._model = CompiledModel(program, jit_compile=False)

    def draw(self, state, numbers, temperature, top_p, size, *limits):
        parts = [slice(first, first + 2) for first in range(0, len(state), 2)]
        answers = [
            super(RoundsDifferently, self).draw(
                state[p], numbers[p], temperature[p], top_p[p], 2, *(limit[p] for limit in limits)
            )
            for p in parts
        ]
        rolls, ends, states = (np.concatenate(part) for part in zip(*answers, strict=True))
        return rolls, ends, np.nextafter(states, np.float32(9)) if size == 8 else states


def test_a_size_that_rounds_differently_is_not_used(model):
    made = RoundsDifferently(model.program)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made.prepare(pool)
    assert made.sizes == (2,)
    assert made.can_be_steered  # the size of rows with limits need not round like others


class DependsOnPlace(RoundsDifferently):
    """Of a batch with limits, the last bit of the first row differs."""

    def draw(self, *inputs):
        rolls, ends, states = super().draw(*inputs)
        if len(inputs) > 5:
            states[0] = np.nextafter(states[0], np.float32(9))
        return rolls, ends, states


def test_limits_are_refused_if_a_row_would_depend_on_its_place_in_the_batch(model):
    made = DependsOnPlace(model.program)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made.prepare(pool)
    assert not made.can_be_steered


def test_sizes(batches):
    assert [batches.size_for(rows, batches=2) for rows in (1, 4, 5, 16, 17, 500)] == [2, 2, 8, 8, 8, 8]


def test_an_export_without_the_parts_is_refused(model):
    class Old:
        signatures = {"generate": None, "begin": None, "uniforms": None}  # noqa: RUF012

    with pytest.raises(ValueError, match=r"must be exported again to be compiled\. Received: no endpoint 'draw'"):
        PaddedBatches(Old(), sizes=(2,))
