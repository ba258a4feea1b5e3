"""Reader processes that outlive the threads and the objects of an engine."""

import threading
from pathlib import Path

import pytest
from midi_files import write_corpus

pytest.importorskip("apache_beam")

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.beam.readers import borrow_readers, close_idle_readers, return_readers

CONFIG = RecordsConfig(grid="seconds")


def test_readers_are_used_again_by_other_threads_after_the_first_has_ended(tmp_path: Path) -> None:
    paths = sorted(str(path) for path in write_corpus(tmp_path, 2, quarters=4).iterdir())
    served = []

    def work(path: str) -> None:
        readers = borrow_readers(CONFIG)
        [(_, piece)] = readers.convert([path])
        served.append((piece.reason, [reader.process.pid for reader in readers._readers]))
        return_readers(CONFIG, readers)

    for path in paths:
        thread = threading.Thread(target=work, args=[path])
        thread.start()
        thread.join()
    close_idle_readers()
    assert served[0] == served[1]
    assert served[0][0] == ""


def test_other_settings_have_other_readers() -> None:
    one = borrow_readers(CONFIG)
    return_readers(CONFIG, one)
    other = borrow_readers(RecordsConfig(grid="beats"))
    assert other is not one
    assert borrow_readers(CONFIG) is one
    assert borrow_readers(CONFIG) is not one
