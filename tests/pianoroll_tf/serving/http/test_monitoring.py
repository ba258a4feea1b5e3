"""Metrics, health and readiness."""

from prometheus_client.parser import text_string_to_metric_families
from serving_client import running, until

from pianoroll_tf.serving.http.monitoring import path_label


def values(server):
    families = text_string_to_metric_families(server.get("/metrics").text)
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


def test_requests_and_steps_are_counted(server):
    before = values(server)
    server.roll(steps=64, seed=1)
    server.get("/no-such-path-1")
    server.get("/no-such-path-2")
    after = values(server)

    def more(*key):
        return after.get(key, 0) - before.get(key, 0)

    assert more("pianoroll_requests_total", "/generate", "200") == 1
    assert more("pianoroll_requests_total", "404", "other") == 2
    assert more("pianoroll_steps_total", "1") == 64
    assert more("pianoroll_chunks_total", "1") == 2
    assert more("pianoroll_model_seconds_total", "1") > 0
    assert more("pianoroll_request_seconds_count", "/generate") == 1
    assert after["pianoroll_queue_rows",] == after["pianoroll_streams",] == 0
    assert after["pianoroll_queue_rows_limit",] == 256
    assert after["pianoroll_version_available", "1"] == 1


def test_the_delay_of_the_event_loop_is_measured(server):
    before = values(server)["pianoroll_loop_delay_seconds_count",]
    until(lambda: values(server)["pianoroll_loop_delay_seconds_count",] >= before + 5)
    assert values(server)["pianoroll_loop_delay_seconds_sum",] >= 0


def test_it_is_alive_and_ready_until_it_is_asked_to_stop(registry):
    with running(registry) as made:
        assert made.get("/healthz").json() == {"status": "ok"}
        assert made.get("/readyz").json() == {"status": "ready", "version": 1}
        made.state.is_stopping = True
        assert made.get("/healthz").status_code == 200
        assert made.get("/readyz").status_code == 503
        answer = made.post("/generate", {"steps": 1})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_unknown_paths_add_no_labels():
    assert {path_label(f"/{number}") for number in range(9)} == {"other"}
    assert {path_label(f"/v1/models/{number}:predict") for number in range(9)} == {"/v1:predict"}
