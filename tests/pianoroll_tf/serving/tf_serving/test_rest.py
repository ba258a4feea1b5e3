"""TensorFlow Serving's REST API: golden/rest.json has requests and the responses to them, checked by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from pianoroll_tf.serving.roll_json import to_pitches

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("rest.json").read_text())
DEFAULTS = {"temperature": 1, "top_p": 1, "density": 1}


@pytest.mark.parametrize(
    "pair", GOLDEN, ids=lambda pair: f"{pair['method']} {pair['path']} {pair.get('body', '')}"[:90]
)
def test_golden_pairs(server, pair):
    if pair["method"] == "GET":
        answer = server.get(pair["path"])
    else:  # with the content type that `curl -d` sends
        answer = server.post(
            pair["path"], data=pair["body"], headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
    assert answer.status_code == pair["status"], answer.text
    assert answer.headers["Content-Type"] == "application/json"
    found = answer.json()
    if "error" in pair["answer"]:
        assert found == pair["answer"]
    else:
        assert_alike(found, pair["answer"])


def assert_alike(found, expected):
    """Asserts that two values are equal, except for the last bits of floats."""
    if isinstance(expected, dict):
        assert sorted(found) == sorted(expected)
        for name in expected:
            assert_alike(found[name], expected[name])
    elif isinstance(expected, list) and expected and not isinstance(expected[0], dict | str):
        np.testing.assert_allclose(found, expected, rtol=1e-4)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other)
    else:
        assert found == expected


def predict(server, body, path="/v1/models/tiny:predict"):
    answer = server.post(path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_rows_columns_and_generate_give_the_same_music(server):
    columns = {"steps": [20, 7], "seed": [3, 4], **{name: [1, 1] for name in DEFAULTS}}
    rows = [{"steps": 20, "seed": 3, **DEFAULTS}, {"steps": 7, "seed": 4, **DEFAULTS}]
    by_column = np.array(predict(server, {"signature_name": "compose_rows", "inputs": columns})["outputs"])
    by_row = np.array(predict(server, {"signature_name": "compose_rows", "instances": rows})["predictions"])
    np.testing.assert_array_equal(by_row, by_column)
    assert by_row.shape == (2, 20, 84)
    assert not by_row[1, 7:].any(), "silent after its own steps"
    assert to_pitches(by_row[0]) == server.roll(steps=20, seed=3, temperature=1.0)


def test_outputs_are_those_of_the_graph(server, registry):
    primer = (np.random.default_rng(0).random((2, 5, 84)) < 0.1).astype(np.uint8)
    model = registry.get().model
    body = {"primer": primer.tolist(), "steps": 30, "seed": 11, "temperature": 1.2, "top_p": 0.9, "density": 0.8}
    found = predict(server, {"inputs": body})["outputs"]
    from pianoroll_tf.config import SamplingConfig

    settings = SamplingConfig(temperature=1.2, top_p=0.9, density=0.8, seed=11)
    np.testing.assert_array_equal(found, model.generate(primer, 30, settings, compiled=False))
    found = predict(server, {"signature_name": "predict", "instances": primer.tolist()})["predictions"]
    np.testing.assert_array_equal(np.array(found, np.float32), model.predict(primer))


def test_the_parts_carry_the_state(server):
    def ask(signature, **inputs):
        return predict(server, {"signature_name": signature, "inputs": inputs})["outputs"]

    state = ask("begin", primer=[[]], density=[1], meter=[[4, 4]], place=[0])
    numbers = ask("uniforms", seed=[3], block=[0])
    one = {"temperature": [1], "top_p": [1]}
    first = ask("draw", state=state, numbers=[numbers[0][:9]], **one)
    second = ask("draw", state=first["next_state"], numbers=[numbers[0][9:20]], **one)
    roll = np.concatenate([first["roll"][0], second["roll"][0]])
    assert to_pitches(roll) == server.roll(steps=20, seed=3, temperature=1.0)


def test_metadata_are_those_of_the_graph(server, registry):
    metadata = server.get("/v1/models/tiny/metadata").json()
    assert metadata == server.get("/v1/models/tiny/versions/1/metadata").json()
    assert metadata["model_spec"] == {"name": "tiny", "signature_name": "", "version": "1"}
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == set(registry.get().model.program.signatures)
    primer = signatures["serving_default"]["inputs"]["primer"]
    assert primer["dtype"] == "DT_UINT8"
    assert [dim["size"] for dim in primer["tensor_shape"]["dim"]] == ["-1", "-1", "84"]
    assert signatures["predict"]["method_name"] == "tensorflow/serving/predict"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", None, "application/json; charset=utf-8"])
def test_accepted_media_types(server, kind):
    body = json.dumps({"signature_name": "compose_rows", "instances": [{"steps": 1, "seed": 1, **DEFAULTS}]})
    headers = {"Content-Type": kind} if kind else {}
    assert server.post("/v1/models/tiny:predict", data=body, headers=headers).status_code == 200


def test_other_media_types_are_refused(server):
    answer = server.post("/v1/models/tiny:predict", data="<a/>", headers={"Content-Type": "text/xml"})
    assert (answer.status_code, answer.json()) == (415, {"error": "body must be application/json. Received: text/xml"})


def test_too_many_rows(server):
    rows = [{"steps": 1, "seed": 1, **DEFAULTS}] * 65
    answer = server.post("/v1/models/tiny:predict", {"signature_name": "compose_rows", "instances": rows})
    assert (answer.status_code, answer.json()["error"]) == (400, "rows must be <= 64. Received: rows=65")
    inputs = {"seed": [1] * 65, "block": [0] * 65}
    answer = server.post("/v1/models/tiny:predict", {"signature_name": "uniforms", "inputs": inputs})
    assert answer.status_code == 400


def test_log_likelihood_answers_each_of_its_outputs(server, registry):
    roll = np.zeros((1, 3, 84), np.uint8)
    roll[0, :, 36] = [2, 1, 2]
    inputs = {"roll": roll.tolist(), "meter": [4, 4], "place": 0}
    scored = predict(server, {"signature_name": "log_likelihood", "inputs": inputs})["outputs"]
    expected = registry.get().model.log_likelihood(roll)
    assert sorted(scored) == sorted(expected) == ["cells", "ends", "strikes"]
    for name, values in scored.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-4, atol=1e-6)
