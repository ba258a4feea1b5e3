"""A request for a piece, as the engine takes it."""

import dataclasses

import pytest

from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.serving.drawing.piece_request import PieceRequest


def test_defaults_are_those_of_sampling():
    request, sampling = PieceRequest(seed=2), SamplingConfig()
    assert (request.temperature, request.top_p, request.density) == (
        sampling.temperature,
        sampling.top_p,
        sampling.density,
    )
    assert (request.steps, request.seed, request.primer.shape) == (None, 2, (0, 84))


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PieceRequest().steps = 1
