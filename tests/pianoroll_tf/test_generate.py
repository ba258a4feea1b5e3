"""The generate command from end to end on a tiny model."""

import contextlib
import io
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import symusic
from midi_rolls import scale, write_midi
from tiny_export import limited_files
from tiny_run import random_piece, write_records

from pianoroll_tf import generate
from pianoroll_tf.config import RecordsConfig, SamplingConfig
from pianoroll_tf.generation import saved_model
from pianoroll_tf.generation.continuation import read_primer
from pianoroll_tf.generation.render import midi_bytes


@pytest.fixture
def run(exported, tmp_path):
    """Runs the command with the tiny model and the file tmp_path/out/a.mid."""

    def command(*words):
        return generate.main([str(exported), str(tmp_path / "out" / "a.mid"), *map(str, words)])

    return command


def read(path, **grid):
    """The states of a MIDI file, uint8 [steps, 84]."""
    return read_primer(path, RecordsConfig(**{"grid": "seconds"} | grid)).roll


def cut(roll):
    """The roll up to its last note."""
    return roll[: np.flatnonzero(roll.any(1))[-1] + 1]


def test_a_piece_from_nothing_is_that_of_the_model(run, exported, tmp_path, capsys):
    assert run("--steps", 100, "--seed", 5, "--temperature", 1.2) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.mid"]
    nothing = np.zeros((1, 0, 84))
    [expected] = saved_model.load(exported).generate(nothing, 100, SamplingConfig(seed=5, temperature=1.2))
    np.testing.assert_array_equal(read(tmp_path / "out" / "a.mid"), cut(expected))
    printed = capsys.readouterr().out
    assert "a.mid: 12 s of new music" in printed
    assert "% of the steps silent, longest note " in printed
    before = (tmp_path / "out" / "a.mid").read_bytes()
    assert run("--steps", 100, "--seed", 5, "--temperature", 1.2, "--overwrite") == 0
    assert (tmp_path / "out" / "a.mid").read_bytes() == before


def test_a_continuation_with_picture_and_sound(run, tmp_path, capsys):
    primer = write_midi(tmp_path / "primer.mid", scale())
    part = ("--primer-steps", 24, "--primer-from", "start")
    words = ("--primer", primer, *part, "--seconds", 4, "--count", 2)
    assert run(*words, "--png", "--wav") == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["a-1.mid", "a-1.png", "a-1.wav", "a-2.mid", "a-2.png", "a-2.wav"]
    rolls = [read(tmp_path / "out" / name) for name in ("a-1.mid", "a-2.mid")]
    for roll in rolls:
        np.testing.assert_array_equal(roll[:24] != 0, scale()[:24] != 0)
        assert 24 < len(roll) <= 24 + 32
    assert not np.array_equal(*(roll[24:50] for roll in rolls))
    mean = sum(int((roll[24:] != 0).sum()) for roll in rolls) / (2 * 32 * 84)
    printed = capsys.readouterr().out
    assert f"2 pieces: {mean:.2%} of the cells active on average" in printed
    assert "the first 24 of the 40 steps" in printed
    assert "a sampled piano" in printed
    assert run(*words, "--without-primer", "--overwrite") == 0
    np.testing.assert_array_equal(read(tmp_path / "out" / "a-1.mid") != 0, rolls[0][24:] != 0)


def test_seconds_of_a_file_are_filled_within_limits(run, tmp_path, capsys):
    song = write_midi(tmp_path / "song.mid", np.tile(scale(), (3, 1)))
    whole = read(song)
    words = ("--primer", song, "--infill", "4..6", "--particles", 3, "--density", 4)
    assert run(*words, "--highest", 70, "--scale", 0, 4, 7, "--chords", "0:0,4", "8:7", "--polyphony", 1) == 0
    filled = read(tmp_path / "out" / "a.mid")
    np.testing.assert_array_equal(filled[:32], whole[:32])
    np.testing.assert_array_equal(filled[48:] != 0, whole[48:] != 0)
    columns = [np.flatnonzero(step) for step in filled[32:48]]
    assert all(len(column) <= 1 for column in columns)
    classes = [set((column + 24) % 12) for column in columns]
    assert set().union(*classes[:8]) <= {0, 4}
    assert set().union(*classes[8:]) <= {7}
    assert any(classes)
    assert "of 3 particles took part" in capsys.readouterr().out


