"""A server as a process, and all that is seen of it while clients ask it for some seconds."""

import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from benchmarks.harness import ROOT
from benchmarks.worker import cpu_count

STEADY_SECONDS = 5.0  # after which the memory of a phase is to be flat
SAMPLES_PER_SECOND = 2  # of the memory
LOAD_SECONDS = 300.0  # for a server to begin to answer
CHUNK_STEPS = 32  # that ours draws of a piece in a round
MAX_DELAY_SECONDS = 60.0  # shown for all that is beyond the last bound
ALLOWED = ("200", "429", "503")
DELAY = 'pianoroll_loop_delay_seconds_bucket{le="'


class Server:
    """A server of music that runs.

    Args:
        command: Arguments of Python; `{port}` is where it is to listen.
    """

    def __init__(self, *command: str) -> None:
        self.port = free_port()
        words = [word.format(port=self.port) for word in command]
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL, env=quiet)

    def wait(self) -> None:
        """Returns when it answers.

        Raises:
            RuntimeError: It ended, or does not begin to.
        """
        deadline = time.monotonic() + LOAD_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.get("/healthz")
                return
            time.sleep(0.1)
        raise RuntimeError(f"the server does not answer; exit code {self.process.poll()}")

    def get(self, path: str) -> str:
        """The content of a path."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return answer.read().decode()

    def metrics(self) -> dict[str, float]:
        """What Prometheus would read; nothing of a server that has no such path."""
        try:
            return samples(self.get("/metrics"))
        except OSError:
            return {}

    @property
    def rss(self) -> float:
        """Its resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def cpu(self) -> float:
        """CPU seconds that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Ends it."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class MemorySampler:
    """Samples a server's memory within a `with`.

    Attributes:
        seen: MiB, at each sample.
    """

    def __init__(self, server: Server) -> None:
        self.seen = [server.rss]
        self._server, self._stop = server, threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def _sample(self) -> None:
        while not self._stop.wait(1 / SAMPLES_PER_SECOND):
            with contextlib.suppress(OSError, IndexError):  # it has ended
                self.seen.append(self._server.rss)

    def __enter__(self) -> "MemorySampler":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


def busy_seconds() -> float:
    """CPU time of the whole machine so far, all that was not idle."""
    _, *spent = Path("/proc/stat").read_text().splitlines()[0].split()[:9]
    user, nice, system, _idle, _waiting, *interrupts = map(int, spent)
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def samples(text: str) -> dict[str, float]:
    """Name with labels → value, of what Prometheus reads.

    >>> samples('# HELP a b' + chr(10) + 'a{x="1"} 2.0' + chr(10))
    {'a{x="1"}': 2.0}
    """
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def phase(server: Server, clients: int, seconds: float, steps: int, kind: str = "generate") -> dict[str, float]:
    """So many clients of a kind for so long, and beside them one that asks `/healthz`; times in ms, memory in MiB."""
    before, cpu, busy, begun = server.metrics(), server.cpu, busy_seconds(), time.monotonic()
    with MemorySampler(server) as memory:
        asking = [
            start(kind, server.port, clients, seconds, steps),
            start("health", server.port, seconds),
        ]
        load, health = (json.loads(process.communicate()[0]) for process in asking)
        took = time.monotonic() - begun
    found = {name: value for name, value in load.items() if name != "statuses"}
    found |= {f"status {status}": load["statuses"].get(status, 0) for status in (*ALLOWED, *load["statuses"])}
    found["wrong"] = sum(count for status, count in load["statuses"].items() if status not in ALLOWED)
    found |= {f"health_{name}": value for name, value in health.items()}
    found |= memory_figures(memory.seen) | {"server_cpu": (server.cpu - cpu) / took, "cpu": load["cpu"] + health["cpu"]}
    found["other_cpu"] = max(0.0, (busy_seconds() - busy) / took - found["server_cpu"] - found["cpu"])
    found |= engine_figures(before, server.metrics(), took)
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def start(*arguments: object) -> subprocess.Popen:
    """Starts clients."""
    command = [sys.executable, "-m", "benchmarks.serving_clients", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def memory_figures(seen: list[float]) -> dict[str, float]:
    """What is said of the memory of a phase; growth: the end beside what it was after its first seconds.

    >>> memory_figures([100.0] * 10 + [200.0] * 9 + [220.0])["growth"]
    1.1
    """
    settled = seen[min(len(seen) - 1, int(SAMPLES_PER_SECOND * STEADY_SECONDS))]
    return {
        "rss_begin": seen[0],
        "rss_settled": settled,
        "rss_end": seen[-1],
        "rss_most": max(seen),
        "growth": seen[-1] / settled,
    }


def engine_figures(before: dict[str, float], after: dict[str, float], seconds: float) -> dict[str, float]:
    """What only the server itself knows: time in the model beside all that its CPUs had, rows in a round, delays."""
    if not after:
        return {}

    def more(name: str) -> float:
        values = (sum(v for key, v in found.items() if key.partition("{")[0] == name) for found in (after, before))
        return next(values) - next(values)

    found = {"model_share": more("pianoroll_model_seconds_total") / seconds / cpu_count()}
    found["rows"] = more("pianoroll_steps_total") / CHUNK_STEPS / max(1.0, more("pianoroll_chunks_total"))
    bounds = sorted(
        (float(name.removeprefix(DELAY).rstrip('"}')), after[name] - before.get(name, 0.0))
        for name in after
        if name.startswith(DELAY)
    )
    for name, share in (("loop_p99", 0.99), ("loop_longest", 1.0)):
        if bounds and bounds[-1][1]:
            found[name] = 1e3 * next(
                min(bound, MAX_DELAY_SECONDS) for bound, count in bounds if count >= share * bounds[-1][1]
            )
    return found
