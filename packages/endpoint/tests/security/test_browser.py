"""A page of another origin, in a real browser, while the endpoint is up: it reads nothing and changes nothing."""

from __future__ import annotations

import http.server
import json
import os
import queue
import shutil
import subprocess
import threading
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.raw import effects

pytestmark = pytest.mark.slow
PAGE = Path(__file__).with_name("page.html")
FLAGS = (
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-dev-shm-usage",
    ),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # The strictest reader of this page is not the browser's own guard of local networks, but ours.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights",
)
SECONDS = 120


class _Site(http.server.BaseHTTPRequestHandler):
    reports: queue.Queue[dict[str, Any]]

    def do_GET(self) -> None:
        self._answer(PAGE.read_bytes() if self.path.startswith("/page") else b"")

    def do_POST(self) -> None:
        self.reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def site() -> Iterator[str]:
    _Site.reports = queue.Queue()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("chromium is missing: .ci/run installs it, so continuous integration must have it")
    if found is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    return found


def visit(url: str, profile: Path) -> dict[str, Any]:
    """What the page reports."""
    command = [chromium(), *FLAGS, f"--user-data-dir={profile}", url]
    with (profile.parent / "chromium.log").open("wb") as log:
        browser = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        return _Site.reports.get(timeout=SECONDS)
    except queue.Empty:
        raise AssertionError(f"No report:\n{(profile.parent / 'chromium.log').read_text()[-3000:]}") from None
    finally:
        browser.terminate()
        browser.wait(20)


@pytest.mark.parametrize("own_name", ["127.0.0.1", pytest.param("localhost", marks=pytest.mark.nightly)])
def test_a_page_of_another_origin_reads_nothing_and_changes_nothing(
    cloud: Endpoint, site: str, tmp_path: Path, own_name: str
) -> None:
    before = effects(cloud)
    question = {
        "endpoint": f"http://{own_name}:{cloud.port}",
        "account": cloud.account,
        "region": cloud.region,
    }
    report = visit(f"http://{site}/page?{urllib.parse.urlencode(question)}", tmp_path / "profile")
    assert report["read"] == []
    tried = Counter(report["tried"])
    assert set(tried) == {
        "fetch",
        "xhr",
        "form",
        "img",
        "script",
        "link",
        "iframe",
        "eventsource",
        "websocket",
    }
    assert tried["fetch"] > 300
    assert effects(cloud) == before
