"""Many clients at once: each request is answered or refused with Retry-After, and leaves nothing behind."""

import socket
import threading

import pytest
from serving_client import running, until

from benchmarks import serving_clients

CLIENTS, SECONDS, STEPS = 16, 3.0, 64


def load(server, steps=STEPS):
    return serving_clients.generate(server.port, CLIENTS, SECONDS, steps)


def test_all_requests_are_answered_and_so_are_health_checks(server):
    healths = []
    asking = threading.Thread(target=lambda: healths.append(serving_clients.health(server.port, SECONDS)))
    asking.start()
    found = load(server)
    asking.join()
    assert set(found["statuses"]) == {"200"}
    assert 0 < found["p50"] <= found["p99"] <= found["longest"]
    [health] = healths
    assert health["failed"] == 0
    assert health["asked"] > 0
    until(lambda: server.state.rows == 0)


def test_requests_beyond_the_capacity_are_refused_and_retried(registry):
    with running(registry, queue_rows=2) as narrow:
        found = load(narrow, steps=512)
        assert set(found["statuses"]) <= {"200", "429"}
        assert found["statuses"]["429"] > 0
        assert found["statuses"]["200"] > 0
        until(lambda: narrow.state.rows == 0)


def test_a_port_on_which_nothing_listens():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and does not listen
        found = serving_clients.generate(silent.getsockname()[1], clients=1, seconds=0.5, steps=STEPS)
    assert set(found["statuses"]) == {serving_clients.BROKEN}
    assert found["rate"] == 0


@pytest.mark.parametrize(("share", "value"), [(0.5, 2.0), (0.99, 4.0), (0.25, 1.0), (1.0, 4.0)])
def test_quantiles(share, value):
    assert serving_clients.quantile([4.0, 1.0, 3.0, 2.0], share) == value
