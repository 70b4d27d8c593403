"""POST /v1/events: what is kept, once, and what is rejected."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from jsonschema import Draft202012Validator
from moto import mock_aws

from config import layout, serving
from config.settings import LogAttributes
from glue_jobs.columns import EVENTS as READ_BY_THE_JOB
from lambdas.get_recommendations import openapi, placements
from lambdas.record_events import events, exposures, handler
from lambdas.record_events.environment import Environment
from lambdas.record_events.events import Rejected
from lambdas.record_events.log import Log
from lambdas.shared import user_state
from tests import example

NOW = datetime(2026, 11, 24, 3, 0, 0, tzinfo=UTC)
SETTINGS = Environment(
    application_log_table="log",
    user_state_table="state",
    raw_bucket="raw",
    log_attributes=LogAttributes().model_dump(),
    timestamp_format="milliseconds",
    powertools_metrics_namespace="Osusume/test",
)
CLICK = {
    "eventId": "e1",
    "type": "click",
    "userId": "u1",
    "itemId": "i1",
    "occurredAt": "2026-11-24T02:59:59.5Z",
}
SHOWN = {**{k: v for k, v in CLICK.items() if k != "itemId"}, "type": "impression", "itemIds": ["i1", "i2"]}


class Tables:
    """The two calls that are made, with DynamoDB's own semantics of a condition and of a set."""

    def __init__(self) -> None:
        self.log: dict[tuple[str, str], dict[str, Any]] = {}
        self.state: dict[str, set[str]] = {}
        self.fail_state = False
        self.objects: dict[str, str] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
        assert Bucket == "raw"
        self.objects[Key] = Body.decode()

    def put_item(self, *, TableName: str, Item: Any, ConditionExpression: str, **_: Any) -> None:
        assert (TableName, ConditionExpression) == ("log", "attribute_not_exists(#key)")
        key = (Item["user_id"]["S"], Item["event_key"]["S"])
        if key in self.log:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        self.log[key] = Item

    def update_item(
        self, *, TableName: str, Key: Any, UpdateExpression: str, ExpressionAttributeValues: Any, **_: Any
    ) -> Any:
        assert TableName == "state"
        if self.fail_state:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "UpdateItem")
        deeds = self.state.setdefault(Key["pk"]["S"], set())
        if UpdateExpression.startswith("ADD"):
            deeds |= set(ExpressionAttributeValues[":deeds"]["SS"])
        else:
            deeds -= set(ExpressionAttributeValues[":spare"]["SS"])
        return {"Attributes": {"deeds": {"SS": sorted(deeds)}}}


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture(autouse=True)
def no_experiments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposures, "document", lambda: serving.content(example.settings())["experiments"])


def run(tables: Tables, *rows: Any) -> dict[str, Any]:
    answer = handler.run(rows, clients=lambda _: tables, settings=SETTINGS, now=NOW)
    components = openapi.document()["components"]
    Draft202012Validator({"$ref": "#/components/schemas/EventsAnswer", "components": components}).validate(
        answer
    )
    return answer


def test_an_event_is_kept_in_the_log_and_in_its_user_s_state(tables: Tables) -> None:
    assert run(tables, {**CLICK, "value": 4.5, "sessionId": "s", "recommendationId": "r"}) == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": [],
    }
    assert tables.log["u1", "id#e1"] == {
        "user_id": {"S": "u1"},
        "event_key": {"S": "id#e1"},
        "event_id": {"S": "e1"},
        "event_type": {"S": "click"},
        "item_id": {"S": "i1"},
        "timestamp": {"N": "1795489199500"},
        "value": {"N": "4.5"},
        "session_id": {"S": "s"},
        "recommendation_id": {"S": "r"},
    }
    assert user_state.decode({"deeds": {"SS": list(tables.state["u1"])}}).clicked == {"i1": 1795489199}


@pytest.mark.parametrize("position", [2, 2.0])
def test_where_something_was_clicked_is_kept_in_the_log(
    tables: Tables, position: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETTINGS.log_attributes, "PLACEMENT", "placement")
    monkeypatch.setitem(SETTINGS.log_attributes, "POSITION", "position")
    run(tables, {**CLICK, "placement": "home", "position": position})
    kept = tables.log["u1", "id#e1"]
    assert (kept["placement"], kept["position"]) == ({"S": "home"}, {"N": "2"})
    run(tables, {**CLICK, "eventId": "e2"})
    assert {"placement", "position"}.isdisjoint(tables.log["u1", "id#e2"])


def test_what_the_job_reads_of_the_log_is_what_is_written(tables: Tables) -> None:
    run(tables, CLICK, {**SHOWN, "eventId": "e2"}, {**CLICK, "eventId": "e3", "value": 1})
    written = {name for item in tables.log.values() for name in item}
    assert written <= {field.name for field in READ_BY_THE_JOB}


