"""Tests of pianoroll_tf.data.pipeline: batches against a numpy oracle, seeds, masks, transposition."""

import itertools

import numpy as np
import pytest

from pianoroll_tf.config import DatasetConfig
from pianoroll_tf.data.loading import join_pieces
from pianoroll_tf.data.pipeline import (
    batch_size,
    batches_per_epoch,
    evaluation_dataset,
    make_dataset,
    windows_per_epoch,
)
from pianoroll_tf.data.roll import from_dense

T = 8


def corpus_of(rolls):
    sparse = [from_dense(roll) for roll in rolls]
    return join_pieces([roll.counts for roll in sparse], [roll.cells for roll in sparse])


def numbered_piece(steps: int, piece: int) -> np.ndarray:
    """A roll that encodes its piece and step: the bits of the step in columns 40.., of the piece in columns 60..."""
    bits = (np.arange(steps)[:, None] + 1) >> np.arange(10) & 1
    roll = np.zeros((steps, 84), np.uint8)
    roll[:, 40:50] = bits
    roll[:, 60:66] = piece >> np.arange(6) & 1
    return roll


def read_step(frames: np.ndarray) -> np.ndarray:
    """Decodes step and piece of a `numbered_piece` from frames [..., 84]; step -1 for silence."""
    weights = np.zeros((84, 2))
    weights[40:50, 0], weights[60:66, 1] = 2 ** np.arange(10), 2 ** np.arange(6)
    return (frames @ weights).astype(int) - [1, 0]


LENGTHS = [1, 5, 8, 9, 16, 30, 61]
ROLLS = [numbered_piece(steps, piece) for piece, steps in enumerate(LENGTHS, start=1)]


def take(dataset, count):
    """Batches as tuples: what sounds in inputs and targets, 0 or 1, the mask, and `reset` where there is one."""
    batches = [{name: part.numpy() for name, part in batch.items()} for batch in dataset.take(count)]
    return [
        tuple((batch[name] != 0).astype(np.float32) for name in ("inputs", "targets"))
        + tuple(batch[name] for name in ("mask", "reset") if name in batch)
        for batch in batches
    ]


def test_a_batch_has_states_clock_and_ends():
    roll = np.zeros((5, 84), np.uint8)
    roll[:, 7] = 2, 1, 2, 0, 2
    sparse = from_dense(roll)
    corpus = join_pieces([sparse.counts], [sparse.cells], [np.arange(10, 15, dtype=np.uint16)])
    [batch] = evaluation_dataset(corpus, DatasetConfig(window_steps=T, batch_size=1)).take(1)
    found = {name: part.numpy()[0].tolist() for name, part in batch.items() if name not in ("inputs", "targets")}
    assert batch["targets"].numpy()[0, :, 7].tolist() == [2, 1, 2, 0, 2, 0, 0, 0]
    assert batch["inputs"].numpy()[0, :, 7].tolist() == [0, 2, 1, 2, 0, 2, 0, 0]
    assert found["clock"] == [10, 11, 12, 13, 14, 0, 0, 0]
    assert found["ends"] == [0, 0, 0, 0, 1, 0, 0, 0]
    assert found["mask"] == [1, 1, 1, 1, 1, 0, 0, 0]
    dtypes = {name: part.dtype.name for name, part in batch.items()}
    assert dtypes == {
        "inputs": "uint8",
        "targets": "uint8",
        "clock": "int32",
        "ends": "float32",
        "mask": "float32",
        "reset": "bool",
    }


@pytest.mark.parametrize(("windows", "size"), [(1, 4), (96, 4), (200, 8), (1000, 32), (100_000, 64)])
def test_the_size_of_a_batch_goes_by_the_number_of_windows(windows, size):
    corpus = join_pieces([np.zeros(1, np.uint8)] * windows, [np.zeros(0, np.uint8)] * windows)
    assert batch_size(corpus, DatasetConfig(window_steps=T)) == size
    assert batch_size(corpus, DatasetConfig(window_steps=T, batch_size=3)) == 3


def test_targets_are_the_steps_of_a_piece_and_inputs_the_steps_before():
    config = DatasetConfig(window_steps=T, batch_size=3, transpose=0)
    for inputs, targets, mask in take(make_dataset(corpus_of(ROLLS), config, seed=1), 40):
        assert inputs.shape == targets.shape == (3, T, 84)
        assert mask.shape == (3, T)
        for row in range(3):
            valid = int(mask[row].sum())
            assert valid >= 1
            assert mask[row].tolist() == [1.0] * valid + [0.0] * (T - valid)
            (first, piece), *_ = read_step(targets[row])
            expected = np.concatenate([np.zeros((1, 84)), ROLLS[piece - 1]])
            np.testing.assert_array_equal(targets[row, :valid], expected[first + 1 : first + 1 + valid])
            np.testing.assert_array_equal(inputs[row, :valid], expected[first : first + valid])
            assert not targets[row, valid:].any()


def test_an_epoch_of_batches_holds_every_step():
    corpus = corpus_of(ROLLS)
    windows = windows_per_epoch(corpus, DatasetConfig(window_steps=T))
    config = DatasetConfig(window_steps=T, batch_size=windows, transpose=0)
    assert batches_per_epoch(corpus, config) == 1
    for _, targets, mask in take(make_dataset(corpus, config, seed=3), 5):
        seen = sorted(map(tuple, read_step(targets[mask > 0]).tolist()))
        assert seen == sorted((step, piece) for piece, n in enumerate(LENGTHS, start=1) for step in range(n))


