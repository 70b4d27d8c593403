"""Who is answered by the pages' server, and what it never does: a real server, spoken to in raw HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from local.storefront import server as module
from local.storefront.guard import TOKEN_HEADER, Guard
from local.storefront.proxy import MOST_BYTES, Answer
from local.storefront.server import FILES, Served, Server, listening
from local.storefront.site import Asked

TOKEN = "a-token-of-the-test"


@dataclass
class Recording:
    """Stands for the site: keeps what it is asked."""

    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return Answer(200, b'{"done": true}')


@pytest.fixture
def site() -> Recording:
    return Recording()


@pytest.fixture
def server(site: Recording) -> Iterator[Server]:
    made = listening(0)
    made.served = Served(site=site, guard=Guard(port=made.server_port, token=TOKEN))
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


Headers = Sequence[tuple[str, str]]


def own(server: Server) -> dict[str, str]:
    """What the page itself sends, in a browser."""
    host = f"127.0.0.1:{server.server_port}"
    return {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin", TOKEN_HEADER: TOKEN}


def said(server: Server, method: str, path: str, headers: Headers, body: bytes = b"") -> tuple[int, bytes]:
    """(status, body) to exactly these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_it_listens_on_this_machine_s_own_address_alone(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_a_taken_port_makes_it_listen_on_another(server: Server) -> None:
    other = listening(server.server_port)
    assert other.server_port not in (0, server.server_port)
    other.server_close()


def test_its_own_page_is_answered(server: Server, site: Recording) -> None:
    status, body = said(server, "POST", "/shop/names?a=1", list(own(server).items()), b'["1"]')
    assert (status, json.loads(body)) == (200, {"done": True})
    assert site.asked == [Asked(method="POST", path="/shop/names", query="a=1", body=b'["1"]')]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "localhost.evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "127.0.0.2:{port}",
        "0.0.0.0:{port}",
        "[::1]:{port}",
        "user@127.0.0.1:{port}",
        "127.0.0.1:{port}, evil.example",
        "",
    ],
)
def test_another_host_s_name_is_refused(server: Server, site: Recording, host: str, method: str) -> None:
    """A name that a stranger's DNS leads here (DNS rebinding): the browser takes it for the stranger's own."""
    named = host.format(port=server.server_port)
    headers = {**own(server), "Host": named, "Origin": f"http://{named}"}
    assert said(server, method, "/shop/users", list(headers.items()))[0] in (411, 421)
    assert said(server, "GET", "/", list(headers.items()))[0] == 421
    assert site.asked == []


def test_no_host_and_two_hosts_are_refused(server: Server, site: Recording) -> None:
    headers = own(server)
    twice = [*headers.items(), ("Host", "evil.example")]
    none = [(name, value) for name, value in headers.items() if name != "Host"]
    assert said(server, "GET", "/shop/users", twice)[0] == 421
    assert said(server, "GET", "/shop/users", none)[0] == 421
    assert site.asked == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_both_own_names_are_answered(server: Server, name: str) -> None:
    host = f"{name}:{server.server_port}"
    headers = {**own(server), "Host": host, "Origin": f"http://{host}"}
    assert said(server, "GET", "/shop/users", list(headers.items()))[0] == 200
    assert said(server, "POST", "/shop/names", list(headers.items()), b"[]")[0] == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port} http://evil.example",
        "",
    ],
)
def test_another_origin_changes_and_reads_nothing(server: Server, site: Recording, origin: str) -> None:
    headers = {**own(server), "Origin": origin.format(port=server.server_port)}
    assert said(server, "POST", "/console/rollback", list(headers.items()), b"{}")[0] == 403
    assert said(server, "GET", "/shop/users", list(headers.items()))[0] == 403
    assert site.asked == []


def test_a_change_names_its_origin_and_a_read_need_not(server: Server, site: Recording) -> None:
    """Browsers send Origin with every POST; with a GET of the page's own they send none."""
    headers = [(name, value) for name, value in own(server).items() if name != "Origin"]
    assert said(server, "POST", "/console/rollback", headers, b"{}")[0] == 403
    assert site.asked == []
    assert said(server, "GET", "/shop/users", headers)[0] == 200


