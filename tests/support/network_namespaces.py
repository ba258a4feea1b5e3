"""A network of several hosts on one machine: a network namespace for each, joined by a bridge, with limits by `tc`.

Needs Linux, root and the commands `ip` and `tc`; `unavailable()` says what is missing.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_RELAY = Path(__file__).with_name("delay_relay.py")


def _run(*words: str, check: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run(words, check=check, capture_output=True, text=True)


def unavailable() -> str:
    """Why no such network can be created here; empty if it can."""
    missing = [name for name in ("ip", "tc") if shutil.which(name) is None]
    if missing:
        return f"needs the command {' and '.join(missing)}"
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "needs root"
    name = f"try{os.getpid()}"
    made = _run("ip", "netns", "add", name, check=False)
    if made.returncode:
        return f"needs network namespaces: {made.stderr.strip()}"
    shaped = _run("tc", "-n", name, "qdisc", "replace", "dev", "lo", "root", *_bucket("1mbit"), check=False)
    _run("ip", "netns", "delete", name)
    return f"the kernel cannot limit bandwidth: {shaped.stderr.strip()}" if shaped.returncode else ""


def _bucket(rate: str) -> tuple[str, ...]:
    """A token bucket with a burst that fits the timer of any kernel, and a queue of a quarter of a second."""
    return ("tbf", "rate", rate, "burst", "256kb", "latency", "250ms")


class Network:
    """Hosts that reach each other by their addresses, and nothing else.

    Args:
        hosts: Their number, up to 250.
        rate: Bandwidth of each host in each direction, as `tc` takes it: "100mbit"; empty: not limited.
        delay: Seconds from one host to another, half of a round trip. With one, a process passes the packets on, as not
            every kernel has `tc netem`, and links cannot be cut.
    """

    def __init__(self, hosts: int, rate: str = "", delay: float = 0.0) -> None:
        tag = f"n{os.getpid()}"
        self.addresses = [f"10.213.0.{host + 1}" for host in range(hosts)]
        self._names, self._bridge = [f"{tag}-{host}" for host in range(hosts)], f"{tag}-bridge"
        self._rate, self._delay = rate, delay
        self._relay: subprocess.Popen | None = None

    def create(self) -> None:
        """Creates the namespaces; the bridge has one of its own, so nothing else on the machine is touched."""
        for name in [*self._names, self._bridge]:
            _run("ip", "netns", "add", name)
        device = self._start_relay() if self._delay else self._start_bridge()
        for name, address in zip(self._names, self.addresses, strict=True):
            _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", device)
            for each in ("lo", device):
                _run("ip", "-n", name, "link", "set", each, "up")
            if self._rate:
                _run("tc", "-n", name, "qdisc", "replace", "dev", device, "root", *_bucket(self._rate))

    def _start_bridge(self) -> str:
        """Connects all hosts; returns the name of their devices."""
        inside = ("ip", "-n", self._bridge)
        _run(*inside, "link", "add", "bridge", "type", "bridge")
        _run(*inside, "link", "set", "bridge", "up")
        for host, name in enumerate(self._names):
            peer = ("peer", f"h{host}", "netns", self._bridge)
            _run("ip", "link", "add", "eth0", "netns", name, "type", "veth", *peer)
            _run(*inside, "link", "set", f"h{host}", "master", "bridge", "up")
        return "eth0"

    def _start_relay(self) -> str:
        """Likewise, with delays."""
        words = [sys.executable, _RELAY, str(self._delay), *self._names]
        self._relay = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        if self._relay.stdout is None or self._relay.stdout.readline() != "ready\n":
            raise OSError("the relay of packets has not started")
        for name in self._names:  # few packets, as Python passes them on
            _run("ip", "-n", name, "link", "set", "tun0", "mtu", "9000", "txqueuelen", "10000")
        return "tun0"

    def cut(self, host: int) -> None:
        """Takes the link of a host down: packets are lost, connections are not closed."""
        _run("ip", "-n", self._bridge, "link", "set", f"h{host}", "down")

    def restore(self, host: int) -> None:
        """Takes the link of a host up again."""
        _run("ip", "-n", self._bridge, "link", "set", f"h{host}", "up")

    def command(self, host: int, words: Sequence[str]) -> list[str]:
        """The words that run a command on a host."""
        return ["ip", "netns", "exec", self._names[host], *map(str, words)]

    def remove(self) -> None:
        """Removes all of it; processes that run there are the caller's to end before."""
        if self._relay is not None:
            self._relay.kill()
            self._relay.communicate()
        for name in [*self._names, self._bridge]:
            _run("ip", "netns", "delete", name, check=False)


@contextlib.contextmanager
def network(hosts: int, rate: str = "", delay: float = 0.0) -> Iterator[Network]:
    """A network that exists within the context."""
    made = Network(hosts, rate, delay)
    try:
        made.create()
        yield made
    finally:
        made.remove()