def test_the_end_of_a_primer_is_continued_in_its_dynamics(run, tmp_path, capsys):
    roll, played = scale(80), np.zeros((80, 84), np.uint8)
    played[np.arange(80), np.arange(80)] = np.arange(80) + 20
    primer = tmp_path / "primer.mid"
    primer.write_bytes(midi_bytes(roll, 8, velocities=played))
    assert run("--primer", primer, "--primer-steps", 24, "--steps", 40) == 0
    assert "primer: the last 24 of the 80 steps of" in capsys.readouterr().out
    [track] = symusic.Score(tmp_path / "out" / "a.mid").tracks
    notes = sorted((note.time // 120, note.pitch, note.velocity) for note in track.notes)
    assert notes[:24] == [(step, 24 + 56 + step, 76 + step) for step in range(24)]
    mean = 76 + 23 / 2
    assert {velocity for *_, velocity in notes[24:]} <= {round(mean), round(mean - 8)}


def test_whole_primer_when_it_is_short(run, tmp_path, capsys):
    primer = write_midi(tmp_path / "primer.mid", scale())
    assert run("--primer", primer, "--steps", 1) == 0
    assert "all 40 steps" in capsys.readouterr().out


def test_without_a_length_a_piece_ends_where_the_model_ends_it(run, exported, tmp_path, capsys):
    assert run("--count", 3) == 0
    expected, ended = saved_model.load(exported).compose(np.zeros((3, 0, 84)))
    printed = capsys.readouterr().out
    for number, (roll, done) in enumerate(zip(expected, ended, strict=True), 1):
        np.testing.assert_array_equal(read(tmp_path / "out" / f"a-{number}.mid"), cut(roll))
        assert (f"a-{number}.mid ends at 300 steps, the longest training piece" in printed) != done


def test_warning_when_the_density_is_off(run, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(saved_model.MusicModel, "density", 0.5)
    assert run("--steps", 50) == 0
    assert "warning: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--steps", 0], "steps must be a whole number >= 1 and <= 1000000 or none. Received: steps=0"),
        (["--steps", 10**9], "steps must be"),
        (["--seconds", "nan"], "seconds must be a number > 0"),
        (["--seconds", 0.01], "seconds must be >= 0.125 and <= 125000"),
        (["--seconds", 1, "--steps", 8], "steps must be none when seconds is given"),
        (["--temperature", "nan"], "temperature must be"),
        (["--temperature", 0], "temperature must be"),
        (["--temperature", -1], "temperature must be"),
        (["--top-p", 1.5], "top_p must be"),
        (["--density", 0], "density must be"),
        (["--seed", -1], "seed must be"),
        (["--count", 0], "count must be"),
        (["--tempo", 0], "tempo must be"),
        (["--meter", "3/5"], "meter must be N/D"),
        (["--primer-steps", 5], "primer must be given with primer_steps. Received: primer_steps=5, no primer"),
        (["--primer-from", "start"], "primer must be given with primer_from"),
        (["--primer", "x.mid", "--primer-steps", 10**6], "primer_steps must be"),
        (["--wav", "--seconds", 4000], "wav must be"),
        (["--polyphony", 0], "polyphony must be"),
        (["--lowest", 60, "--highest", 59], "lowest must be at most highest. Received: lowest=60, highest=59"),
        (["--scale", 0, 12], "scale must be distinct pitch classes 0..11, at least one. Received: scale=0, 12"),
        (["--chords", "0:x"], "pitch_classes of chords must be distinct pitch classes"),
        (["--chords", "8:0", "4:0"], "Received: step 4 after 8"),
        (["--silent", "60-50"], "silent must be ranges [lowest, highest] of MIDI pitches 24 to 107"),
        (["--infill", "1..2"], "primer must be given with infill. Received: infill=1..2, no primer"),
        (["--primer", "x.mid", "--infill", "1-2"], "infill must be N..M with whole numbers N <= M"),
    ],
)
def test_wrong_usage(run, tmp_path, capsys, words, text):
    assert run(*words) == 2
    printed = capsys.readouterr().err
    assert text in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_chord_by_name_is_refused_with_the_form_of_chords(run, capsys):
    with pytest.raises(SystemExit) as left:
        run("--chords", "C Am")
    printed = capsys.readouterr().err
    assert (left.value.code, printed.count("\n")) == (2, 1)
    assert "--chords: a chord must be STEP:CLASS,CLASS,... with pitch classes 0..11. Received: 'C Am'" in printed


