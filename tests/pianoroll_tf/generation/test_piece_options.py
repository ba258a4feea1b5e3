"""Options of pieces: what is refused."""

from pathlib import Path

import pytest

from pianoroll_tf.generation.piece_options import PieceOptions


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"steps": 8, "seconds": 1.0}, "steps must be none when seconds is given. Received: steps=8"),
        ({"primer": Path("a.mid"), "primer_steps": 8, "primer_seconds": 1.0}, "primer_steps must be none"),
        ({"without_primer": True}, "primer must be given"),
        ({"primer_seconds": 1.0}, "primer must be given"),
        ({"meter": "3/5"}, "meter must be N/D"),
        ({"seconds": float("nan")}, "seconds must be a number > 0"),
    ],
)
def test_wrong_options(values, text):
    with pytest.raises(ValueError, match=text):
        PieceOptions(**values)


def test_options_that_belong_together():
    options = PieceOptions(primer=Path("a.mid"), primer_seconds=2.0, without_primer=True, meter="6/8")
    assert (options.count, options.steps) == (1, None)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"infill": "8"}, "infill must be N..M with whole numbers N <= M. Received: infill=8"),
        ({"infill": "8..x"}, "infill must be N..M"),
        ({"infill": "9..8"}, "infill must be N..M"),
        ({"infill": "-1..8"}, "infill must be N..M"),
        ({"infill": "1..2", "primer": None}, "primer must be given with infill. Received: infill=1..2, no primer"),
        ({"infill": "1..2", "steps": 8}, "steps must be left out with infill. Received: steps=8"),
        ({"infill": "1..2", "without_primer": True}, "without_primer must be left out with infill"),
        ({"infill": "1..2", "particles": 1}, "particles must be a whole number >= 2 and <= 64"),
    ],
)
def test_filling_bars_is_refused_where_it_has_no_meaning(values, text):
    with pytest.raises(ValueError, match="Received") as caught:
        PieceOptions(**({"primer": Path("a.mid")} | values))
    assert text in str(caught.value)


def test_bars_to_fill():
    assert PieceOptions(primer=Path("a.mid"), infill="8..12").particles == 16
