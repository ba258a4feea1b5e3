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