def test_an_impression_names_what_was_shown(tables: Tables) -> None:
    run(tables, SHOWN)
    item = tables.log["u1", "id#e1"]
    assert item["impression"] == {"L": [{"S": "i1"}, {"S": "i2"}]} and "item_id" not in item
    assert set(user_state.decode({"deeds": {"SS": list(tables.state["u1"])}}).shown) == {"i1", "i2"}


def test_the_same_event_again_is_accepted_and_changes_nothing(tables: Tables) -> None:
    run(tables, CLICK)
    before = (dict(tables.log), {user: set(deeds) for user, deeds in tables.state.items()})
    again = run(tables, CLICK, {**CLICK, "itemId": "another"}, {**CLICK, "userId": "u2"})
    assert (again["accepted"], again["duplicates"]) == (3, 2)
    assert tables.log["u1", "id#e1"] == before[0]["u1", "id#e1"]
    assert ("u2", "id#e1") in tables.log, "an id is its user's"


def test_what_an_attempt_left_undone_the_next_one_does(tables: Tables) -> None:
    tables.fail_state = True
    with pytest.raises(ClientError):
        run(tables, CLICK)
    tables.fail_state = False
    assert run(tables, CLICK)["duplicates"] == 1
    assert tables.state["u1"] == {"c|1795489199|i1"}


def test_one_bad_event_loses_none_of_the_others(tables: Tables) -> None:
    answer = run(tables, CLICK, {"type": "click"}, 7, {**CLICK, "eventId": "e2"})
    assert answer["accepted"] == 2 and len(tables.log) == 2
    assert [(row["index"], row["code"]) for row in answer["rejected"]] == [
        (1, "missing-field"),
        (2, "not-an-object"),
    ]


LONG = "x" * 257
BAD: list[tuple[str, dict[str, Any]]] = [
    ("unknown-field", {"itemid": "i"}),
    ("unknown-type", {"type": "view"}),
    ("unknown-type", {"type": None}),
    ("unknown-type", {"type": ["click"]}),
    ("missing-field", {"eventId": None}),
    ("missing-field", {"itemId": None}),
    ("no-user", {"userId": None}),
    ("no-user", {"anonymousId": "a"}),
    ("wrong-id", {"userId": LONG}),
    ("wrong-id", {"userId": ""}),
    ("wrong-id", {"userId": 7}),
    ("wrong-id", {"itemId": "a\x00"}),
    ("wrong-id", {"eventId": "a\n"}),
    ("wrong-id", {"itemId": "\ud800"}),
    ("wrong-id", {"userId": None, "anonymousId": "x" * 247}),
    ("wrong-id", {"sessionId": ""}),
    ("items-of-one", {"itemIds": ["i1"]}),
    ("wrong-time", {"occurredAt": 1795489199}),
    ("wrong-time", {"occurredAt": "2026-11-24T02:59:59"}),
    ("wrong-time", {"occurredAt": "2026-11-24 02:59:59Z"}),
    ("wrong-time", {"occurredAt": "2026-02-30T02:59:59Z"}),
    ("wrong-time", {"occurredAt": "2026-11-24T02:59:59Z\n"}),
    ("wrong-time", {"occurredAt": "0001-01-01T00:00:00+23:00"}),
    ("in-the-future", {"occurredAt": "2026-11-24T03:05:01Z"}),
    ("too-old", {"occurredAt": "2025-11-24T03:05:01Z"}),
    ("wrong-value", {"value": "4"}),
    ("wrong-value", {"value": True}),
    ("wrong-value", {"value": 1e19}),
    ("wrong-value", {"value": float("inf")}),
    ("wrong-position", {"position": 0}),
    ("wrong-position", {"position": -1}),
    ("wrong-position", {"position": 1.5}),
    ("wrong-position", {"position": "1"}),
    ("wrong-position", {"position": True}),
    ("wrong-position", {"position": 10_001}),
    ("wrong-position", {"position": float("nan")}),
    ("wrong-position", {"position": float("inf")}),
    ("wrong-position", {"position": [1]}),
    ("items-twice", {"type": "impression", "itemIds": ["a"]}),
    ("wrong-items", {"type": "impression", "itemId": None, "itemIds": []}),
    ("wrong-id", {"type": "impression", "itemId": None, "itemIds": [1]}),
]


