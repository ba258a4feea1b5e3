"""Tests of pianoroll_tf.data.fingerprint: what is the same music, and what is not."""

import numpy as np
from midi_files import header, note, song, tempo, track

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.fingerprint import fingerprint, roll_digest
from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.data.roll import notes_to_roll, steps_to_roll

NOTES = [(0, 480, 60), (480, 960, 64), (0, 480, 67)]


def mark(data: bytes) -> str:
    return fingerprint(parse_notes(data))


def test_the_fingerprint_is_that_of_the_music_and_not_of_its_clothes() -> None:
    title = (0, b"\xff\x03\x04Song")
    in_one_track = header(1, kind=0) + track([title, *(event for item in NOTES for event in note(*item))])
    same = [
        song(NOTES[::-1]),
        in_one_track,
        song(NOTES, tempos=[(0, 400_000)]),
        song([(2 * start, 2 * end, pitch) for start, end, pitch in NOTES], division=960),
        song([(start, end, pitch + 5) for start, end, pitch in NOTES]),  # transposed
        song([(start, end + 30, pitch) for start, end, pitch in NOTES]),  # other lengths
        song([(start + 960, end + 960, pitch) for start, end, pitch in NOTES]),  # after a silence
    ]
    assert {mark(data) for data in same} == {mark(song(NOTES))}


def test_other_music_has_another_fingerprint() -> None:
    others = [song(NOTES[:2]), song([(0, 480, 61), *NOTES[1:]]), song([(240, 480, 60), *NOTES[1:]])]
    assert len({mark(song(NOTES)), *map(mark, others)}) == 4


def test_a_roll_is_the_same_at_another_resolution_and_not_when_struck_otherwise() -> None:
    def digest(data: bytes) -> str:
        return roll_digest(notes_to_roll(parse_notes(data), RecordsConfig(grid="seconds"))[0])

    finer = song([(2 * start, 2 * end, pitch) for start, end, pitch in NOTES], division=960)
    assert digest(song(NOTES)) == digest(finer)
    assert digest(song(NOTES)) != digest(song(NOTES, tempos=[(0, 400_000)]))
    one, two = (steps_to_roll(*map(np.array, ([0, start], [4, 4], [60, 60]))) for start in (1, 2))
    assert roll_digest(one) != roll_digest(two)


def test_tempo_events_after_the_music_change_nothing() -> None:
    assert mark(header(1) + track([tempo(5000, 1), *note(0, 480, 60)])) == mark(song([(0, 480, 60)]))
