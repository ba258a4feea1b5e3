"""Music as events: when streams end, and that they release their resources."""

import json

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
