"""Hosts of their own for processes, as network namespaces on a bridge; they share the file system."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import pytest


class Host(NamedTuple):
    """A network namespace."""

    name: str
    address: str

    def start(self, *command: str, **options) -> subprocess.Popen:
        """Starts a process on the host."""
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], **options)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextlib.contextmanager
def hosts(number: int) -> Iterator[list[Host]]:
    """Yields hosts that reach one another and this process; the test is skipped where there can be none."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the program ip")
    tag, subnet = f"b{os.getpid() % 100_000}", f"10.{100 + os.getpid() // 250 % 100}.{os.getpid() % 250}"
    found = [Host(f"{tag}-{index}", f"{subnet}.{index + 2}") for index in range(number)]
    with contextlib.ExitStack() as stack:
        try:
            _ip("link", "add", tag, "type", "bridge")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces cannot be made here: {error.stderr.decode().strip()}")
        stack.callback(_ip, "link", "delete", tag)
        _ip("address", "add", f"{subnet}.1/24", "dev", tag)
        _ip("link", "set", tag, "up")
        for index, host in enumerate(found):
            _ip("netns", "add", host.name)
            stack.callback(_ip, "netns", "delete", host.name)
            _ip("link", "add", f"{tag}v{index}", "type", "veth", "peer", "name", "eth0", "netns", host.name)
            _ip("link", "set", f"{tag}v{index}", "master", tag, "up")
            _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", host.name, "link", "set", device, "up")
        yield found
