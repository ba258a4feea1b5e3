"""Bodies that are malformed, of the wrong type, or hostile, sent to a running server."""

import pytest

from pianoroll_tf.serving.http.bodies import form_values
from pianoroll_tf.serving.http.fields import read_fields
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.settings import Limits

BOUNDARY = "multipart/form-data; boundary=b"


def part(name, value, more=""):
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


FILE = '; filename="a.mid"'
BROKEN = [
    (b"{", "application/json", 400, "body must be JSON"),
    (b'{"steps": NaN}', "application/json", 400, "steps must be a whole number >= 1 and <= 65536. Received: steps=nan"),
    (b'{"temperature": 1e400}', "application/json", 400, "temperature must be a number >= 0.05 and <= 20.0"),
    (b'{"density": -Infinity}', "application/json", 400, "density must be a number >= 0.05 and <= 20.0"),
    (b'{"steps": 1, "steps": 2}', "application/json", 400, "steps must be given once"),
    (b"[" * 100_000, "application/json", 400, "at most 16 levels"),
    (b'{"primer":' + b"[" * 100_000, "application/json", 400, "at most 16 levels"),
    (b"{}", "text/html", 415, "body must be application/json or multipart/form-data. Received: text/html"),
    (b"{}", "", 415, "no content-type"),
    (b"steps=1", "application/x-www-form-urlencoded", 415, "body must be"),
    (b"--", "multipart/form-data", 400, "Missing boundary"),
    (b"nonsense", BOUNDARY, 400, "body must be multipart/form-data"),
    ((part("steps", "1") + "--b--").encode(), BOUNDARY + "; charset=undefined", 400, "in UTF-8. Received: another"),
    (part("steps", "1").encode(), BOUNDARY, 400, "ends before its last boundary"),
    ((part("steps", "1") + part("steps", "2") + "--b--").encode(), BOUNDARY, 400, "steps must be given once"),
    ((part("steps", "9" * 5000) + "--b--").encode(), BOUNDARY, 400, "body must be multipart/form-data"),
    ("".join(part(f"a{n}", "1") for n in range(20)).encode() + b"--b--", BOUNDARY, 400, "Too many fields"),
    ((part("x", "1") + "--b--").encode(), BOUNDARY, 400, "fields must be among"),
    ((part("file", "MThd", FILE) + "--b--").encode(), BOUNDARY, 400, "the file must be called primer"),
    ((part("primer", "MThd", FILE) + "--b--").encode(), BOUNDARY, 400, "primer must be a MIDI file"),
    ((part("primer", "a", FILE) + part("primer", "b", FILE) + "--b--").encode(), BOUNDARY, 400, "Too many files"),
    ((part("primer", "1") + part("primer", "b", FILE) + "--b--").encode(), BOUNDARY, 400, "primer must be given once"),
    ((part("primer", "[[60]]") + "--b--").encode(), BOUNDARY, 400, "primer must be a list"),
]


@pytest.mark.parametrize(("body", "kind", "status", "words"), BROKEN)
def test_what_is_refused(server, body, kind, status, words):
    answer = server.post("/generate", data=body, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]
    assert "/tmp" not in answer.text
    assert "Traceback" not in answer.text


def test_a_primer_must_come_as_a_form(server):
    assert server.post("/primer", {}).status_code == 415
    answer = server.post("/primer", data=(part("steps", "1") + "--b--").encode(), headers={"Content-Type": BOUNDARY})
    assert "primer must be an uploaded MIDI file" in answer.json()["error"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("8", 8), ("-1", -1), ("1.5", 1.5), ("1e2", 100.0), ("roll", "roll"), ("nan", "nan"), ("1_0", "1_0"), ("٣", "٣")],
)
def test_a_form_has_numbers_where_json_would(text, value):
    assert form_values({"x": text}) == {"x": value}


def test_a_huge_number_in_a_form_is_refused_as_a_number():
    with pytest.raises(InvalidRequestError, match="temperature must be"):
        read_fields(form_values({"temperature": "1e400"}), Limits())
