"""The precision of a training: bfloat16 only where the machine has instructions for it; elsewhere it is slower."""

from pathlib import Path

import tensorflow as tf

CPU_FACTS = Path("/proc/cpuinfo")
CPU_FLAGS = {"amx_bf16", "avx512_bf16"}
GPU_CAPABILITY = (8, 0)  # NVIDIA's Ampere


def has_bfloat16(cpu_facts: Path = CPU_FACTS) -> bool:
    """Whether the devices of TensorFlow have instructions for bfloat16: all GPUs, or the CPU if there is no GPU."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        facts = (tf.config.experimental.get_device_details(gpu) for gpu in gpus)
        return all(tuple(fact.get("compute_capability") or (0, 0)) >= GPU_CAPABILITY for fact in facts)
    return bool(CPU_FLAGS & cpu_flags(cpu_facts))


def cpu_flags(cpu_facts: Path = CPU_FACTS) -> set[str]:
    """The features of the CPU that Linux lists; empty if the file cannot be read."""
    try:
        lines = cpu_facts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith("flags")), "").split())


def arithmetic(wanted: str, has: bool) -> tuple[str, str]:
    """The precision of a training that `build_model` is given, and a message for the user, one line or nothing.

    The weights are float32 in any case, so a run can be resumed on another machine; it is resumed bit for bit where the
    precision is the same.

    Args:
        wanted: "auto", "float32" or "bfloat16".
        has: Whether the machine has instructions for bfloat16.

    >>> arithmetic("auto", True)
    ('bfloat16', '')
    """
    if wanted == "auto":
        return ("bfloat16" if has else "float32"), ""
    if wanted == "bfloat16" and not has:
        return "float32", "precision: this machine has no bfloat16 instructions, so it computes in float32, faster here"
    return wanted, ""
