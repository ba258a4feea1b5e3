"""Signatures that draw no music."""

import asyncio
import threading

import numpy as np
import pytest

from pianoroll_tf.serving.drawing import signature_runner
from pianoroll_tf.serving.refusals import Refusal

ROLL = np.eye(84, dtype=np.uint8)[np.newaxis, :3]


@pytest.fixture
def made():
    one = signature_runner.Direct()
    yield one
    one.close()


def test_the_answer_is_the_models(made, registry):
    served = registry.get()
    found = asyncio.run(made.run(served, "predict", {"roll": ROLL}, 60.0))
    np.testing.assert_array_equal(found["probability"], served.model.predict(ROLL))


def test_values_that_do_not_fit(made, registry):
    inputs = {"primer": ROLL, "density": np.ones(7, np.float32)}
    inputs |= {"meter": np.array([[4, 4]], np.int32), "place": np.zeros(1, np.int32)}
    with pytest.raises(Refusal, match="inputs must fit the signature") as caught:
        asyncio.run(made.run(registry.get(), "begin", inputs, 60.0))
    assert caught.value.status == 400


def test_what_takes_too_long_and_who_comes_on_top(made, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(signature_runner, "_run", lambda *_: go_on.wait(60))
    monkeypatch.setattr(signature_runner, "WAITING", 1)

    async def ask():
        statuses = []
        for _ in range(2):
            with pytest.raises(Refusal) as caught:
                await made.run(None, "predict", {}, 0.05)
            statuses.append(caught.value.status)
        go_on.set()
        while made.waiting:
            await asyncio.sleep(0.01)
        return statuses

    assert asyncio.run(ask()) == [504, 429]