@pytest.mark.parametrize("site_word", ["cross-site", "same-site", "SAME-ORIGIN", ""])
def test_what_a_browser_calls_another_site_is_refused(
    server: Server, site: Recording, site_word: str
) -> None:
    headers = {**own(server), "Sec-Fetch-Site": site_word}
    assert said(server, "GET", "/shop/users", list(headers.items()))[0] == 403
    assert site.asked == []


@pytest.mark.parametrize(
    "token", [None, "", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\xe9" * 8, f"{TOKEN}, {TOKEN}"]
)
def test_without_the_token_nothing_is_told(server: Server, site: Recording, token: str | None) -> None:
    headers = {name: value for name, value in own(server).items() if name != TOKEN_HEADER}
    given = headers if token is None else {**headers, TOKEN_HEADER: token}
    for method, path in (
        ("GET", f"/shop/users?token={TOKEN}"),
        ("POST", "/console/rollback"),
        ("GET", "/nothing"),
    ):
        status, body = said(server, method, path, list(given.items()), b"{}" if method == "POST" else b"")
        assert status == 401 and "make up" in json.loads(body)["detail"]
    assert site.asked == []


@pytest.mark.parametrize("path", sorted(FILES))
def test_the_pages_themselves_hold_no_data_and_need_no_token(server: Server, path: str) -> None:
    host = f"127.0.0.1:{server.server_port}"
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200 and TOKEN.encode() not in body
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert (
        answer.headers["X-Content-Type-Options"] == "nosniff"
        and answer.headers["Cache-Control"] == "no-store"
    )
    assert "Access-Control-Allow-Origin" not in answer.headers
    connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/static/../server.py",
        "/%2e%2e/server.py",
        "//etc/passwd",
        "/style.css/../../server.py",
        "/words.en.json%00",
        "/server.py",
        "http://evil.example/",
    ],
)
def test_no_path_of_a_request_becomes_a_file(server: Server, site: Recording, path: str) -> None:
    status, body = said(server, "GET", path, list(own(server).items()))
    assert (status, body) == (200, b'{"done": true}')  # of the site, which knows no such thing
    assert [asked.path for asked in site.asked] == [path.partition("?")[0].replace("//etc", "/etc")]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "CONNECT"])
def test_other_methods_are_not_known(server: Server, site: Recording, method: str) -> None:
    assert said(server, method, "/api/v1/users/1", list(own(server).items()))[0] == 501
    assert site.asked == []


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Content-Length", str(MOST_BYTES + 1), 413),
        ("Content-Length", "9" * 40, 413),
        ("Content-Length", "-1", 413),
        ("Content-Length", "1e3", 413),
        ("Content-Length", "", 413),
        ("Transfer-Encoding", "chunked", 411),
        ("X-Nothing", "1", 411),
    ],
)
def test_a_body_that_is_too_long_or_of_unknown_length_is_not_read(
    server: Server, site: Recording, header: str, value: str, status: int
) -> None:
    headers = {**own(server), header: value}
    assert said(server, "POST", "/api/v1/events", list(headers.items()))[0] == status
    assert site.asked == []


def test_its_log_names_nobody(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    said(server, "GET", "/shop/purchases?user=canary-4711", list(own(server).items()))
    said(server, "GET", "/api/v1/users/canary-4711/recommendations", list(own(server).items()))
    with socket.create_connection(("127.0.0.1", server.server_port)) as raw:
        raw.sendall(b"GET /canary-4711\xff\r\n\r\n")
        raw.recv(1000)
    written = capfd.readouterr().err
    assert "GET 200" in written and "canary" not in written


def test_every_file_that_is_served_is_there_and_none_is_left_over() -> None:
    given = {name for name, _ in FILES.values()}
    assert given == {file.name for file in module.STATIC.iterdir()}
