"""Primers from files, and pieces in parts."""

from pathlib import Path

import numpy as np
import pytest
from midi_files import song
from midi_rolls import scale, write_midi

from pianoroll_tf.config import RecordsConfig, SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation import continuation, render, saved_model
from pianoroll_tf.generation.continuation import Primer, continue_music, density_warning, read_primer
from pianoroll_tf.generation.dynamics import Dynamics


@pytest.fixture(scope="module")
def model(exported):
    return saved_model.load(exported)


def test_primer_is_read_on_the_grid_of_the_model(tmp_path):
    path = write_midi(tmp_path / "primer.MID", scale())
    np.testing.assert_array_equal(read_primer(path, RecordsConfig(grid="seconds")).roll, as_states(scale()))
    halved = read_primer(path, RecordsConfig(grid="seconds", steps_per_second=4)).roll
    assert halved.shape == (21, 84)  # the last note begins at 19.5 steps of the coarse grid, and lasts one
    beats = read_primer(path, RecordsConfig(grid="beats", steps_per_beat=4))  # 120 a minute: 8 steps a second
    np.testing.assert_array_equal(beats.roll, as_states(scale()))
    assert (beats.tempo, beats.meters) == (120.0, ((0, Meter()),))


def test_a_primer_keeps_its_strikes_tempo_and_bars(tmp_path):
    roll = np.zeros((30, 84), np.uint8)
    roll[:, 36] = [2, 1, 2] * 10
    path = tmp_path / "waltz.mid"
    path.write_bytes(render.midi_bytes(roll, 4 * 138 / 60, 138, [(0, Meter(4, 4)), (16, Meter(3, 4))]))
    primer = read_primer(path, RecordsConfig(grid="beats"))
    np.testing.assert_array_equal(primer.roll, roll)
    assert round(primer.tempo, 3) == 138
    assert primer.clock(4) == (Meter(3, 4), 8)  # 16 steps before the bar line of 12 steps: 4 short of two bars
    assert primer.first(16).clock(4) == (Meter(4, 4), 0)
    assert primer.clock(None) == (None, 0)


def test_the_end_of_a_primer_begins_with_a_bar_and_keeps_what_was_played(tmp_path):
    roll, played = np.zeros((44, 84), np.uint8), np.zeros((44, 84), np.uint8)
    roll[:, 36] = [2, 1, 1, 1] * 11
    roll[10:20, 40] = [2] + [1] * 9
    played[::4, 36], played[10, 40] = range(50, 61), 99
    path = tmp_path / "march.mid"
    meters = [(0, Meter(2, 4)), (16, Meter(3, 4))]
    path.write_bytes(render.midi_bytes(roll, 8, 120, meters, velocities=played))
    primer = read_primer(path, RecordsConfig(grid="beats"))
    np.testing.assert_array_equal(primer.velocities, played)
    assert primer.bars(4) == [0, 8, 16, 28, 40]
    end = primer.last(30, 4)  # 30 steps before the end is within the bar that begins at 8
    assert (len(end.roll), end.first_step, end.meters, end.clock(4)) == (28, 16, ((0, Meter(3, 4)),), (Meter(3, 4), 0))
    assert end.velocities[0, [36, 40]].tolist() == [54, 99]  # the second is held at the bar line
    assert end.roll[0, [36, 40]].tolist() == [2, 2]
    short = primer.last(3, 4)  # without a bar line
    assert (short.meters, short.clock(4)) == (((-1, Meter(3, 4)),), (Meter(3, 4), 1))
    assert primer.last(44, 4) is primer


def test_the_part_of_a_primer_is_described(tmp_path):
    notes = [*((tick, tick + 480, 60) for tick in range(0, 480 * 40, 480)), (0, 480, 12)]
    content = song(notes, tempos=[(0, 600_000), (4800, 500_000)])
    (tmp_path / "a.mid").write_bytes(content)
    grid = RecordsConfig(grid="beats")
    whole = read_primer(tmp_path / "a.mid", grid)
    assert continuation.describe_primer(whole.last(64, 4), whole, tmp_path / "a.mid", 4) == (
        f"primer: the last 64 of the 160 steps of {tmp_path}/a.mid, from bar 7, without 1 note outside MIDI 24 to 107; "
        "100 quarters per minute (the first tempo of the file; 1 change left out)"
    )
    assert "the last 5 of the 160 steps of a.mid, from within bar 10, without" in continuation.describe_primer(
        whole.last(5, 4), whole, Path("a.mid"), 4
    )
    seconds = read_primer(tmp_path / "a.mid", RecordsConfig(grid="seconds"))
    assert continuation.describe_primer(seconds.first(8), seconds, Path("a.mid"), None) == (
        "primer: the first 8 of the 168 steps of a.mid, without 1 note outside MIDI 24 to 107"
    )


