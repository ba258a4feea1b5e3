"""Thinned MIDI files keep the pitches that they should, at their times."""

import numpy as np
import symusic

from benchmarks import thin_midi
from pianoroll_tf.library.piece import Piece


def test_pitches_that_are_no_multiples_are_left_out(tmp_path, capsys):
    roll = np.zeros((8, 84), np.uint8)
    for step, pitch in enumerate([60, 61, 62, 63, 64, 65, 66, 67]):
        roll[step, pitch - 24] = 2
    (tmp_path / "midi").mkdir()
    Piece(roll, grid="seconds").save(tmp_path / "midi" / "scale.mid")
    assert thin_midi.main([str(tmp_path / "midi"), str(tmp_path / "out"), "--keep-every", "4"]) == 0
    assert "1 files with 2 notes in" in capsys.readouterr().out
    before, after = (symusic.Score(tmp_path / name) for name in ("midi/scale.mid", "out/0000.mid"))
    times = {note.pitch: (note.start, note.end) for note in before.tracks[0].notes}
    assert {note.pitch: (note.start, note.end) for note in after.tracks[0].notes} == {
        pitch: times[pitch] for pitch in (60, 64)
    }
