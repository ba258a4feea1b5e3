"""Describes the machine of the measurements: processor, memory, load, versions."""

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

FLAGS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")  # that matrix products use
LIBRARIES = ("tensorflow", "keras", "torch", "numpy", "symusic", "pretty_midi", "pypianoroll", "zstandard", "protobuf")
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")  # instructions that multiply bfloat16


def machine() -> dict[str, Any]:
    """Facts about the machine, JSON-serializable."""
    model, flags = _processor()
    return {
        "cpu": model,
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "flags": {flag: flag in flags for flag in FLAGS},
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_average_at_start": [round(load, 2) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in LIBRARIES},
    }


def multiplies_bfloat16() -> bool:
    """Whether the CPU has instructions for bfloat16 products."""
    return bool(set(BFLOAT16_FLAGS) & _processor()[1])


def _processor() -> tuple[str, set[str]]:
    """Model and flags from /proc/cpuinfo; on systems without it, Python's name of the processor and no flags."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine(), set()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return facts.get("model name", platform.machine()), set(facts.get("flags", "").split())


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def describe(facts: dict[str, Any]) -> str:
    """The facts as a paragraph, for below the table."""
    has = ", ".join(flag for flag, there in facts["flags"].items() if there) or "none of them"
    lacks = ", ".join(flag for flag, there in facts["flags"].items() if not there) or "none"
    versions = ", ".join(f"{name} {version or 'missing'}" for name, version in facts["versions"].items())
    load = facts["load_average_at_start"][0]
    return (
        f"Machine: {facts['cpu']}, {facts['cpus']} CPUs, {facts['memory_gb']} GiB; has {has}; lacks {lacks}; load "
        f"average {load} at the start. {facts['system']}, Python {facts['python']}, {versions}."
    )
