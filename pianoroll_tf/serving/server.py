"""Runs the application with uvicorn until the server is asked to stop."""

import asyncio
import concurrent.futures
import contextlib
import gc
import ipaddress
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from pianoroll_tf.errors import UserError
from pianoroll_tf.serving.app import make_app
from pianoroll_tf.serving.drawing.engine import DRAWING_THREADS
from pianoroll_tf.serving.drawing.registry import Registry
from pianoroll_tf.serving.http import monitoring
from pianoroll_tf.serving.http.protocol import make_protocol
from pianoroll_tf.serving.settings import Address, Limits, Versions
from pianoroll_tf.serving.state import State


class Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, after which the exit code would not be 0; `stop` ends it."""

    def __init__(self, state: State, address: Address) -> None:
        limits = state.limits
        self._state, self._address = state, address
        self._app = make_app(state, address)
        # Annotated as whole seconds; the event loop takes floats
        timeouts: dict[str, Any] = {
            "timeout_keep_alive": limits.keep_alive_seconds,
            "timeout_graceful_shutdown": limits.drain_seconds,
        }
        config = uvicorn.Config(
            self._app,
            host=address.host,
            port=address.port,
            http=make_protocol(limits.idle_seconds, limits.connections),
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=limits.header_bytes,
            **timeouts,
        )
        super().__init__(config)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves until it is stopped, and measures the delay of the event loop."""
        measuring = asyncio.create_task(monitoring.measure_loop_delay(self._app.state.metrics))
        try:
            await super().serve(sockets)
        finally:
            measuring.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Installs no signal handlers."""
        yield

    @property
    def url(self) -> str:
        """Its address, once it has `started`."""
        port = self.servers[0].sockets[0].getsockname()[1]
        host = f"[{self._address.host}]" if ":" in self._address.host else self._address.host
        return f"http://{host}:{port}/"

    def grpc(self) -> contextlib.AbstractAsyncContextManager[int | None]:
        """Serves TensorFlow Serving's gRPC API too, if it is wanted, in a context whose value is the port or None."""
        if self._address.grpc_port is None:
            return contextlib.nullcontext()
        try:
            from pianoroll_tf.serving.tf_serving import grpc_service
        except ModuleNotFoundError as error:
            needs = f"--grpc-port needs more packages ({error.name}): pip install 'pianoroll_tf[grpc]'"
            raise UserError(needs) from error
        return grpc_service.serving(self._state, self._address)

    def stop(self) -> None:
        """Accepts no more requests, and ends when those in progress are answered; endless streams end now."""
        self._state.is_stopping = True
        self.should_exit = True


def serve(folder: Path, address: Address, versions: Versions, limits: Limits) -> None:
    """Serves a model until SIGTERM or Ctrl-C, then finishes the requests in progress.

    Raises:
        UserError: No version can be served, or the address is in use.
    """
    if not is_loopback(address.host):
        reached = "can be reached from other machines, and anyone there can use the server"
        print(f"warning: {address.host} {reached}", file=sys.stderr)
    with concurrent.futures.ThreadPoolExecutor(
        min(DRAWING_THREADS, versions.threads or DRAWING_THREADS), "draw"
    ) as pool:
        registry = Registry(folder, versions.versions, pool, limits.active_rows, versions.tile_rows)
        registry.refresh(max_versions=1)
        if not registry.served:
            reasons = "; ".join(status.message for status in registry.statuses.values()) or "none"
            raise UserError(f"model must have a version that can be served. Received: {folder} ({reasons})")
        state = State(registry, limits)
        with watch_versions(registry, versions.poll_seconds), contextlib.closing(state):
            asyncio.run(_serve(Server(state, address), registry))


@contextlib.contextmanager
def watch_versions(registry: Registry, seconds: float) -> Iterator[None]:
    """Refreshes a registry every few seconds on a thread within a `with` statement, and closes it at the end."""
    stop = threading.Event()

    def watch() -> None:
        known = None
        while not stop.is_set():
            registry.refresh()
            if registry.statuses != known:
                known = registry.statuses
                # There are about a million objects of models and modules, and a full collection, during which no
                # thread runs, takes a quarter of a second. So they are excluded until the versions change again.
                gc.unfreeze()
                gc.collect()
                gc.freeze()
            stop.wait(seconds)

    thread = threading.Thread(target=watch, name="watch")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        registry.close()
        gc.unfreeze()


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("::1")
    (True, True, False, True)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _serve(server: Server, registry: Registry) -> None:
    _handle_signals(server.stop)
    reason = _ListenError()
    logging.getLogger("uvicorn.error").addFilter(reason)
    try:
        async with server.grpc() as grpc_port:
            announcing = asyncio.create_task(announce(server, registry, grpc_port))
            try:
                await server.serve()
            finally:
                announcing.cancel()
    except SystemExit as error:  # uvicorn could not listen
        where = f"{server.config.host}:{server.config.port} ({reason.text})"
        raise UserError(f"the address must be free to listen on (--host, --port). Received: {where}") from error
    finally:
        logging.getLogger("uvicorn.error").removeFilter(reason)


def _handle_signals(stop: Callable[[], None]) -> None:
    """Calls `stop` in the running event loop at SIGTERM and Ctrl-C."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # the event loop of Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


class _ListenError(logging.Filter):
    """Removes from uvicorn's log why it could not listen, and keeps the text."""

    text = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is logged."""
        if not isinstance(record.msg, OSError):
            return True
        self.text = str(record.msg.strerror or record.msg).rpartition(": ")[2]
        return False


async def announce(server: Server, registry: Registry, grpc_port: int | None) -> None:
    """Prints the address once the server listens."""
    while not server.started:
        await asyncio.sleep(0.01)
    grpc = f", gRPC at port {grpc_port}" if grpc_port else ""
    print(f"serving {registry.name} version {max(registry.served)} at {server.url}{grpc}", flush=True)
