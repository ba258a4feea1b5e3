"""Openings of well-known pieces as primers for users who have no MIDI file at hand."""

import pretty_midi

from pianoroll_tf.config import RecordsConfig

SIXTEENTHS_PER_BEAT = 4
SIXTEENTHS_PER_SECOND = 8  # at 120 quarter notes per minute


def _broken(*chords: str) -> tuple[str, ...]:
    """The voices of a prelude in which each bar is a broken chord of five notes, played twice.

    Held notes end before they are played again, so that each onset follows silence.
    """
    bars = [chord.split() for chord in chords]
    bass = " ".join(f"{a}/7 r/1 {a}/7 r/1" for a, *_ in bars)
    tenor = " ".join(f"r/1 {b}/6 r/1 r/1 {b}/6 r/1" for _, b, *_ in bars)
    upper = " ".join(f"r/2 {c}/1 {d}/1 {e}/1 {c}/1 {d}/1 {e}/1" for _, _, c, d, e in bars for _ in range(2))
    return bass, tenor, upper


# Name; steps per sixteenth on a grid of 8 steps per second; voices: notes with their length in sixteenths, r is a rest.
EXAMPLES = (
    (
        "Bach: Prelude in C major",
        2,
        _broken("C4 E4 G4 C5 E5", "C4 D4 A4 D5 F5", "B3 D4 G4 D5 F5", "C4 E4 G4 C5 E5"),
    ),
    (
        "Mozart: Sonata facile",
        1,
        (
            "C5/8 E5/4 G5/4 B4/6 C5/1 D5/1 C5/4 r/4 A5/8 G5/4 C6/4 G5/4 F5/4 E5/4 r/4",
            "C4/2 G4/2 E4/2 G4/2 C4/2 G4/2 E4/2 G4/2 D4/2 G4/2 F4/2 G4/2 C4/2 G4/2 E4/2 G4/2 "
            "C4/2 A4/2 F4/2 A4/2 C4/2 G4/2 E4/2 G4/2 B3/2 G4/2 D4/2 G4/2 C4/2 G4/2 E4/2 G4/2",
        ),
    ),
    (
        "Beethoven: Für Elise",
        2,
        (
            "E5/1 D#5/1 E5/1 D#5/1 E5/1 B4/1 D5/1 C5/1 A4/2 r/1 C4/1 E4/1 A4/1 B4/2 r/1 E4/1 G#4/1 B4/1 C5/2 r/1 E4/1 "
            "E5/1 D#5/1 E5/1 D#5/1 E5/1 B4/1 D5/1 C5/1 A4/2 r/1 C4/1 E4/1 A4/1 B4/2 r/1 E4/1 C5/1 B4/1 A4/4",
            "r/8 A2/1 E3/1 A3/1 r/3 E2/1 E3/1 G#3/1 r/3 A2/1 E3/1 A3/1 r/3 "
            "r/6 A2/1 E3/1 A3/1 r/3 E2/1 E3/1 G#3/1 r/3 A2/1 E3/1 A3/2",
        ),
    ),
)


def to_rows(voices: tuple[str, ...], steps_per_sixteenth: float) -> list[list[int]]:
    """The pitches of each step, ascending, of some voices; note edges are rounded to the nearest step, as in records.

    >>> to_rows(("C4/2 r/1 E4/1", "G4/1"), 1)
    [[60, 67], [60], [], [64]]
    """
    sounding: dict[int, set[int]] = {}
    length = 0
    for voice in voices:
        at = 0
        for note in voice.split():
            name, _, sixteenths = note.partition("/")
            start, end = (int(edge * steps_per_sixteenth + 0.5) for edge in (at, at + int(sixteenths)))
            end = max(end, start + 1)
            at += int(sixteenths)
            length = max(length, end)
            for step in range(start, end) if name != "r" else ():
                sounding.setdefault(step, set()).add(pretty_midi.note_name_to_number(name))
    return [sorted(sounding.get(step, ())) for step in range(length)]


def example_primers(grid: RecordsConfig, max_steps: int) -> list[dict]:
    """The examples on a model's grid, as in `GET /about`; those longer than `max_steps` are cut at the front."""
    in_seconds = grid.grid == "seconds"
    scale = grid.steps_per_second / SIXTEENTHS_PER_SECOND if in_seconds else grid.steps_per_beat / SIXTEENTHS_PER_BEAT
    return [
        {"name": name, "roll": to_rows(voices, scale * slowness if in_seconds else scale)[-max_steps:]}
        for name, slowness, voices in EXAMPLES
    ]
