"""Tests of pianoroll_tf.modeling.cluster: who a process is by TF_CONFIG and Slurm, and who can be reached."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from team_run import free_ports

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.cluster import Cluster, read_cluster, unreachable, wait_for_all


def tf_config(cluster, task):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


def test_tf_config_names_the_tasks_and_this_one():
    cluster = read_cluster(tf_config({"worker": ["a:1", "b:2"]}, {"type": "worker", "index": 1}))
    assert cluster == Cluster((("worker", 0, "a:1"), ("worker", 1, "b:2")), 1)
    assert cluster.name(0) == "worker 0 (a:1)"
    assert (cluster.rank_of("worker", 1), cluster.rank_of("chief", 0)) == (1, None)


def test_a_task_of_the_job_chief_comes_first():
    cluster = read_cluster(tf_config({"worker": ["b:2"], "chief": ["a:1"]}, {"type": "worker", "index": "0"}))
    assert cluster == Cluster((("chief", 0, "a:1"), ("worker", 0, "b:2")), 1)


WORKER = {"type": "worker", "index": 0}


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({}, r"must have TF_CONFIG, or Slurm's variables .* Received: neither TF_CONFIG nor SLURM_PROCID"),
        ({"TF_CONFIG": "{"}, r"TF_CONFIG must be \{.*\}, with a task of the cluster\. Received: '\{'"),
        ({"TF_CONFIG": "[]"}, "TF_CONFIG must be"),
        (tf_config({"worker": ["a:1"]}, {"type": "worker", "index": 1}), "TF_CONFIG must be"),
        (tf_config({"worker": ["a"]}, WORKER), "TF_CONFIG must be"),
        (tf_config({"worker": ["a:70000"]}, WORKER), "a HOST:PORT of its own for each task. Received: a:70000"),
        (tf_config({"worker": ["a:1", "a:1"]}, WORKER), "a HOST:PORT of its own for each task. Received: a:1, a:1"),
        (tf_config({"worker": ["a:1"], "ps": ["b:1"]}, WORKER), "no jobs but chief and worker. Received: ps, worker"),
        ({"SLURM_PROCID": "0"}, r"must be those of a job step \(srun\)\. Received: SLURM_PROCID=0, SLURM_STEP_NUM_"),
        ({"SLURM_PROCID": "x", "SLURM_STEP_NUM_TASKS": "2"}, "must be those of a job step"),
    ],
)
def test_what_names_no_cluster_is_one_line(environment, line):
    with pytest.raises(UserError, match=line) as error:
        read_cluster(environment)
    assert "\n" not in str(error.value)


SLURM = {
    "SLURM_JOB_ID": "1203",
    "SLURM_STEP_NUM_TASKS": "3",
    "SLURM_STEP_NODELIST": "n[9-10]",
    "SLURM_STEP_TASKS_PER_NODE": "2,1",
}


@pytest.mark.parametrize(
    ("rank", "node", "local", "index"), [("0", "n9", "0", 1), ("1", "n9", "1", 2), ("2", "n10", "0", 0)]
)
def test_a_task_of_slurm_finds_itself_by_its_node(monkeypatch, rank, node, local, index):
    """Ports are 12000 + 100 (1203 mod 200) and the next. Slurm counts n9 before n10, TensorFlow sorts them by name."""
    environment = SLURM | {"SLURM_PROCID": rank, "SLURMD_NODENAME": node, "SLURM_LOCALID": local}
    for name, value in environment.items():  # TensorFlow's resolver reads the process's own
        monkeypatch.setenv(name, value)
    cluster = read_cluster(environment)
    assert [address for _, _, address in cluster.tasks] == ["n10:12300", "n9:12300", "n9:12301"]
    assert cluster.rank == index


def local_tasks(ports, rank):
    return Cluster(tuple(("worker", index, f"127.0.0.1:{port}") for index, port in enumerate(ports)), rank)


def test_a_task_that_does_not_listen_has_ended():
    ports = free_ports(2)
    assert unreachable(local_tasks(ports, 0)) == {1: "has ended"}
    with socket.create_server(("127.0.0.1", ports[1])):
        assert unreachable(local_tasks(ports, 0)) == {}
    assert unreachable(Cluster((("worker", 0, "a:1"), ("worker", 1, "no-such-host.invalid:1")), 0)) == {
        1: "has a name that cannot be resolved"
    }


def test_all_wait_until_the_others_have_started():
    ports, said, ready = free_ports(3), [], threading.Barrier(3, timeout=60)

    def start(rank):
        time.sleep(0.3 * rank)
        wait_for_all(local_tasks(ports, rank), 60, said.append)
        with socket.create_server(("", ports[rank])):  # as TensorFlow does next, should another not have seen it yet
            ready.wait()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(start, range(3)))
    assert not said


def test_a_worker_that_does_not_start_is_named(monkeypatch):
    ports, said = free_ports(3), []
    monkeypatch.setattr("pianoroll_tf.modeling.cluster._SAY_AFTER_SECONDS", 0.1)
    with (
        socket.create_server(("127.0.0.1", ports[2])),
        pytest.raises(UserError, match=rf"start within 1 s, but worker 1 \(127\.0\.0\.1:{ports[1]}\) has not$"),
    ):
        wait_for_all(local_tasks(ports, 0), 1, said.append)
    assert said == [f"waits for worker 1 (127.0.0.1:{ports[1]}), for up to 1 s"]


def test_a_port_that_is_in_use_is_one_line():
    ports = free_ports(2)
    with (
        socket.create_server(("", ports[0])),
        pytest.raises(UserError, match=rf"listen on port {ports[0]}\. Received: Address already in use"),
    ):
        wait_for_all(local_tasks(ports, 0), 1)
