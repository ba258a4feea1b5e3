"""The longest run shared with a collection, against a search over all pairs of steps and all transpositions."""

import itertools

import numpy as np
import pytest

from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation.music.copying import SharedRun, longest_shared_runs


def random_roll(rng: np.random.Generator, steps: int, pitches: int = 4, silent: float = 0.2) -> np.ndarray:
    """Few pitches in the middle of the range, so that short runs are shared by chance."""
    roll = np.zeros((steps, 84), np.uint8)
    roll[:, 40 : 40 + pitches] = rng.choice([0, 0, 1, 2], (steps, pitches))
    roll[rng.random(steps) < silent] = 0
    return as_states(roll)


def by_comparison(piece: np.ndarray, collection: list[np.ndarray]) -> int:
    """Longest shared run by comparing every pair of steps at every transposition."""
    longest = 0
    piece, collection = as_states(piece), [as_states(source) for source in collection]
    for source, shift in itertools.product(collection, range(-83, 84)):
        moved = np.zeros_like(source)
        columns = np.arange(84)
        kept = columns[(columns + shift >= 0) & (columns + shift < 84)]
        moved[:, kept + shift] = source[:, kept]
        lost = (source != 0).sum(axis=1) != (moved != 0).sum(axis=1)
        equal = (piece[:, np.newaxis] == moved[np.newaxis]).all(axis=2) & ~lost
        run = np.zeros((len(piece) + 1, len(source) + 1), int)
        for i, j in itertools.product(reversed(range(len(piece))), reversed(range(len(source)))):
            run[i, j] = run[i + 1, j + 1] + 1 if equal[i, j] else 0
        begins = run[:-1, :-1][piece.any(axis=1)]
        longest = max(longest, int(begins.max(initial=0)))
    return longest


@pytest.mark.parametrize("seed", range(6))
def test_runs_are_those_of_a_comparison_of_all_pairs(seed):
    rng = np.random.default_rng(seed)
    collection = [random_roll(rng, int(steps)) for steps in rng.integers(1, 25, 3)]
    pieces = [random_roll(rng, int(steps)) for steps in rng.integers(1, 25, 3)]
    found = longest_shared_runs(pieces, collection)
    assert [run.steps for run in found] == [by_comparison(piece, collection) for piece in pieces]


def assert_is_shared(run: SharedRun, piece: np.ndarray, collection: list[np.ndarray]) -> None:
    ours = as_states(piece)[run.first_step : run.first_step + run.steps]
    theirs = as_states(collection[run.source])[run.source_step : run.source_step + run.steps]
    np.testing.assert_array_equal(ours, np.roll(theirs, run.semitones, axis=1))
    assert run.onsets == (ours == 2).sum()


@pytest.mark.parametrize("semitones", [-5, 0, 7])
def test_an_inserted_passage_is_found_with_its_place_and_transposition(semitones):
    rng = np.random.default_rng(1)
    collection = [random_roll(rng, 300, pitches=20) for _ in range(5)]
    piece = random_roll(rng, 200, pitches=20)
    collection[3][100], collection[3][149] = 0, 0
    collection[3][100, 45], collection[3][149, 50] = 2, 2
    piece[60:110] = np.roll(collection[3][100:150], semitones, axis=1)
    (run,) = longest_shared_runs([piece], collection)
    assert (run.steps, run.first_step, run.source, run.source_step, run.semitones) == (50, 60, 3, 100, semitones)
    assert_is_shared(run, piece, collection)


def test_a_run_does_not_cross_from_one_piece_into_the_next():
    rng = np.random.default_rng(2)
    first, second = random_roll(rng, 40, pitches=20, silent=0), random_roll(rng, 40, pitches=20, silent=0)
    piece = np.concatenate([first[-10:], second[:12]])
    (run,) = longest_shared_runs([piece], [first, second])
    assert (run.steps, run.source) == (12, 1)


def test_a_struck_and_a_held_cell_are_different():
    held = np.zeros((6, 84), np.uint8)
    held[:, 30], held[0, 30] = 1, 2
    struck = np.where(held, 2, 0).astype(np.uint8)
    assert longest_shared_runs([held], [struck])[0].steps == 1


def test_silence_alone_is_not_shared():
    silence, note = np.zeros((20, 84), np.uint8), np.zeros((20, 84), np.uint8)
    note[19, 40] = 2
    assert longest_shared_runs([silence, note], [silence]) == [SharedRun(), SharedRun()]
    assert longest_shared_runs([note], [note])[0].steps == 1


def test_empty_pieces_and_an_empty_collection():
    note = np.zeros((3, 84), np.uint8)
    note[0, 40] = 2
    assert longest_shared_runs([np.zeros((0, 84), np.uint8), note], [np.zeros((0, 84), np.uint8)]) == [SharedRun()] * 2
    assert longest_shared_runs([note], []) == [SharedRun()]
    assert longest_shared_runs([], [note]) == []


def test_a_whole_copy_is_found_in_a_large_collection():
    rng = np.random.default_rng(3)
    collection = [random_roll(rng, 2_000, pitches=12) for _ in range(50)]
    (run,) = longest_shared_runs([np.roll(collection[17][500:1500], 2, axis=1)], collection)
    assert_is_shared(run, np.roll(collection[17][500:1500], 2, axis=1), collection)
    assert run.steps >= 999
    assert run.source == 17
