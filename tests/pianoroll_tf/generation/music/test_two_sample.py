"""The two-sample test: near chance for the same kind of music, near one for another, and it says by what."""

import numpy as np
import pytest

from pianoroll_tf.generation.music import two_sample as module
from pianoroll_tf.generation.music.two_sample import compare_halves, two_sample


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(module, "TREES", 40)


def pieces(count: int, seed: int, steps: int = 192, place: int = 1) -> list[np.ndarray]:
    """Random chords every `place` steps."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        roll = np.zeros((steps, 84), np.uint8)
        for step in range(0, steps, place):
            roll[step, rng.choice(np.arange(36, 60), rng.integers(1, 4), replace=False)] = 2
        made.append(roll)
    return made


def test_the_same_kind_of_music_cannot_be_distinguished():
    found = two_sample(pieces(12, seed=1), pieces(12, seed=2))
    assert abs(found["auc"] - 0.5) < 0.2
    assert found["windows"] == (36, 36)


def test_another_rhythm_is_detected_and_named():
    found = two_sample(pieces(8, seed=1), pieces(8, seed=2, place=3))
    assert found["auc"] > 0.99
    assert found["facts"][0][1] == 1.0
    assert any("on place" in name or "step" in name for name, _ in found["facts"])


def test_halves_are_of_the_same_pieces():
    assert abs(compare_halves(pieces(24, seed=3))["auc"] - 0.5) < 0.2
    assert compare_halves(pieces(9, seed=3)) is None


def test_too_few_pieces_are_refused():
    with pytest.raises(ValueError, match=r"pieces must be >= 5 on either side\. Received: 4 and 6"):
        two_sample(pieces(4, seed=1), pieces(6, seed=2))


def test_a_seed_gives_the_same_answer():
    one, two = (two_sample(pieces(6, seed=1), pieces(6, seed=2), seed=4) for _ in range(2))
    assert one == two
