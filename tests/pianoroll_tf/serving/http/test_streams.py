"""Music as events: when it ends, and what it leaves."""

import json

from serving_client import events, until

from pianoroll_tf.serving.http import streams


def test_music_without_an_end_is_drawn_as_fast_as_it_is_played_after_a_while(server, monkeypatch):
    monkeypatch.setattr(streams, "AHEAD_STEPS", 64)
    with server.post("/generate?stream=1", {"steps": 0, "seed": 2}, stream=True) as answer:
        text = ""
        for part in answer.iter_content(None, decode_unicode=True):
            text += part
            if '"first":64' in text:
                break
    firsts = [json.loads(data)["first"] for name, data in events(text.rpartition("\n\n")[0]) if name == "steps"]
    assert firsts[:2] == [0, 32]
    until(lambda: server.state.streams == 0 and server.state.rows == 0)


def test_a_model_that_fails_says_so_in_the_stream_and_gives_all_back(server, monkeypatch):
    monkeypatch.setattr(server.state.registry.get().engine._tiles, "draw", lambda *_: 1 / 0)
    name, data = events(server.post("/generate?stream=1", {"steps": 3}).text)[-1]
    assert (name, json.loads(data)) == ("error", {"error": "the model failed"})
    until(lambda: server.state.streams == 0 and server.state.rows == 0)


def test_a_server_that_stops_ends_music_without_an_end(registry):
    from serving_client import running

    with running(registry) as made:
        with made.post("/generate?stream=1", {"steps": 0}, stream=True) as answer:
            parts = answer.iter_content(None, decode_unicode=True)
            text = next(parts)
            made.server.stop()
            text += "".join(parts)
        name, data = events(text)[-1]
        assert (name, json.loads(data)["reason"]) == ("end", "stopped")
