"""Music over HTTP: whole, as MIDI, as a stream, with a primer, alone and among others."""

import concurrent.futures
import io
import itertools
import json
from unittest import mock

import numpy as np
import pretty_midi
import pytest
from serving_client import dense, events, until

from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation import infilling
from pianoroll_tf.generation.continuation import Primer
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.serving.http.endpoints import trained_on

PRIMER = [[60], [60, 64], [], [67]]


def test_about(server):
    about = server.get("/about").json()
    assert about["model"] == "tiny"
    assert about["versions"] == [{"version": 1, "state": "AVAILABLE"}]
    assert about["pitches"] == {"lowest": 24, "count": 84}
    assert (about["default_version"], about["steps_per_second"], about["steps_per_beat"]) == (1, 8, None)
    assert about["can_be_steered"]
    assert (about["grid"], about["head"], about["meter"], about["tempo"]) == ("seconds", "nade", "4/4", 120.0)
    assert about["defaults"] == {"steps": 256, "temperature": 0.75, "top_p": 1.0, "density": None}
    assert about["trained_on"] == {"name": None, "longest_piece_steps": 300}
    assert about["limits"]["steps"] == [1, 65536]
    assert about["limits"]["seed"] == [0, 2**53 - 1]
    assert about["limits"]["temperature"] == about["limits"]["density"] == [0.05, 20.0]
    assert about["limits"]["top_p"][1] == 1.0


def test_every_limit_that_about_names_is_allowed(server):
    limits = server.get("/about").json()["limits"]
    for name in ("temperature", "top_p", "density", "seed"):
        for value in limits[name]:
            assert len(server.roll(steps=2, **({"seed": 1} | {name: value}))) == 2


def test_a_roll(server):
    asked = {"steps": 40, "seed": 5, "primer": PRIMER, "output": "roll"}
    answer = server.post("/generate", asked)
    assert answer.headers["X-Seed"] == "5"
    assert answer.headers["X-Model-Version"] == "1"
    facts = answer.json()
    assert len(facts.pop("roll")) == 40
    assert facts == {
        "version": 1,
        "seed": 5,
        "steps": 40,
        "primer_steps": 4,
        "steps_per_second": 8,
        "tempo": 120.0,
        "meter": "4/4",
        "lowest_pitch": 24,
        "primer": PRIMER,
    }


def test_a_midi_file_holds_the_primer_and_the_roll_of_the_same_request(server):
    asked = {"steps": 64, "seed": 5, "primer": PRIMER}
    answer = server.post("/generate", asked)
    assert answer.headers["Content-Type"] == "audio/midi"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="tiny-1-5.mid"'
    roll = np.concatenate([dense(PRIMER), dense(server.roll(**asked))])
    assert answer.content == midi_bytes(roll, 8.0)
    assert pretty_midi.PrettyMIDI(io.BytesIO(answer.content)).get_end_time() <= 68 / 8


def test_the_model_draws_the_same_outside_of_the_server(server, registry):
    roll = np.zeros((1, 0, 84), np.uint8)
    whole = registry.get().model.generate(roll, 64, compiled=False)[0]
    np.testing.assert_array_equal(as_states(dense(server.roll(steps=64, seed=0))), whole)


def test_unlike_requests_get_the_same_bytes_alone_and_among_others(server):
    asked = [
        {
            "steps": 33 + 29 * number,
            "seed": number // 2,
            "temperature": [1.0, 1.4, 0.7][number % 3],
            "top_p": [1.0, 0.9][number % 2],
            "density": [1.0, 0.5, 2.0, None][number % 4],
            "primer": PRIMER * (number % 5),
        }
        for number in range(24)
    ]
    alone = [server.post("/generate", fields).content for fields in asked]
    with concurrent.futures.ThreadPoolExecutor(24) as clients:
        together = list(clients.map(lambda fields: server.post("/generate", fields).content, asked))
    assert together == alone
    assert len(set(alone)) == len(alone)


def test_without_a_seed_the_answer_names_one_that_repeats_it(server):
    answer = server.post("/generate", {"steps": 20})
    again = server.post("/generate", {"steps": 20, "seed": int(answer.headers["X-Seed"])})
    assert again.content == answer.content


