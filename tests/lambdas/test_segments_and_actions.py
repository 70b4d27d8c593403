"""GET /v1/segments/{segment} and GET /v1/users/{userId}/actions: what has no list to stand in for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from botocore.stub import Stubber
from jsonschema import Draft202012Validator

from config import serving
from config.settings import Settings
from lambdas.get_recommendations import actions, fallback, handler, openapi, placements
from lambdas.get_recommendations.table import make_client
from tests import example
from tests.lambdas import dynamodb_server
from tests.lambdas.dynamodb_server import FAULTS, Server

RUN, LATER, LAST = "20261124T030000Z", "20261125T030000Z", "20261126T030000Z"
SEGMENT, ACTIONS = "/v1/segments/{segment}", "/v1/users/{userId}/actions"
EXAMPLES = example.CONFIG.parent / "docs" / "examples"
SERVICE = "arn:aws:sts::111111111111:assumed-role/Mailer/session"
CAMPAIGN = "arn:aws:personalize:ap-northeast-1:111111111111:campaign/osusume-dev-actions-0123"
VERSION = "arn:aws:personalize:ap-northeast-1:111111111111:solution/osusume-dev-actions-0123/0a1b2c3d"
USERS = [f"user-{number}" for number in range(300)]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with dynamodb_server.running() as running:
        yield running


@pytest.fixture
def world(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Segments of two pages, a campaign, and a cold function of the example that has both kinds of solutions."""
    server.items.clear()
    server.fault, server.requests = None, []
    publish(server, RUN, "tastes", "bakers", USERS)
    publish(server, RUN, "fans", "品/1", ["u1"])
    for name in ("tastes", "fans"):
        server.put(f"pointer#{name}", "pointer", current=RUN)
    server.put("pointer#actions", "campaign", campaign_arn=CAMPAIGN, solution_version_arn=VERSION)
    for name, value in variables(server).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(placements, "SERVING", tmp_path / "serving.json")
    monkeypatch.setattr(fallback, "DEFAULT_ITEMS", tmp_path / "default_items.json")
    configure(tmp_path)
    monkeypatch.setattr(handler, "make_client", lambda timeout_ms: kept_client(server.url))
    yield server
    if server.fault is not None:  # its connections may be broken
        kept_client.cache_clear()
    forget()


@cache
def kept_client(url: str) -> Any:
    """Making a client takes longer than most tests here."""
    return make_client(timeout_ms=150)


