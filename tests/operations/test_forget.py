"""`make forget` asks first, follows, tells what went, and shows nobody's id."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from lambdas.shared.forgetting import digest
from operations import forget, signed
from operations.place import Refused
from tests import example

USER = "user-4711"
SECRET = "s" * 64
NAMES = example.settings().names


class Stand:
    """A place whose services answer from `items`."""

    def __init__(self, **items: dict[str, Any]) -> None:
        self.settings = example.settings()
        self.names = self.settings.names
        self.items = {key.replace("__", "#"): value for key, value in items.items()}

    def client(self, service: str) -> Any:
        return self

    def get_secret_value(self, *, SecretId: str) -> Any:
        assert SecretId == NAMES.forgetting_secret
        return {"SecretString": SECRET}

    def get_item(self, *, TableName: str, Key: Any, ConsistentRead: bool) -> Any:
        assert TableName == NAMES.control_table
        item = self.items.get(Key["pk"]["S"])
        return {"Item": item} if item else {}

    def delete_item(self, *, TableName: str, Key: Any) -> None:
        assert TableName == NAMES.control_table
        del self.items[Key["pk"]["S"]]

    def get_object(self, *, Bucket: str, Key: str) -> Any:
        assert (Bucket, Key) == ("results", "forget/r1.json")
        report = {
            "removed": {"lists: rows": 1200},
            "stays": [{"where": "traces", "what": "paths", "until": "2026-12-27"}],
        }
        return {"Body": io.BytesIO(json.dumps(report).encode())}


class Api:
    def __init__(self, *states: str, status: int = 202) -> None:
        self.states, self.status = list(states), status
        self.sent: list[tuple[str, ...]] = []

    def send(self, place: Any, method: str, *path: str, query: str = "") -> tuple[int, dict[str, Any]]:
        self.sent.append((method, *path))
        if method == "DELETE":
            return self.status, {"deletionId": "r1", "state": "requested"}
        return 200, {"deletionId": "r1", "state": self.states.pop(0), "report": "s3://results/forget/r1.json"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(forget.time, "sleep", lambda seconds: None)


def left_out(**request: dict[str, str]) -> Any:
    return Stand(
        **{
            f"forgotten__{digest(SECRET, USER)}": {"request_id": {"S": "r1"}},
            "forgetting__r1": request,
        }
    )


def test_a_deletion_is_followed_to_its_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = Api("requested", "running", "running", "done")
    monkeypatch.setattr(signed, "send", api.send)
    place: Any = Stand()
    assert forget.forget(place, user=USER, given="dev") == 0
    assert api.sent[:2] == [("DELETE", "v1", "users", USER), ("GET", "v1", "deletions", "r1")]
    told = capsys.readouterr().out
    assert USER not in told
    assert told.count("running") == 1 and "lists: rows" in told and "1,200" in told
    assert "2026-12-27   traces: paths" in told


def test_one_that_failed_says_where_to_look(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signed, "send", Api("failed").send)
    place: Any = Stand()
    assert forget.forget(place, user=USER, given="dev") == 1
    assert "osusume-dev-forget has the cause" in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["", "prod", USER])
def test_another_answer_than_the_name_asks_for_nothing(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    api = Api()
    monkeypatch.setattr(signed, "send", api.send)
    place: Any = Stand()
    with pytest.raises(Refused, match="Nothing was done"):
        forget.forget(place, user=USER, ask=lambda question: answer)
    assert api.sent == []


@pytest.mark.parametrize("act", [forget.forget, forget.release])
@pytest.mark.parametrize("nobody", ["", " "])
def test_nobody_is_named_is_refused(act: Any, nobody: str) -> None:
    with pytest.raises(Refused, match="make forget USER=<id>"):
        act(Stand(), user=nobody, given="dev")


def test_what_the_api_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed, "send", Api(status=403).send)
    place: Any = Stand()
    with pytest.raises(Refused, match="answered 403"):
        forget.forget(place, user=USER, given="dev")


def test_a_released_user_is_no_longer_known(capsys: pytest.CaptureFixture[str]) -> None:
    place = left_out(state={"S": "done"})
    assert forget.release(place, user=USER, given="dev") == 0
    assert list(place.items) == ["forgetting#r1"]
    assert USER not in capsys.readouterr().out


@pytest.mark.parametrize("state", ["requested", "running", "failed"])
def test_a_user_whose_deletion_is_not_done_is_not_released(state: str) -> None:
    place = left_out(state={"S": state})
    with pytest.raises(Refused, match=f"is {state}"):
        forget.release(place, user=USER, given="dev")
    assert len(place.items) == 2


def test_a_user_who_was_never_forgotten_is_refused() -> None:
    place = left_out(state={"S": "done"})
    with pytest.raises(Refused, match="not left out"):
        forget.release(place, user="somebody else", given="dev")
