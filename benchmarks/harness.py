"""Measures the variants of an experiment in turn, A B A B ..., each in its own process, and keeps every number."""

import contextlib
import dataclasses
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TIMEOUT_SECONDS = 900.0  # of the preparation or of one measurement of a variant


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """One of the implementations that an experiment compares: ours, a peer, or another way of ours.

    Attributes:
        function: "module:name" of a generator function; see `benchmarks.worker`.
        arguments: Its keyword arguments; they must be JSON-serializable.
        environment: Environment variables of its process, in addition to those of this process.
    """

    function: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """A comparison of variants, which are measured in turn.

    Attributes:
        name: The name that `--rows` selects by.
        variants: Name → variant, in the order in which they are measured.
        repeats: Measurements per variant.
    """

    name: str
    variants: Mapping[str, Variant]
    repeats: int = 5


@dataclasses.dataclass
class Measurements:
    """The results of a variant.

    Attributes:
        facts: Reported once, when it was ready.
        values: Metric → one number per repetition.
        missing: Why it could not be measured; empty if it was.
    """

    facts: dict[str, Any] = dataclasses.field(default_factory=dict)
    values: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    missing: str = ""


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median and range of a metric's repetitions.

    >>> Spread.of([3.0, 1.0, 2.0])
    Spread(median=2.0, lowest=1.0, highest=3.0, count=3)
    """

    median: float
    lowest: float
    highest: float
    count: int

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """The spread of at least one number."""
        return cls(statistics.median(values), min(values), max(values), len(values))


def run_python(*arguments: str, code: int = 0) -> tuple[float, str]:
    """Runs Python with these arguments in the project's folder; returns wall time in seconds and standard output.

    Raises:
        RuntimeError: The exit code is not `code`.
    """
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT)
    seconds = time.perf_counter() - start
    if done.returncode != code:
        command, message = " ".join(arguments), done.stderr.strip()[-500:]
        raise RuntimeError(f"{command} ended with exit code {done.returncode}: {message}")
    return seconds, done.stdout


class WorkerError(Exception):
    """A variant could not be measured; the message is the reason."""


class WorkerProcess:
    """The worker process of a variant."""

    def __init__(self, variant: Variant) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", variant.function, json.dumps(dict(variant.arguments))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=ROOT,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | dict(variant.environment),
        )

    def facts(self) -> dict[str, Any]:
        """Waits until the variant is ready, and returns its facts.

        Raises:
            WorkerError: The variant is not available here, its process ended, or it took too long.
        """
        return self._response("facts")

    def measure(self) -> dict[str, float]:
        """Measures once, and returns metric → number.

        Raises:
            WorkerError: The variant is not available here, its process ended, or it took too long.
        """
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the last line on standard error is the reason
        return self._response("values")

    def _response(self, kind: str) -> dict[str, Any]:
        # One line per request, so the buffer never holds a line that `select` does not see.
        if not select.select([self._process.stdout], [], [], TIMEOUT_SECONDS)[0]:
            raise WorkerError(f"took more than {TIMEOUT_SECONDS:.0f} s")
        line = self._process.stdout.readline()
        response = json.loads(line) if line else {"missing": self._last_error_line()}
        if "missing" in response:
            raise WorkerError(response["missing"])
        return response[kind]

    def _last_error_line(self) -> str:
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return f"its process ended: {lines[-1] if lines else 'no message'}"

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            with contextlib.suppress(OSError):
                stream.close()


def measure(
    experiment: Experiment,
    log: Callable[[str], None] = lambda line: None,
    start: Callable[[Variant], WorkerProcess] = WorkerProcess,
) -> dict[str, Measurements]:
    """Prepares all variants, one after the other, and then measures them in turn.

    Args:
        experiment: The experiment.
        log: Called with each line of progress.
        start: Starts the worker process of a variant.

    Returns:
        Name of the variant → its measurements. A variant that fails is not measured again; the others are.
    """
    results = {name: Measurements() for name in experiment.variants}
    running: dict[str, WorkerProcess] = {}
    try:
        for name, variant in experiment.variants.items():
            log(f"{experiment.name}: preparing {name}")
            running[name] = start(variant)
            with _failure_recorded(results[name]):
                results[name].facts.update(running[name].facts())
        for repetition in range(experiment.repeats):
            log(f"{experiment.name}: repetition {repetition + 1} of {experiment.repeats}")
            for name, process in running.items():
                if not results[name].missing:
                    with _failure_recorded(results[name]):
                        for metric, value in process.measure().items():
                            results[name].values.setdefault(metric, []).append(value)
    finally:
        for process in running.values():
            process.close()
    return results


@contextlib.contextmanager
def _failure_recorded(measurements: Measurements) -> Iterator[None]:
    """Records a failure of the worker as the reason why its variant is missing."""
    try:
        yield
    except WorkerError as error:
        measurements.missing = str(error)
