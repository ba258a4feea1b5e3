"""A reverse proxy under a path of its own, which it removes, as nginx does by `location /music/ { proxy_pass …/; }`."""

import contextlib
import http.client
import http.server
import threading
from collections.abc import Iterator

PREFIX = "/music"


@contextlib.contextmanager
def behind_prefix(port: int) -> Iterator[str]:
    """Serves 127.0.0.1:`port` under a prefix within a `with` statement, whose value is the address with the prefix."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(f"{PREFIX}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            with contextlib.closing(connection):
                connection.request(self.command, self.path.removeprefix(PREFIX), body, dict(self.headers))
                response = connection.getresponse()
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() != "transfer-encoding":
                        self.send_header(name, value)
                self.end_headers()
                while part := response.read1(1 << 16):
                    self.wfile.write(part)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{PREFIX}/"
        finally:
            server.shutdown()
            thread.join()