@pytest.mark.parametrize(("code", "change"), BAD)
def test_an_event_that_makes_no_sense_is_rejected_with_its_code(code: str, change: Any) -> None:
    with pytest.raises(Rejected) as raised:
        events.event({**CLICK, **change}, now=NOW)
    assert raised.value.code == code and str(raised.value)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("2026-11-24T02:59:59Z", NOW - timedelta(seconds=1)),
        ("2026-11-24t02:59:59z", NOW - timedelta(seconds=1)),
        ("2026-11-24T11:59:59+09:00", NOW - timedelta(seconds=1)),
        ("2026-11-24T02:59:59.123456789Z", NOW - timedelta(seconds=1) + timedelta(microseconds=123456)),
        ("2026-11-24T02:59:59.5-00:00", NOW - timedelta(milliseconds=500)),
        ("2026-11-24T03:05:00Z", NOW + timedelta(minutes=5)),
    ],
)
def test_a_time_of_rfc_3339_is_read_in_any_zone(sent: str, meant: datetime) -> None:
    assert events.event({**CLICK, "occurredAt": sent}, now=NOW).at == meant


def test_who_has_not_signed_in_is_nobody_s_user(tables: Tables) -> None:
    run(tables, {**{k: v for k, v in CLICK.items() if k != "userId"}, "anonymousId": "u1"})
    assert set(tables.log) == {("anonymous:u1", "id#e1")}


@pytest.mark.parametrize("form", ["milliseconds", "seconds", "iso"])
def test_the_log_has_the_names_and_times_of_the_configuration(form: str) -> None:
    names = {**LogAttributes().model_dump(), "USER_ID": "who", "EVENT_VALUE": None}
    made = Log(dynamodb=None, table="log", attributes=names, timestamp_format=form)
    item = made.item(events.event({**CLICK, "value": 3}, now=NOW))
    assert item["who"] == {"S": "u1"} and "value" not in item and "user_id" not in item
    expected = {"milliseconds": {"N": "1795489199500"}, "seconds": {"N": "1795489199.500"}}
    assert item["timestamp"] == expected.get(form, {"S": "2026-11-24T02:59:59.500+00:00"})


def test_a_state_keeps_its_newest_deeds_and_none_that_no_rule_looks_at() -> None:
    now = 10**9
    old = f"s|{now - 181 * user_state.DAY}|a"
    many = [f"s|{now - n}|i{n}" for n in range(user_state.MOST_DEEDS + 2)]
    assert set(user_state.spare([*many, old], now=now)) == {old, *many[-2:]}
    assert user_state.spare(many[: user_state.MOST_DEEDS], now=now) == []


EXPERIMENT = {
    "name": "one",
    "version": "11111111",
    "layer": "home",
    "slots": [0, 100],
    "starts": "2026-01-01",
    "ends": None,
    "ramp": [["2026-01-01", 100.0]],
    "variants": [{"name": "control", "weight": 50}, {"name": "other", "weight": 50, "solution": "popular"}],
    "target": {"attributes": {}, "states": []},
    "testers": {"tester": "other"},
}
DOCUMENT = {
    "holdout": {"version": "22222222", "percent": 0.0},
    "layers": {"home": ["home"]},
    "experiments": [EXPERIMENT],
}


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposures, "document", lambda: DOCUMENT)


def lines(tables: Tables) -> list[dict[str, str]]:
    return [json.loads(line) for body in tables.objects.values() for line in body.splitlines()]


@pytest.mark.usefixtures("running")
def test_an_impression_in_a_placement_exposes_its_user_once(tables: Tables) -> None:
    shown = {**SHOWN, "placement": "home"}
    run(tables, shown, {**shown, "eventId": "another"})
    [line] = lines(tables)
    assert (line["unit_id"], line["experiment"], line["placement"]) == (SHOWN["userId"], "one", "home")
    assert line["variant"] in {"control", "other"}
    [key] = tables.objects
    assert key.startswith(f"exposures/day={NOW:%Y-%m-%d}/")
    run(tables, shown)
    assert list(tables.objects) == [key], "what is sent again writes the same object"


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    "shown",
    [
        SHOWN,
        {**SHOWN, "placement": "cart"},
        {**CLICK, "placement": "home"},
        {**SHOWN, "placement": "home", "userId": "tester"},
        {**{k: v for k, v in SHOWN.items() if k != "userId"}, "placement": "home", "anonymousId": "a"},
    ],
    ids=["no placement", "another placement", "a click", "a tester", "not signed in"],
)
def test_what_exposes_nobody_writes_nothing(tables: Tables, shown: Any) -> None:
    assert run(tables, shown)["accepted"] == 1
    assert tables.objects == {}


@pytest.mark.usefixtures("running")
def test_what_is_exposed_is_what_readers_are_shown(tables: Tables) -> None:
    """Both functions assign by the same document and module; here by the read function's own way."""
    content = {**serving.content(example.settings()), "experiments": DOCUMENT}
    told = placements.read(content)
    home = told.placements["home"]
    users = [f"u{number}" for number in range(40)]
    run(tables, *({**SHOWN, "placement": "home", "userId": user, "eventId": user} for user in users))
    written = {line["unit_id"]: line["variant"] for line in lines(tables)}
    day = SHOWN["occurredAt"][:10]
    read = {user: told.in_variant(home, user=user, day=day) for user in users}
    assert written == {user: found[-1].variant for user, (_, found) in read.items() if found}
    lists = {found[-1].variant: shown.lists[0].name for shown, found in read.values() if found}
    assert lists == {"control": "personal", "other": "popular"}


