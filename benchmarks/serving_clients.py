"""Clients of a server of music, in a process of their own: many that ask for pieces, or one that asks how it is.

python -m benchmarks.serving_clients generate PORT CLIENTS SECONDS STEPS
python -m benchmarks.serving_clients infill PORT CLIENTS SECONDS STEPS
python -m benchmarks.serving_clients health PORT SECONDS

Each prints one line of JSON. A client is a thread with one connection that is kept; it asks for its next piece as
soon as it has the last. Told 429 or 503 it waits as long as Retry-After says, and up to half as long again, so that not
all come back at once.
"""

import collections
import http.client
import itertools
import json
import math
import random
import resource
import sys
import threading
import time
from typing import Any

TIMEOUT_SECONDS = 90.0  # for an answer
BROKEN = "broken"  # a connection that ended without an answer
HEALTH_INTERVAL_SECONDS = 0.05  # between two requests
AROUND_STEPS = 128  # before and after a gap
SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
STACK_BYTES = 256 << 10  # of a thread


class Counts:
    """What all clients of a process have met.

    Attributes:
        seconds: That each good answer took.
        statuses: How often each status came.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.statuses: collections.Counter[str] = collections.Counter()

    def add(self, status: str, seconds: float) -> None:
        """One answer."""
        self.statuses[status] += 1
        if status == "200":
            self.seconds.append(seconds)

    def summary(self, seconds: float) -> dict[str, Any]:
        """All that is worth knowing, JSON-ready; times in milliseconds."""
        return {
            "rate": len(self.seconds) / seconds,
            "p50": 1e3 * quantile(self.seconds, 0.5),
            "p99": 1e3 * quantile(self.seconds, 0.99),
            "longest": 1e3 * max(self.seconds, default=math.nan),
            "statuses": dict(sorted(self.statuses.items())),
            "cpu": cpu_seconds() / seconds,
        }


def cpu_seconds() -> float:
    """CPU time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def quantile(values: list[float], share: float) -> float:
    """The smallest value that at least such a share of all does not exceed; NaN of none.

    >>> quantile([3.0, 1.0, 2.0], 0.5), quantile([1.0, 2.0], 0.99)
    (2.0, 2.0)
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def body_of(path: str, seed: int, steps: int) -> dict[str, Any]:
    """The request for a piece of `steps` steps, or for the filling of a gap of so many within a piece."""
    if path == "/generate":
        return {"steps": steps, "seed": seed}
    roll = [[pitch] for pitch in SCALE for _ in range(4)]
    roll = [roll[step % len(roll)] for step in range(steps + AROUND_STEPS * 2)]
    return {"roll": roll, "start": AROUND_STEPS, "end": AROUND_STEPS + steps, "seed": seed}


def request_piece(
    connection: http.client.HTTPConnection, seed: int, steps: int, path: str = "/generate"
) -> tuple[str, float]:
    """Requests one piece; returns the status and the seconds after which to retry."""
    body = json.dumps(body_of(path, seed, steps))
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return BROKEN, 0.1
    if answer.status == 200 and not content.startswith(b"MThd"):
        return "200 without MIDI", 0.0
    return str(answer.status), float(answer.getheader("Retry-After", "0"))


def client(port: int, number: int, until: float, steps: int, counts: Counts, path: str = "/generate") -> None:
    """Asks for one piece after the other; an answer after the end does not count."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    chance = random.Random(number)
    for piece in itertools.count():
        begun = time.monotonic()
        status, wait = request_piece(connection, number * 1_000_000 + piece, steps, path)
        now = time.monotonic()
        if now >= until:
            break
        counts.add(status, now - begun)
        if wait:
            time.sleep(min(wait * (1 + chance.random() / 2), until - now))
    connection.close()


def generate(port: int, clients: int, seconds: float, steps: int, path: str = "/generate") -> dict[str, Any]:
    """So many clients at once for so long."""
    threading.stack_size(STACK_BYTES)
    counts, until = Counts(), time.monotonic() + seconds
    threads = [
        threading.Thread(target=client, args=(port, number, until, steps, counts, path), daemon=True)
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    time.sleep(max(0.0, until - time.monotonic()))
    summary = counts.summary(seconds)
    for thread in threads:
        thread.join()  # what is still asked for is answered, and not counted, before another phase begins
    return summary


def health(port: int, seconds: float) -> dict[str, Any]:
    """Asks `/healthz` again and again, each time on a new connection, as a probe does; times in milliseconds."""
    took, failed, until = [], 0, time.monotonic() + seconds
    while (begun := time.monotonic()) < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            failed += answer.status != 200
        except (OSError, http.client.HTTPException):
            failed += 1
        connection.close()
        took.append(time.monotonic() - begun)
        time.sleep(max(0.0, HEALTH_INTERVAL_SECONDS - took[-1]))
    ms = [1e3 * one for one in took]
    found = {"asked": len(ms), "failed": failed, "p99": quantile(ms, 0.99), "longest": max(ms)}
    return found | {"cpu": cpu_seconds() / seconds}


def main(argv: list[str]) -> None:
    """Does what is named and prints what came of it."""
    kind, port, *numbers = argv
    if kind == "health":
        found = health(int(port), float(numbers[0]))
    else:
        found = generate(int(port), int(numbers[0]), float(numbers[1]), int(numbers[2]), f"/{kind}")
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
