"""A web server on loopback that answers as a test says and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Page = tuple[int, dict[str, str], bytes]


@dataclass
class Site:
    """`pages`: path -> (status, headers, body), or several of these, one a request and the last for good. A body of
    None cuts the connection off. ETags are answered: a request that knows the page's gets 304."""

    port: int = 0
    pages: dict[str, list[Page | None]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def put(self, path: str, body: bytes | str = b"", status: int = 200, **headers: str) -> str:
        """Serves a page; returns its address. Underscores in names of headers are hyphens."""
        content = body.encode() if isinstance(body, str) else body
        given = {"Content-Type": "text/plain"} | {k.replace("_", "-"): v for k, v in headers.items()}
        self.pages[path] = [(status, given, content)]
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def paths(self) -> list[str]:
        """What was asked for, but for what is asked of each host first."""
        return [p for p, _ in self.asked if p not in ("/robots.txt", "/ai.txt", "/.well-known/tdmrep.json")]


@contextmanager
def site() -> Generator[Site]:
    """A running server, which ends with the block."""
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {k.lower(): v for k, v in self.headers.items()}
            served.asked.append((self.path, headers))
            answers = served.pages.get(self.path, [(404, {}, b"")])
            page = answers.pop(0) if len(answers) > 1 else answers[0]
            if page is None:
                self.connection.close()
                return
            status, given, body = page
            if status == 200 and given.get("ETag") and headers.get("if-none-match") == given["ETag"]:
                status, body = 304, b""
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | given).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
