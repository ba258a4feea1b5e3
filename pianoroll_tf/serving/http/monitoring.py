"""Health, readiness, and what Prometheus reads of the server."""

import asyncio
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pianoroll_tf.serving.drawing.padded_batches import CHUNK_STEPS
from pianoroll_tf.serving.state import State, state_of

KNOWN = ("/", "/about", "/generate", "/primer", "/healthz", "/readyz", "/metrics")
LOOK_SECONDS = 0.02  # between two looks at the loop
DELAYS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


async def healthz(request: Request) -> Response:
    """Whether the process lives."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Whether it takes requests."""
    state = state_of(request)
    if state.is_stopping or not state.registry.served:
        return JSONResponse({"error": "the server is stopping" if state.is_stopping else "no version is served"}, 503)
    return JSONResponse({"status": "ready", "version": max(state.registry.served)})


async def metrics(request: Request) -> Response:
    """What Prometheus reads."""
    return Response(generate_latest(request.app.state.meter), media_type=CONTENT_TYPE_LATEST)


class Metered:
    """ASGI middleware that counts requests and their time.

    Args:
        app: What answers.
        meter: Where it is counted.
    """

    def __init__(self, app: ASGIApp, meter: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter("pianoroll_requests", "Requests answered", ("path", "status"), registry=meter)
        self._seconds = Histogram(
            "pianoroll_request_seconds", "Time to the end of an answer", ("path",), registry=meter, buckets=SECONDS
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begun = "499", time.perf_counter()

        async def heard(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, heard)
        finally:
            path = kind_of(scope["path"])
            self._requests.labels(path, status).inc()
            self._seconds.labels(path).observe(time.perf_counter() - begun)


def kind_of(path: str) -> str:
    """A path as it is counted: strangers must not make new rows.

    >>> kind_of("/v1/models/demo:predict"), kind_of("/page/x.js"), kind_of("/xyz")
    ('/v1:predict', '/page', 'other')
    """
    if path.startswith("/v1/"):
        return "/v1:predict" if path.endswith(":predict") else "/v1"
    if path.startswith("/page/"):
        return "/page"
    return path if path in KNOWN else "other"


class LoopWatch:
    """Measures how late the loop is for a task that is due: so long nobody is answered, `/healthz` either.

    Args:
        meter: Where it is counted.
    """

    def __init__(self, meter: CollectorRegistry) -> None:
        self._delay = Histogram(
            "pianoroll_loop_delay_seconds", "How late the loop is for a task", registry=meter, buckets=DELAYS
        )

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while True:
            due = time.perf_counter() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self._delay.observe(max(0.0, time.perf_counter() - due))


class EngineCollector:
    """What the engines say of themselves when Prometheus asks.

    Args:
        state: Of the server.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        state = self._state
        yield GaugeMetricFamily("pianoroll_queue_rows", "Pieces that wait or are drawn", state.rows)
        yield GaugeMetricFamily("pianoroll_queue_rows_limit", "Most of them", state.limits.queue_rows)
        yield GaugeMetricFamily("pianoroll_streams", "Streams that are sent", state.streams)
        steps = CounterMetricFamily("pianoroll_steps", "Steps drawn, all rows together", labels=["version"])
        chunks = CounterMetricFamily("pianoroll_chunks", "Rounds of drawing", labels=["version"])
        seconds = CounterMetricFamily(
            "pianoroll_model_seconds", "Time in the model, of all threads", labels=["version"]
        )
        for version, served in state.registry.served.items():
            counts = served.engine.counts
            steps.add_metric([str(version)], counts.rows * CHUNK_STEPS)
            chunks.add_metric([str(version)], counts.chunks)
            seconds.add_metric([str(version)], counts.model_seconds)
        available = GaugeMetricFamily("pianoroll_version_available", "Whether a version is served", labels=["version"])
        for version, status in state.registry.statuses.items():
            available.add_metric([str(version)], float(status.state == "AVAILABLE"))
        yield from (steps, chunks, seconds, available)
