"""The worker process of one variant: prepares once, then measures once per request.

A variant is a generator function. Before its first `yield` it prepares and warms up; it yields its facts (a dict, may
be empty), and then a dict of numbers per measurement. `benchmarks.harness` starts
`python -m benchmarks.worker MODULE:FUNCTION ARGUMENTS` and requests a measurement by writing a line; responses are
lines of JSON.
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
    """A peer is not available on this machine; the message is the reason."""


class Stopwatch:
    """Measures seconds since its creation or since the last lap.

    >>> Stopwatch().lap() >= 0
    True
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def lap(self) -> float:
        """Returns the seconds since the last lap, and starts the next."""
        now = time.perf_counter()
        start, self._start = self._start, now
        return now - start


def cpu_count() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def import_tensorflow():
    """Imports TensorFlow as our commands do: with oneDNN, and with freed memory kept by the process.

    A variant of ours must call it first: oneDNN cannot be chosen after TensorFlow is imported.
    """
    from pianoroll_tf.tensorflow_startup import keep_freed_memory

    keep_freed_memory()
    import tensorflow as tf

    return tf


def import_torch():
    """Imports PyTorch with as many threads as TensorFlow, and with denormal numbers flushed to 0, as in TensorFlow.

    Otherwise Adam's moments become denormal after a few hundred steps, and a step takes seconds.

    Raises:
        MissingPeerError: PyTorch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingPeerError(f"PyTorch is not installed ({error})") from error
    torch.set_num_threads(cpu_count())
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    return torch


def serve(function: str, arguments: dict[str, Any], requests: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Yields `{"facts": …}` when the variant is ready, then `{"values": …}` per request; `{"missing": …}` is the last.

    Args:
        function: "module:name" of a generator function.
        arguments: Its keyword arguments.
        requests: One item per requested measurement.
    """
    module, _, name = function.partition(":")
    try:
        variant = getattr(importlib.import_module(module), name)(**arguments)
        yield {"facts": next(variant) or {}}
        for _ in requests:
            yield {"values": next(variant)}
    except MissingPeerError as error:
        yield {"missing": str(error)}


def main() -> None:
    """Serves requests of standard input on standard output; output of libraries is redirected to standard error."""
    responses = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        for response in serve(sys.argv[1], json.loads(sys.argv[2]), iter(sys.stdin.readline, "")):
            print(json.dumps(response), file=responses, flush=True)


if __name__ == "__main__":
    # Not this module, which is called __main__: variants raise the MissingPeerError of `benchmarks.worker`.
    importlib.import_module("benchmarks.worker").main()
