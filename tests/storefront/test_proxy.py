"""The API through the proxy: which requests are passed on, as whom, and that what is signed is what is sent."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signer

from lambdas.get_recommendations.routes import ROUTES
from local.storefront import roles
from local.storefront.proxy import Api
from osusume_endpoint.endpoint import Credentials
from tests import example

KEYS = Credentials("AKIDEXAMPLE", "secret", "session")
REGION = "eu-west-1"


@dataclass
class Upstream:
    """Stands for API Gateway: keeps each request as it came over the wire."""

    port: int = 0
    status: int = 200
    kind: str = "application/json"
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    kept = Upstream()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept.seen.append((self.command, self.path, dict(self.headers), body))
            self.send_response(kept.status)
            self.send_header("Content-Type", kept.kind)
            self.end_headers()
            self.wfile.write(b'{"items": []}')

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield kept
    server.shutdown()
    server.server_close()


def api(upstream: Upstream) -> Api:
    return Api(url=f"http://127.0.0.1:{upstream.port}/prod/", region=REGION, credentials=lambda: KEYS)


def signature(method: str, target: str, headers: dict[str, str], body: bytes, port: int) -> str:
    """What botocore signs of the request as it came, at the time that it names."""
    path, _, query = target.partition("?")
    request = AWSRequest(
        method=method,
        url=f"http://127.0.0.1:{port}{path}",
        params=dict(parse_qsl(query)) if query else None,
        data=body or None,
        headers={"Content-Type": headers["Content-Type"]} if body else {},
    )
    request.context["timestamp"] = headers["X-Amz-Date"]
    request.headers["X-Amz-Date"] = headers["X-Amz-Date"]
    request.headers["X-Amz-Security-Token"] = headers["X-Amz-Security-Token"]
    request.headers["Host"] = headers["Host"]
    signer = SigV4Auth(Signer(*KEYS), "execute-api", REGION)
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


@pytest.mark.parametrize(
    "user",
    [
        "1517",
        "a b",
        "a/b",
        "%",
        "%2F",
        "?q=1#f",
        "ä",
        "買い物",
        "😀",
        "a+b&c=d",
        "*~'()",
        ".",
        "..",
        "a..b",
        "…/../x",
    ],
)
def test_any_id_arrives_as_it_is_under_a_signature_that_fits(upstream: Upstream, user: str) -> None:
    path = "/v1/users/{}/recommendations".format("".join(f"%{byte:02X}" for byte in user.encode()))
    answer = api(upstream).send("GET", path, "placement=home", b"")
    if user in (".", ".."):  # no client of HTTP keeps such a part: it would be another path
        assert answer.status == 404 and upstream.seen == []
        return
    [(method, target, headers, body)] = upstream.seen
    assert target.partition("?")[0].split("/")[4] and unquote(target.partition("?")[0].split("/")[4]) == user
    assert headers["Authorization"].endswith(signature(method, target, headers, body, upstream.port))
    assert f"/{REGION}/execute-api/aws4_request" in headers["Authorization"]
    assert answer.status == 200 and answer.body == b'{"items": []}'


@pytest.mark.parametrize("sent", ["it's(1)*~!", "%e8%b2%b7", "%41%2d", "a:b@c,d;e=f$"])
def test_an_id_is_escaped_once_however_the_page_wrote_it(upstream: Upstream, sent: str) -> None:
    """encodeURIComponent leaves some signs as they are, and others write small letters."""
    assert api(upstream).send("GET", f"/v1/users/{sent}/recommendations", "", b"").status == 200
    assert upstream.seen[0][1].split("/")[4] == quote(unquote(sent), safe="")


def test_a_query_is_passed_on_value_by_value(upstream: Upstream) -> None:
    query = "context=a%2Fb&context=%E8%B2%B7&fields=X&explain=true&exclude="
    api(upstream).send("GET", "/v1/users/1/recommendations", query, b"")
    given = parse_qsl(upstream.seen[0][1].partition("?")[2], keep_blank_values=True)
    assert given == [
        ("context", "a/b"),
        ("context", "買"),
        ("fields", "X"),
        ("explain", "true"),
        ("exclude", ""),
    ]


def test_events_are_posted_as_they_are(upstream: Upstream) -> None:
    body = json.dumps({"events": [{"itemId": "買"}]}).encode()
    upstream.status = 202
    assert api(upstream).send("POST", "/v1/events", "", body).status == 202
    [(method, target, headers, given)] = upstream.seen
    assert (method, target, given) == ("POST", "/prod/v1/events", body)
    assert headers["Authorization"].endswith(signature(method, target, headers, given, upstream.port))


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if not one.services], ids=lambda route: route.operation
)
def test_every_route_of_the_application_s_is_passed_on(upstream: Upstream, route: Any) -> None:
    path = route.path.replace("{userId}", "1").replace("{itemId}", "2")
    assert api(upstream).send(route.method, path, "", b"{}").status == 200
    other = {"GET": "POST", "POST": "GET"}[route.method]
    assert api(upstream).send(other, path, "", b"{}").status == 404
    assert len(upstream.seen) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/users/1"),
        ("GET", "/v1/users/1"),
        ("GET", "/v1/deletions/1"),
        ("GET", "/v1/segments/x"),
        ("GET", "/v1/users/1/2/recommendations"),
        ("GET", "/v1/users//recommendations"),
        ("GET", "/v1/users/../recommendations"),
        ("GET", "/v1/users/%2e%2e/recommendations"),
        ("GET", "/v1/users/%2E/recommendations"),
        ("GET", "/v1/popular/../users/1/recommendations"),
        ("GET", "/v1//popular"),
        ("GET", "/V1/popular"),
        ("GET", "/v1/popular/"),
        ("GET", "/v1/popular\n"),
        ("GET", "@evil.example/v1/popular"),
        ("GET", "//evil.example/v1/popular"),
        ("GET", ""),
        ("GET", "/v1/users/%ff/recommendations"),
        ("GET", "/v1/users/%ed%a0%80/recommendations"),
        ("GET", "/2015-03-31/functions"),
    ],
)
def test_what_is_no_route_of_the_application_s_is_sent_to_nobody(
    upstream: Upstream, method: str, path: str
) -> None:
    answer = api(upstream).send(method, path, "", b"")
    assert answer.status == 404 and answer.content_type == "application/problem+json"
    assert upstream.seen == []


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 504])
def test_a_refusal_of_the_api_is_handed_on(upstream: Upstream, status: int) -> None:
    upstream.status, upstream.kind = status, "application/problem+json"
    answer = api(upstream).send("GET", "/v1/popular", "", b"")
    assert (answer.status, answer.content_type) == (status, "application/problem+json")


def test_an_api_that_is_gone_or_was_never_there_is_said_so(upstream: Upstream) -> None:
    gone = Api(url="http://127.0.0.1:9/prod", region=REGION, credentials=lambda: KEYS)
    assert gone.send("GET", "/v1/popular", "", b"").status == 502
    none = Api(url="", region=REGION, credentials=lambda: KEYS)
    answer = none.send("GET", "/v1/popular", "", b"")
    assert answer.status == 503 and "make up" in json.loads(answer.body)["detail"]


class Iam:
    """Keeps what is made of roles."""

    class exceptions:
        class NoSuchEntityException(Exception):
            pass

        class EntityAlreadyExistsException(Exception):
            pass

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda **given: self.calls.append((name, given))


class OneEndpoint:
    account = "111111111111"

    def __init__(self) -> None:
        self.iam = Iam()

    def client(self, service: str, credentials: object = None) -> Iam:
        return self.iam


def test_the_proxy_s_role_may_what_the_application_may_and_nothing_more() -> None:
    endpoint, names = OneEndpoint(), example.settings().names
    roles.ensure(endpoint, names)  # type: ignore[arg-type]
    given = [(call, one) for call, one in endpoint.iam.calls if one["RoleName"] == roles.application(names)]
    arn = f"arn:aws:iam::111111111111:policy/{names.caller_policy}"
    assert [call for call, _ in given] == ["create_role", "attach_role_policy"]
    assert given[1][1]["PolicyArn"] == arn


def test_the_console_s_role_changes_nothing() -> None:
    actions = [action for one in roles.statements(example.settings().names) for action in one["Action"]]
    verbs = {action.partition(":")[2] for action in actions} - {"ExecuteStatement", "Decrypt"}
    assert verbs and all(verb.startswith(("Get", "List", "Describe", "Filter")) for verb in verbs)
    # A database is asked as a user who may only read it.
    [secrets] = [
        one
        for one in roles.statements(example.settings().names)
        if "secretsmanager:GetSecretValue" in one["Action"]
    ]
    assert [arn.rpartition(":")[2] for arn in secrets["Resource"]] == [
        f"{example.settings().names.aurora_reader_secret}-??????"
    ]


def test_credentials_are_taken_anew_before_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now, issued = [0.0], iter([KEYS, Credentials("SECOND", "s", "t")])
    session = roles.Session(OneEndpoint(), "role", clock=lambda: now[0])  # type: ignore[arg-type]
    monkeypatch.setattr(session, "_assumed", lambda: next(issued))
    assert session.credentials == KEYS
    now[0] = roles.SESSION_SECONDS - 301.0
    assert session.credentials == KEYS
    now[0] = roles.SESSION_SECONDS - 299.0
    assert session.credentials.access_key == "SECOND"
