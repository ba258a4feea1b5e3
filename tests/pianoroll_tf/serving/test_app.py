"""Routes, the files of the page, and errors."""

from urllib.parse import urljoin

import pytest
import requests
from prefix_proxy import behind_prefix
from serving_client import running, until
from starlette.applications import Starlette
from starlette.routing import Mount

from pianoroll_tf.serving import app, server
from pianoroll_tf.serving.http import endpoints


@pytest.fixture(scope="module")
def with_page(registry, tmp_path_factory):
    """A server with a built page."""
    page = tmp_path_factory.mktemp("page") / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>page</title>")
    (page / "assets" / "a-1234.js").write_text("let a")
    (page.parent / "secret").write_text("secret")
    (page / "link").symlink_to(page.parent / "secret")
    make_app = app.make_app
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "make_app", lambda state, address: make_app(state, address, page))
        with running(registry) as made:
            yield made


def test_the_page_and_its_files(with_page):
    page = with_page.get("/")
    assert page.text == "<!doctype html><title>page</title>"
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    script = with_page.get("/page/assets/a-1234.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert with_page.get("/page/index.html").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/page/../secret",
        "/page/..%2fsecret",
        "/page/%2e%2e/secret",
        "/page//etc/passwd",
        "/page/....//secret",
        "/page/assets/../../secret",
        "/page/link",
        "/page/%00",
        "/../secret",
        "/v1/models/../../secret",
        "/v1/models/tiny/versions/../../secret",
        "/v1/models/tiny/versions/1/../1",
        "/generate/../secret",
    ],
)
def test_no_path_leads_out(with_page, path):
    with with_page.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.split()[1] in (b"400", b"404", b"405")
    assert b"root:" not in answer
    assert not answer.endswith(b"secret")


def test_without_a_page_the_home_path_says_how_to_build_it(server, tmp_path):
    shared = server.server.config.app.state
    before, shared.page = shared.page, tmp_path  # not by monkeypatch, which would remove the attribute afterwards
    answer = server.get("/")
    shared.page = before
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "make page" in answer.text


def test_no_such_path_and_no_such_method(server):
    assert (server.get("/nothing").status_code, server.get("/nothing").json()) == (404, {"error": "Not Found"})
    answer = server.get("/generate")
    assert (answer.status_code, answer.headers["Allow"], answer.json()) == (
        405,
        "POST",
        {"error": "Method Not Allowed"},
    )


def test_an_unexpected_error_goes_to_the_log_only(server, monkeypatch, caplog):
    monkeypatch.setattr(endpoints, "read_fields", lambda *_: 1 / 0)
    answer = server.post("/generate", {})
    assert (answer.status_code, answer.json()) == (500, {"error": "internal error; see the server's log"})
    until(lambda: "ZeroDivisionError" in caplog.text)


def test_behind_a_prefix_the_described_paths_are_found(server):
    with behind_prefix(server.port) as address:
        for path in ("about", "docs", "healthz", "v1/models/tiny"):
            assert requests.get(urljoin(address, path)).status_code == 200
        described = requests.get(urljoin(address, "openapi.json")).json()
        base = urljoin(urljoin(address, "openapi.json"), described["servers"][0]["url"])
        assert base == address
        piece = requests.post(urljoin(base, "generate"), json={"steps": 8, "seed": 1})
    assert piece.content == server.post("/generate", {"steps": 8, "seed": 1}).content


def test_another_application_can_mount_it(registry, monkeypatch):
    make_app = app.make_app

    def mounted(state, address):
        inner = make_app(state, address)
        outer = Starlette(routes=[Mount("/music", app=inner)])
        outer.state.metrics = inner.state.metrics
        return outer

    monkeypatch.setattr(server, "make_app", mounted)
    with running(registry) as made:
        assert made.get("/about").status_code == 404
        assert made.get("/music/v1/models/tiny").json()["model_version_status"][0]["state"] == "AVAILABLE"
        assert made.get("/music/v1/models/none/x").json()["error"] == "Malformed request: GET /v1/models/none/x"
        counted = made.get("/music/metrics").text
        assert 'pianoroll_requests_total{path="/v1",status="200"} 1.0' in counted
