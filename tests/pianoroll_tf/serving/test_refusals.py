"""What is told to a client that is refused."""

from pianoroll_tf.serving.refusals import bad, busy, shorten


def test_who_comes_too_early_is_told_when_to_come_again():
    refusal = busy("the places", seconds=3)
    assert (refusal.status, refusal.headers) == (429, {"Retry-After": "3"})
    assert refusal.text == "the places are full; come again in 3 s"


def test_a_line_is_one_line_of_printable_characters_whatever_was_received():
    refusal = bad("x must be y. Received: x=\x1b[31m\r\n\x00" + "z" * 10_000)
    assert refusal.status == 400
    assert refusal.text.isprintable()
    assert len(refusal.text) == 300


def test_short_text_stays():
    assert shorten("steps must be >= 1") == "steps must be >= 1"
