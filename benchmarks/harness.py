"""Runs the sides of a measurement in turn, A B A B ..., each in a process of its own, and keeps every number."""

import contextlib
import dataclasses
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TIME_LIMIT = 900.0  # seconds for preparation or for one measurement of a side


@dataclasses.dataclass(frozen=True, kw_only=True)
class Side:
    """One side of an experiment.

    Attributes:
        function: "module:name" of a generator function; see `benchmarks.worker`.
        arguments: Its keyword arguments, JSON-ready.
        environment: Variables its process has beside ours.
    """

    function: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """Sides that are measured in turn.

    Attributes:
        name: What `--rows` chooses by.
        sides: Name → side, in the order in which they take turns.
        repeats: Measurements a side.
    """

    name: str
    sides: Mapping[str, Side]
    repeats: int = 5


@dataclasses.dataclass
class Measured:
    """What a side gave.

    Attributes:
        facts: Said once, when it was ready.
        values: Metric → one number a repetition.
        missing: Why there are none; empty if there are.
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
        """The spread of some numbers, at least one."""
        return cls(statistics.median(values), min(values), max(values), len(values))


class SideError(Exception):
    """A side that could not be measured; its text says why."""


class SideProcess:
    """A running side."""

    def __init__(self, side: Side) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", side.function, json.dumps(dict(side.arguments))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            cwd=ROOT,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | dict(side.environment),
        )

    def facts(self) -> dict[str, Any]:
        """Waits until it is ready.

        Raises:
            SideError: It cannot be measured here, died or took too long.
        """
        return self._answer("facts")

    def measure(self) -> dict[str, float]:
        """One measurement.

        Raises:
            SideError: It cannot be measured here, died or took too long.
        """
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # its last words say why
        return self._answer("values")

    def _answer(self, kind: str) -> dict[str, Any]:
        # One line a request, so nothing is ever left in the buffer that `select` does not see.
        if not select.select([self._process.stdout], [], [], TIME_LIMIT)[0]:
            raise SideError(f"took more than {TIME_LIMIT:.0f} s")
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"missing": self._last_words()}
        if "missing" in answer:
            raise SideError(answer["missing"])
        return answer[kind]

    def _last_words(self) -> str:
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return f"its process ended: {lines[-1] if lines else 'no message'}"

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._words):
            with contextlib.suppress(OSError):
                stream.close()


def measure(
    experiment: Experiment,
    say: Callable[[str], None] = lambda line: None,
    start: Callable[[Side], SideProcess] = SideProcess,
) -> dict[str, Measured]:
    """Prepares all sides, one after the other, and then measures them in turn.

    Args:
        experiment: What to measure.
        say: Told what is going on.
        start: Starts a side.

    Returns:
        Name of the side → what it gave. A side that fails has the reason, and the others go on.
    """
    found = {name: Measured() for name in experiment.sides}
    running: dict[str, SideProcess] = {}
    try:
        for name, side in experiment.sides.items():
            say(f"{experiment.name}: {name} prepares")
            running[name] = start(side)
            _guarded(found[name], lambda name=name: found[name].facts.update(running[name].facts()))
        for repetition in range(experiment.repeats):
            say(f"{experiment.name}: repetition {repetition + 1} of {experiment.repeats}")
            for name, process in running.items():
                _guarded(found[name], lambda process=process, name=name: _keep(found[name], process.measure()))
    finally:
        for process in running.values():
            process.close()
    return found


def _guarded(measured: Measured, action: Callable[[], None]) -> None:
    """Does it, unless the side has failed before; a failure is kept as the reason."""
    if measured.missing:
        return
    try:
        action()
    except SideError as error:
        measured.missing = str(error)


def _keep(measured: Measured, values: dict[str, float]) -> None:
    for metric, value in values.items():
        measured.values.setdefault(metric, []).append(value)
