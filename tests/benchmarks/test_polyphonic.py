"""The benchmark of the literature: splits, the 1-gram, the protocol, a training that learns, the table."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import polyphonic
from benchmarks.polyphonic import SetConfig, log_likelihoods, mixture, note_unigram, padded, windows

TINY = SetConfig("tiny.npz", "Tiny", units=8, window=16, batch=4, dropout=0.0, epochs=4, rate=1e-2)


def pieces(count: int, seed: int) -> list[np.ndarray]:
    """Pieces of two alternating notes, the higher one with a third above it."""
    made = []
    for number in range(count):
        roll = np.zeros((10 + (seed + number) % 7, 88), np.uint8)
        roll[::2, 30], roll[1::2, [40, 44]] = 1, 1
        made.append(roll)
    return made


def write_set(path: Path) -> None:
    arrays = {}
    for number, split in enumerate(polyphonic.SPLITS):
        rolls = pieces(6, seed=number)
        whole = np.concatenate(rolls)
        arrays[f"{split}_piece_offsets"] = np.cumsum([0, *map(len, rolls)]).astype(np.int32)
        arrays[f"{split}_step_offsets"] = np.cumsum([0, *whole.sum(axis=1)]).astype(np.int32)
        arrays[f"{split}_notes"] = (np.nonzero(whole)[1] + 21).astype(np.uint8)
    np.savez(path, **arrays)


def test_the_pieces_of_a_file_are_loaded(tmp_path):
    write_set(tmp_path / "tiny.npz")
    found = polyphonic.load_set(tmp_path / "tiny.npz")
    for number, split in enumerate(polyphonic.SPLITS):
        for ours, theirs in zip(found[split], pieces(6, seed=number), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_one_gram_by_hand():
    half = np.zeros((4, 88), np.uint8)
    half[::2, 0] = 1
    found = note_unigram({"train": [half], "test": [half]})
    assert found == pytest.approx(np.log(2), abs=1e-3)  # the other pitches never sound


def test_the_first_step_is_given_and_every_other_is_predicted_once():
    batch = padded([np.eye(88, dtype=np.uint8)[:3], np.eye(88, dtype=np.uint8)[:2]])
    assert batch["mask"].tolist() == [[1, 1], [1, 0]]
    assert batch["inputs"].argmax(-1).tolist() == [[0, 1], [0, 1]]
    assert batch["targets"].argmax(-1)[0].tolist() == [1, 2]


def test_an_epoch_has_every_step_once():
    rng = np.random.default_rng(0)
    rolls = [np.eye(88, dtype=np.uint8)[rng.integers(0, 88, steps)] for steps in (5, 40, 70)]
    made = windows(rolls, TINY, rng)
    assert made["mask"].sum() == 4 + 39 + 69
    assert made["inputs"].shape[1] == TINY.window


def test_probabilities_are_averaged_and_not_their_logarithms():
    assert mixture([np.log([0.5]), np.log([0.1])]) == pytest.approx(-np.log(0.3))


@pytest.mark.parametrize("head", polyphonic.HEADS)
def test_a_training_learns_and_is_evaluated_at_its_best_epoch(head):
    data = {split: pieces(6, seed=number) for number, split in enumerate(polyphonic.SPLITS)}
    found = polyphonic.train(data, TINY, head, seed=0)
    assert len(found["test"]) == sum(len(piece) - 1 for piece in data["test"])
    assert -found["valid"].mean() == pytest.approx(found["history"].min())
    assert found["history"][-1] < note_unigram(data)


def test_a_finished_run_is_not_repeated_and_is_in_the_table(tmp_path, monkeypatch, capsys):
    write_set(tmp_path / "tiny.npz")
    monkeypatch.setattr(polyphonic, "SETS", {"jsb": TINY})
    trained = []
    run = {
        "test": np.array([-1.0, -3.0]),
        "valid": np.array([-1.0]),
        "epoch": np.array(1),
        "history": np.array([1.0]),
    }
    monkeypatch.setattr(polyphonic, "train", lambda *args: trained.append(args[2:]) or run)
    arguments = [str(tmp_path), str(tmp_path / "out"), "--heads", "nade", "--seeds", "2"]
    for _ in range(2):
        assert polyphonic.main(arguments) == 0
    assert trained == [("nade", 0), ("nade", 1)]
    assert "| **ours, nade head**, mean of seeds | 2.000 (2.000–2.000), n = 2 |" in capsys.readouterr().out


def test_a_likelihood_is_the_sum_over_the_pitches():
    class Even:
        def __call__(self, inputs):
            class Logits:
                def numpy(self):
                    return np.zeros((*inputs["inputs"].shape[:2], 89), np.float32)

            return Logits()

    found = log_likelihoods(Even(), pieces(3, seed=0))
    np.testing.assert_allclose(found, -88 * np.log(2))
