"""Uploaded MIDI files, hostile ones too."""

import concurrent.futures
import threading
from unittest import mock

import numpy as np
import pytest

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.serving.drawing import primers
from pianoroll_tf.serving.drawing.primers import PrimerReader
from pianoroll_tf.serving.refusals import DeadlineError, InvalidRequestError, OverloadedError
from pianoroll_tf.serving.settings import Limits

ROLL = np.kron(np.eye(84, dtype=np.uint8)[20:60], np.ones((4, 1), np.uint8))  # a scale, half a second per note


@pytest.fixture(scope="module")
def reader():
    return PrimerReader(Limits(uploads=2, primer_steps=100))


def test_the_end_of_a_file_on_the_grid_of_the_model(reader):
    read = reader.read(midi_bytes(ROLL, 8.0), RecordsConfig(grid="seconds"))
    np.testing.assert_array_equal(read.roll, as_states(ROLL[-100:]))
    assert (read.notes, read.left_out, read.tempo, read.meter) == (40, 0, 120.0, None)


def test_tempo_and_bar_are_read_too(reader):
    content = midi_bytes(ROLL, 4 * 138 / 60, 138, [(0, Meter(3, 4))])
    read = reader.read(content, RecordsConfig(grid="beats"))
    assert (round(read.tempo, 2), read.meter) == (138.0, Meter(3, 4))
    assert (read.place, len(read.roll)) == (0, 100)  # of 160 steps the first 60 are cut off: five bars
    part = reader.read(content, RecordsConfig(grid="beats"), steps=50)
    assert (part.place, len(part.roll)) == (0, 40)  # from the next bar line


def test_a_whole_file_has_all_its_time_signatures(reader):
    content = midi_bytes(ROLL, 8.0, 120, [(0, Meter(3, 4)), (48, Meter(4, 4))])
    read = reader.read(content, RecordsConfig(grid="beats"), whole=True)
    assert (len(read.roll), read.meters) == (160, ((0, Meter(3, 4)), (48, Meter(4, 4))))
    assert reader.read(content, RecordsConfig(grid="seconds"), whole=True).meters == ()


def test_velocities_are_read_and_silence_before_the_first_bar_is_left_out(reader):
    silent = np.concatenate([np.zeros((30, 84), np.uint8), ROLL[:20]])
    read = reader.read(midi_bytes(silent, 8.0), RecordsConfig(grid="seconds"))
    np.testing.assert_array_equal(read.roll, as_states(ROLL[:20]))
    assert read.velocities[read.roll == 2].tolist() == [85] * 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MThd",
        b"\xff" * 400_000,
        b"MThd" + b"\xff" * 60,
        b"RIFF" + bytes(100),
        midi_bytes(ROLL, 8.0)[:200],
    ],
    ids=["empty", "cut", "noise", "lengths", "another kind", "half"],
)
def test_what_is_no_midi_file_is_refused_without_a_path(reader, content):
    with pytest.raises(InvalidRequestError, match=r"primer must be a MIDI file\. Received: a file that is ") as caught:
        reader.read(content, RecordsConfig(grid="seconds"))
    assert "/" not in str(caught.value)


def test_more_files_than_may_wait_are_refused():
    with pytest.raises(OverloadedError):
        PrimerReader(mock.Mock(uploads=0)).read(b"", RecordsConfig(grid="seconds"))


def test_a_file_waits_for_a_slow_one_only_for_a_limited_time(monkeypatch):
    reader = PrimerReader(Limits(uploads=2, primer_steps=1, request_seconds=0.05))
    begun, may_end = threading.Event(), threading.Event()

    def convert(content, grid):
        begun.set()
        assert may_end.wait(60)
        return Piece(reason="slow")

    monkeypatch.setattr(primers, "_convert", convert)
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        slow = other.submit(reader.read, b"", RecordsConfig(grid="seconds"))
        assert begun.wait(60)
        with pytest.raises(DeadlineError, match=r"the primer waited for more than 0\.05 s"):
            reader.read(b"", RecordsConfig(grid="seconds"))
        may_end.set()
        assert isinstance(slow.exception(), InvalidRequestError)
    with pytest.raises(InvalidRequestError, match="a file that is slow"):
        reader.read(b"", RecordsConfig(grid="seconds"))
