"""What the operating system offers, asked in ways that every system answers."""

import os


def usable_cpus() -> int:
    """How many CPUs this process may use; all of the machine where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
