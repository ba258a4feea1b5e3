"""Pieces: lengths, tempo and time signature by the primer and the options; files and pictures."""

import numpy as np
import pytest
import symusic
from midi_rolls import scale, write_midi

from pianoroll_tf.config import RecordsConfig, SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.generation import continuation, pieces, render, saved_model
from pianoroll_tf.generation.continuation import NO_PRIMER, read_primer
from pianoroll_tf.generation.manifest import write_manifest
from pianoroll_tf.generation.piece_options import PieceOptions
from pianoroll_tf.settings import dumps


@pytest.fixture
def on_beats(version):
    """The tiny model as if it had been trained on a grid of beats."""
    config = saved_model.read_config(version)
    config["run"]["records"]["grid"] = "beats"
    (version / "config.json").write_text(dumps(config))
    write_manifest(version)
    return saved_model.load(version)


def plan(model, **options):
    options = PieceOptions(**options)
    return pieces.plan_pieces(model, read_primer(options.primer, model.grid) if options.primer else NO_PRIMER, options)


def write(model, path, **options):
    return list(pieces.write_pieces(model, plan(model, **options), SamplingConfig(), path, PieceOptions(**options)))


def test_beats_are_played_at_the_tempo(on_beats, tmp_path):
    [piece] = write(on_beats, tmp_path / "a.mid", tempo=60.0, seconds=10.0, png=True)
    assert piece.music.shape == (40, 84)
    notes = read_primer(tmp_path / "a.mid", RecordsConfig(grid="beats")).roll
    assert 30 < len(notes) <= 40  # 4 steps per beat, one beat per second
    same = read_primer(tmp_path / "a.mid", RecordsConfig(grid="seconds", steps_per_second=4)).roll
    np.testing.assert_array_equal(same, notes)


def test_a_continuation_keeps_tempo_and_meter_and_the_options_change_them(on_beats, tmp_path):
    waltz = tmp_path / "waltz.mid"
    waltz.write_bytes(render.midi_bytes(scale(30), 4 * 138 / 60, 138, [(0, Meter(3, 4))]))
    for options, tempo, meters in [
        ({"primer": waltz, "primer_steps": 18}, 138, ((0, Meter(3, 4)),)),
        ({"meter": "6/8", "tempo": 90.0}, 90, ((0, Meter(6, 8)),)),
        ({}, 120, ((0, Meter()),)),
    ]:
        write(on_beats, tmp_path / "a.mid", steps=40, png=True, **options)
        notes = parse_notes((tmp_path / "a.mid").read_bytes())
        assert 6e7 / notes.tempo_microseconds[0] == pytest.approx(tempo, rel=1e-3)
        assert notes.meters == meters


def test_another_meter_begins_a_bar_with_the_new_music(on_beats, tmp_path, monkeypatch):
    march = tmp_path / "march.mid"
    march.write_bytes(render.midi_bytes(scale(64), 8, 120, [(0, Meter(4, 4))]))
    clocks = []
    draw = continuation.continue_music
    monkeypatch.setattr(continuation, "continue_music", lambda *words: clocks.append(words[-3:-1]) or draw(*words))
    write(on_beats, tmp_path / "a.mid", steps=24, primer=march, primer_steps=64, meter="3/4")
    [(meter, position)] = clocks
    assert (meter, (position + 64) % 12) == (Meter(3, 4), 0)
    assert parse_notes((tmp_path / "a.mid").read_bytes()).meters == ((0, Meter(4, 4)), (64 * 120, Meter(3, 4)))


def test_the_end_of_a_primer_is_continued_from_a_bar_line(on_beats, tmp_path):
    waltz = tmp_path / "waltz.mid"
    waltz.write_bytes(render.midi_bytes(scale(200), 8, 120, [(0, Meter(3, 4))], steps_per_beat=4))
    planned = plan(on_beats, primer=waltz)
    assert (planned.primer.first_step, planned.bar_position, len(planned.primer.roll)) == (72, 0, 128)
    assert plan(on_beats, primer=waltz, primer_from="start").primer.first_step == 0
    assert plan(on_beats, primer=waltz, primer_steps=5).meters() == [(-3, Meter(3, 4))]
    # The new music alone begins within the bar that the primer leaves incomplete: 200 steps are 16 bars and 8 steps
    alone = plan(on_beats, primer=waltz, primer_steps=60, without_primer=True)
    assert alone.meters() == [(-8, Meter(3, 4))]
    assert alone.bars(20) == [4, 16]


