"""What is shared: places, time, and who has gone."""

import asyncio
import concurrent.futures
import json
import threading
from unittest import mock

import pytest
from serving_client import running, until

from pianoroll_tf.serving.drawing.piece_request import Asked
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.state import LITTLE, State


@pytest.fixture(scope="module")
def narrow(registry):
    """A server with few places."""
    with running(registry, queue_rows=2, streams=1, request_seconds=1.0) as made:
        yield made


def test_more_pieces_than_may_wait_are_told_to_come_again(narrow):
    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda seed: narrow.post("/generate", {"steps": 512, "seed": seed}), range(16)))
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {200, 429, 504}
    assert 429 in statuses
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["Retry-After"] == "1"
    assert refused.json() == {"error": "the places for pieces that wait are full; come again in 1 s"}
    until(lambda: narrow.state.rows == 0)


def test_those_who_come_at_the_same_moment_get_no_more_places_than_there_are(registry):
    state = State(registry, Limits(queue_rows=3), mock.Mock(), mock.Mock())
    never = asyncio.Event().wait

    async def ask(rows):
        state.check_room(rows)
        with registry.use() as served:
            return await state.draw(never, served, [Asked(steps=1, seed=seed) for seed in range(rows)])

    async def ask_all():
        return await asyncio.gather(*map(ask, (2, 2, 1, 1)), return_exceptions=True)

    try:
        for _ in range(2):
            answers = asyncio.run(ask_all())
            assert [getattr(answer, "status", 200) for answer in answers] == [200, 429, 200, 429]
            assert state.held == 0
            until(lambda: state.rows == 0)
    finally:
        state.worker.shutdown()


@pytest.mark.parametrize("is_stopping", [True, False])
def test_what_is_not_done_when_the_server_must_end_is_told_so(registry, is_stopping):
    state = State(registry, Limits(), mock.Mock(), mock.Mock())

    async def ask():
        with registry.use() as served:
            return await state.draw(asyncio.Event().wait, served, [Asked(steps=65536)])

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
        state.worker.shutdown()
    assert getattr(answer, "status", None) == (503 if is_stopping else None)
    assert isinstance(answer, asyncio.CancelledError) != is_stopping
    until(lambda: state.rows == 0 == state.held)


def test_one_request_of_more_rows_than_places_is_told_so(narrow):
    rows = [{"steps": 1, "seed": 1, "temperature": 1, "top_p": 1, "density": 1}] * 3
    answer = narrow.post("/v1/models/tiny:predict", {"signature_name": "compose_rows", "instances": rows})
    assert answer.status_code == 429


def test_what_takes_too_long_is_given_up_and_drawn_no_further(narrow):
    answer = narrow.post("/generate", {"steps": 65536})
    assert answer.status_code == 504
    assert "an answer takes more than 1 s" in answer.json()["error"]
    until(lambda: narrow.state.rows == 0)


def test_more_streams_than_places(narrow):
    with narrow.post("/generate?stream=1", {"steps": 0}, stream=True) as first:
        parts = first.iter_content(10)  # kept: with it the connection would go
        assert next(parts)
        answer = narrow.post("/generate?stream=1", {"steps": 1})
        assert (answer.status_code, answer.headers.get("Retry-After")) == (429, "1"), answer.text
    until(lambda: narrow.state.streams == 0 and narrow.state.rows == 0)
    assert narrow.post("/generate?stream=1", {"steps": 1}).status_code == 200


def test_who_hangs_up_is_drawn_no_further(server):
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


def test_little_work_is_done_at_once_and_more_beside_the_loop(server):
    here = threading.get_ident()

    async def where(size):
        return await server.state.work(size, threading.get_ident)

    assert asyncio.run(where(LITTLE)) == here
    assert asyncio.run(where(LITTLE + 1)) != here
