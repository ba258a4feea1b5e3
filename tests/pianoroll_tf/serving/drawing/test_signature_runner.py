"""Signatures that draw no music."""

import asyncio
import threading

import numpy as np
import pytest

from pianoroll_tf.serving.drawing import signature_runner
from pianoroll_tf.serving.refusals import DeadlineError, InvalidRequestError, OverloadedError

ROLL = np.eye(84, dtype=np.uint8)[np.newaxis, :3]


@pytest.fixture
def made():
    one = signature_runner.SignatureRunner()
    yield one
    one.close()


def test_outputs_are_those_of_the_model(made, registry):
    served = registry.get()
    found = asyncio.run(made.run(served, "predict", {"roll": ROLL}, 60.0))
    np.testing.assert_array_equal(found["probability"], served.model.predict(ROLL))


def test_values_that_do_not_fit(made, registry):
    inputs = {"primer": ROLL, "density": np.ones(7, np.float32)}
    inputs |= {"meter": np.array([[4, 4]], np.int32), "place": np.zeros(1, np.int32)}
    with pytest.raises(InvalidRequestError, match="inputs must fit the signature"):
        asyncio.run(made.run(registry.get(), "begin", inputs, 60.0))


def test_a_run_that_takes_too_long_and_a_request_too_many(made, monkeypatch):
    may_end = threading.Event()
    monkeypatch.setattr(signature_runner, "_run", lambda *_: may_end.wait(60))
    monkeypatch.setattr(signature_runner, "MAX_WAITING", 1)

    async def ask():
        for error in (DeadlineError, OverloadedError):
            with pytest.raises(error):
                await made.run(None, "predict", {}, 0.05)
        may_end.set()
        while made.waiting:
            await asyncio.sleep(0.01)

    asyncio.run(ask())
