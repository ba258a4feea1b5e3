"""Sketches: what changes them, and what two of them say about their pieces."""

import random

import numpy as np
import pytest
from midi_files import header, note, song, tempo, track

from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.data.sketch import SIZE, hashes_of, resemblance, sketch

Chords = list[tuple[int, ...]]


def chords(seed: int, count: int = 300) -> Chords:
    """Chords of one to four pitches."""
    rng = random.Random(seed)
    return [tuple(sorted(rng.sample(range(40, 90), rng.randint(1, 4)))) for _ in range(count)]


def played(music: Chords, move: int = 0, ticks: int = 240, jitter: int = 0, microseconds: int = 500_000) -> str:
    """The sketch of chords that are struck one after the other."""
    rng = random.Random(1)
    notes = [
        (begin := 1000 + index * ticks + rng.randint(-jitter, jitter), begin + 100, pitch + move)
        for index, chord in enumerate(music)
        for pitch in chord
    ]
    return sketch(parse_notes(song(notes, [(0, microseconds)])))


def test_a_piece_of_n_chords_has_n_less_6_passages() -> None:
    assert [len(hashes_of(played(chords(1, count)))) for count in (22, 40, 134, 200)] == [16, 34, 128, SIZE]
    assert played(chords(1, 21)) == ""  # 15 passages are too few


def test_key_tempo_and_rhythm_do_not_matter() -> None:
    music = chords(1)
    assert played(music) == played(music, move=-5) == played(music, ticks=180, microseconds=900_000)
    assert played(music) == played(music, jitter=9)  # up to 9 ms, 18 between the notes of a chord


def test_notes_outside_the_range_and_pitches_twice_in_a_chord_are_ignored() -> None:
    notes = [(index * 480, index * 480 + 400, 60 + index * index % 17) for index in range(60)]
    expected = sketch(parse_notes(song(notes)))
    assert expected
    assert sketch(parse_notes(song([*notes, (960, 1400, 10), (961, 1400, 120)]))) == expected
    parts = [track([event for each in notes for event in note(*each, channel=channel)]) for channel in (0, 1)]
    assert sketch(parse_notes(header(3) + track([tempo(0, 500_000)]) + b"".join(parts))) == expected


def test_resemblance_is_the_share_of_common_passages() -> None:
    music, other = chords(1, 40), chords(2, 40)
    # of 34 passages each, those within the first 26 chords are common: 20 of 34 + 34 - 20
    assert resemblance(played(music), played(music[:26] + other[26:])) == pytest.approx(20 / 48)
    assert resemblance(played(music), played(music)) == 1
    assert resemblance(played(music), played(other)) == 0


def test_repeats_hardly_change_it_and_it_is_estimated_for_long_pieces() -> None:
    music, other = chords(1, 2000), chords(2, 2000)
    assert resemblance(played(music), played(music + music)) > 0.95
    # 994 of 2 * 1994 - 994 passages are common
    assert resemblance(played(music), played(music[:1000] + other[1000:])) == pytest.approx(994 / 2994, abs=0.12)
    assert resemblance(played(music), played(other)) == 0


def test_one_changed_chord_in_twenty_leaves_more_than_half() -> None:
    music = chords(1, 1000)
    changed = [(50,) if index % 20 == 10 else chord for index, chord in enumerate(music)]
    # each changed chord changes the 7 passages around it: 13 of 20 are left, of 20 + 7
    assert resemblance(played(music), played(changed)) == pytest.approx(13 / 27, abs=0.12)


def test_hashes_are_spread_evenly() -> None:
    lowest = [int(hashes_of(played(chords(seed, 134)))[0]) / 2**32 for seed in range(60)]
    assert np.mean(lowest) == pytest.approx(1 / 129, rel=0.5)