@pytest.mark.parametrize("steps", [1, 32, 100])
def test_a_stream_is_the_roll_in_parts(server, steps):
    asked = {"steps": steps, "seed": 9, "primer": PRIMER}
    answer = server.post("/generate?stream=1", asked)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    (name, begin), *parts, (last, end) = events(answer.text)
    assert (name, last, json.loads(end)) == ("begin", "end", {"steps": steps, "reason": "length"})
    assert json.loads(begin) == {
        "version": 1,
        "seed": 9,
        "steps": steps,
        "primer_steps": 4,
        "steps_per_second": 8,
        "tempo": 120.0,
        "meter": "4/4",
        "primer": PRIMER,
    }
    roll = []
    for name, data in parts:
        assert name == "steps"
        assert json.loads(data)["first"] == len(roll)
        roll += json.loads(data)["roll"]
    assert roll == server.roll(**asked)


def test_endless_music_ends_when_the_client_disconnects(server):
    with server.post("/generate?stream=1", {"steps": 0, "seed": 2}, stream=True) as answer:
        text = ""
        for part in answer.iter_content(None, decode_unicode=True):
            text += part
            if text.count("event: steps") > 8:
                assert server.state.streams == 1  # before the break, which closes the connection
                break
    roll = [json.loads(data)["roll"] for name, data in events(text.rpartition("\n\n")[0]) if name == "steps"]
    assert list(itertools.chain(*roll))[:200] == server.roll(steps=200, seed=2)
    until(lambda: server.state.streams == 0 and server.state.rows == 0)


