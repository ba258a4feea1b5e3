"""Passes IP packets between hosts after a time, where the kernel has no `tc netem`: delay_relay.py SECONDS NAMESPACE …

Each namespace gets a device tun0; the caller sets addresses, of which the last byte is the number of the host from 1.
"""

import collections
import ctypes
import fcntl
import os
import select
import struct
import sys
import time
from pathlib import Path

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000  # linux/if_tun.h
_CLONE_NEWNET = 0x40000000
_LONGEST_PACKET = 1 << 16
_SPIN_SECONDS = 0.0002  # before a packet is due, as sleeping is less exact


def enter(path: Path) -> None:
    """Enters the network namespace of a file."""
    with path.open() as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")


def tun(namespace: str) -> int:
    """A new device tun0 in a namespace."""
    enter(Path("/run/netns") / namespace)
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", b"tun0", _IFF_TUN | _IFF_NO_PI))
    return descriptor


def main() -> None:
    """Relays until it is ended."""
    delay, devices = float(sys.argv[1]), [tun(name) for name in sys.argv[2:]]
    print("ready", flush=True)
    waiting: collections.deque[tuple[float, int, bytes]] = collections.deque()
    while True:
        wait = max(waiting[0][0] - time.monotonic() - _SPIN_SECONDS, 0) if waiting else None
        for device in select.select(devices, [], [], wait)[0]:
            packet = os.read(device, _LONGEST_PACKET)
            if packet[0] >> 4 == 4 and 0 < packet[19] <= len(devices):  # IPv4, to a host
                waiting.append((time.monotonic() + delay, devices[packet[19] - 1], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, device, packet = waiting.popleft()
            os.write(device, packet)


if __name__ == "__main__":
    main()
