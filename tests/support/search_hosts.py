"""A search on several hosts, of which some are lost: a network namespace for the chief and for each worker.

As a script it prints what happened: python search_hosts.py WORKERS TRIALS
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from network_namespaces import Network, network
from repository import ROOT
from tiny_run import tiny_records

PORT = 8470
LEASE = 8  # seconds
TINY = {"window_steps": 16, "batch_size": 4, "conv_layers": 1, "conv_filters": 4, "conv_kernel": 3, "gru_layers": 1}
TINY |= {"gru_units": 6, "steps_per_epoch": 40, "loss": "bce", "schedule": "constant"}
FIXES = [word for name, value in TINY.items() for word in ("--fix", f"{name}={value}")]


class Hosts:
    """The processes of a search on the hosts of a network; the first host is the chief's."""

    def __init__(self, net: Network, folder: Path, trials: int) -> None:
        self._net, self._folder = net, folder
        self._search = [str(tiny_records(folder / "records")), str(folder / "search"), *FIXES, "--epochs", "3"]
        self._search += ["--max-trials", str(trials), "--lease", f"{LEASE}s", "--chief", f"{net.addresses[0]}:{PORT}"]
        self.processes: dict[int, subprocess.Popen] = {}

    @property
    def trials(self) -> Path:
        """Folder of the trials."""
        return self._folder / "search" / "trials"

    def output(self, host: int) -> str:
        """What the processes of a host have printed."""
        return (self._folder / f"{host}.log").read_text()

    def start(self, host: int) -> None:
        """Starts chief or worker, also once more after it was lost."""
        role = ["--role", "worker", "--threads", "1"] if host else ["--role", "chief"]
        words = [sys.executable, "-m", "tuner.search", *self._search, *role]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        with (self._folder / f"{host}.log").open("a") as log:
            self.processes[host] = subprocess.Popen(
                self._net.command(host, words), cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def kill(self, host: int) -> None:
        """Kills the process of a host."""
        self.processes[host].send_signal(signal.SIGKILL)
        self.processes[host].wait()

    def close(self) -> None:
        """Ends whatever still runs."""
        for process in self.processes.values():
            process.kill()
            process.wait()


def wait_until(what: Callable[[], object], seconds: float = 300) -> None:
    """Waits until something holds; raises TimeoutError if it takes too long."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


def lose_hosts(net: Network, folder: Path, trials: int) -> Hosts:
    """A search in which a worker is killed, another is unreachable beyond its lease, and the chief is killed.

    Returns:
        The hosts, whose processes have ended: the killed worker is host 1, the unreachable one host 2.
    """
    hosts = Hosts(net, folder, trials)
    try:
        for host in range(len(net.addresses)):
            hosts.start(host)
        wait_until(lambda: len(list(hosts.trials.glob("*/run/config.json"))) >= len(net.addresses) - 1)
        hosts.kill(1)
        net.cut(2)
        time.sleep(1.5 * LEASE)
        net.restore(2)
        wait_until(lambda: list(hosts.trials.glob("*/outcome.json")))
        hosts.kill(0)
        time.sleep(2)
        hosts.start(0)
        for process in hosts.processes.values():
            process.wait(timeout=600)
    finally:
        hosts.close()
    return hosts


def main() -> int:
    """Runs the search and prints the end of each log."""
    workers, trials = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory() as scratch, network(workers + 1) as net:
        begin = time.monotonic()
        hosts = lose_hosts(net, Path(scratch), trials)
        print(f"{len(list(hosts.trials.glob('*/outcome.json')))} trials in {time.monotonic() - begin:.0f} s")
        for host, process in hosts.processes.items():
            print(f"--- host {host}, exit code {process.returncode}\n{hosts.output(host)[-2500:]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
