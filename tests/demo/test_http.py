"""Signed requests, against a server that records what it gets; and the schedule that starts an execution."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.credentials import Credentials

from local.demo import schedule
from local.demo.api import Api
from osusume_endpoint.signed import RequestRefused

CREDENTIALS = Credentials("AKID", "secret", "token")


class Recorder(BaseHTTPRequestHandler):
    requests: list[tuple[str, str, dict[str, str], bytes]] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.requests.append((self.command, self.path, headers, body))
        refused = "unknown" in self.path
        self.send_response(404 if refused else 200)
        self.end_headers()
        self.wfile.write(b'{"title": "No such route"}' if refused else self._found())

    def _found(self) -> bytes:
        fired = self.command == "POST"
        return b'{"response": {"executionArn": "arn:of:execution"}}' if fired else b'{"items": []}'

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def url() -> Iterator[str]:
    Recorder.requests = []
    server = HTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/dev/"
    server.shutdown()
    server.server_close()


def test_the_api_is_read_with_a_signature_for_its_service_and_the_session_s_token(url: str) -> None:
    api = Api(url, "ap-northeast-1", CREDENTIALS)
    assert api.get("/v1/users/7/recommendations?numResults=3") == {"items": []}
    ((method, path, headers, _),) = Recorder.requests
    assert (method, path) == ("GET", "/dev/v1/users/7/recommendations?numResults=3")
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert "/ap-northeast-1/execute-api/aws4_request" in headers["authorization"]
    assert headers["x-amz-security-token"] == "token"


def test_a_refusal_shows_what_the_api_said(url: str) -> None:
    with pytest.raises(RequestRefused, match=r'GET http.*/v1/unknown: 404 \{"title": "No such route"\}'):
        Api(url, "ap-northeast-1", CREDENTIALS).get("/v1/unknown")


def test_a_proxy_of_the_environment_is_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert Api(url, "ap-northeast-1", CREDENTIALS).get("/v1/popular") == {"items": []}


def test_the_schedule_is_fired_by_its_name_and_gives_the_execution(url: str) -> None:
    arn = schedule.fire(
        url=url, region="ap-northeast-1", credentials=CREDENTIALS, schedule="osusume-dev-pipeline"
    )
    assert arn == "arn:of:execution"
    ((method, path, headers, _),) = Recorder.requests
    assert (method, path) == ("POST", "/dev/_osusume/scheduler/fire?name=osusume-dev-pipeline")
    assert "/scheduler/aws4_request" in headers["authorization"]


def test_a_schedule_that_is_not_there_is_refused_with_the_answer(url: str) -> None:
    with pytest.raises(RequestRefused, match=r"fire\?name=unknown: 404"):
        schedule.fire(url=url, region="ap-northeast-1", credentials=CREDENTIALS, schedule="unknown")