@pytest.mark.parametrize("command", ["generate", "export"])
def test_a_folder_that_is_none_is_found_before_tensorflow_is_loaded(tmp_path, command):
    words = [str(tmp_path / "none"), str(tmp_path / "a.mid")]
    code = (
        "import sys\n"
        f"from pianoroll_tf import {command}\n"
        f"assert {command}.main({words!r}) == 1\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "none") in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("limit", [0, 1, 100, 5000])
def test_full_disk_leaves_nothing(run, tmp_path, limit):
    words = ("--steps", 200, "--png", "--wav")
    with limited_files(limit), contextlib.redirect_stderr(io.StringIO()) as printed:
        assert run(*words) == 1
    assert "File too large: " in printed.getvalue()
    assert printed.getvalue().count("\n") == 1
    whole = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert set(whole) <= {"a.mid"}  # there may be room for the first
    assert run(*words) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.mid", "a.png", "a.wav"]
    assert all((tmp_path / "out" / name).read_bytes() == content for name, content in whole.items())


def test_wrong_ending(exported, tmp_path, capsys):
    assert generate.main([str(exported), str(tmp_path / "a.png")]) == 2
    assert "out must end in .mid" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda folder: shutil.rmtree(folder), "model must be a folder that export wrote"),
        (lambda folder: (folder / "extra").touch(), "is extra"),
        (lambda folder: (folder / "config.json").write_text("{}"), "config.json differs"),
    ],
)
def test_models_that_cannot_be_trusted(version, tmp_path, capsys, damage, text):
    damage(version)
    assert generate.main([str(version), str(tmp_path / "a.mid")]) == 1
    printed = capsys.readouterr().err
    assert text in printed
    assert printed.count("\n") == 1


def test_primer_that_is_none(run, tmp_path, capsys):
    assert run("--primer", tmp_path / "none.mid") == 1
    assert "there is no such file" in capsys.readouterr().err


def test_a_file_that_exists_is_not_replaced(exported, tmp_path, capsys):
    song = write_midi(tmp_path / "song.mid", scale())
    before = song.read_bytes()
    command = [str(exported), str(song), "--primer", str(song), "--steps", "8"]
    assert generate.main(command) == 2
    assert "out must be a new file, or be given with --overwrite. Received: " in capsys.readouterr().err
    assert song.read_bytes() == before
    assert generate.main([*command, "--overwrite"]) == 0
    assert song.read_bytes() != before


def test_nothing_is_generated_if_one_of_several_files_exists(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a-2.png").write_bytes(b"mine")
    assert run("--steps", 8, "--count", 2, "--png") == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a-2.png"]


def test_a_report_is_written_beside_each_piece(run, tmp_path, capsys):
    pieces = [random_piece(40, seed) for seed in range(3)]
    records = write_records(tmp_path / "records", {"train": pieces[:2], "val": [], "test": pieces[2:]})
    assert run("--steps", 30, "--count", 2, "--report", records) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-1.html", "a-1.mid", "a-2.html", "a-2.mid"]
    printed, warned = capsys.readouterr()
    assert "was not trained on the records" in warned
    assert re.search(r"a-2.html: The longest passage that it shares with a training piece has \d+ step", printed)
    assert "does not hold the records that the model was trained on" in (tmp_path / "out" / "a-1.html").read_text()
    assert run("--steps", 30, "--report", tmp_path / "none") == 1
    assert "must hold records" in capsys.readouterr().err


def test_silence_before_a_primer_is_left_out(run, tmp_path, capsys):
    roll = np.concatenate([np.zeros((200, 84), np.uint8), scale()])
    primer = write_midi(tmp_path / "primer.mid", roll)
    assert run("--primer", primer, "--primer-steps", 8, "--primer-from", "start", "--steps", 4) == 0
    assert "the first 8 of the " in (printed := capsys.readouterr().out)
    assert "after 200 steps of silence" in printed
    np.testing.assert_array_equal(read(tmp_path / "out" / "a.mid")[:8] != 0, scale()[:8] != 0)


def test_a_score_needs_a_grid_of_beats(run, capsys):
    assert run("--steps", 8, "--musicxml") == 2
    assert "musicxml must be left out for a model on the grid of seconds" in capsys.readouterr().err
