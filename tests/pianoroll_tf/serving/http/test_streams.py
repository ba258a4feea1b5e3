"""Music as events: when streams end, how they resume, and that they release their resources."""

import json
import re

import pytest
from serving_client import events, until

from pianoroll_tf.serving.http import streams


def test_endless_music_is_drawn_only_some_steps_ahead_of_its_playing(server, monkeypatch):
    monkeypatch.setattr(streams, "STEPS_AHEAD", 64)
    with server.post("/generate?stream=1", {"steps": 0, "seed": 2}, stream=True) as answer:
        text = ""
        for part in answer.iter_content(None, decode_unicode=True):
            text += part
            if '"first":64' in text:
                break
    firsts = [json.loads(data)["first"] for name, data in events(text.rpartition("\n\n")[0]) if name == "steps"]
    assert firsts[:2] == [0, 32]
    until(lambda: server.state.streams == 0 and server.state.rows == 0)


def test_an_error_of_the_model_is_an_event_and_releases_all_resources(server, monkeypatch):
    monkeypatch.setattr(server.state.registry.get().engine._batches, "draw", lambda *_: 1 / 0)
    name, data = events(server.post("/generate?stream=1", {"steps": 3}).text)[-1]
    assert (name, json.loads(data)) == ("error", {"error": "the model failed"})
    until(lambda: server.state.streams == 0 and server.state.rows == 0)


def test_a_server_that_stops_ends_endless_music(registry):
    from serving_client import running

    with running(registry) as made:
        with made.post("/generate?stream=1", {"steps": 0}, stream=True) as answer:
            parts = answer.iter_content(None, decode_unicode=True)
            text = next(parts)
            made.server.stop()
            text += "".join(parts)
        name, data = events(text)[-1]
        assert (name, json.loads(data)["reason"]) == ("end", "stopped")


def ids(text: str) -> list[str]:
    """The ids of events."""
    return re.findall("^id: (.*)$", text, re.MULTILINE)


def event_id(server, after: int, **fields) -> str:
    """The id of an event of this stream, `after` so many steps."""
    with server.post("/generate?stream=1", fields, stream=True) as answer:
        text = ""
        for part in answer.iter_content(100, decode_unicode=True):
            text += part
            if "\n\n" in text:
                break
    version, seed, _, piece = ids(text)[0].split("-")
    return f"{version}-{seed}-{after}-{piece}"


def test_a_stream_that_was_cut_resumes_without_a_gap_or_repetition(server):
    asked = {"steps": 200, "seed": 9, "primer": [[60], [60, 64], [], [67]], "temperature": 1.2}
    whole = server.post("/generate?stream=1", asked).text
    known = ids(whole)
    assert known == [event_id(server, steps, **asked) for steps in (0, 32, 64, 96, 128, 160, 192, 200)]
    with server.post("/generate?stream=1", asked, stream=True) as answer:  # the connection is closed in mid-stream
        text = ""
        for part in answer.iter_content(100, decode_unicode=True):
            text += part
            if f"id: {known[2]}\n" in text:
                break
    begun = whole[: whole.index(f"id: {known[2]}\n")] + f"id: {known[2]}\n\n"
    rest = server.post("/generate?stream=1", asked, headers={"Last-Event-ID": known[2]}).text
    assert begun + rest == whole


@pytest.mark.parametrize("last", [0, 31, 32, 33, 69, 70])
def test_it_resumes_after_any_step_of_a_piece_with_or_without_its_seed(server, last):
    resume = {"Last-Event-ID": event_id(server, last, steps=70, seed=5)}
    text = server.post("/generate?stream=1", {"steps": 70}, headers=resume).text
    *parts, end = events(text)
    parts = [json.loads(data) for _, data in parts]
    roll = [step for part in parts for step in part["roll"]]
    assert roll == server.roll(steps=70, seed=5)[last:]
    assert [part["first"] for part in parts] == [last, *(first for first in (32, 64) if first > last)][: len(parts)]
    assert end == ("end", '{"steps":70,"reason":"length"}')


def test_endless_music_and_music_that_the_model_ends_resume(server, monkeypatch):
    monkeypatch.setattr(streams, "STEPS_AHEAD", 64)
    resume = {
        "Last-Event-ID": event_id(server, 4096, steps=0, seed=2)
    }  # 8:32 of music: nothing is sent twice, and nothing is waited for
    with server.post("/generate?stream=1", {"steps": 0}, stream=True, headers=resume) as answer:
        text = ""
        for part in answer.iter_content(None, decode_unicode=True):
            text += part
            if "\n\n" in text:
                break
    assert json.loads(events(text)[0][1])["first"] == 4096
    whole = server.post("/generate?stream=1", {"seed": 3}).text
    [*_, last] = ids(whole)
    rest = server.post("/generate?stream=1", {"seed": 3}, headers={"Last-Event-ID": last}).text
    assert events(rest) == events(whole)[-1:]


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ("x", "the id of an event, with at most 65536 steps. Received: x"),
        ("1-5-32", "the id of an event"),
        ("1-5-65537-{piece}", "the id of an event, with at most 65536 steps"),
        ("1-6-32-{piece}", "of a stream of the same request. Received: 1-6-32-"),
        ("1-5-65-{piece}", "of a stream of the same request"),
        ("1-5-32-0123456789abcdef", "of a stream of the same request"),
    ],
)
def test_an_id_of_another_stream_is_refused(server, last, words):
    asked = {"steps": 64, "seed": 5}
    last = last.format(piece=event_id(server, 0, **asked).rpartition("-")[2])
    answer = server.post("/generate?stream=1", asked, headers={"Last-Event-ID": last})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"Last-Event-ID must be {words}")


@pytest.mark.parametrize("other", [{"steps": 65}, {"temperature": 0.9}, {"primer": [[60]]}, {"scale": [0, 2]}])
def test_a_stream_is_not_resumed_with_other_fields(server, other):
    asked = {"steps": 64, "seed": 5}
    last = {"Last-Event-ID": event_id(server, 32, **asked)}
    assert server.post("/generate?stream=1", asked, headers=last).status_code == 200
    answer = server.post("/generate?stream=1", asked | other, headers=last)
    assert "of a stream of the same request" in answer.json()["error"]


def test_a_stream_of_a_version_that_is_gone_is_not_resumed(server):
    answer = server.post("/generate?stream=1", {"steps": 64}, headers={"Last-Event-ID": f"7-5-32-{16 * '0'}"})
    assert answer.status_code == 404
