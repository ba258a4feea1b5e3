"""Runs the application with uvicorn until it is told to stop."""

import asyncio
import concurrent.futures
import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from pianoroll_tf import cli
from pianoroll_tf.serving.app import make_app
from pianoroll_tf.serving.direct import Direct
from pianoroll_tf.serving.engine import TILES_AT_ONCE
from pianoroll_tf.serving.limits import Address, Limits, Versions
from pianoroll_tf.serving.primers import PrimerReader
from pianoroll_tf.serving.protocol import make_protocol
from pianoroll_tf.serving.registry import Registry
from pianoroll_tf.serving.state import State


class Server(uvicorn.Server):
    """uvicorn's server; it leaves signals to us, as it would end by them instead of with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing."""
        yield


def serve(folder: Path, address: Address, versions: Versions, limits: Limits) -> None:
    """Serves a model until SIGTERM or Ctrl-C; then finishes what is in flight.

    Raises:
        UserError: No version can be served.
    """
    with concurrent.futures.ThreadPoolExecutor(TILES_AT_ONCE, "draw") as pool:
        registry = Registry(folder, versions.versions, pool, limits.active_rows)
        registry.refresh(most=1)
        if not registry.served:
            reasons = "; ".join(status.message for status in registry.statuses.values())
            raise cli.UserError(
                f"model must have a version that can be served. Received: {folder} ({reasons or 'none'})"
            )
        direct = Direct()
        state = State(registry, limits, PrimerReader(limits.uploads, limits.primer_steps), direct)
        with watching(registry, versions.poll_seconds), contextlib.closing(direct):
            asyncio.run(_serve(state, address, limits))


@contextlib.contextmanager
def watching(registry: Registry, seconds: float) -> Iterator[None]:
    """Within it, a thread looks for new versions; at its end all are dropped."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            registry.refresh()
            stop.wait(seconds)

    thread = threading.Thread(target=watch, name="watch")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        registry.close()


async def _serve(state: State, address: Address, limits: Limits) -> None:
    config = uvicorn.Config(
        make_app(state, address),
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
        timeout_graceful_shutdown=int(limits.drain_seconds) + 1,
    )
    server = Server(config)

    def stop() -> None:
        state.is_stopping = True
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    announcing = asyncio.create_task(_announce(server, state, address))
    await server.serve()
    announcing.cancel()


async def _announce(server: Server, state: State, address: Address) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    host = f"[{address.host}]" if ":" in address.host else address.host
    print(f"serving {state.registry.name} version {max(state.registry.served)} at http://{host}:{port}/", flush=True)
