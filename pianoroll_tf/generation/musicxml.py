"""Writes a piece on the grid of beats as MusicXML: two staves, voices, complete bars, ties across bar lines."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.roll import roll_to_notes
from pianoroll_tf.errors import UserError
from pianoroll_tf.generation.bars import bars_of
from pianoroll_tf.generation.key import estimate_key

LOWEST_TREBLE = 60  # lower pitches are written on the bass staff
MAX_VOICES = 4  # per staff, as many as notation programs have
# Semitones above C → name of the note and alteration, in keys with flats and in all others
FLAT_NAMES = ("C", "D-", "D", "E-", "E", "F", "G-", "G", "A-", "A", "B-", "B")
SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclasses.dataclass(frozen=True)
class Chord:
    """Notes of one voice that begin and end together; no pitches: a rest.

    Attributes:
        begin: First step.
        end: Step after the last.
        pitches: MIDI numbers, ascending.
        continued: Whether it is tied to the chord before it, because a bar line divides them.
        continues: Whether it is tied to the chord after it.
    """

    begin: int
    end: int
    pitches: tuple[int, ...] = ()
    continued: bool = False
    continues: bool = False


def split_voices(notes: Sequence[Chord]) -> list[list[Chord]]:
    """Distributes chords to voices in which nothing overlaps, the higher ones first.

    What does not fit into `MAX_VOICES` voices shortens the chord that ends first to its own beginning.

    >>> [len(voice) for voice in split_voices([Chord(0, 4, (60,)), Chord(2, 4, (64,)), Chord(4, 8, (60,))])]
    [2, 1]
    """
    voices: list[list[Chord]] = []
    for chord in sorted(notes, key=lambda chord: (chord.begin, -chord.pitches[-1])):
        free = [voice for voice in voices if voice[-1].end <= chord.begin]
        if free:
            nearest = min(free, key=lambda voice: abs(voice[-1].pitches[-1] - chord.pitches[-1]))
            nearest.append(chord)
        elif len(voices) < MAX_VOICES:
            voices.append([chord])
        else:
            earliest = min(voices, key=lambda voice: (voice[-1].begin == chord.begin, voice[-1].end))
            if earliest[-1].begin == chord.begin:
                pitches = tuple(sorted({*earliest[-1].pitches, *chord.pitches}))
                earliest[-1] = dataclasses.replace(earliest[-1], pitches=pitches)
            else:
                earliest[-1] = dataclasses.replace(earliest[-1], end=chord.begin)
                earliest.append(chord)
    return voices


def fill_bars(voice: Sequence[Chord], bars: Sequence[int]) -> Iterator[list[Chord]]:
    """The chords of a voice bar by bar, with rests where nothing sounds, divided and tied at bar lines.

    Args:
        voice: Chords that do not overlap, ascending.
        bars: First steps of all bars, and the step after the last.

    >>> [[(chord.begin, chord.end) for chord in bar] for bar in fill_bars([Chord(2, 6, (60,))], [0, 4, 8])]
    [[(0, 2), (2, 4)], [(4, 6), (6, 8)]]
    """
    for begin, end in itertools.pairwise(bars):
        bar, at = [], begin
        for chord in voice:
            first, last = max(chord.begin, begin), min(chord.end, end)
            if first >= last:
                continue
            if at < first:
                bar.append(Chord(at, first))
            bar.append(Chord(first, last, chord.pitches, chord.begin < first, chord.end > last))
            at = last
        if at < end:
            bar.append(Chord(at, end))
        yield bar


def musicxml_bytes(
    roll: np.ndarray, steps_per_beat: int, tempo: float, meters: Sequence[tuple[int, Meter]], title: str = ""
) -> bytes:
    """Writes a piece as the bytes of a MusicXML file.

    Args:
        roll: States on a grid of beats, [steps, 84].
        steps_per_beat: Steps per quarter note.
        tempo: Quarters per minute.
        meters: (step, time signature), ascending; a bar begins at each. If the first is before step 0, the piece begins
            with the rest of that bar.
        title: Title above the music.

    Raises:
        UserError: music21 is not installed.
    """
    try:
        from music21 import metadata
        from music21.musicxml.m21ToXml import GeneralObjectExporter
    except ModuleNotFoundError as error:
        raise UserError(f"MusicXML needs music21: pip install 'pianoroll_tf[demo]'. Received: {error}") from error
    from music21 import layout, stream
    from music21 import tempo as tempos

    found = bars_of(meters, len(roll), steps_per_beat)
    bars, signatures = [*(begin for begin, _, _ in found), found[-1][1]], [meter for _, _, meter in found]
    sharps = estimate_key(roll).sharps
    score = stream.Score()
    score.metadata = metadata.Metadata(title=title or "Piano", composer="pianoroll_tf")
    staves = []
    for treble in (True, False):
        voices = split_voices(_chords(roll, treble)) or [[]]
        staff = stream.PartStaff(id="treble" if treble else "bass")
        filled = [list(fill_bars(voice, bars)) for voice in voices]
        for number in range(len(signatures)):
            changed = not number or signatures[number] != signatures[number - 1]
            measure = _measure(number, treble, [voice[number] for voice in filled], steps_per_beat, sharps)
            if changed:
                _begin(measure, signatures[number], None if number else (treble, sharps))
            staff.append(measure)
        staves.append(staff)
    staves[0].getElementsByClass(stream.Measure)[0].insert(0, tempos.MetronomeMark(number=round(tempo, 2)))
    score.insert(0, staves[0])
    score.insert(0, staves[1])
    score.insert(0, layout.StaffGroup(staves, name="Piano", abbreviation="Pno.", symbol="brace"))
    return GeneralObjectExporter(score).parse()


def _chords(roll: np.ndarray, treble: bool) -> list[Chord]:
    """The notes of a staff; those that begin and end together are one chord."""
    together: dict[tuple[int, int], list[int]] = {}
    for begin, end, pitch in zip(*(column.tolist() for column in roll_to_notes(roll)), strict=True):
        if (pitch >= LOWEST_TREBLE) == treble:
            together.setdefault((begin, end), []).append(pitch)
    return [Chord(begin, end, tuple(sorted(pitches))) for (begin, end), pitches in together.items()]


def _measure(number: int, treble: bool, voices: Sequence[list[Chord]], steps_per_beat: int, sharps: int) -> Any:
    """A bar; voices that only rest are left out, except the first, and rests are printed in the first voice alone.

    The voices of the bass staff have other numbers than those of the treble staff, as notation programs expect.
    """
    from music21 import stream

    measure = stream.Measure(number=number + 1)
    played = [voice for voice in voices if any(chord.pitches for chord in voice)] or [voices[0]]
    for place, voice in enumerate(played, 1):
        target = stream.Voice(id=str(place if treble else place + MAX_VOICES))
        begin = voice[0].begin
        for chord in voice:
            for element, offset in _elements(chord, begin, steps_per_beat, sharps):
                element.style.hideObjectOnPrint = element.isRest and place > 1
                target.insert(offset, element)
        measure.insert(0, target)
    return measure


def plain_lengths(begin: int, end: int, steps_per_beat: int) -> list[Fraction]:
    """Divides a note into lengths that one note can be written with, in quarters.

    Where a beat is not divided in halves, each beat is divided apart, so that its tuplets are complete.

    Args:
        begin: First step, counted from the bar line.
        end: Step after the last.
        steps_per_beat: Steps per quarter note.

    >>> [str(length) for length in plain_lengths(0, 5, 4)], [str(length) for length in plain_lengths(2, 7, 3)]
    (['1', '1/4'], ['1/3', '1', '1/3'])
    """
    from music21 import duration

    if not steps_per_beat & (steps_per_beat - 1):
        return _components(duration.Duration(Fraction(end - begin, steps_per_beat)))
    lengths: list[Fraction] = []
    at = begin
    while at < end:
        beats = (end - at) // steps_per_beat if at % steps_per_beat == 0 else 0
        if beats:
            lengths += _components(duration.Duration(beats))
            at += beats * steps_per_beat
            continue
        rest = min(end, (at // steps_per_beat + 1) * steps_per_beat) - at
        # The longest that one note can have; one step always can
        found = [duration.Duration(Fraction(steps, steps_per_beat)) for steps in range(rest, 0, -1)]
        steps = next(rest - i for i, one in enumerate(found) if _is_plain(one) or i == rest - 1)
        lengths.append(Fraction(steps, steps_per_beat))
        at += steps
    return lengths


def _components(whole: Any) -> list[Fraction]:
    return [Fraction(part.quarterLength) for part in whole.components]


def _is_plain(length: Any) -> bool:
    """Whether a duration of music21 is that of one note, in a tuplet of a usual kind or in none."""
    usual = all(one.numberNotesNormal == 1 << one.numberNotesActual.bit_length() - 1 for one in length.tuplets)
    return len(length.components) == 1 and len(length.tuplets) <= 1 and usual


def _elements(chord: Chord, begin: int, steps_per_beat: int, sharps: int) -> Iterator[tuple[Any, Fraction]]:
    """A chord or rest as notes of plain durations, tied to each other, with their offsets in the bar."""
    from music21 import chord as chords
    from music21 import duration, note, tie

    lengths = plain_lengths(chord.begin - begin, chord.end - begin, steps_per_beat)
    at = Fraction(chord.begin - begin, steps_per_beat)
    names = FLAT_NAMES if sharps < 0 else SHARP_NAMES
    for number, part in enumerate(lengths):
        spelled = [f"{names[pitch % 12]}{pitch // 12 - 1}" for pitch in chord.pitches]
        element: Any = chords.Chord(spelled) if len(spelled) > 1 else note.Note(*spelled) if spelled else note.Rest()
        element.duration = duration.Duration(part)
        tied = (chord.continued or number > 0, chord.continues or number < len(lengths) - 1)
        if spelled and any(tied):
            element.tie = tie.Tie({(True, True): "continue", (True, False): "stop", (False, True): "start"}[tied])
        yield element, at
        at += part


def _begin(measure: Any, meter: Meter, first: tuple[bool, int] | None) -> None:
    """Puts the time signature into a bar; into the first one also clef and key signature."""
    from music21 import clef, key
    from music21 import meter as meters

    measure.insert(0, meters.TimeSignature(str(meter)))
    if first is not None:
        treble, sharps = first
        measure.insert(0, clef.TrebleClef() if treble else clef.BassClef())
        measure.insert(0, key.KeySignature(sharps))
