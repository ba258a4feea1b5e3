"""Versions, statuses and signatures by name, with TensorFlow Serving's messages; signatures, run."""

import asyncio
import threading
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from pianoroll_tf.generation.saved_model import MAX_ROW_SEED
from pianoroll_tf.serving.refusals import DeadlineError, InvalidRequestError, NotFoundError, OverloadedError
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.state import State
from pianoroll_tf.serving.tf_serving import predictions
from pianoroll_tf.serving.tf_serving.predictions import piece_requests, run_signature

PRIMER = np.zeros((2, 3, 84), np.uint8)
SCALARS = {"steps": np.int32(4), "seed": np.int64(7)}
ROLL = np.eye(84, dtype=np.uint8)[np.newaxis, :3]


@pytest.fixture
def state(registry):
    made = State(registry, Limits(request_seconds=60.0))
    yield made
    made.close()


def test_a_version_by_number_or_the_newest(registry):
    for version in (None, 1):
        with predictions.use_version(registry, "tiny", version) as served:
            assert served.version == 1


@pytest.mark.parametrize(
    ("name", "version", "spec"),
    [("other", None, "Latest(other)"), ("other", 1, "Specific(other, 1)"), ("tiny", 7, "Specific(tiny, 7)")],
)
def test_a_version_that_is_not_served(registry, name, version, spec):
    with pytest.raises(NotFoundError) as caught:
        predictions.use_version(registry, name, version)
    assert str(caught.value) == f"Servable not found for request: {spec}"


def test_statuses_of_all_versions_or_one(registry):
    assert predictions.find_statuses(registry, "tiny", None) == predictions.find_statuses(registry, "tiny", 1)
    with pytest.raises(NotFoundError, match="Could not find any versions of model other"):
        predictions.find_statuses(registry, "other", None)
    with pytest.raises(NotFoundError, match="Could not find version 2 of model tiny"):
        predictions.find_statuses(registry, "tiny", 2)


def test_inputs_of_a_signature(registry):
    assert list(predictions.find_inputs(registry.get(), "predict")) == ["roll"]
    with pytest.raises(InvalidRequestError, match='Serving signature name: "sing" not found in signature def'):
        predictions.find_inputs(registry.get(), "sing")


def test_types_and_shapes_of_inputs():
    signature = SignatureDef()
    signature.inputs["x"].dtype = types_pb2.DT_UINT8
    for size in (-1, 84):
        signature.inputs["x"].tensor_shape.dim.add().size = size
    served = mock.Mock(signatures={"s": signature})
    assert predictions.find_inputs(served, "s") == {"x": tf.TensorSpec([None, 84], tf.uint8)}


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


def test_outputs_of_other_signatures_are_those_of_the_model(state, registry):
    served = registry.get()
    found = asyncio.run(run_signature(state, served, "predict", {"roll": ROLL}))
    np.testing.assert_array_equal(found["probability"], served.model.predict(ROLL))


def test_values_that_do_not_fit(state, registry):
    inputs = {"primer": ROLL, "density": np.ones(7, np.float32)}
    inputs |= {"meter": np.array([[4, 4]], np.int32), "place": np.zeros(1, np.int32)}
    with pytest.raises(InvalidRequestError, match="inputs must fit the signature"):
        asyncio.run(run_signature(state, registry.get(), "begin", inputs))


def test_a_run_that_takes_too_long_and_a_request_too_many(registry, monkeypatch):
    may_end = threading.Event()
    served = mock.Mock()
    served.model.program.signatures = {"predict": lambda: may_end.wait(60) and {}}
    monkeypatch.setattr(predictions, "MAX_RUNS", 1)
    state = State(registry, Limits(request_seconds=0.05))

    async def ask():
        for error in (DeadlineError, OverloadedError):
            with pytest.raises(error):
                await run_signature(state, served, "predict", {})
        may_end.set()
        while state.signature_runs:
            await asyncio.sleep(0.01)

    asyncio.run(ask())
    state.close()
