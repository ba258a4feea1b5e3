"""Runs the application with uvicorn until it is told to stop."""

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
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from pianoroll_tf.errors import UserError
from pianoroll_tf.serving.app import make_app
from pianoroll_tf.serving.drawing.engine import TILES_AT_ONCE
from pianoroll_tf.serving.drawing.primers import PrimerReader
from pianoroll_tf.serving.drawing.registry import Registry
from pianoroll_tf.serving.drawing.signature_runner import Direct
from pianoroll_tf.serving.http.protocol import make_protocol
from pianoroll_tf.serving.settings import Address, Limits, Versions
from pianoroll_tf.serving.state import State


class Server(uvicorn.Server):
    """uvicorn's server, which is stopped by us: by signals it would end with their exit codes.

    Args:
        state: What all requests share.
        address: Where to listen.
    """

    def __init__(self, state: State, address: Address) -> None:
        limits = state.limits
        self._state, self._address = state, address
        self._app = make_app(state, address)
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
            timeout_keep_alive=limits.keep_alive_seconds,
            timeout_graceful_shutdown=limits.drain_seconds,
        )
        super().__init__(config)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves until it is stopped, and watches over its own loop."""
        watch = asyncio.create_task(self._app.state.loop_watch.run())
        try:
            await super().serve(sockets)
        finally:
            watch.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals alone."""
        yield

    @property
    def url(self) -> str:
        """Where it listens, once it has `started`."""
        port = self.servers[0].sockets[0].getsockname()[1]
        host = f"[{self._address.host}]" if ":" in self._address.host else self._address.host
        return f"http://{host}:{port}/"

    def grpc(self) -> contextlib.AbstractAsyncContextManager[int | None]:
        """Within it TensorFlow Serving's gRPC API is served as well, at the port that it gives, if there is to be one.

        Raises:
            UserError: Its packages are missing, or the port is taken.
        """
        if self._address.grpc_port is None:
            return contextlib.nullcontext()
        try:
            from pianoroll_tf.serving.tf_serving import grpc_service
        except ModuleNotFoundError as error:
            raise UserError(
                f"--grpc-port needs more packages ({error.name}): pip install 'pianoroll_tf[grpc]'"
            ) from error
        return grpc_service.serving(self._state, self._address)

    def stop(self) -> None:
        """Takes no more, and ends when what is in flight is done; music without an end ends now."""
        self._state.is_stopping = True
        self.should_exit = True


def serve(folder: Path, address: Address, versions: Versions, limits: Limits) -> None:
    """Serves a model until SIGTERM or Ctrl-C; then finishes what is in flight.

    Raises:
        UserError: No version can be served, or the address is taken.
    """
    if not is_loopback(address.host):
        print(f"warning: {address.host} can be reached from other machines; anyone there can use it", file=sys.stderr)
    with concurrent.futures.ThreadPoolExecutor(TILES_AT_ONCE, "draw") as pool:
        registry = Registry(folder, versions.versions, pool, limits.active_rows, versions.tile_rows)
        registry.refresh(most=1)
        if not registry.served:
            reasons = "; ".join(status.message for status in registry.statuses.values()) or "none"
            raise UserError(f"model must have a version that can be served. Received: {folder} ({reasons})")
        primers = PrimerReader(limits.uploads, limits.primer_steps, limits.request_seconds)
        state = State(registry, limits, primers, Direct())
        with watching(registry, versions.poll_seconds), contextlib.closing(state):
            asyncio.run(_serve(Server(state, address), registry))


@contextlib.contextmanager
def watching(registry: Registry, seconds: float) -> Iterator[None]:
    """Within it, a thread looks for new versions, and after each change `keep`s; at its end all are dropped."""
    stop = threading.Event()

    def watch() -> None:
        known = None
        while not stop.is_set():
            registry.refresh()
            if registry.statuses != known:
                known = registry.statuses
                keep()
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


def keep() -> None:
    """Lets Python's collector look no more at what is there now: models and modules.

    They are a million objects, and to look at them all, as it does now and then, takes a quarter of a second in which
    no thread goes on. What is dropped of them is found when the versions change the next time.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("::1")
    (True, True, False, True)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _serve(server: Server, registry: Registry) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    refusal = _Refusal()
    logging.getLogger("uvicorn.error").addFilter(refusal)
    try:
        async with server.grpc() as grpc_port:
            announcing = asyncio.create_task(announce(server, registry, grpc_port))
            try:
                await server.serve()
            finally:
                announcing.cancel()
    except SystemExit as error:  # how uvicorn says that it could not listen
        where = f"{server.config.host}:{server.config.port} ({refusal.reason})"
        raise UserError(f"the address must be free to listen on (--host, --port). Received: {where}") from error
    finally:
        logging.getLogger("uvicorn.error").removeFilter(refusal)


class _Refusal(logging.Filter):
    """Keeps why uvicorn could not listen, instead of a line in its log."""

    reason = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be logged."""
        if not isinstance(record.msg, OSError):
            return True
        self.reason = str(record.msg.strerror or record.msg).rpartition(": ")[2]
        return False


async def announce(server: Server, registry: Registry, grpc_port: int | None) -> None:
    """Prints where it is served, once it is."""
    while not server.started:
        await asyncio.sleep(0.01)
    grpc = f", gRPC at port {grpc_port}" if grpc_port else ""
    print(f"serving {registry.name} version {max(registry.served)} at {server.url}{grpc}", flush=True)
