"""Uploaded MIDI files, hostile ones too."""

import numpy as np
import pytest

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.serving.primers import PrimerReader
from pianoroll_tf.serving.refusals import Refusal

ROLL = np.kron(np.eye(84, dtype=np.uint8)[20:60], np.ones((4, 1), np.uint8))  # a scale, half a second a note


@pytest.fixture(scope="module")
def reader():
    return PrimerReader(waiting=2, most_steps=100)


def test_the_end_of_a_file_on_the_grid_of_the_model(reader):
    read = reader.read(midi_bytes(ROLL, 8.0), RecordsConfig())
    np.testing.assert_array_equal(read.roll, ROLL[-100:])
    assert (read.notes, read.left_out) == (40, 0)


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
    with pytest.raises(Refusal, match=r"primer must be a MIDI file\. Received: a file that is ") as caught:
        reader.read(content, RecordsConfig())
    assert caught.value.status == 400
    assert "/" not in caught.value.text


def test_more_than_may_wait_are_told_to_come_again():
    with pytest.raises(Refusal) as caught:
        PrimerReader(waiting=0, most_steps=1).read(b"", RecordsConfig())
    assert caught.value.status == 429
