"""The description of the API: well-formed, complete, and the same as what the server enforces."""

import json
import re

import pytest
from serving_client import running

from pianoroll_tf.serving.http.openapi import document, page
from pianoroll_tf.serving.settings import Limits

METHODS = ("get", "post")


@pytest.fixture(scope="module")
def small(registry):
    """A server with limits that can be reached quickly."""
    with running(registry, most_steps=40, primer_steps=6) as made:
        yield made


def references(node):
    """All references in a part of a document."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_it_has_the_structure_of_openapi_3_1(small):
    api = small.get("/openapi.json").json()
    assert api["openapi"] == "3.1.0"
    assert {"title", "version"} <= set(api["info"])
    for reference in references(api):
        where = api
        assert reference.startswith("#/")
        for key in reference.removeprefix("#/").split("/"):
            where = where[key]
    for path, operations in api["paths"].items():
        assert path.startswith("/")
        assert set(operations) <= set(METHODS)
        for method, operation in operations.items():
            named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
            assert all({"name", "in", "schema"} <= set(one) for one in operation["parameters"])
            assert all(one["required"] for one in operation["parameters"] if one["in"] == "path")
            assert all(re.fullmatch(r"[1-5]\d\d", code) for code in operation["responses"])
            assert all(response["description"] for response in operation["responses"].values())
            assert ("requestBody" in operation) == (method == "post")


def test_it_names_exactly_the_paths_of_the_application(small):
    routes = small.server.config.app.routes
    served = {(route.path, method.lower()) for route in routes for method in getattr(route, "methods", None) or ()}
    served -= {(path, "head") for path, _ in served}
    api = document(Limits())
    described = {
        ("/v1/{rest:path}" if path.startswith("/v1/") else path, method)
        for path, operations in api["paths"].items()
        for method in operations
    }
    assert described == served - {("/", "get")}


def test_paths_of_models_are_answered(small):
    paths = [path for path in document(Limits())["paths"] if path.startswith("/v1/")]
    for path in paths:
        url = path.format(name="tiny", version=1)
        answer = small.post(url, {}) if path.endswith(":predict") else small.get(url)
        assert answer.status_code == (400 if path.endswith(":predict") else 200), answer.text


def test_the_server_enforces_the_bounds_that_it_publishes(small):
    fields = small.get("/openapi.json").json()["components"]["schemas"]["Piece"]["properties"]
    for name, field in fields.items():
        schema = field.get("anyOf", [field])[0]
        if schema["type"] not in ("integer", "number"):
            continue
        step = 1 if schema["type"] == "integer" else 1e-6
        low = schema["minimum"] if "minimum" in schema else schema["exclusiveMinimum"] + step
        high = schema["maximum"]
        for value in (low, high):
            path = "/generate" if (name, value) != ("steps", 0) else "/generate?stream=1"  # which alone may be endless
            answer = small.post(path, {"steps": 1, name: value}, stream=True)
            answer.close()
            assert answer.status_code == (404 if name == "version" else 200), (name, value)
        for value in (low - step, high + step):
            answer = small.post("/generate", {"steps": 1, name: value})
            assert answer.status_code == 400
            assert answer.json()["error"].startswith(f"{name} must be a ")


def test_the_page_says_the_same_without_styles_and_scripts(small):
    answer = small.get("/docs")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<(script|style|link|img)|style=|on\w+=|https?:", answer.text)
    api = small.get("/openapi.json").json()
    for path in api["paths"]:
        assert f" {path}</h2>" in answer.text
    for name in api["components"]["schemas"]["Piece"]["properties"]:
        assert f"<td>{name}</td>" in answer.text


def test_texts_are_escaped():
    api = json.loads(json.dumps(document(Limits())).replace("Generates a piece.", "<b>&"))
    assert "&lt;b&gt;&amp;" in page(api)
    assert "<b>" not in page(api)
