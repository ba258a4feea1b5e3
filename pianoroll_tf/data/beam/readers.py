"""Reader processes of a worker, kept while the engine creates and drops the objects that use them."""

import atexit
import threading
from concurrent.futures import ThreadPoolExecutor

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.workers import Reader, Readers

_lock = threading.Lock()
_idle: list[tuple[RecordsConfig, Readers]] = []
# Linux ends a reader with the thread that has started it, and an engine's threads end before its work does
_starter = ThreadPoolExecutor(1, "readers")


def borrow_readers(config: RecordsConfig) -> Readers:
    """Readers with one process, for the caller alone until `return_readers`."""
    with _lock:
        for number, (settings, _) in enumerate(_idle):
            if settings == config:
                return _idle.pop(number)[1]
    return Readers(config, 1, lambda config: _starter.submit(Reader, config).result())


def return_readers(config: RecordsConfig, readers: Readers) -> None:
    """Gives back what `borrow_readers` returned, for the next one."""
    with _lock:
        _idle.append((config, readers))


@atexit.register
def close_idle_readers() -> None:
    """Ends the idle reader processes."""
    with _lock:
        while _idle:
            _idle.pop()[1].close()
