"""Signatures that draw music, through the engine."""

import numpy as np
import pytest

from pianoroll_tf.generation.saved_model import MAX_ROW_SEED
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.tf_serving.predictions import piece_requests

PRIMER = np.zeros((2, 3, 84), np.uint8)
SCALARS = {"steps": np.int32(4), "seed": np.int64(7)}


def test_scalars_apply_to_all_rows_and_seeds_count_up():
    pieces = piece_requests(SCALARS | {"primer": PRIMER + 2, "temperature": np.float32(0.5)}, Limits())
    assert [(piece.steps, piece.seed, piece.temperature) for piece in pieces] == [(4, 7, 0.5), (4, 8, 0.5)]
    assert pieces[0].primer.max() == 2, "0, 1 and 2 are silent, held and struck"


def test_vectors_have_a_value_per_row():
    columns = {"steps": np.array([4, 5], np.int32), "seed": np.array([9, 9]), "density": np.array([1, 2], np.float32)}
    pieces = piece_requests(columns, Limits())
    assert [(piece.steps, piece.seed, piece.density) for piece in pieces] == [(4, 9, 1.0), (5, 9, 2.0)]
    assert pieces[0].primer.shape == (0, 84)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": np.int32(0)}, "steps must be >= 1 and <= 65536. Received: steps=0"),
        ({"steps": np.int32(65536)}, "steps of all rows must be <= 65536. Received: steps=131072"),
        ({"seed": np.int64(-1)}, "seed must be >= 0"),
        ({"seed": np.int64(MAX_ROW_SEED)}, f"<= {MAX_ROW_SEED} in every row. Received: seed={MAX_ROW_SEED + 1}"),
        ({"temperature": np.float32(0)}, "temperature must be a number >= 0.05 and <= 20.0"),
        ({"seed": np.array([1, 2, 3])}, "inputs must have the same number of rows"),
        ({"primer": np.zeros((2, 1025, 84))}, "primer must have at most 1024 steps. Received: 1025 steps"),
    ],
)
def test_what_is_refused(changes, words):
    with pytest.raises(InvalidRequestError) as caught:
        piece_requests(SCALARS | {"primer": PRIMER} | changes, Limits())
    assert words in str(caught.value)
