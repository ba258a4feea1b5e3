"""Connections that are slow, malformed, too many, or closed early."""

import json
import socket
from unittest import mock

import pytest
from serving_client import received, running, until

from pianoroll_tf.serving.http.protocol import MIN_BYTES, make_protocol

BODY = json.dumps({"steps": 4000, "seed": 1, "output": "roll"})
REQUEST = (
    "POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(BODY)}\r\n\r\n{BODY}"
).encode()


@pytest.fixture(scope="module")
def hasty(registry):
    """A server with short timeouts."""
    with running(registry, idle_seconds=0.5, connections=250, keep_alive_seconds=0.5) as made:
        yield made


def connections(server):
    return len(server.server.server_state.connections)


def test_200_connections_that_send_headers_slowly_are_dropped_while_others_are_served(hasty):
    slow = [hasty.connect() for _ in range(200)]
    for connection in slow:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
    assert hasty.get("/healthz").status_code == 200
    for connection in slow:
        assert received(connection) == b""
        connection.close()
    until(lambda: connections(hasty) == 0)


def test_500_connections_that_close_early_leave_nothing_behind(hasty):
    for _ in range(5):
        left = [hasty.connect() for _ in range(100)]
        for number, connection in enumerate(left):
            connection.sendall(REQUEST[: number * 3 % len(REQUEST)])
        for connection in left:
            connection.close()
        until(lambda: connections(hasty) == 0)
    until(lambda: hasty.state.rows == 0 and hasty.state.streams == 0)
    assert hasty.get("/healthz").status_code == 200


def test_a_client_that_does_not_take_the_response_is_dropped(hasty):
    body = json.dumps({"steps": 65536, "seed": 1})
    with hasty.connect() as connection:
        head = REQUEST.replace(b"/generate", b"/generate?stream=1").partition(b"Content-Length")[0].decode()
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        until(lambda: hasty.state.streams == 1)
        until(lambda: hasty.state.streams == 0)
    until(lambda: connections(hasty) == 0 and hasty.state.rows == 0)


@pytest.mark.parametrize(
    ("head", "rest"),
    [(b"Content-Length: 1000\r\n\r\n{", b"{"), (b"Transfer-Encoding: chunked\r\n\r\n", b"nonsense\r\n")],
)
def test_the_rest_of_a_refused_body_is_not_waited_for(hasty, caplog, head, rest):
    with hasty.connect() as connection:
        connection.sendall(b"POST /generate HTTP/1.1\r\nHost: evil.example\r\n" + head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        connection.sendall(rest)
        assert received(connection).count(b"HTTP/1.1") == 0
    until(lambda: connections(hasty) == 0)
    assert "Traceback" not in caplog.text


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has it")
def test_a_client_that_takes_nothing_is_dropped_although_the_kernel_could_buffer_hours_of_music(hasty):
    body = json.dumps({"steps": 0, "seed": 1})
    head = REQUEST.replace(b"/generate", b"/generate?stream=1").partition(b"Content-Length")[0].decode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(("127.0.0.1", hasty.port))
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        until(lambda: hasty.state.streams == 1)
        until(lambda: hasty.state.streams == 0)
    until(lambda: connections(hasty) == 0 and hasty.state.rows == 0)


@pytest.mark.parametrize(("taken", "stays"), [(MIN_BYTES, False), (1 << 20, True)])
def test_a_long_response_must_be_taken_in_time(taken, stays):
    """A 16th of 16 MiB each time."""
    protocol = object.__new__(make_protocol(10.0, 1))
    protocol.flow, protocol._timers = mock.Mock(), {}
    protocol.loop, protocol.transport = mock.Mock(), mock.Mock()
    protocol.transport.get_write_buffer_size.return_value = 16 << 20
    protocol.pause_writing()
    for _ in range(3):
        seconds, check, *values = protocol.loop.call_later.call_args.args
        assert seconds == 10.0
        protocol.transport.get_write_buffer_size.return_value -= taken
        check(*values)
    assert protocol.transport.abort.called != stays


def test_a_connection_serves_a_second_request_and_is_closed_when_idle(hasty):
    with hasty.connect() as connection:
        for _ in range(2):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b'{"status":"ok"}'):
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /hea")
        assert received(connection) == b""


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 200_000, b"414"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000, b"431"),
    ],
)
def test_bytes_that_are_not_a_request(hasty, sent, status):
    with hasty.connect() as connection:
        try:
            connection.sendall(sent)
        except ConnectionError:
            return  # the server has responded and closed the connection before everything was sent
        answer = received(connection)
    assert answer == b"" or answer.split()[1] == status
    if answer:
        assert list(json.loads(answer.partition(b"\r\n\r\n")[2])) == ["error"]


def test_more_connections_than_allowed(registry):
    with running(registry, connections=3, idle_seconds=30.0) as made:
        held = [made.connect() for _ in range(3)]
        until(lambda: connections(made) == 3)
        with made.connect() as one_more:
            answer = received(one_more)
        assert answer.startswith(b"HTTP/1.1 503 ")
        for connection in held:
            connection.close()
        until(lambda: connections(made) == 0)
        assert made.get("/healthz").status_code == 200
