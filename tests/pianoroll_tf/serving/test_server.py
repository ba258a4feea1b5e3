"""The server as a process: it starts, replaces versions under load, and stops on SIGTERM."""

import asyncio
import concurrent.futures
import gc
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from unittest import mock

import pytest
import requests
import tensorflow as tf
from fake_batches import FakePaddedBatches
from repository import ROOT
from serving_client import TIMEOUT_SECONDS, running, until

from pianoroll_tf.serving import server as server_module
from pianoroll_tf.serving.drawing import registry as registry_module
from pianoroll_tf.serving.drawing.registry import Registry


def start(folder, *flags):
    """`python -m pianoroll_tf.serve` on a free port: (process, its address)."""
    command = [sys.executable, "-m", "pianoroll_tf.serve", str(folder), "--port", "0", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    line = process.stdout.readline()
    found = re.fullmatch(r"serving tiny version 1 at (http://127\.0\.0\.1:\d+/)\n", line)
    assert found, line + process.communicate()[1]
    return process, found[1]


@pytest.mark.slow
def test_requests_in_progress_are_finished_after_sigterm(exported):
    process, url = start(exported, "--tile-rows", "2", "--request-seconds", "600", "--drain-seconds", "600")
    asked = {"steps": 8_000, "output": "roll"}
    with concurrent.futures.ThreadPoolExecutor(9) as clients:

        def ask(seed):
            return requests.post(f"{url}generate", json=asked | {"seed": seed}, timeout=TIMEOUT_SECONDS)

        def listen():
            answer = requests.post(f"{url}generate?stream=1", json={"steps": 0}, timeout=TIMEOUT_SECONDS)
            return answer.text

        asking = [clients.submit(ask, seed) for seed in range(8)]
        listening = clients.submit(listen)
        metrics = f"{url}metrics"
        until(lambda: "pianoroll_queue_rows 9.0" in requests.get(metrics, timeout=TIMEOUT_SECONDS).text)
        process.send_signal(signal.SIGTERM)
        answers = [one.result() for one in asking]
        text = listening.result()
    assert [answer.status_code for answer in answers] == [200] * 8
    assert all(len(answer.json()["roll"]) == 8_000 for answer in answers)
    assert "event: end" in text
    out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_new_version_replaces_the_old_one_under_32_clients_without_errors(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(registry_module, "PaddedBatches", FakePaddedBatches)
    monkeypatch.setattr(tf.saved_model, "load", lambda path: None)
    folder = tmp_path / "tiny"
    shutil.copytree(exported / "1", folder / "1")
    stop = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        registry = Registry(folder, newest=1, pool=pool, active_rows=64, sizes=(2, 4))
        registry.refresh(max_versions=1)
        with running(registry) as made, concurrent.futures.ThreadPoolExecutor(32) as clients:

            def ask_on(seed):
                answers = []
                while not stop.is_set():
                    answers.append(made.post("/generate", {"steps": 40, "seed": seed, "output": "roll"}))
                return answers

            asking = [clients.submit(ask_on, seed) for seed in range(32)]
            with server_module.watch_versions(registry, seconds=0.05):
                until(gc.get_freeze_count)
                shutil.copytree(exported / "1", tmp_path / "2")
                (tmp_path / "2").rename(folder / "2")
                until(lambda: list(registry.served) == [2])
                stop_soon = threading.Timer(0.3, stop.set)
                stop_soon.start()
                answers = [answer for one in asking for answer in one.result()]
    assert gc.get_freeze_count() == 0
    assert {answer.status_code for answer in answers} == {200}, next(a.text for a in answers if a.status_code != 200)
    assert {answer.json()["version"] for answer in answers} == {1, 2}
    assert all(len(answer.json()["roll"]) == 40 for answer in answers)


@pytest.mark.parametrize(("port", "words"), [(None, ""), (8500, ", gRPC at port 8500")])
def test_it_prints_its_address(capsys, port, words):
    server = mock.Mock(started=True, url="http://127.0.0.1:1/")
    registry = mock.Mock(served={1: None, 3: None})
    registry.name = "tiny"
    asyncio.run(server_module.announce(server, registry, port))
    assert capsys.readouterr().out == f"serving tiny version 3 at http://127.0.0.1:1/{words}\n"


def test_an_address_in_use(exported):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "pianoroll_tf.serve", str(exported), "--port", port, "--tile-rows", "2"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    words = "the address must be free to listen on (--host, --port)."
    assert f"{words} Received: 127.0.0.1:{port} (address already in use)" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_loopback_addresses():
    found = {host: server_module.is_loopback(host) for host in ("127.3.2.1", "::1", "0.0.0.0", "::", "box.example")}
    assert found == {"127.3.2.1": True, "::1": True, "0.0.0.0": False, "::": False, "box.example": False}
