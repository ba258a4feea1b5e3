"""MusicXML, read again by music21: the notes, their ties, complete bars, key, tempo and time signatures."""

from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.roll import as_states, roll_to_notes
from pianoroll_tf.errors import UserError
from pianoroll_tf.generation.musicxml import (
    Chord,
    fill_bars,
    musicxml_bytes,
    split_voices,
)

music21 = pytest.importorskip("music21", reason="the extra demo is not installed")


def notes_of(score, steps_per_beat: int) -> list[tuple[int, int, int]]:
    """(begin, end, pitch) of the notes of a score in steps, those that are tied as one."""
    found = []
    for part in score.parts:
        heads = [
            (round(float(element.getOffsetInHierarchy(part)) * steps_per_beat), element, pitch.midi)
            for element in part.recurse().notes
            for pitch in element.pitches
        ]
        open_notes: dict[tuple[int, int], int] = {}  # (step after the last, pitch) → first step
        for begin, element, pitch in sorted(heads, key=lambda head: head[0]):
            end = begin + round(float(element.quarterLength) * steps_per_beat)
            tie = element.tie.type if element.tie else None
            first = open_notes.pop((begin, pitch)) if tie in ("stop", "continue") else begin
            if tie in ("start", "continue"):
                open_notes[end, pitch] = first
            else:
                found.append((first, end, pitch))
        assert not open_notes
    return sorted(found)


def read(data: bytes):
    return music21.converter.parseData(data, format="musicxml")


def four_parts(seed: int, steps: int) -> np.ndarray:
    """Two voices on each staff, notes of random lengths."""
    rng, roll = np.random.default_rng(seed), np.zeros((steps, 84), np.uint8)
    for low in (12, 24, 40, 52):
        at = int(rng.integers(0, 4))
        while at < steps:
            length = int(rng.integers(1, 20))
            roll[at : at + length, low + rng.integers(0, 9)] = 1
            roll[at, np.flatnonzero(roll[at, low : low + 9]) + low] = 2
            at += length + int(rng.integers(0, 3))
    return as_states(roll)


