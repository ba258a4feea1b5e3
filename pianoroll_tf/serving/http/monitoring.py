"""Health, readiness, and metrics for Prometheus."""

import asyncio
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pianoroll_tf.serving.state import State, route_path, state_of

KNOWN_PATHS = (
    "/",
    "/about",
    "/generate",
    "/infill",
    "/primer",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
)
PROBE_SECONDS = 0.02  # between two measurements of the loop delay
DELAY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
ENGINE_COUNTS = {
    "steps": ("pianoroll_steps", "Steps drawn, summed over rows"),
    "chunks": ("pianoroll_chunks", "Rounds of drawing"),
    "model_seconds": ("pianoroll_model_seconds", "Time in the model, summed over threads"),
}
SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


async def healthz(request: Request) -> Response:
    """`GET /healthz`: whether the process is alive."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """`GET /readyz`: whether the server takes requests."""
    state = state_of(request)
    if state.is_stopping or not state.registry.served:
        return JSONResponse({"error": "the server is stopping" if state.is_stopping else "no version is served"}, 503)
    return JSONResponse({"status": "ready", "version": max(state.registry.served)})


async def metrics(request: Request) -> Response:
    """`GET /metrics`: in the format of Prometheus."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)


class RequestMetrics:
    """ASGI middleware that counts requests and measures their time."""

    def __init__(self, app: ASGIApp, metrics: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter("pianoroll_requests", "Requests answered", ("path", "status"), registry=metrics)
        self._seconds = Histogram(
            "pianoroll_request_seconds",
            "Time until the response is complete",
            ("path",),
            registry=metrics,
            buckets=SECONDS_BUCKETS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts a request when its response has been sent."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = "499", time.perf_counter()

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_and_note_status)
        finally:
            path = path_label(route_path(scope))
            self._requests.labels(path, status).inc()
            self._seconds.labels(path).observe(time.perf_counter() - started)


def path_label(path: str) -> str:
    """The label under which a path is counted; unknown paths share one, so that clients cannot add labels.

    >>> path_label("/v1/models/demo:predict"), path_label("/page/x.js"), path_label("/xyz")
    ('/v1:predict', '/page', 'other')
    """
    if path.startswith("/v1/"):
        return "/v1:predict" if path.endswith(":predict") else "/v1"
    if path.startswith("/page/"):
        return "/page"
    return path if path in KNOWN_PATHS else "other"


async def measure_loop_delay(metrics: CollectorRegistry) -> None:
    """Measures, until it is cancelled, how late the event loop runs a task that is due.

    For that long nothing is answered, not even `/healthz`.
    """
    delay = Histogram(
        "pianoroll_loop_delay_seconds", "Delay of the event loop", registry=metrics, buckets=DELAY_BUCKETS
    )
    while True:
        due = time.perf_counter() + PROBE_SECONDS
        await asyncio.sleep(PROBE_SECONDS)
        delay.observe(max(0.0, time.perf_counter() - due))


class EngineCollector:
    """Metrics of the engines, which are computed when Prometheus reads them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """The current metrics."""
        state = self._state
        yield GaugeMetricFamily("pianoroll_queue_rows", "Pieces that wait or are drawn", state.rows)
        yield GaugeMetricFamily("pianoroll_queue_rows_limit", "Limit of these pieces", state.limits.queue_rows)
        yield GaugeMetricFamily("pianoroll_streams", "Open streams", state.streams)
        for count, (name, text) in ENGINE_COUNTS.items():
            counter = CounterMetricFamily(name, text, labels=["version"])
            for version, served in state.registry.served.items():
                counter.add_metric([str(version)], served.engine.counts[count])
            yield counter
        available = GaugeMetricFamily("pianoroll_version_available", "Whether a version is served", labels=["version"])
        for version, status in state.registry.statuses.items():
            available.add_metric([str(version)], float(status.state == "AVAILABLE"))
        yield available
