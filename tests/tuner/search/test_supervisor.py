"""Supervised workers: when one or all of them die, and when their parent dies."""

import subprocess
import sys
import time

import pytest
from oracles import make
from tiny_search import search_settings

from pianoroll_tf.errors import UserError
from tuner.search.oracle import Status
from tuner.search.supervisor import EXIT_STOPPED, MAX_ATTEMPTS, Supervisor, Worker, start_workers


@pytest.fixture
def started(tmp_path):
    """Starts a worker that runs a shell script; all are ended after the test."""
    workers = []

    def start(script):
        log = tmp_path / "logs" / f"{len(workers)}.log"
        workers.append(Worker(f"worker-{len(workers)}", ["sh", "-c", script], log, threads=1))
        return workers[-1]

    yield start
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
        worker.close()


def poll_until(supervisor, condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        supervisor.poll()
        time.sleep(0.01)
    assert condition()


def test_a_killed_worker_is_started_again_and_its_trial_queued(tmp_path, started):
    oracle, messages = make(tmp_path, search_settings(), trial_limit=2), []
    worker = started("sleep 60")
    trial = oracle.create_trial(worker.name)
    supervisor, first = Supervisor([worker], oracle, messages.append), worker.process
    supervisor.poll()
    assert worker.process is first
    first.kill()
    poll_until(supervisor, lambda: worker.process is not first)
    assert messages == ["worker-0 was killed by signal 9; it is restarted"]
    assert worker.process.poll() is None
    assert oracle._retry_queue == [trial.trial_id]


def test_a_trial_that_kills_its_workers_fails(tmp_path, started):
    oracle, messages = make(tmp_path, search_settings(), trial_limit=1), []
    worker = started("kill -11 $$")
    supervisor = Supervisor([worker], oracle, messages.append)
    for _ in range(MAX_ATTEMPTS):
        oracle.create_trial(worker.name)
        messages.clear()
        poll_until(supervisor, lambda: messages)
    assert oracle.trials["0000"].status == Status.FAILED
    assert oracle.trials["0000"].message == f"{MAX_ATTEMPTS} workers died during it, the last killed by signal 11"
    assert oracle.finished()


def test_a_worker_stopped_by_sigterm_does_not_count_against_its_trial(tmp_path, started):
    oracle, messages = make(tmp_path, search_settings(), trial_limit=1), []
    worker = started(f"exit {EXIT_STOPPED}")
    supervisor = Supervisor([worker], oracle, messages.append)
    for _ in range(MAX_ATTEMPTS + 1):
        oracle.create_trial(worker.name)
        messages.clear()
        poll_until(supervisor, lambda: messages)
    assert oracle.trials["0000"].status == Status.RUNNING


def test_workers_that_die_before_a_trial_end_the_search(tmp_path, started):
    worker = started("echo no such library; exit 9")
    supervisor = Supervisor([worker], make(tmp_path, search_settings()), lambda line: None)
    with pytest.raises(
        UserError, match=r"worker-0 dies before it gets a trial \(ended with exit code 9\): no such library"
    ):
        poll_until(supervisor, lambda: False)


def test_a_worker_s_error_ends_the_search(tmp_path, started):
    worker = started("echo first; echo 'tuner.search: No space left on device' >&2; exit 1")
    supervisor = Supervisor([worker], make(tmp_path, search_settings()), lambda line: None)
    with pytest.raises(UserError, match=r"worker-0 failed: tuner\.search: No space left on device"):
        poll_until(supervisor, lambda: False)


def test_a_worker_that_is_done_is_left_alone(tmp_path, started):
    worker = started("exit 0")
    supervisor, process = Supervisor([worker], make(tmp_path, search_settings()), pytest.fail), worker.process
    process.wait()
    supervisor.poll()
    assert worker.process is process


def test_workers_are_stopped(tmp_path, started):
    polite, deaf = started("sleep 60"), started("trap '' TERM; while :; do sleep 0.1; done")
    time.sleep(0.3)
    Supervisor([polite, deaf], make(tmp_path, search_settings()), pytest.fail).stop(seconds=0.5)
    assert (polite.process.returncode, deaf.process.returncode) == (-15, -9)


def test_cores_and_gpus_are_shared(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    code = "import os, sys; print(os.environ['OMP_NUM_THREADS'], os.environ['CUDA_VISIBLE_DEVICES'], sys.argv[1:])"
    workers = start_workers(3, [sys.executable, "-c", code], tmp_path, gpus=2)
    for worker in workers:
        assert worker.process.wait(20) == 0
        worker.close()
    messages = [(tmp_path / f"worker-{index}.log").read_text().strip() for index in range(3)]
    assert messages == [f"2 {gpu} ['--threads', '2']" for gpu in (0, 1, 0)]


def test_a_worker_does_not_outlive_its_parent(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "child = 'import time; from tuner.search.supervisor import exit_with_parent; exit_with_parent();'\n"
        "child += 'print(1, flush=True); time.sleep(60)'\n"
        "worker = subprocess.Popen([sys.executable, '-c', child], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "worker.stdout.readline()\n"
        "print(worker.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return  # dead; whoever inherited it has not yet looked
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("the worker lives on")
