"""Messages of refused requests."""

from pianoroll_tf.serving.refusals import InvalidRequestError, OverloadedError, shorten


def test_an_overload_says_when_to_retry():
    refusal = OverloadedError("too many pieces are waiting", retry_seconds=3)
    assert refusal.retry_seconds == 3
    assert str(refusal) == "too many pieces are waiting; retry in 3 s"


def test_a_message_is_one_printable_line_whatever_was_received():
    message = str(InvalidRequestError("x must be y. Received: x=\x1b[31m\r\n\x00" + "z" * 10_000))
    assert message.isprintable()
    assert len(message) == 300


def test_a_short_text_is_not_changed():
    assert shorten("steps must be >= 1") == "steps must be >= 1"
