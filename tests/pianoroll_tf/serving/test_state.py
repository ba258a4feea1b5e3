"""What requests share: capacity, time, and clients that disconnect."""

import asyncio
import concurrent.futures
import json
import threading

import pytest
from serving_client import running, until

from pianoroll_tf.serving.drawing.engine import PieceRequest
from pianoroll_tf.serving.refusals import OverloadedError, StoppingError
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.state import MAX_INLINE_SIZE, State


@pytest.fixture(scope="module")
def narrow(registry):
    """A server with a small capacity."""
    with running(registry, queue_rows=2, streams=1, request_seconds=1.0) as made:
        yield made


def test_more_pieces_than_may_wait_are_refused_with_retry_after(narrow):
    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda seed: narrow.post("/generate", {"steps": 512, "seed": seed}), range(16)))
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {200, 429, 504}
    assert 429 in statuses
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["Retry-After"] == "1"
    assert refused.json() == {"error": "too many pieces are waiting; retry in 1 s"}
    until(lambda: narrow.state.rows == 0)


def test_simultaneous_requests_do_not_exceed_the_capacity(registry):
    state = State(registry, Limits(queue_rows=3))
    never = asyncio.Event().wait

    async def ask(rows):
        state.check_capacity(rows)
        with registry.use() as served:
            return await state.draw(never, served, [PieceRequest(steps=1, seed=seed) for seed in range(rows)])

    async def ask_all():
        return await asyncio.gather(*map(ask, (2, 2, 1, 1)), return_exceptions=True)

    try:
        for _ in range(2):
            answers = asyncio.run(ask_all())
            assert [isinstance(answer, OverloadedError) for answer in answers] == [False, True, False, True]
            assert state.admitted == 0
            until(lambda: state.rows == 0)
    finally:
        state.close()


@pytest.mark.parametrize("is_stopping", [True, False])
def test_requests_that_are_not_complete_when_the_server_ends_are_refused(registry, is_stopping):
    state = State(registry, Limits())

    async def ask():
        with registry.use() as served:
            return await state.draw(asyncio.Event().wait, served, [PieceRequest(steps=65536)])

    async def end_it():
        asking = asyncio.create_task(ask())
        await asyncio.sleep(0)
        state.is_stopping = is_stopping
        asking.cancel()
        [answer] = await asyncio.gather(asking, return_exceptions=True)
        return answer

    try:
        answer = asyncio.run(end_it())
    finally:
        state.close()
    assert isinstance(answer, StoppingError if is_stopping else asyncio.CancelledError)
    until(lambda: state.rows == 0 == state.admitted)


def test_a_request_of_more_rows_than_the_capacity_is_refused(narrow):
    rows = [{"steps": 1, "seed": 1, "temperature": 1, "top_p": 1, "density": 1}] * 3
    answer = narrow.post("/v1/models/tiny:predict", {"signature_name": "compose_rows", "instances": rows})
    assert answer.status_code == 429


def test_a_request_that_takes_too_long_is_not_drawn_any_further(narrow):
    answer = narrow.post("/generate", {"steps": 65536})
    assert answer.status_code == 504
    assert "the response takes more than 1 s" in answer.json()["error"]
    until(lambda: narrow.state.rows == 0)


def test_more_streams_than_allowed(narrow):
    with narrow.post("/generate?stream=1", {"steps": 0}, stream=True) as first:
        parts = first.iter_content(10)  # kept, because the connection closes with it
        assert next(parts)
        answer = narrow.post("/generate?stream=1", {"steps": 1})
        assert (answer.status_code, answer.headers.get("Retry-After")) == (429, "1"), answer.text
    until(lambda: narrow.state.streams == 0 and narrow.state.rows == 0)
    assert narrow.post("/generate?stream=1", {"steps": 1}).status_code == 200


def test_a_request_whose_client_disconnects_is_not_drawn_any_further(server):
    body = json.dumps({"steps": 65536, "seed": 1})
    head = (
        f"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    connections = [server.connect() for _ in range(40)]
    for connection in connections:
        connection.sendall(f"{head}\r\n\r\n{body}".encode())
    until(lambda: server.state.rows)
    for connection in connections:
        connection.close()
    until(lambda: server.state.rows == 0)
    until(lambda: not server.server.server_state.connections)
    assert server.get("/healthz").status_code == 200


def test_little_work_is_done_at_once_and_more_on_another_thread(server):
    here = threading.get_ident()

    async def where(size):
        return await server.state.offload(size, threading.get_ident)

    assert asyncio.run(where(MAX_INLINE_SIZE)) == here
    assert asyncio.run(where(MAX_INLINE_SIZE + 1)) != here
