"""A network of several hosts on one machine: a network namespace for each, joined by a bridge, with limits by `tc`.

Needs Linux, root and the commands `ip` and `tc`; `unavailable()` says what is missing.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence


def _run(*words: str, check: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run(words, check=check, capture_output=True, text=True)


def unavailable(delay: bool = False) -> str:
    """Why no such network can be created here, with delays if wanted; empty if it can."""
    missing = [name for name in ("ip", "tc") if shutil.which(name) is None]
    if missing:
        return f"needs the command {' and '.join(missing)}"
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "needs root"
    name = f"try{os.getpid()}"
    made = _run("ip", "netns", "add", name, check=False)
    if made.returncode:
        return f"needs network namespaces: {made.stderr.strip()}"
    words = {"bandwidth": _tbf("1mbit"), "delay": ("netem", "delay", "1ms")}
    wanted = [kind for kind, needed in (("bandwidth", True), ("delay", delay)) if needed]
    failed = ""
    for kind in wanted:
        shaped = _run("tc", "-n", name, "qdisc", "replace", "dev", "lo", "root", *words[kind], check=False)
        if shaped.returncode:
            failed = f"the kernel cannot limit {kind}: {shaped.stderr.strip()}"
    _run("ip", "netns", "delete", name)
    return failed


def _tbf(rate: str) -> tuple[str, ...]:
    """A token bucket with a burst that fits the timer of any kernel, and a queue of a quarter of a second."""
    return ("tbf", "rate", rate, "burst", "256kb", "latency", "250ms")


class Network:
    """Hosts that reach each other by their addresses, and nothing else.

    Args:
        hosts: Their number, up to 250.
        rate: Bandwidth of each host in each direction, as `tc` takes it: "100mbit"; empty: not limited.
        delay: Time from a host to the bridge, hence of half a hop: "5ms"; empty: none.
    """

    def __init__(self, hosts: int, rate: str = "", delay: str = "") -> None:
        self._tag = f"n{os.getpid() % 100000}"
        self._bridge = f"{self._tag}b"
        self.addresses = [f"10.213.0.{host + 1}" for host in range(hosts)]
        self._rate, self._delay = rate, delay

    def _name(self, host: int) -> str:
        return f"{self._tag}-{host}"

    def create(self) -> None:
        """Creates bridge and namespaces; the bridge has a namespace of its own, so nothing else is touched."""
        inside = ("ip", "-n", self._bridge)
        _run("ip", "netns", "add", self._bridge)
        _run(*inside, "link", "add", "bridge", "type", "bridge")
        _run(*inside, "link", "set", "bridge", "up")
        for host, address in enumerate(self.addresses):
            name = self._name(host)
            _run("ip", "netns", "add", name)
            _run("ip", "link", "add", "eth0", "netns", name, "type", "veth", "peer", f"h{host}", "netns", self._bridge)
            _run(*inside, "link", "set", f"h{host}", "master", "bridge", "up")
            _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _run("ip", "-n", name, "link", "set", device, "up")
        self.limit(self._rate, self._delay)

    def limit(self, rate: str = "", delay: str = "") -> None:
        """Sets bandwidth and delay of every host, both for what it sends and for what it receives."""
        for host in range(len(self.addresses)):
            for namespace, device in ((self._name(host), "eth0"), (self._bridge, f"h{host}")):
                words, parent = ("tc", "-n", namespace, "qdisc"), ("root", "handle", "1:")
                _run(*words, "delete", "dev", device, "root", check=False)
                if delay:
                    _run(*words, "add", "dev", device, *parent, "netem", "delay", delay, "limit", "100000")
                    parent = ("parent", "1:")
                if rate:
                    _run(*words, "add", "dev", device, *parent, *_tbf(rate))

    def cut(self, host: int) -> None:
        """Takes the link of a host down: packets are lost, connections are not closed."""
        _run("ip", "-n", self._bridge, "link", "set", f"h{host}", "down")

    def restore(self, host: int) -> None:
        """Takes the link of a host up again."""
        _run("ip", "-n", self._bridge, "link", "set", f"h{host}", "up")

    def command(self, host: int, words: Sequence[str]) -> list[str]:
        """The words that run a command on a host."""
        return ["ip", "netns", "exec", self._name(host), *map(str, words)]

    def remove(self) -> None:
        """Removes all of it; processes that run there are the caller's to end before."""
        for name in [*(self._name(host) for host in range(len(self.addresses))), self._bridge]:
            _run("ip", "netns", "delete", name, check=False)


@contextlib.contextmanager
def network(hosts: int, rate: str = "", delay: str = "") -> Iterator[Network]:
    """A network that exists within the context."""
    made = Network(hosts, rate, delay)
    try:
        made.create()
        yield made
    finally:
        made.remove()
