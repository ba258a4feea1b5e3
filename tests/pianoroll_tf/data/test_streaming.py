"""Tests of pianoroll_tf.data.streaming: batches of a stream against those of the same pieces in memory."""

import atexit
import itertools
import threading
import time

import numpy as np
import pytest
from tiny_run import random_piece, write_records

from pianoroll_tf.config import DatasetConfig, RecordsConfig
from pianoroll_tf.data import streaming
from pianoroll_tf.data.loading import load_corpus
from pianoroll_tf.data.pipeline import batches_per_epoch, evaluation_dataset, make_dataset, windows_per_epoch
from pianoroll_tf.data.stream import Stream

LENGTHS = [1, 5, 8, 9, 16, 30, 61, 23, 8, 40, 17, 3, 90]
CONFIG = DatasetConfig(window_steps=8, batch_size=5, transpose=2)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    pieces = [random_piece(steps, seed=number) for number, steps in enumerate(LENGTHS)]
    settings = RecordsConfig(grid="beats")
    return write_records(tmp_path_factory.mktemp("streaming") / "records", {"train": pieces}, 3, settings)


def arrays(dataset, count=None):
    return [{name: part.numpy() for name, part in batch.items()} for batch in itertools.islice(dataset, count)]


def assert_equal(one, two):
    assert len(one) == len(two) > 0
    for left, right in zip(one, two, strict=True):
        assert left.keys() == right.keys()
        for name in left:
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def test_a_stream_of_one_group_is_what_memory_holds(records):
    stream, corpus = Stream(records, "train"), load_corpus(records, "train")
    assert windows_per_epoch(stream, CONFIG) == windows_per_epoch(corpus, CONFIG)
    one, two = make_dataset(stream, CONFIG, seed=4), make_dataset(corpus, CONFIG, seed=4)
    assert one.element_spec == two.element_spec
    count = 3 * batches_per_epoch(corpus, CONFIG)
    assert_equal(arrays(one, count), arrays(two, count))
    assert arrays(two, 1)[0]["clock"].any()


@pytest.mark.parametrize("buffer_steps", [40, 100])
def test_every_batch_can_be_the_first(records, buffer_steps):
    stream = Stream(records, "train", buffer_steps)
    batches = arrays(make_dataset(stream, CONFIG, seed=1), 25)
    for first in (7, 24):
        assert_equal(arrays(make_dataset(stream, CONFIG, 1, first), 25 - first), batches[first:])
    assert any((batches[0][name] != each).any() for name, each in arrays(make_dataset(stream, CONFIG, 2), 1)[0].items())


def sounding(batches):
    """The windows of batches, sorted, as text."""
    names = ("inputs", "targets", "clock", "ends", "mask")
    return sorted(
        repr([row.tolist() for row in rows]) for b in batches for rows in zip(*(b[n] for n in names), strict=True)
    )


@pytest.mark.parametrize("buffer_steps", [25, 100])
def test_an_epoch_has_the_windows_that_memory_gives_it(records, buffer_steps):
    # With one window per batch, an epoch ends with a batch. Phase and transposition are functions of the same numbers.
    config = DatasetConfig(window_steps=8, batch_size=1, transpose=2)
    stream, corpus = Stream(records, "train", buffer_steps), load_corpus(records, "train")
    windows = windows_per_epoch(corpus, config)
    for epoch in (0, 1):
        one, two = (arrays(make_dataset(each, config, 3, epoch * windows), windows) for each in (stream, corpus))
        assert sounding(one) == sounding(two)
        assert [b["targets"].tolist() for b in one] != [b["targets"].tolist() for b in two]


@pytest.mark.parametrize("buffer_steps", [1, 50])
@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_an_evaluation_of_a_stream_is_that_of_memory(records, buffer_steps, batch_size):
    config = DatasetConfig(window_steps=8, batch_size=batch_size)
    one, two = (
        evaluation_dataset(each, config)
        for each in (Stream(records, "train", buffer_steps), load_corpus(records, "train"))
    )
    assert one.element_spec.keys() == two.element_spec.keys()
    assert_equal(arrays(one), arrays(two))


def test_at_exit_the_group_that_is_read_is_waited_for_and_no_other_is_read(monkeypatch):
    at_exit = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    reading, events = streaming._Reading(), []
    assert at_exit == []  # of a process that reads no stream
    begun, released = threading.Event(), threading.Event()

    def read():
        with reading():
            begun.set()
            released.wait(60)
            events.append("read")

    def close():
        reading.close()
        events.append("closed")

    threads = [threading.Thread(target=read), threading.Thread(target=close)]
    threads[0].start()
    assert begun.wait(60)
    assert at_exit == [reading.close]
    threads[1].start()
    time.sleep(0.2)
    assert events == []
    released.set()
    for thread in threads:
        thread.join(60)
    assert events == ["read", "closed"]
    with pytest.raises(RuntimeError, match="exits"), reading():
        events.append("read")
    assert events == ["read", "closed"]
    assert len(at_exit) == 1


def test_no_reading_waits_for_another():
    """The garbage collector may delete an iterator while a group is read, and waits for the thread of that iterator."""
    reading, read = streaming._Reading(), threading.Event()

    def other():
        with reading():
            read.set()

    with reading():
        thread = threading.Thread(target=other)
        thread.start()
        assert read.wait(60)
    thread.join(60)