def test_the_music_of_a_model_has_the_dynamics_of_its_data(version, tmp_path):
    config = saved_model.read_config(version)
    config["run"]["data"]["velocity_sums"] = [0] * 8 + [0, 0, 10, 500, 0, 0, 0, 0]
    (version / "config.json").write_text(dumps(config))
    write_manifest(version)
    write(saved_model.load(version), tmp_path / "a.mid", steps=100)
    [track] = symusic.Score(tmp_path / "a.mid").tracks
    assert {note.velocity for note in track.notes} == {50, 42}


def test_sound_has_its_limit_with_the_part_of_the_primer_that_is_written(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "MAX_WAV_SECONDS", 5)
    model, primer = saved_model.load(exported), write_midi(tmp_path / "primer.mid", scale())  # 5 s
    assert plan(model, wav=True, seconds=5.0).steps == 40
    assert plan(model, wav=True, seconds=5.0, primer=primer, without_primer=True).steps == 40
    assert len(plan(model, wav=True, seconds=4.0, primer=primer, primer_seconds=1.0).primer.roll) == 8
    with pytest.raises(ValueError, match=r"wav must be of at most 5 s. Received: 5.125 s"):
        plan(model, wav=True, seconds=5.125)
    with pytest.raises(ValueError, match="Received: 10 s"):
        plan(model, wav=True, seconds=5.0, primer=primer)


def test_seconds_must_be_at_least_a_step_and_at_most_the_longest_piece():
    for seconds in (0.01, 126.0):
        with pytest.raises(ValueError, match=r"seconds must be >= 0.125 and <= 125"):
            pieces.seconds_to_steps(seconds, 8, 1000, "seconds")


def test_long_pieces_show_where_their_new_music_begins(exported, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(pieces, "MAX_PICTURE_STEPS", 64)
    monkeypatch.setattr(pieces, "PICTURE_PRIMER_STEPS", 16)
    monkeypatch.setattr(
        render, "png_bytes", lambda roll, *rest, music_end: shown.append((len(roll), *rest, music_end)) or b"png"
    )
    model, path = saved_model.load(exported), tmp_path / "a.mid"
    write(model, path, steps=100, png=True)
    assert path.with_suffix(".png").read_bytes() == b"png"
    primer = write_midi(tmp_path / "primer.mid", scale(40))
    for steps in (100, 30, 4):
        write(model, path, primer=primer, primer_steps=40, steps=steps, png=True)
    assert shown == [
        (64, 0, 8, "seconds", "seconds 0 to 8 of 12.5", 0, [], 100),
        (64, 16, 8, "seconds", "seconds 3 to 11 of 17.5", 24, [], 116),
        (64, 34, 8, "seconds", "seconds 0.75 to 8.75 of 8.75", 6, [], 64),
        (44, 40, 8, "seconds", "", 0, [], 44),
    ]


def test_the_score_is_that_of_the_midi_file(on_beats, tmp_path):
    converter = pytest.importorskip("music21", reason="the extra demo is not installed").converter
    [piece] = write(on_beats, tmp_path / "a.mid", steps=64, meter="3/4", tempo=90.0, musicxml=True)
    assert "a.mid, .musicxml: " in piece.description
    score = converter.parse(tmp_path / "a.musicxml")
    assert score.recurse().getElementsByClass("TimeSignature")[0].ratioString == "3/4"
    assert score.recurse().getElementsByClass("MetronomeMark")[0].number == 90
    [first, *_] = np.argwhere(piece.music == 2)
    begins = {float(note.getOffsetInHierarchy(score)) * 4 for note in score.recurse().notes}
    assert min(begins) == first[0]