@pytest.mark.parametrize(("batch_size", "batches"), [(1, 10), (4, 3), (10, 1), (11, 1)])
def test_batches_per_epoch_rounds_up(batch_size, batches):
    corpus = corpus_of([numbered_piece(4, 1)] * 10)
    assert batches_per_epoch(corpus, DatasetConfig(window_steps=T, batch_size=batch_size)) == batches


@pytest.mark.parametrize("batch_size", [1, 4, 50])
def test_a_batch_is_a_function_of_seed_and_index(batch_size):
    config = DatasetConfig(window_steps=T, batch_size=batch_size, transpose=4)
    corpus = corpus_of(ROLLS)
    batches = take(make_dataset(corpus, config, seed=9), 12)
    for first in (0, 1, 5, 11):
        again = take(make_dataset(corpus, config, seed=9, first_batch=first), 1)[0]
        for ours, theirs in zip(batches[first], again, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    other = take(make_dataset(corpus, config, seed=10), 12)
    assert any((ours[1] != theirs[1]).any() for ours, theirs in zip(batches, other, strict=True))


def chord(columns) -> np.ndarray:
    roll = np.zeros((T, 84), np.uint8)
    roll[:, columns] = 1
    return roll


@pytest.mark.parametrize(
    ("columns", "most", "lowest", "highest"),
    [
        ([40, 44], 3, -3, 3),
        ([1, 44], 3, -1, 3),
        ([40, 82], 3, -3, 1),
        ([0, 83], 11, 0, 0),
        ([83], 11, -11, 0),
        ([40], 0, 0, 0),
    ],
)
def test_transposition_is_uniform_over_the_shifts_that_fit(columns, most, lowest, highest):
    config = DatasetConfig(window_steps=T, batch_size=300, transpose=most)
    ((_, targets, _),) = take(make_dataset(corpus_of([chord(columns)]), config, seed=0), 1)
    shifts = []
    for window in targets:
        (found,) = np.nonzero(window[0])
        shift = found[0] - columns[0]
        assert found.tolist() == [column + shift for column in columns]
        assert (window == window[0]).all()
        shifts.append(shift)
    assert set(shifts) == set(range(lowest, highest + 1))
    counts = np.bincount(np.array(shifts) - lowest)
    assert counts.min() > 0.4 * 300 / len(counts)


def test_a_silent_window_may_be_transposed():
    config = DatasetConfig(window_steps=T, batch_size=4, transpose=5)
    ((inputs, targets, mask),) = take(make_dataset(corpus_of([np.zeros((5, 84), np.uint8)]), config, seed=0), 1)
    assert not inputs.any()
    assert not targets.any()
    assert mask.sum() == 20


def test_evaluation_holds_every_step_once_in_order():
    config = DatasetConfig(window_steps=T, batch_size=3, transpose=5)
    seen, last = [], {}
    for inputs, targets, mask, reset in take(evaluation_dataset(corpus_of(ROLLS), config), 1000):
        assert reset.dtype == bool
        for lane in range(len(mask)):
            valid = mask[lane] > 0
            if not valid.any():
                continue
            decoded = [tuple(pair) for pair in read_step(targets[lane][valid]).tolist()]
            before = [tuple(pair) for pair in read_step(inputs[lane][valid]).tolist()]
            assert before[1:] == decoded[:-1]
            if reset[lane]:
                assert decoded[0][0] == 0
                assert before[0] == (-1, 0)
            else:
                assert before[0] == last[lane]
            last[lane] = decoded[-1]
            seen += decoded
    assert sorted(seen) == sorted((step, piece) for piece, n in enumerate(LENGTHS, start=1) for step in range(n))


def test_evaluation_can_be_read_again():
    dataset = evaluation_dataset(corpus_of(ROLLS), DatasetConfig(window_steps=T, batch_size=2))
    for ours, theirs in itertools.zip_longest(take(dataset, 99), take(dataset, 99)):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_corpus_without_steps_is_refused():
    with pytest.raises(ValueError, match="at least one step"):
        make_dataset(join_pieces([], []), DatasetConfig(), seed=0)
    assert take(evaluation_dataset(join_pieces([], []), DatasetConfig()), 1) == []


@pytest.mark.parametrize("workers", [2, 3])
def test_the_shares_of_workers_make_up_the_batches_of_one(workers):
    corpus, config = corpus_of(ROLLS), DatasetConfig(window_steps=T, batch_size=5, transpose=3)
    whole = list(make_dataset(corpus, config, 7, 2).take(9).as_numpy_iterator())
    for worker in range(workers):
        shares = make_dataset(corpus, config, 7, 2, (worker, workers)).take(9).as_numpy_iterator()
        for batch, share in zip(whole, shares, strict=True):
            assert share.pop("mask_mean") == np.float32(batch["mask"].mean())
            assert share.keys() == batch.keys()
            for name, rows in share.items():
                np.testing.assert_array_equal(rows, batch[name][worker::workers])


@pytest.mark.parametrize("workers", [2, 9])
def test_the_lanes_of_workers_make_up_those_of_an_evaluation(workers):
    corpus, config = corpus_of(ROLLS), DatasetConfig(window_steps=T, batch_size=3)
    whole = list(evaluation_dataset(corpus, config).as_numpy_iterator())
    for worker in range(workers):
        shares = evaluation_dataset(corpus, config, (worker, workers))
        assert shares.element_spec["reset"].shape[0] == len(range(3)[worker::workers])
        for batch, share in zip(whole, shares.as_numpy_iterator(), strict=True):
            for name, rows in share.items():
                np.testing.assert_array_equal(rows, batch[name][worker::workers])