def test_the_dynamics_of_a_primer_are_its_own():
    roll, played = np.zeros((128, 84), np.uint8), np.zeros((128, 84), np.uint8)
    roll[::4, 40], played[::4, 40] = 2, [100, 60, 60, 60] * 8
    primer = continuation.Primer(roll, 100.0, ((0, Meter()),), played)
    assert continuation.primer_dynamics(primer, Dynamics(), 4).levels[:2] == (100, 60)
    assert continuation.primer_dynamics(continuation.NO_PRIMER, Dynamics(), 4) == Dynamics()


def test_primer_may_be_a_link(tmp_path):
    write_midi(tmp_path / "file.mid", scale())
    (tmp_path / "link.mid").symlink_to("file.mid")
    np.testing.assert_array_equal(
        read_primer(tmp_path / "link.mid", RecordsConfig(grid="seconds")).roll, as_states(scale())
    )


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("none.mid", None, "there is no such file"),
        ("text.mid", b"hello", "not a MIDI file"),
        ("empty.mid", b"", "empty file"),
        ("header.mid", b"MThd\0\0\0\6\0\1\0\1", "."),
    ],
)
def test_primers_that_cannot_be_read(tmp_path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"primer must be a MIDI file. Received: primer=.*{name} \(.*{reason}"):
        read_primer(tmp_path / name, RecordsConfig(grid="seconds"))


def test_pieces_are_those_of_their_seeds_however_they_are_cut_into_batches(model, monkeypatch):
    whole = [music for music, _ in continue_music(model, scale(), 30, SamplingConfig(seed=10), count=5)]
    assert [piece.shape for piece in whole] == [(30, 84)] * 5
    monkeypatch.setattr(continuation, "BATCH_ROWS", 2)
    parts = [music for music, _ in continue_music(model, scale(), 30, SamplingConfig(seed=10), count=5)]
    np.testing.assert_array_equal(parts, whole)
    [(alone, _)] = continue_music(model, scale(), 30, SamplingConfig(seed=13))
    np.testing.assert_array_equal(alone, whole[3])


def test_long_pieces_are_drawn_few_at_a_time(model, monkeypatch):
    batches = []
    monkeypatch.setattr(continuation, "BATCH_CELLS", 84 * 100)
    monkeypatch.setattr(
        saved_model.MusicModel, "generate", lambda self, primer, *_, **__: batches.append(len(primer)) or primer
    )
    list(continue_music(model, scale(0), 30, SamplingConfig(), count=7))
    list(continue_music(model, scale(10), 30, SamplingConfig(), count=2))
    assert batches == [3, 3, 1, 1, 1]


def test_all_batches_together_say_whether_compiling_pays(model, monkeypatch):
    ways = []
    monkeypatch.setattr(continuation, "BATCH_ROWS", 2)
    monkeypatch.setattr(continuation, "worthwhile", lambda rows, steps: steps >= 90)
    monkeypatch.setattr(
        saved_model.MusicModel, "generate", lambda self, primer, *_, compiled, **__: ways.append(compiled) or primer
    )
    list(continue_music(model, scale(0), 30, SamplingConfig(), count=7))
    list(continue_music(model, scale(0), 30, SamplingConfig(), count=4))
    assert ways == [True, True, True, None, False, False]


@pytest.mark.parametrize(
    ("density", "expected", "text"),
    [
        (0.05, 0.05, ""),
        (0.1, 0.05, ""),
        (0.025, 0.05, ""),
        (0.101, 0.05, "2.0 times as dense as requested"),
        (0.02, 0.05, "0.4 times as dense"),
        (0.0, 0.05, "silent"),
        (0.5, 0.0, ""),  # not known
    ],
)
def test_warning_beyond_a_factor_of_two(density, expected, text):
    warning = density_warning(density, expected)
    assert text in warning
    assert bool(warning) == bool(text)


def test_a_bar_line_is_not_worth_most_of_what_was_asked_for():
    downbeat = Primer(np.ones((33, 84), np.uint8), meters=((0, Meter()),))  # two bars, and the first step of a third
    assert [len(downbeat.last(steps, 4).roll) for steps in (16, 31, 33)] == [16, 17, 33]
    later = Primer(np.ones((34, 84), np.uint8), meters=((0, Meter()), (100, Meter(3, 4))))
    assert len(later.last(1, 4).roll) == 1