def test_an_uploaded_primer_is_shown_and_continued(server):
    content = midi_bytes(dense(PRIMER), 8.0)
    shown = server.post("/primer", files={"primer": ("a.mid", content)}).json()
    clock = {"tempo": 120.0, "meter": "4/4", "place": 0}
    assert shown == {"steps": 4, "roll": PRIMER, "notes": 3, "left_out": 0, **clock, "meters": []}
    form = {"steps": "30", "seed": "4", "density": "", "output": "roll", "temperature": "0.8"}
    answer = server.post("/generate", data=form, files={"primer": ("a.mid", content)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["primer"] == PRIMER
    assert answer.json()["roll"] == server.roll(steps=30, seed=4, primer=PRIMER)


@pytest.mark.parametrize("path", ["/home/ann/tfrecords/jazz", "tfrecords/jazz/", "C:\\Users\\Ann\\jazz"])
def test_the_training_data_are_named_without_the_folders_of_a_machine(path):
    model = mock.Mock(config={"run": {"data": {"path": path, "longest_piece": 0}}})
    assert trained_on(model) == {"name": "jazz", "longest_piece_steps": None}


def test_a_whole_file_can_be_read_to_choose_a_part_from(server):
    content = midi_bytes(np.ones((2000, 84), np.uint8), 8.0)
    files = {"primer": ("a.mid", content)}
    assert server.post("/primer", files=files).json()["steps"] == 128  # a training window
    assert server.post("/primer?whole=1", files=files).json()["steps"] == 2000
    refused = server.post("/primer?whole=yes", files=files)
    assert (refused.status_code, refused.json()["error"]) == (400, "whole must be 0 or 1. Received: whole=yes")


def test_a_midi_file_keeps_the_velocities_of_an_uploaded_primer(server):
    played = np.where(as_states(dense(PRIMER)) == 2, 40, 0).astype(np.uint8)
    content = midi_bytes(dense(PRIMER), 8.0, velocities=played)
    answer = server.post("/generate", data={"steps": "60", "seed": "4"}, files={"primer": ("a.mid", content)})
    [piano] = pretty_midi.PrettyMIDI(io.BytesIO(answer.content)).instruments
    assert {note.velocity for note in piano.notes if note.start < 4 / 8} == {40}
    assert {note.velocity for note in piano.notes if note.start >= 4 / 8} <= {40, 32}  # below the highest voice


def test_a_pitch_that_is_struck_again_is_a_negative_number_in_requests_and_responses(server):
    primer = [[60], [-60, 64], [60, 64]]
    answer = server.post("/generate", {"steps": 200, "seed": 5, "primer": primer, "output": "roll"}).json()
    assert answer["primer"] == primer
    before, again = {60, 64}, 0
    for row in answer["roll"]:
        for pitch in row:
            again += pitch < 0
            assert pitch > 0 or -pitch in before
        before = set(map(abs, row))
    assert again > 0


def test_without_steps_a_piece_ends_where_the_model_ends_it(server, registry):
    [expected], _ = registry.get().model.compose(np.zeros((1, 0, 84)), SamplingConfig(seed=3), compiled=False)
    roll = server.roll(seed=3)
    assert len(roll) == len(expected)
    np.testing.assert_array_equal(dense(roll) != 0, expected != 0)
    answer = server.post("/generate?stream=1", {"seed": 3})
    *_, (last, end) = events(answer.text)
    assert (last, json.loads(end)) == ("end", {"steps": len(roll), "reason": "limit" if len(roll) == 300 else "model"})


def test_a_midi_file_has_the_tempo_and_the_meter_asked_for(server):
    content = server.post("/generate", {"steps": 20, "seed": 1, "tempo": 90, "meter": "3/4"}).content
    notes = parse_notes(content)
    assert (notes.meters, 6e7 / notes.tempo_microseconds[0]) == (((0, Meter(3, 4)),), pytest.approx(90, rel=1e-4))


@pytest.mark.parametrize(
    ("path", "fields", "status", "words"),
    [
        ("/generate", {"meter": "3/5"}, 400, "meter must be N/D"),
        ("/generate", {"meter": 3}, 400, "meter must be N/D"),
        ("/generate", {"tempo": 5}, 400, "tempo must be a number >= 10 and <= 1000"),
        ("/generate", {"place": -1}, 400, "place must be a whole number >= 0"),
        ("/generate?stream=2", {}, 400, "stream must be 0 or 1"),
        ("/generate?stream=1", {"steps": -1}, 400, "steps must be a whole number >= 0"),
        ("/generate", {"steps": 0}, 400, "steps must be a whole number >= 1"),
        ("/generate", {"version": 7}, 404, "version must be one that is served: 1"),
        ("/generate", {"temperature": 99}, 400, "temperature must be a number >= 0.05"),
    ],
)
def test_what_is_refused(server, path, fields, status, words):
    answer = server.post(path, fields)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert words in answer.json()["error"]


SCALE = [0, 2, 4, 5, 7, 9, 11]


def test_music_keeps_to_what_the_request_says(server):
    chords = [{"step": 8, "pitch_classes": [0, 4, 7]}]
    limits = {"lowest": 40, "highest": 90, "scale": SCALE, "silent": [[60, 64]], "polyphony": 2, "chords": chords}
    for seed in range(8):
        roll = server.roll(steps=48, seed=seed, density=2.0, primer=[[30, 61, 62]], **limits)
        assert any(roll)
        for step, pitches in enumerate(roll):
            assert len(pitches) <= 2
            classes = {0, 4, 7} if step >= 8 else set(SCALE)
            assert all(40 <= abs(pitch) <= 90 and not 60 <= abs(pitch) <= 64 for pitch in pitches)
            assert {abs(pitch) % 12 for pitch in pitches} <= classes


def test_a_stream_keeps_to_limits_as_a_whole_piece_does(server):
    asked = {"steps": 70, "seed": 5, "density": 2.0, "chords": [{"step": 40, "pitch_classes": [0]}], "polyphony": 3}
    streamed = [
        json.loads(data) for name, data in events(server.post("/generate?stream=1", asked).text) if name == "steps"
    ]
    assert [len(part["roll"]) for part in streamed] == [32, 32, 6]
    assert [step for part in streamed for step in part["roll"]] == server.roll(**asked)


def test_unlike_limits_share_a_batch_and_change_nothing_else(server):
    asked = [{"steps": 40, "seed": 5, "density": 2.0} | more for more in ({}, {"polyphony": 1}, {"scale": [0, 4, 7]})]
    alone = [server.roll(**one) for one in asked]
    with concurrent.futures.ThreadPoolExecutor(9) as clients:
        together = list(clients.map(lambda one: server.roll(**one), asked * 3))
    assert together == alone * 3
    assert alone[0] != alone[1] != alone[2]


def test_lists_in_a_form(server):
    fields = {"steps": (None, "40"), "seed": (None, "5"), "output": (None, "roll"), "scale": (None, "[0, 4, 7]")}
    answer = server.post("/generate", files=fields)
    assert answer.json()["roll"] == server.roll(steps=40, seed=5, scale=[0, 4, 7])
    for text in ("[0", "[0]]", '[0], "steps": [1]'):
        assert server.post("/generate", files=fields | {"scale": (None, text)}).status_code == 400


def test_an_earlier_export_refuses_limits_in_one_line(server, registry, monkeypatch):
    monkeypatch.setattr(registry.get().engine._batches, "can_be_steered", False)
    answer = server.post("/generate", {"steps": 4, "polyphony": 1})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(
        "version 1 must be used without lowest, highest, scale, chords, silent and"
    )
    assert server.post("/generate", {"steps": 4, "scale": list(range(12))}).status_code == 200


WHOLE = [[60], [60, 64], [60], [], [67], [67]] * 20
GAP = {"roll": WHOLE, "start": 40, "end": 60, "seed": 3, "particles": 5}


def test_a_gap_is_filled_as_by_the_library(server, registry):
    answer = server.post("/infill", GAP | {"output": "roll"})
    assert answer.headers["X-Seed"] == "3"
    facts = answer.json()
    roll = facts.pop("roll")
    assert roll[:40] == WHOLE[:40]
    assert [[abs(pitch) for pitch in step] for step in roll[60:]] == WHOLE[60:]
    assert (facts["start"], facts["end"], facts["steps"], facts["particles"]) == (40, 60, 120, 5)
    model = registry.get().model
    gap = infilling.Gap.of(Primer(dense(WHOLE)), 40, 60, model.window_steps, model.steps_per_beat, model.meter)
    filling = infilling.fill(model, gap, SamplingConfig(seed=3), 5)
    np.testing.assert_array_equal(as_states(dense(roll)), gap.filled(filling.music))
    assert facts["chosen"] == filling.chosen
    assert facts["effective_particles"] == pytest.approx(filling.effective, rel=1e-3)
    assert facts["log_likelihood_after"] == pytest.approx(filling.after(60), rel=1e-4)
    assert 1 <= facts["effective_particles"] <= 5


def test_a_filled_gap_as_midi_keeps_to_limits_and_is_the_same_among_others(server):
    asked = GAP | {"scale": [0, 4, 7], "lowest": 60}
    with concurrent.futures.ThreadPoolExecutor(6) as clients:
        others = [clients.submit(server.roll, steps=64, seed=seed) for seed in range(4)]
        rolls = list(clients.map(lambda _: server.post("/infill", asked | {"output": "roll"}).json()["roll"], range(2)))
        assert all(len(other.result()) == 64 for other in others)
    assert rolls[0] == rolls[1]
    assert all(abs(pitch) >= 60 and abs(pitch) % 12 in (0, 4, 7) for step in rolls[0][40:60] for pitch in step)
    answer = server.post("/infill", asked)
    assert answer.headers["Content-Type"] == "audio/midi"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="tiny-1-3.mid"'
    assert answer.content == midi_bytes(dense(rolls[0]), 8.0)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"start": 60}, "the gap must be start < end within the roll of 120 steps. Received: start=60, end=60"),
        ({"end": 121}, "Received: start=40, end=121"),
        ({"roll": [[60]] * 2000, "end": 1500}, "the gap must have at most 1024 steps. Received: start=40, end=1500"),
        ({"particles": 1}, "particles must be"),
        ({"steps": 3}, "fields must be among"),
    ],
)
def test_a_gap_that_is_refused(server, changes, text):
    answer = server.post("/infill", GAP | changes)
    assert answer.status_code == 400
    assert text in answer.json()["error"]


def test_a_gap_is_sent_as_json(server):
    assert server.post("/infill", files={"start": (None, "1")}).status_code == 415
