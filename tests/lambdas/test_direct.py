"""The read's own calls beside those of botocore's client, which asks the same and is answered the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.shared import core
from lambdas.shared.direct import Direct
from tests.lambdas import dynamodb_server
from tests.lambdas.dynamodb_server import FAULTS, Server

ASKED: dict[str, Any] = {
    "RequestItems": {
        "recommendations": {"Keys": [{"pk": {"S": "personal#ü 大"}, "sk": {"S": "1"}}]},
        "user-state": {"Keys": [{"pk": {"S": "ü 大"}}]},
    },
    "ReturnConsumedCapacity": "TOTAL",
}
TIMEOUT_MS = 300
# Whatever else is wrong inside an answer is looked for by who reads it (test_store.py).
REFUSED = (
    "throttle",
    "request limit",
    "internal error",
    "unavailable",
    "access denied",
    "expired token",
    "no such table",
)
CUT = ("hang", "reset", "truncated")


class Listening(dynamodb_server.Handler):
    heard: list[tuple[str, dict[str, str], Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        named = {name.lower(): value for name, value in self.headers.items()}
        Listening.heard.append((self.path, named, json.loads(body)))
        self.send(200, b'{"MessageId": "m", "Responses": {}}')


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t",
        "AWS_SESSION_TOKEN": "a token",
    }.items():
        monkeypatch.setenv(name, value)
    core.session.cache_clear()
    yield
    core.session.cache_clear()


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Listening.heard = []
    with dynamodb_server.running(Server) as server:
        server.RequestHandlerClass = Listening
        for service in ("DYNAMODB", "SQS"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server.url)
        yield


def theirs(service: str) -> Any:
    seconds = TIMEOUT_MS / 1000
    return core.client(
        service,
        connect_timeout=seconds,
        read_timeout=seconds,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("dynamodb", lambda client: client.batch_get_item(**ASKED)),
        ("sqs", lambda client: client.send_message(QueueUrl="https://q/1/shown", MessageBody="a\n大")),
    ],
)
def test_it_asks_what_botocore_s_client_asks(
    service: str, call: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(monkeypatch):
        call(theirs(service))
        call(Direct(service, timeout_ms=TIMEOUT_MS))
    (path, wanted, body), (mine_path, mine, mine_body) = Listening.heard
    assert (mine_path, mine_body) == (path, body)
    same = ("x-amz-target", "content-type", "x-amz-security-token", "host")
    assert {name: mine[name] for name in same} == {name: wanted[name] for name in same}
    assert _scope(mine["authorization"]) == _scope(wanted["authorization"])
    assert {"host", "x-amz-date", "x-amz-target", "x-amz-security-token"} <= _signed(mine["authorization"])


def _scope(authorization: str) -> str:
    return authorization.split("Credential=")[1].split(",")[0]


def _signed(authorization: str) -> set[str]:
    return set(authorization.split("SignedHeaders=")[1].split(",")[0].split(";"))


def outcome(client: Any) -> tuple[str, object]:
    try:
        answer = client.batch_get_item(**ASKED)
    except ClientError as error:
        told = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        return "refused", (*told, error.response["Error"]["Message"])
    except Exception as error:
        return "failed", type(error).__name__
    answer.pop("ResponseMetadata", None)
    return "answered", answer


def both(monkeypatch: pytest.MonkeyPatch, fault: str | None) -> tuple[object, object]:
    with dynamodb_server.running(Server) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        _fill(server)
        if fault:
            server.fail(FAULTS[fault])
        return outcome(Direct("dynamodb", timeout_ms=TIMEOUT_MS)), outcome(theirs("dynamodb"))


def _fill(server: Server) -> None:
    server.put("personal#ü 大", "1", items='[["ü", 0.5]]')
    server.items["ü 大", ""] = {"pk": {"S": "ü 大"}, "deeds": {"SS": ["b|1|大"]}}


def test_it_is_answered_what_botocore_s_client_is(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, wanted = both(monkeypatch, None)
    assert mine == wanted and "0.5" in str(mine)


@pytest.mark.parametrize("fault", [*REFUSED, *CUT])
def test_what_fails_fails_by_the_same_name(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, wanted = both(monkeypatch, fault)
    assert mine == wanted and mine != both(monkeypatch, None)[0]


@pytest.mark.parametrize("fault", ["not json", "empty body", "an array", "an html page"])
def test_an_answer_that_is_no_object_is_an_error(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, _ = both(monkeypatch, fault)
    assert mine in (("failed", "JSONDecodeError"), ("failed", "UnicodeDecodeError"), ("failed", "ValueError"))


def test_credentials_that_are_renewed_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(monkeypatch):
        direct = Direct("dynamodb", timeout_ms=TIMEOUT_MS)
        direct.batch_get_item(**ASKED)
        core.session().get_credentials().access_key = "AKIARENEWED"
        direct.batch_get_item(**ASKED)
    first, second = (_scope(headers["authorization"]).split("/")[0] for _, headers, _ in Listening.heard)
    assert (first, second) == ("AKIAEXAMPLE", "AKIARENEWED")
