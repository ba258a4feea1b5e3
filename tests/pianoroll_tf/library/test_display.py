"""What a notebook shows of a piece."""

import base64
import io
import re
import sys
import wave

import numpy as np
import pytest

from pianoroll_tf import Piece
from pianoroll_tf.library import display


def piece(steps: int, **more) -> Piece:
    roll = np.zeros((steps, 84), np.uint8)
    roll[::4, 36] = 2
    return Piece(roll, **more)


def test_a_notebook_shows_picture_and_player(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)  # not needed for either
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    shown = piece(32)._repr_html_()
    picture, sound = (base64.b64decode(data) for data in re.findall(r"base64,([^\"]+)", shown))
    assert picture.startswith(b"\x89PNG")
    with wave.open(io.BytesIO(sound)) as file:
        assert file.getframerate() == 22_050
        assert file.getnframes() >= 4 * 22_050  # 32 steps at 8 a second
    with pytest.raises(ModuleNotFoundError):
        piece(32).audio()


def test_audio_is_a_player():
    audio = pytest.importorskip("IPython.display")
    assert isinstance(piece(8).audio(), audio.Audio)


def test_the_player_of_a_long_piece_says_what_it_holds(monkeypatch):
    monkeypatch.setattr(display, "PLAYER_SECONDS", 2)
    assert "the player holds the first 2 s" in piece(32)._repr_html_()
    assert "the player holds" not in piece(16)._repr_html_()


def test_a_piece_without_steps_is_a_text():
    assert piece(0)._repr_html_() == "Piece(0.0 s, 0 steps, 4 per beat, tempo 120, 4/4)"


def test_the_picture_shows_the_steps_that_are_asked_for():
    figure = piece(64, primer_steps=8).plot(16, 32)
    assert figure.axes[0].get_xlim() == (4, 12)  # beats
    assert figure.get_suptitle() == "beats 4 to 12 of 16"
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert not figure.legends  # the primer has ended
    assert piece(64, primer_steps=8).plot().legends
    with pytest.raises(ValueError, match=r"first must be >= 0 and < 64. Received: first=64"):
        piece(64).plot(64)
