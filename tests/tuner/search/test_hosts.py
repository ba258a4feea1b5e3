"""A search on several hosts, each in a network namespace: a worker is killed, one is cut off, the chief is killed."""

import pytest
from network_namespaces import network, unavailable
from search_hosts import lose_hosts

from tuner.search.trials import read_outcome

TRIALS = 6


def test_a_search_survives_the_loss_of_its_hosts(tmp_path):
    if reason := unavailable():
        pytest.skip(reason)
    with network(4) as net:
        hosts = lose_hosts(net, tmp_path, TRIALS)
    chief = hosts.output(0)
    assert {host: process.returncode for host, process in hosts.processes.items()} == {0: 0, 1: -9, 2: 0, 3: 0}, chief
    assert chief.count("is silent for 8 s") >= 2  # the killed worker and the one that was cut off
    assert chief.count("the chief listens on") == 2
    assert [read_outcome(hosts.trials / f"{trial:04d}").epochs for trial in range(TRIALS)] == [3] * TRIALS
    assert "Traceback" not in "".join(hosts.output(host) for host in hosts.processes)
