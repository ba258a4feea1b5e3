"""The process of one side of a measurement: prepares once, then measures each time it is told to.

A side is a generator function. Up to its first `yield` it prepares and warms up, and it may yield facts (a dict);
each later `yield` is one measurement, a dict of numbers. `harness` starts
`python -m benchmarks.worker MODULE:FUNCTION ARGUMENTS` and writes a line for each measurement that it wants; the
answers are lines of JSON.
"""

import contextlib
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any


class MissingPeerError(Exception):
    """A peer that cannot be measured here; its text says why."""


class Stopwatch:
    """Seconds since it was made or since its last lap.

    >>> Stopwatch().lap() >= 0
    True
    """

    def __init__(self) -> None:
        self._begin = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap; the next begins now."""
        now = time.perf_counter()
        before, self._begin = self._begin, now
        return now - before


def cpus() -> int:
    """The CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def tensorflow_as_ours():
    """TensorFlow as our commands have it: with oneDNN's products, and freed memory kept.

    A side of ours asks for it first, because a TensorFlow that is imported before the package has chosen already.
    """
    from pianoroll_tf.tensorflow_startup import keep_freed_memory

    keep_freed_memory()
    import tensorflow as tf

    return tf


def torch_as_tuned():
    """PyTorch with as many threads as TensorFlow takes, and denormal numbers flushed to 0, as TensorFlow does.

    Without the latter Adam's moments become denormal after some hundred steps and a step takes seconds.

    Raises:
        MissingPeerError: It is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingPeerError(f"PyTorch is not installed ({error})") from error
    torch.set_num_threads(cpus())
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    return torch


def serve(function: str, arguments: dict[str, Any], requests: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Answers: `{"facts": …}` when the side is ready, then `{"values": …}` a request; `{"missing": …}` ends it.

    Args:
        function: "module:name" of a generator function.
        arguments: Its keyword arguments.
        requests: One item a measurement that is wanted.
    """
    module, _, name = function.partition(":")
    try:
        side = getattr(importlib.import_module(module), name)(**arguments)
        yield {"facts": next(side) or {}}
        for _ in requests:
            yield {"values": next(side)}
    except MissingPeerError as error:
        yield {"missing": str(error)}


def main() -> None:
    """Serves on standard input and output; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        for answer in serve(sys.argv[1], json.loads(sys.argv[2]), iter(sys.stdin.readline, "")):
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    # The module that sides import, not this copy of it called __main__: its MissingPeerError is the one they raise.
    importlib.import_module("benchmarks.worker").main()