def test_the_prefix_of_exposures_is_the_layouts() -> None:
    assert layout.EXPOSURES.text == exposures.KEY


def asked(body: Any, **more: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {"path": "/v1/events", "httpMethod": "POST", "body": text, "isBase64Encoded": False, **more}


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, tables: Tables) -> Callable[..., Any]:
    monkeypatch.setattr(handler, "settings", lambda: SETTINGS)
    monkeypatch.setattr(handler, "client", lambda _: tables)
    return lambda *given, **more: handler.handler(asked(*given, **more), None)


def test_a_batch_is_answered_202_with_what_became_of_it(deployed: Callable[..., Any]) -> None:
    now = datetime.now(UTC).isoformat()
    answer = deployed({"events": [{**CLICK, "occurredAt": now}, {}]})
    assert answer["statusCode"] == 202
    assert json.loads(answer["body"])["accepted"] == 1


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '{"events": []}', '{"events": {}}', '{"events": [{}], "more": 1}', "[" * 90_000,
     json.dumps({"events": [{}] * 101}), '{"events": [NaN]}'],
)  # fmt: skip
def test_a_body_that_is_no_batch_is_400_and_nothing_is_kept(
    deployed: Callable[..., Any], tables: Tables, body: str
) -> None:
    answer = deployed(body)
    problem = json.loads(answer["body"])
    components = openapi.document()["components"]
    Draft202012Validator({"$ref": "#/components/schemas/Problem", "components": components}).validate(problem)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (400, "application/problem+json")
    assert tables.log == {}


def test_a_body_in_base64_is_read_and_one_that_is_none_is_400(deployed: Callable[..., Any]) -> None:
    assert deployed("eyJldmVudHMiOiBbe31dfQ==", isBase64Encoded=True)["statusCode"] == 202
    assert deployed("@@", isBase64Encoded=True)["statusCode"] == 400


def test_a_store_that_fails_is_500_so_that_the_batch_is_sent_again(
    deployed: Callable[..., Any], tables: Tables
) -> None:
    tables.fail_state = True
    answer = deployed({"events": [{**CLICK, "occurredAt": datetime.now(UTC).isoformat()}]})
    assert answer["statusCode"] == 500 and "may be sent again" in answer["body"]


def test_another_implementation_of_dynamodb_keeps_an_event_once_and_adds_its_deeds_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(user_state, "MOST_DEEDS", 3)
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="ap-northeast-1")
        for table, keys in {"log": ["user_id", "event_key"], "state": ["pk"]}.items():
            dynamodb.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
            )
        rows = [CLICK, {**SHOWN, "eventId": "e2"}]
        for _ in range(2):
            handler.run(rows, clients=lambda _: dynamodb, settings=SETTINGS, now=NOW)
        assert len(dynamodb.scan(TableName="log")["Items"]) == 2
        [state] = dynamodb.scan(TableName="state")["Items"]
        assert sorted(state["deeds"]["SS"]) == ["c|1795489199|i1", "s|1795489199|i1", "s|1795489199|i2"]
        newer = [
            {**CLICK, "eventId": f"e{n}", "itemId": f"n{n}", "occurredAt": "2026-11-24T03:00:00Z"}
            for n in (3, 4)
        ]
        handler.run(newer, clients=lambda _: dynamodb, settings=SETTINGS, now=NOW)
        [state] = dynamodb.scan(TableName="state")["Items"]
        assert len(state["deeds"]["SS"]) == 3 and {"c|1795489200|n3", "c|1795489200|n4"} <= set(
            state["deeds"]["SS"]
        )


def test_a_token_s_events_are_its_own_users(deployed: Callable[..., Any], tables: Tables) -> None:
    click = CLICK | {"occurredAt": datetime.now(UTC).isoformat()}
    anonymous = {k: v for k, v in click.items() if k != "userId"} | {"anonymousId": "u1", "eventId": "e3"}
    rows = [click, click | {"eventId": "e2", "userId": "u2"}, anonymous]
    answer = deployed({"events": rows}, requestContext={"authorizer": {"userId": "u1"}})
    found = json.loads(answer["body"])
    assert found["accepted"] == 1
    assert [(one["index"], one["code"]) for one in found["rejected"]] == [
        (1, "another-user"),
        (2, "another-user"),
    ]
    assert {user for user, _ in tables.log} == {"u1"}
