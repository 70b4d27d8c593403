"""The API over HTTP in this process: what API Gateway does to a request before a function sees it, and no more.

It finds the resource by the path as it was sent, still escaped (ADR 34), refuses who isn't signed, and hands over the
proxy event. A function is given one request at a time, as a Lambda process is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

from lambdas.get_recommendations.routes import ROUTES, Route
from lambdas.shared.problems import CONTENT_TYPE, body

Function = Callable[[dict[str, Any], Any], Mapping[str, Any]]
SIGNED = "AWS4-HMAC-SHA256 Credential=test"  # the signature itself is API Gateway's to check
CALLER = "arn:aws:sts::111111111111:assumed-role/Mailer/session"


class Gateway(ThreadingHTTPServer):
    """`functions` by the names that routes have."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, functions: Mapping[str, Function]) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.functions, self.one = functions, threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Gateway

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length).decode(errors="replace")
        path, _, query = self.path.partition("?")
        if self.headers.get("Authorization") != SIGNED:
            self._send(
                403, {"Content-Type": [CONTENT_TYPE]}, body("not-allowed", detail="not signed", instance=path)
            )
            return
        route, parameters = _matched(path)
        function = route.function if route and route.method == self.command else "get_recommendations"
        event = self._event(path, route, parameters, parse_qs(query, keep_blank_values=True), text)
        with self.server.one:
            answer = self.server.functions[function](event, SimpleNamespace(aws_request_id="r"))
        single = {name: [value] for name, value in answer.get("headers", {}).items()}
        self._send(answer["statusCode"], {**single, **answer.get("multiValueHeaders", {})}, answer["body"])

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = do_TRACE = do_QUERY = do_GET  # type: ignore[assignment]

    def _event(
        self,
        path: str,
        route: Route | None,
        parameters: Mapping[str, str],
        query: Mapping[str, list[str]],
        text: str,
    ) -> dict[str, Any]:
        return {
            "resource": route.path if route else "/{proxy+}",
            "path": path,
            "httpMethod": self.command,
            "headers": dict(self.headers.items()),
            "multiValueHeaders": {name: self.headers.get_all(name) for name in self.headers},
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": dict(query) or None,
            "pathParameters": dict(parameters) or None,
            "requestContext": {
                "requestId": "r",
                "stage": "live",
                "accountId": CALLER.split(":")[4],
                "identity": {"userArn": CALLER},
            },
            "body": text or None,
            "isBase64Encoded": False,
        }

    def _send(self, status: int, headers: Mapping[str, list[str]], text: str) -> None:
        raw = (text or "").encode()
        self.send_response_only(status, HTTPStatus(status).phrase)
        for name, values in headers.items():
            for value in values:
                self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _matched(path: str) -> tuple[Route | None, dict[str, str]]:
    """The resource of a path, part by part, and what stands for its parameters."""
    parts = path.strip("/").split("/")
    for route in ROUTES:
        names = route.path.strip("/").split("/")
        if len(names) == len(parts) and all(
            (name.startswith("{") and part) or name == part for name, part in zip(names, parts, strict=True)
        ):
            found = {n[1:-1]: part for n, part in zip(names, parts, strict=True) if n.startswith("{")}
            return route, found
    return None, {"proxy": path.strip("/")}


@contextmanager
def running(functions: Mapping[str, Function]) -> Iterator[Gateway]:
    server = Gateway(functions)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
