"""The HTTP server of the storefront and the console: on this machine's own address alone, for one person."""

from __future__ import annotations

import http.server
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from local.storefront.guard import Guard, Refusal
from local.storefront.proxy import MOST_BYTES, Answer, problem
from local.storefront.site import Asked
from osusume_endpoint import paths

ADDRESS = "127.0.0.1"
STATIC = Path(__file__).with_name("static")
IDLE_SECONDS = 30.0
# What is given, by path; a path in a request is never made a path of a file.
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/console": ("console.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/common.js": ("common.js", "text/javascript; charset=utf-8"),
    "/shop.js": ("shop.js", "text/javascript; charset=utf-8"),
    "/console.js": ("console.js", "text/javascript; charset=utf-8"),
    "/words.en.json": ("words.en.json", "application/json"),
    "/words.ja.json": ("words.ja.json", "application/json"),
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Answering(Protocol):
    def answer(self, asked: Asked) -> Answer: ...


@dataclass(frozen=True, kw_only=True)
class Served:
    site: Answering
    guard: Guard


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    served: Served  # the guard knows the port, which is known when the server listens


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "storefront"
    sys_version = ""
    timeout = IDLE_SECONDS
    server: Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        refusal, body = self._body()
        if refusal is not None:
            self.close_connection = True
            self._send(problem(refusal.status, refusal.detail, self._path))
            return
        self._answer(body)

    def _answer(self, body: bytes) -> None:
        served, path, headers = self.server.served, self._path, self._given
        if self.command == "GET" and path in FILES:
            refusal = served.guard.page(headers)
            self._send(_refused(refusal, path) if refusal else _file(path))
            return
        refusal = served.guard.data(self.command, headers)
        if refusal is not None:
            self._send(_refused(refusal, path))
            return
        query = self.path.partition("?")[2]
        self._send(served.site.answer(Asked(method=self.command, path=path, query=query, body=body)))

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0]

    @property
    def _given(self) -> Mapping[str, list[str]]:
        return {name.lower(): self.headers.get_all(name, []) for name in self.headers}

    def _body(self) -> tuple[Refusal | None, bytes]:
        """What is longer than it may be is not read."""
        length = self.headers.get_all("Content-Length", [])
        if self.headers.get("Transfer-Encoding") or len(length) != 1 or not length[0].isascii():
            return Refusal(411, "A body has one Content-Length and no Transfer-Encoding"), b""
        if not length[0].isdigit() or int(length[0]) > MOST_BYTES:
            return Refusal(413, f"A body has {MOST_BYTES:,} bytes at most"), b""
        return None, self.rfile.read(int(length[0]))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers: dict[str, Any] = {"Content-Type": answer.content_type, "Content-Length": len(answer.body)}
        for name, value in {**HEADERS, **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Method and path without the query, which may hold a user's id."""
        sys.stderr.write(f"{self.log_date_time_string()} {self.command} {args[1] if len(args) > 1 else ''}\n")


def _refused(refusal: Refusal, path: str) -> Answer:
    return problem(refusal.status, refusal.detail, path)


def _file(path: str) -> Answer:
    name, kind = FILES[path]
    return Answer(200, paths.inside(STATIC, name).read_bytes(), kind)


def listening(port: int) -> Server:
    """A server on that port, or where it is taken on any free one."""
    try:
        return Server((ADDRESS, port), Handler)
    except OSError:
        return Server((ADDRESS, 0), Handler)
