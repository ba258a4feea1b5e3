"""Chief and workers over gRPC: leases, a lost worker, one that was only slow, and a chief that comes back."""

import socket
import threading
import time

import pytest
from oracles import make
from tiny_search import fake_run, search_settings

from pianoroll_tf.errors import UserError
from tuner.search import chief as search_chief
from tuner.search import tuner as search_tuner
from tuner.search.chief import Chief, Leases, release_lapsed, set_environment
from tuner.search.oracle import Status, new_oracle
from tuner.search.tuner import SearchTuner


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name in ("ORACLE_IP", "ORACLE_PORT", "TUNER_ID"):
        monkeypatch.setenv(f"KERASTUNER_{name}", "")  # so that it is removed again
    monkeypatch.setattr(search_tuner, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(search_chief, "_POLL_SECONDS", 0.05)
    monkeypatch.setattr(search_chief, "SHUTDOWN_SECONDS", 1.0)


def chief_of(oracle, lease=5.0, address="127.0.0.1:0"):
    """A chief that serves in a thread; what it says."""
    chief, messages = Chief(oracle, address, lease), []
    thread = threading.Thread(target=chief.serve, args=(lambda: None, messages.append))
    thread.start()
    return chief, messages, thread


def worker_of(chief, name, settings, folder, run=fake_run, beat=0.1):
    """A worker, made while KerasTuner's variables name it."""
    set_environment(chief.address, name)
    return SearchTuner(new_oracle(settings, folder), settings, folder, heartbeat_seconds=beat, run=run)


def test_leases():
    now = [0.0]
    leases = Leases(10.0, clock=lambda: now[0])
    leases.touch("a")
    now[0] = 10.0
    assert not leases.lapsed("a")
    assert not leases.lapsed("b")  # never heard: from now on
    now[0] = 10.5
    assert (leases.lapsed("a"), leases.lapsed("b"), leases.alive()) == (True, False, 1)
    leases.touch("a")
    assert not leases.lapsed("a")


def test_a_silent_worker_s_trial_goes_back_into_the_queue(tmp_path):
    now, messages = [0.0], []
    leases, oracle = Leases(10.0, clock=lambda: now[0]), make(tmp_path, search_settings(), trial_limit=1)
    trial = oracle.create_trial("lost")
    assert oracle.create_trial("idle").status == Status.IDLE
    leases.touch("lost")
    now[0] = 11.0
    leases.touch("idle")
    release_lapsed(oracle, leases, messages.append)
    assert messages == [f"lost is silent for 10 s; trial {trial.trial_id} is requeued"]
    assert oracle.tuner_ids == {"idle"}
    assert oracle.create_trial("idle").trial_id == trial.trial_id


def test_two_workers_end_a_search_though_a_third_is_lost(tmp_path):
    settings = search_settings()
    oracle = make(tmp_path, settings, trial_limit=7)
    chief, messages, serving = chief_of(oracle, lease=0.6)
    lost = oracle.create_trial("lost")  # takes a trial and is never heard again
    workers = [worker_of(chief, name, settings, tmp_path) for name in ("one", "two")]
    threads = [threading.Thread(target=worker.search) for worker in workers]
    for thread in [*threads, serving]:
        thread.start() if thread is not serving else None
    for thread in [*threads, serving]:
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert len(messages) == 1
    assert f"trial {lost.trial_id} is requeued" in messages[0]
    assert {trial.status for trial in oracle.trials.values()} == {Status.COMPLETED}
    assert len(oracle.trials) == len(set(oracle.end_order)) == 7
    assert not oracle.tuner_ids  # all workers know that the search is over


def test_heart_beats_keep_a_trial_and_tell_of_its_loss(tmp_path):
    settings, release, left = search_settings(), threading.Event(), []

    def slow(config, folder, callbacks=(), **named):
        if len(left) or folder.name != "0000":
            return fake_run(config, folder, **named)
        time.sleep(1.5)  # longer than the lease
        assert oracle.ongoing_trials["one"].trial_id == "0000"
        oracle.requeue("one")  # as if it had been silent
        oracle.create_trial("thief")
        try:
            while not release.wait(0.05):
                callbacks[0].on_train_batch_end(0)
        except search_tuner.LeaseLostError:
            left.append(True)
            oracle.requeue("thief")
            raise

    oracle = make(tmp_path, settings, trial_limit=2)
    chief, messages, serving = chief_of(oracle, lease=1.0)
    worker = worker_of(chief, "one", settings, tmp_path, run=slow)
    watchdog = threading.Timer(20, release.set)
    watchdog.start()
    worker.search()
    serving.join(timeout=30)
    watchdog.cancel()
    assert left == [True]
    assert messages == []
    assert {trial.status for trial in oracle.trials.values()} == {Status.COMPLETED}


def test_a_chief_that_comes_back_finds_its_worker_at_work(tmp_path):
    settings = search_settings()
    oracle = make(tmp_path, settings, trial_limit=1)
    trial = oracle.create_trial("one")
    again = make(tmp_path, settings, trial_limit=1)  # after kill -9
    assert again._retry_queue == [trial.trial_id]
    chief, _, serving = chief_of(again)
    worker = worker_of(chief, "one", settings, tmp_path)
    worker.on_trial_begin(trial)
    deadline = time.monotonic() + 20
    while "one" not in again.ongoing_trials and time.monotonic() < deadline:
        time.sleep(0.05)
    assert again._retry_queue == []
    worker._try_run_and_update_trial(trial)
    worker.on_trial_end(trial)
    worker.search()
    serving.join(timeout=30)
    assert again.trials[trial.trial_id].status == Status.COMPLETED


def test_a_port_in_use_is_an_error(tmp_path):
    oracle = make(tmp_path, search_settings())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="--chief must be an address of this machine with a free port"):
            Chief(oracle, f"127.0.0.1:{taken.getsockname()[1]}", 1.0)


def test_two_chiefs_do_not_share_a_port(tmp_path):
    first = Chief(make(tmp_path / "a", search_settings()), "127.0.0.1:0", 1.0)
    with pytest.raises(UserError, match="a free port"):
        Chief(make(tmp_path / "b", search_settings()), first.address, 1.0)
    first._server.stop(grace=None).wait()
