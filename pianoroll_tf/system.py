"""What the operating system offers, asked in ways that every system answers."""

import contextlib
import os
from pathlib import Path


def usable_cpus() -> int:
    """How many CPUs this process may use; all of the machine where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes of memory that processes may still take, within the limit of a container; None if the system does not say.

    Args:
        root: Where `proc` and `sys` are.
    """
    found = []
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = (root / "proc/meminfo").read_text().splitlines()
        found.append(int(dict(line.split(":", 1) for line in lines)["MemAvailable"].split()[0]) * 1024)
    with contextlib.suppress(OSError, ValueError):  # "max", no limit, is no number
        group = root / "sys/fs/cgroup"
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        found.append(max(limit - used, 0))
    if not found and hasattr(os, "sysconf") and root == Path("/"):
        with contextlib.suppress(OSError, ValueError):
            found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(found, default=None)
