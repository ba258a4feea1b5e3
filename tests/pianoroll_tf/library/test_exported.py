"""An exported model, of tiny size and on the grid of seconds, generates pieces."""

import numpy as np
import pytest

from pianoroll_tf import Piece, load


@pytest.fixture(scope="module")
def model(exported):
    return load(exported)


def second(seconds: int = 4, **more) -> Piece:
    """A note in every second, on the model's grid."""
    roll = np.zeros((8 * seconds, 84), np.uint8)
    roll[::8, 40] = 2
    return Piece(roll, grid="seconds", steps_per_unit=8, **more)


def test_it_says_what_it_is(model, exported):
    assert repr(model) == f"ExportedModel({str(exported / '1')!r}, 8 steps a second)"
    assert (model.grid, model.folder, model.worse_than_copying) == ("seconds", exported / "1", False)


def test_one_piece_or_a_list(model):
    one = model.generate(steps=24, seed=5)
    several = model.generate(steps=24, seed=4, count=2)
    assert (len(one), one.seconds, one.grid, one.steps_per_unit) == (24, 3.0, "seconds", 8)
    assert isinstance(several, list)
    np.testing.assert_array_equal(several[1].roll, one.roll)  # of seed 4 + 1
    assert (one.name, one.primer_steps, one.cut_off) == ("tiny, seed 5", 0, False)
    assert model.generate(steps=8, count=1)[0].roll.shape == (8, 84)


def test_a_piece_or_a_file_is_continued(model, tmp_path):
    primer = second(tempo=90.0)
    piece = model.generate(primer, seconds=2)
    assert (len(piece), piece.primer_steps, piece.tempo) == (48, 32, 90.0)
    np.testing.assert_array_equal(piece.roll[:32], primer.roll)
    held = second().roll.copy()
    held[:, 40] = [2, *[1] * 7] * 4
    path = Piece(held, grid="seconds", steps_per_unit=8).save(tmp_path / "primer.mid")
    read = model.generate(path, steps=16, primer_seconds=2)
    assert read.primer_steps == 16
    np.testing.assert_array_equal(read.roll[:16], held[:16])
    assert model.generate(path, steps=16, without_primer=True).primer_steps == 0


def test_music_keeps_to_its_limits(model):
    chords = [{"step": 0, "pitch_classes": [0, 4, 7]}, (16, [2, 5, 9])]
    piece = model.generate(second(), steps=32, density=3.0, scale=range(12), chords=chords, lowest=48, polyphony=2)
    new = piece.part(piece.primer_steps).notes
    assert len(new["pitch"]) > 4
    assert (new["pitch"] >= 48).all()
    assert set(new["pitch"][new["end"] <= 16] % 12) <= {0, 4, 7}
    assert set(new["pitch"][new["start"] >= 16] % 12) <= {2, 5, 9}
    assert (piece.roll[32:] != 0).sum(axis=1).max() <= 2


def test_a_gap_is_filled(model, tmp_path):
    song = second(12, tempo=90.0)
    limits = {"particles": 3, "seed": 5, "silent": [(24, 59)]}
    filled = model.infill(song, 4, 6, **limits)
    assert (len(filled), filled.tempo, filled.primer_steps) == (96, 90.0, 0)
    np.testing.assert_array_equal(filled.roll[:32], song.roll[:32])
    np.testing.assert_array_equal(filled.roll[48:], song.roll[48:])
    assert not filled.roll[32:48, :36].any()
    again = model.infill(song.save(tmp_path / "song.mid"), 4, 6, **limits)
    np.testing.assert_array_equal(again.roll[32:48], filled.roll[32:48])


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"start_bar": 9, "end_bar": 10}, "infill must be seconds within the piece, which has 4"),
        ({"particles": 1}, "particles must be a whole number >= 2"),
        ({"steps": 8}, "an option must be one of temperature, .*, primer_seconds. Received: steps"),
        ({"polyphony": 0}, "polyphony must be"),
    ],
)
def test_gaps_that_are_not_allowed(model, options, line):
    with pytest.raises(ValueError, match=line):
        model.infill(second(), **({"start_bar": 1, "end_bar": 2} | options))


def test_without_a_length_the_model_ends_the_piece_or_it_is_cut_off(model):
    pieces = model.generate(count=4, seed=1)
    longest = model.model.longest_piece
    assert all(len(piece) < longest or piece.cut_off for piece in pieces)
    assert all(len(piece) == longest for piece in pieces if piece.cut_off)


def test_how_probable_a_piece_is(model):
    nats = model.log_likelihood(second())
    assert nats["cells"].shape == (32,)
    whole = model.model.log_likelihood(second().roll[None])
    np.testing.assert_array_equal(nats["cells"], whole["cells"][0])


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"stpes": 8}, "an option must be one of chords, density, .*, without_primer. Received: stpes"),
        ({"png": True}, "an option must be one of .* Received: png"),
        ({"temperature": 0}, "temperature must be a number >= 0.05"),
        ({"steps": 8, "seconds": 1.0}, "steps must be none when seconds is given"),
        ({"count": 0}, "count must be a whole number >= 1"),
        ({"primer": "nothing.mid"}, "there is no such file"),
        (
            {"primer": Piece(np.zeros((4, 84)))},
            r"as Piece.from_midi\(path, grid='seconds', steps_per_second=8\)",
        ),
    ],
)
def test_what_is_not_allowed(model, options, line):
    with pytest.raises(ValueError, match=line):
        model.generate(**options)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(ValueError, match="Received"):
        load(tmp_path)
