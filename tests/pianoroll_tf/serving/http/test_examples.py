"""Openings of pieces: their notes on every grid, checked by hand."""

import pytest

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH, RecordsConfig
from pianoroll_tf.serving.http.examples import EXAMPLES, example_primers, to_rows

BAR = 32  # steps per bar of the prelude, on a grid of 8 steps per second


def test_voices_of_a_piece_are_of_one_length() -> None:
    for name, _, voices in EXAMPLES:
        sixteenths = [sum(int(note.partition("/")[2]) for note in voice.split()) for voice in voices]
        assert len(set(sixteenths)) == 1, name


def test_the_prelude_breaks_its_chords() -> None:
    [prelude, *_] = example_primers(RecordsConfig(grid="seconds"), 1024)
    roll = prelude["roll"]
    assert len(roll) == 4 * BAR
    assert roll[:6] == [[60], [60], [60, 64], [60, 64], [60, 64, 67], [60, 64, 67]]
    assert roll[12:18] == [[60, 64, 72]] * 2 + [[76]] * 2 + [[60]] * 2  # held notes end before the next bass note
    assert roll[2 * BAR] == [59]


def test_fuer_elise_starts_with_its_motif() -> None:
    elise = example_primers(RecordsConfig(grid="seconds"), 1024)[2]["roll"]
    assert [row[-1] for row in elise[:16:2]] == [76, 75, 76, 75, 76, 71, 74, 72]
    assert elise[16] == [45, 69]


@pytest.mark.parametrize(
    ("grid", "steps"),
    [
        (RecordsConfig(grid="seconds"), [128, 64, 96]),
        (RecordsConfig(grid="seconds", steps_per_second=16), [256, 128, 192]),
        (RecordsConfig(grid="seconds", steps_per_second=3), [48, 24, 36]),
        (RecordsConfig(grid="beats"), [64, 64, 48]),
        (RecordsConfig(grid="beats", steps_per_beat=2), [33, 32, 24]),  # a last sixteenth is rounded up
    ],
)
def test_examples_have_the_same_duration_on_every_grid(grid: RecordsConfig, steps: list[int]) -> None:
    examples = example_primers(grid, 1024)
    assert [len(example["roll"]) for example in examples] == steps
    for row in (row for example in examples for row in example["roll"]):
        assert row == sorted(set(row))
        assert all(LOWEST_PITCH <= pitch <= HIGHEST_PITCH for pitch in row)


def test_a_longer_example_is_cut_at_the_front() -> None:
    whole, cut = (example_primers(RecordsConfig(grid="seconds"), most)[1]["roll"] for most in (1024, 10))
    assert cut == whole[-10:]


def test_the_shortest_note_lasts_a_step() -> None:
    assert to_rows(("C4/1 D4/1 E4/1 F4/1",), 0.25) == [[60, 62], [64, 65]]