@pytest.mark.parametrize(("seed", "meter"), [(0, Meter(4, 4)), (1, Meter(3, 4)), (2, Meter(6, 8))])
def test_notes_come_back_and_bars_are_complete(seed, meter):
    roll = four_parts(seed, 150)
    score = read(musicxml_bytes(roll, 4, 96.0, [(0, meter)], "A title"))
    begin, end, pitch = roll_to_notes(roll)
    assert notes_of(score, 4) == sorted(zip(begin.tolist(), end.tolist(), pitch.tolist(), strict=True))
    for part in score.parts:
        bars = list(part.getElementsByClass("Measure"))
        assert len(bars) == -(-150 // meter.bar_steps(4))
        for bar in bars:
            assert bar.barDuration.quarterLength == meter.bar_steps(4) / 4
            for voice in bar.voices or [bar]:
                assert voice.duration.quarterLength == bar.barDuration.quarterLength
    assert score.metadata.bestTitle == "A title"
    assert score.recurse().getElementsByClass("MetronomeMark")[0].number == 96
    assert [str(one.ratioString) for one in score.parts[0].recurse().getElementsByClass("TimeSignature")] == [
        str(meter)
    ]


def assert_bars_are_complete(data: bytes) -> None:
    """In every bar, each voice has the length of the time signature, and none is on both staves."""
    root = ElementTree.fromstring(data)
    divisions, quarters = 0, 0.0
    for part in root.findall("part"):
        for measure in part.findall("measure"):
            if (attributes := measure.find("attributes")) is not None:
                divisions = int(attributes.findtext("divisions", "0")) or divisions
                if attributes.find("time") is not None:
                    quarters = 4 * int(attributes.findtext("time/beats")) / int(attributes.findtext("time/beat-type"))
            lengths, staves = Counter(), {}
            for note in measure.findall("note"):
                lengths[note.findtext("voice")] += (
                    0 if note.find("chord") is not None else int(note.findtext("duration"))
                )
                staves.setdefault(note.findtext("voice"), set()).add(note.findtext("staff"))
            assert set(lengths.values()) == {quarters * divisions}
            assert all(len(staff) == 1 for staff in staves.values())
            assert not measure.findall("forward")


@pytest.mark.parametrize(
    ("meters", "steps_per_beat"),
    [
        ([(0, Meter(5, 8))], 4),
        ([(0, Meter(7, 8)), (28, Meter(3, 4))], 4),
        ([(-4, Meter(4, 4))], 4),  # the piece begins with three quarters of a bar
        ([(-6, Meter(6, 8)), (18, Meter(9, 8))], 4),
        ([(0, Meter(4, 4)), (22, Meter(3, 4)), (25, Meter(2, 2))], 4),  # bars that are cut short
        ([(0, Meter(3, 16))], 4),
        ([(0, Meter(4, 4))], 3),  # triplets
        ([(0, Meter(6, 8))], 6),
        ([(0, Meter(3, 4))], 12),
        ([(0, Meter(3, 4))], 1),
    ],
    ids=str,
)
def test_bars_are_complete_in_every_metre_and_on_every_grid(meters, steps_per_beat):
    roll = four_parts(3, 70)
    data = musicxml_bytes(roll, steps_per_beat, 100.0, meters)
    assert_bars_are_complete(data)
    begin, end, pitch = roll_to_notes(roll)
    assert notes_of(read(data), steps_per_beat) == sorted(
        zip(begin.tolist(), end.tolist(), pitch.tolist(), strict=True)
    )


@pytest.mark.parametrize("states", [[2], [2] * 20, [2] + [1] * 29, [2, 1, 1, 2] * 8, []], ids=len)
def test_one_note_struck_and_held_notes_and_nothing(states):
    roll = np.zeros((len(states), 84), np.uint8)
    roll[:, 40] = states
    data = musicxml_bytes(roll, 4, 100.0, [(0, Meter(6, 8))])
    assert_bars_are_complete(data)
    assert len(notes_of(read(data), 4)) == states.count(2)


def test_the_time_signature_changes_where_the_piece_changes_it():
    roll = np.zeros((40, 84), np.uint8)
    roll[::4, 40] = 2
    score = read(musicxml_bytes(roll, 4, 120.0, [(0, Meter(3, 4)), (24, Meter(4, 4))]))
    signatures = [
        (bar.number, bar.timeSignature.ratioString)
        for bar in score.parts[0].getElementsByClass("Measure")
        if bar.timeSignature
    ]
    assert signatures == [(1, "3/4"), (3, "4/4")]
    assert len(notes_of(score, 4)) == 10


def test_a_silent_piece_is_a_bar_of_rest():
    score = read(musicxml_bytes(np.zeros((3, 84), np.uint8), 4, 120.0, [(0, Meter())]))
    assert not notes_of(score, 4)
    assert [len(part.getElementsByClass("Measure")) for part in score.parts] == [1, 1]


def test_accidentals_follow_the_key():
    roll = np.zeros((64, 84), np.uint8)
    for step, pitch in enumerate((10, 0, 2, 3, 5, 7, 9, 10) * 2):
        roll[4 * step, 36 + pitch] = 2
    score = read(musicxml_bytes(roll, 4, 120.0, [(0, Meter())]))
    assert {pitch.name for pitch in score.pitches} == {"B-", "C", "D", "E-", "F", "G", "A"}
    assert score.recurse().getElementsByClass("KeySignature")[0].sharps == -2


def test_a_fifth_voice_shortens_the_chord_that_ends_first():
    held = [Chord(0, 10 + pitch, (60 + pitch,)) for pitch in range(4)]
    voices = split_voices([*held, Chord(4, 8, (80,))])
    assert sorted((chord.begin, chord.end, *chord.pitches) for voice in voices for chord in voice) == [
        (0, 4, 60),
        (0, 11, 61),
        (0, 12, 62),
        (0, 13, 63),
        (4, 8, 80),
    ]


def test_bars_and_ties_by_hand():
    [first, second, third] = fill_bars([Chord(2, 14, (60,))], [0, 8, 12, 28])
    assert first == [Chord(0, 2), Chord(2, 8, (60,), continues=True)]
    assert second == [Chord(8, 12, (60,), continued=True, continues=True)]
    assert third == [Chord(12, 14, (60,), continued=True), Chord(14, 28)]


def test_without_music21_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "music21", None)
    with pytest.raises(UserError, match="MusicXML needs music21: pip install"):
        musicxml_bytes(np.zeros((4, 84), np.uint8), 4, 120.0, [(0, Meter())])
