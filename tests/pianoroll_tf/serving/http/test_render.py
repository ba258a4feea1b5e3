"""Music that a client holds, as a file: the notes, tempo, metre and names in it, and what is refused."""

import concurrent.futures
import dataclasses
import io
import threading

import pretty_midi
import pytest
from serving_client import dense

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.serving.http import render
from pianoroll_tf.serving.http.render import read_render_fields, render_schema, why_no_scores
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.settings import Limits

ROLL = [[60], [60, 64], [-60, 64], []]


class FakeVersion:
    """A version whose model is on a grid of beats."""

    class model:  # noqa: N801
        steps_per_beat = 4


def test_a_roll_becomes_the_midi_file_that_generate_writes(server):
    fields = {"steps": 60, "seed": 4, "primer": [[60], [-60]], "tempo": 90, "meter": "3/4", "place": 2}
    made = server.post("/generate", fields | {"output": "roll"}).json()
    whole = made["primer"] + made["roll"]
    written = server.post("/render", {"roll": whole, "tempo": 90, "meter": "3/4", "place": 2})
    assert written.status_code == 200, written.text
    assert written.headers["content-type"] == "audio/midi"
    assert written.content == server.post("/generate", fields).content


def test_a_midi_file_has_tempo_time_signature_and_name(server):
    body = {"roll": ROLL, "tempo": 90, "meter": "3/4", "title": "Täke 3, seed 5"}
    answer = server.post("/render", body)
    assert answer.headers["content-disposition"] == 'attachment; filename="T_ke_3__seed_5.mid"'
    notes = parse_notes(answer.content)
    assert (notes.meters, 6e7 / notes.tempo_microseconds[0]) == (((0, Meter(3, 4)),), pytest.approx(90, rel=1e-4))
    [piano] = pretty_midi.PrettyMIDI(io.BytesIO(answer.content)).instruments
    assert (piano.program, sorted(note.pitch for note in piano.notes)) == (0, [60, 60, 64])
    assert "Täke 3, seed 5".encode() in answer.content


def test_musicxml_is_written_on_a_grid_of_beats(server, registry, monkeypatch):
    calls = []

    def write(*arguments):
        calls.append(arguments)
        return b"<score-partwise/>"

    monkeypatch.setattr(render, "musicxml_bytes", write)
    monkeypatch.setattr(render, "why_no_scores", lambda served: "")
    monkeypatch.setattr(type(registry.get().model), "steps_per_beat", 4)
    body = {"roll": ROLL, "tempo": 90, "meter": "3/4", "place": 2, "output": "musicxml"}
    answer = server.post("/render", body)
    assert answer.content == b"<score-partwise/>"
    assert answer.headers["content-type"] == "application/vnd.recordare.musicxml+xml"
    assert answer.headers["content-disposition"] == 'attachment; filename="tiny.musicxml"'
    [(roll, steps_per_beat, tempo, meters, title)] = calls
    assert ((roll != 0) == (dense(ROLL) != 0)).all()
    assert (steps_per_beat, tempo, meters, title) == (4, 90, [(-2, Meter(3, 4))], "tiny")
    many = server.post("/render", body | {"roll": [[-pitch for pitch in range(24, 108)]] * 196})
    assert many.json() == {
        "error": "music to be written as MusicXML must have at most 16384 notes. Received: 16464 notes"
    }
    too_long = server.post("/render", body | {"roll": [[]] * 4097})
    assert too_long.json() == {
        "error": "music to be written as MusicXML must have at most 4096 steps. Received: 4097 steps"
    }
    monkeypatch.setattr(server.state, "scores", 8)
    assert server.post("/render", body).status_code == 429


def test_scores_that_take_too_long_are_refused_and_not_written_after_that(server, registry, monkeypatch):
    begun, released = [], threading.Event()

    def write(*arguments):
        begun.append(arguments)
        released.wait(60)
        return b"<score-partwise/>"

    monkeypatch.setattr(render, "musicxml_bytes", write)
    monkeypatch.setattr(render, "why_no_scores", lambda served: "")
    monkeypatch.setattr(type(registry.get().model), "steps_per_beat", 4)
    monkeypatch.setattr(server.state, "limits", dataclasses.replace(server.state.limits, request_seconds=0.5))
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as clients:
            body = {"roll": ROLL, "output": "musicxml"}
            answers = list(clients.map(lambda _: server.post("/render", body), range(2)))
    finally:
        released.set()
    assert [answer.status_code for answer in answers] == [504, 504]
    assert "the response takes more than 0.5 s" in answers[0].json()["error"]
    server.state.score_threads.submit(int).result(60)  # whatever waited before it has ended
    assert len(begun) == 1
    assert server.state.scores == 0


def test_about_names_what_can_be_written(server, registry):
    assert server.get("/about").json()["outputs"] == ["midi", "roll"]
    assert why_no_scores(registry.get()) == "MusicXML needs a model on the grid of beats"
    assert why_no_scores(FakeVersion()) == ""
    refused = server.post("/render", {"roll": ROLL, "output": "musicxml"})
    expected = "output must be midi, because MusicXML needs a model on the grid of beats. Received: output=musicxml"
    assert (refused.status_code, refused.json()) == (400, {"error": expected})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "roll must be given. Received: none"),
        ({"roll": [[200]]}, "pitches in roll[0] must be a whole number >= 24 and <= 107, or its negative"),
        ({"roll": 3}, "roll must be a list of at most 66560 steps"),
        ({"roll": [], "steps": 3}, "fields must be among roll, version, meter, tempo, place, title, output. Received"),
        ({"roll": [], "tempo": 5}, "tempo must be a number >= 10 and <= 1000. Received: tempo=5"),
        ({"roll": [], "meter": "3/5"}, "meter must be N/D"),
        ({"roll": [], "meter": None}, "meter must be N/D"),
        ({"roll": [], "place": -1}, "place must be a whole number >= 0 and <= 66560. Received: place=-1"),
        ({"roll": [], "output": "roll"}, "output must be one of midi, musicxml. Received"),
        ({"roll": [], "title": "a\0"}, "title must be text of at most 120 characters, without control characters."),
        ({"roll": [], "title": "\ud800"}, "title must be text of at most 120 characters"),
        ({"roll": [], "title": "a" * 121}, "title must be text of at most 120 characters"),
    ],
)
def test_what_is_refused(fields, message):
    with pytest.raises(InvalidRequestError) as caught:
        read_render_fields(fields, Limits())
    assert message in str(caught.value)


def test_the_schema_says_the_same():
    schema = render_schema(Limits(most_steps=10, primer_steps=2))
    assert schema["required"] == ["roll"]
    assert (schema["properties"]["roll"]["maxItems"], schema["properties"]["place"]["maximum"]) == (12, 12)
