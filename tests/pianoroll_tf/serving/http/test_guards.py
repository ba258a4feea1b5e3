"""Requests that are refused before the application sees them."""

import gzip
import io
import time

import pytest
from serving_client import received, running

from pianoroll_tf.serving.http.guards import is_known_host
from pianoroll_tf.serving.settings import Address


@pytest.fixture(scope="module")
def strict(registry):
    """A server with small limits, and with another name and another origin that are allowed."""
    address = Address(port=0, allow_host=("music.example",), allow_origin=("https://page.example",))
    with running(registry, address, body_bytes=2000, header_bytes=4000, url_bytes=200, idle_seconds=0.5) as made:
        yield made


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:8501", 200),
        ("[::1]:1", 200),
        ("192.168.1.2", 200),
        ("LOCALHOST:80", 200),
        ("music.example:443", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("localhost@evil.example", 400),
        ("127.0.0.1.nip.io", 400),
        ("", 400),
        ("[", 400),
        ("localhost/x", 400),
        ("localhost?x", 400),
        ("evil.example\\@localhost", 400),
        ("localhost:port", 400),
        ("[::1", 400),
    ],
)
def test_the_host_must_be_known(strict, host, status):
    answer = strict.get("/healthz", headers={"Host": host})
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"].startswith("Host must name this server")


def test_there_must_be_exactly_one_host():
    assert not is_known_host(["localhost", "localhost"], ["localhost"])
    assert not is_known_host([], ["localhost"])


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://page.example", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://page.example", 403),
        ("http://[", 403),
    ],
)
def test_only_allowed_origins_may_send_requests(strict, origin, status):
    answer = strict.get("/about", headers={"Origin": origin})
    assert answer.status_code == status
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    assert (allowed == origin) == (status == 200)


def test_the_own_page_may_send_requests_and_others_only_if_they_are_allowed(server):
    own = server.server.url.rstrip("/")
    answer = server.post("/generate", {"steps": 1}, headers={"Origin": own})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert server.post("/generate", {"steps": 1}, headers=asked).status_code == 403


def test_an_allowed_origin_may_send_a_preflight_request(strict):
    import requests

    asked = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, last-event-id",
    }
    answer = requests.options(strict.url("/generate"), headers=asked, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://page.example"


def test_sizes(strict):
    assert strict.post("/generate", {"steps": 1, "x": "a" * 3000}).status_code == 413
    answer = strict.post("/generate", data=bytes(50_000), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (413, {"error": "body must have at most 2000 bytes. Received: more"})
    answer = strict.get("/about?" + "a" * 300)
    assert (answer.status_code, answer.json()["error"]) == (414, "address must have at most 200 bytes. Received: 306")
    answer = strict.get("/about", headers={"X": "a" * 3900})
    assert answer.status_code == 431


def test_a_chunked_body_that_is_too_large_is_refused(strict):
    def pieces():
        for _ in range(100):
            yield b"x" * 1000

    answer = strict.post("/generate", data=pieces(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def test_a_gzip_bomb_is_not_unpacked(strict):
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as file:
        file.write(bytes(1_000_000))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = strict.post("/generate", data=buffer.getvalue(), headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (
        415,
        "body must not be compressed. Received: a Content-Encoding",
    )


def test_a_body_must_arrive_in_time(strict):
    with strict.connect() as connection:
        connection.sendall(b"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        begun = time.monotonic()
        answer = received(connection)
    assert time.monotonic() - begun >= 0.4
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"body must arrive within 0.5 s" in answer


@pytest.mark.parametrize("lengths", [b"Content-Length: 2\r\n", b""])
def test_a_body_with_both_content_length_and_transfer_encoding_is_refused(strict, lengths):
    request = b"POST /generate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    with strict.connect() as connection:
        connection.sendall(
            request
            + lengths
            + b"\r\n0\r\n\r\n"
            + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        answers = received(connection)
    assert answers.startswith(b"HTTP/1.1 400 " if lengths else b"HTTP/1.1 415 ")
    assert (b"Received: both" in answers) == bool(lengths)
    assert (b'{"status":"ok"}' in answers) != bool(lengths), "what follows may be a part of the body"


def test_every_response_has_the_security_headers(server):
    for path in ("/", "/about", "/nothing", "/v1/models/x"):
        headers = server.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "Server" not in headers