def variables(server: Server) -> dict[str, str]:
    return {
        "RECOMMENDATIONS_TABLE": "recommendations",
        "USER_STATE_TABLE": "user-state",
        "POWERTOOLS_METRICS_NAMESPACE": "Osusume/test",
        "AWS_ENDPOINT_URL_DYNAMODB": server.url,
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def configure(folder: Path, *, callers: tuple[str, ...] = ("Mailer",), **sections: Any) -> None:
    given = yaml.safe_load((EXAMPLES / "items-and-segments.yaml").read_text())
    content = example.content(**{**given, **sections})
    content["api"] = {**content["api"], "service_callers": list(callers)}
    (folder / "serving.json").write_text(serving.text(Settings.model_validate(content)))
    forget()


def forget() -> None:
    placements.packaged.cache_clear()
    handler.settings.cache_clear()
    handler.recommender.cache_clear()


def publish(server: Server, run: str, solution: str, key: str, users: list[str]) -> None:
    """As the job's lines become items (tests/config/test_layout.py compares the keys)."""
    pages = [users[start : start + 250] for start in range(0, len(users), 250)]
    for number, page in enumerate(pages, start=1):
        pk, sk = f"segment#{solution}#{key}", f"{run}#{number:05}"
        server.put(pk, sk, items=json.dumps(page, ensure_ascii=False))
        server.items[pk, sk]["pages"] = {"N": str(len(pages))}


def ask(
    resource: str, *, status: int = 200, caller: str = SERVICE, query: Any = None, **parameters: str
) -> Any:
    """The body, after checking status and that the document describes it."""
    event = {
        "resource": resource,
        "path": resource.format(**parameters),
        "httpMethod": "GET",
        "headers": {},
        "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()} or None,
        "pathParameters": parameters,
        "requestContext": {
            "requestId": "r",
            "stage": "live",
            "accountId": "111111111111",
            "identity": {"userArn": caller},
        },
        "body": None,
        "isBase64Encoded": False,
    }
    response = handler.handler(event, SimpleNamespace(aws_request_id="r"))
    assert response["statusCode"] == status, response
    document = openapi.document()
    described = document["paths"][resource]["get"]["responses"]
    assert str(status) in described
    schema = "Problem" if status != 200 else "Segment" if resource == SEGMENT else "Actions"
    body = json.loads(response["body"])
    reference = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    Draft202012Validator(reference).validate(body)
    if status == 200:
        assert response["multiValueHeaders"]["Cache-Control"] == ["private, no-store"]
    return body


def tastes(segment: str = "bakers", **given: Any) -> Any:
    query = {"solution": "tastes", **({"cursor": given.pop("cursor")} if "cursor" in given else {})}
    return ask(SEGMENT, segment=segment, query=query, **given)


def members(body: Any) -> list[tuple[int, str]]:
    return [(one["position"], one["userId"]) for one in body["members"]]


def test_a_segment_is_answered_page_by_page_without_a_gap_or_a_double(world: Server) -> None:
    first = tastes()
    assert (first["segment"], first["solution"], first["version"]) == ("bakers", "tastes", RUN)
    assert len(first["members"]) == 250
    second = tastes(cursor=first["nextCursor"])
    assert members(first) + members(second) == list(enumerate(USERS, start=1))
    assert second["nextCursor"] is None


def test_a_segment_of_an_item_is_found_by_the_escaped_id_of_any_text(world: Server) -> None:
    body = ask(SEGMENT, segment="%E5%93%81%2F1", query={"solution": "fans"})
    assert (body["segment"], members(body), body["nextCursor"]) == ("品/1", [(1, "u1")], None)


def test_a_cursor_stays_with_its_run_while_that_may_be_read_and_then_is_gone(world: Server) -> None:
    cursor = tastes()["nextCursor"]
    for run, previous in ((LATER, RUN), (LAST, LATER)):
        publish(world, run, "tastes", "bakers", [f"{run}-{user}" for user in USERS])
        for name in ("tastes", "fans"):
            world.put(f"pointer#{name}", "pointer", current=run, previous=previous)
        forget()
        if previous == RUN:
            assert members(tastes(cursor=cursor))[0] == (251, "user-250")
    assert "begin without cursor" in tastes(cursor=cursor, status=410)["detail"]
    assert tastes()["version"] == LAST


def test_a_page_that_expired_behind_its_cursor_is_gone_and_not_the_end(world: Server) -> None:
    cursor = tastes()["nextCursor"]
    del world.items["segment#tastes#bakers", f"{RUN}#00002"]
    tastes(cursor=cursor, status=410)


@pytest.mark.parametrize("name", ["nobody", "u1", "bakers#", "品/1", "everyone"])
def test_an_unknown_segment_is_404_and_names_no_other(world: Server, name: str) -> None:
    problem = tastes(name, status=404)
    assert problem["detail"] == "no such segment is published"


def test_which_solution_is_asked_for_only_where_several_make_segments(world: Server, tmp_path: Path) -> None:
    for query in ({}, {"solution": "personal"}, {"solution": "x" * 500}):
        detail = ask(SEGMENT, segment="bakers", query=query, status=400)["detail"]
        assert "give one of fans, tastes" in detail and len(detail) < 200
    given = yaml.safe_load((EXAMPLES / "items-and-segments.yaml").read_text())
    without = [one for one in given["solutions"] if one["name"] != "fans"]
    configure(tmp_path, solutions=without)
    assert ask(SEGMENT, segment="bakers")["solution"] == "tastes"
    plain = [one for one in without if one["name"] not in ("tastes", "actions")]
    configure(tmp_path, solutions=plain)
    assert "no solution makes segments" in ask(SEGMENT, segment="bakers", status=404)["detail"]
    assert "no solution proposes actions" in ask(ACTIONS, userId="u1", status=404)["detail"]


@pytest.mark.parametrize(
    "callers, arn, status",
    [
        (("Mailer",), SERVICE, 200),
        (("Mailer",), "arn:aws:iam::111111111111:user/Mailer", 200),
        (("Mailer",), "arn:aws:sts::111111111111:assumed-role/Shop/Mailer", 403),
        (("Mailer",), "arn:aws:sts::111111111111:assumed-role/Mailer2/s", 403),
        (("Mailer",), "arn:aws:iam::111111111111:root", 403),
        ((), SERVICE, 403),
        (("*",), "arn:aws:sts::111111111111:assumed-role/Shop/s", 200),
    ],
)
def test_segments_are_for_the_callers_that_the_configuration_names(
    world: Server, tmp_path: Path, callers: tuple[str, ...], arn: str, status: int
) -> None:
    configure(tmp_path, callers=callers)
    body = tastes(caller=arn, status=status)
    assert status == 200 or "api.service_callers" in body["detail"]
    assert status == 200 or world.requests == [], "nothing was read"


@pytest.mark.parametrize(
    "fault",
    ["throttle", "unavailable", "access denied", "hang", "truncated", "not json", "an item of another key"],
)
def test_a_store_that_fails_is_503_since_nothing_stands_in_for_a_segment(world: Server, fault: str) -> None:
    world.fail(FAULTS[fault])
    assert "again" in tastes(status=503)["detail"]


@pytest.mark.parametrize("change", [{"items": {"S": "[]"}}, {"items": {"S": "[1]"}}, {"pages": {"S": "x"}}])
def test_a_page_that_makes_no_sense_is_503(world: Server, change: dict[str, Any]) -> None:
    world.items["segment#tastes#bakers", f"{RUN}#00001"] |= change
    tastes(status=503)


Personalize = tuple[Any, Stubber]


@pytest.fixture
def personalize(
    world: Server, stubbed: Callable[[str], Personalize], monkeypatch: pytest.MonkeyPatch
) -> Stubber:
    client, stubber = stubbed("personalize-runtime")
    monkeypatch.setattr(actions, "make_client", lambda: client)
    return stubber


def offer(personalize: Stubber, user: str, *, count: int = 25) -> None:
    listed = [{"actionId": "join", "score": 0.75}, {"actionId": "subscribe", "score": 0.25}]
    personalize.add_response(
        "get_action_recommendations",
        {"recommendationId": "RID-1", "actionList": listed},
        {"campaignArn": CAMPAIGN, "userId": user, "numResults": count},
    )


def test_actions_are_asked_of_the_campaign_that_the_last_run_named(
    world: Server, personalize: Stubber
) -> None:
    offer(personalize, "u/1", count=2)
    offer(personalize, "u2")
    assert ask(ACTIONS, userId="u%2F1", query={"numResults": "2"}) == {
        "recommendationId": "RID-1",
        "actions": [
            {"actionId": "join", "score": 0.75, "position": 1},
            {"actionId": "subscribe", "score": 0.25, "position": 2},
        ],
        "solution": "actions",
        "version": "0a1b2c3d",
        "degraded": False,
    }
    ask(ACTIONS, userId="u2")
    assert world.requests == ["pointer#actions"], "the campaign's name is remembered"


@pytest.mark.parametrize(
    "code", ["ResourceNotFoundException", "InvalidInputException", "ThrottlingException"]
)
def test_a_campaign_that_refuses_is_an_empty_answer_that_says_degraded(
    personalize: Stubber, code: str
) -> None:
    personalize.add_client_error("get_action_recommendations", code)
    body = ask(ACTIONS, userId="u1")
    assert (body["actions"], body["version"], body["degraded"]) == ([], None, True)
    assert len(body["recommendationId"]) == 26


def test_a_campaign_that_hangs_is_left_when_the_reader_s_time_is_up(
    world: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SimpleNamespace(get_action_recommendations=lambda **asked: time.sleep(1))
    monkeypatch.setattr(actions, "make_client", lambda: slow)
    began = time.monotonic()
    assert ask(ACTIONS, userId="u1")["degraded"] is True
    assert time.monotonic() - began < 0.9


def test_an_answer_that_is_none_is_degraded_and_five_in_a_row_are_not_asked_again(
    world: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    wrong: Any = SimpleNamespace(get_action_recommendations=lambda **given: asked.append(given) or {})
    monkeypatch.setattr(actions, "make_client", lambda: wrong)
    assert [ask(ACTIONS, userId="u1")["degraded"] for _ in range(8)] == [True] * 8
    assert len(asked) == 5


def test_before_the_first_run_nothing_is_proposed_and_a_failing_store_keeps_what_was_known(
    world: Server, personalize: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = world.items.pop(("pointer#actions", "campaign"))
    assert ask(ACTIONS, userId="u1")["degraded"] is True
    world.items["pointer#actions", "campaign"] = kept
    offer(personalize, "u1")
    offer(personalize, "u1")
    assert ask(ACTIONS, userId="u1")["actions"]
    monkeypatch.setattr(actions, "FRESH_SECONDS", -1.0)
    world.fail(FAULTS["unavailable"])
    assert ask(ACTIONS, userId="u1")["actions"]


@pytest.mark.parametrize("query", [{"numResults": "0"}, {"numResults": "101"}, {"cursor": "x"}])
def test_parameters_of_actions_are_checked(personalize: Stubber, query: dict[str, str]) -> None:
    assert next(iter(query)) in ask(ACTIONS, userId="u1", query=query, status=400)["detail"]
