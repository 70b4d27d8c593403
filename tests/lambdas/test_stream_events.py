"""The stream of the log to Personalize's event tracker: each event once, as an import would have it, or its reason."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from lambdas.shared.streaming import STREAMING
from lambdas.stream_events import records, sending
from lambdas.stream_events.environment import Environment
from lambdas.stream_events.handler import PATIENCE_SECONDS, run
from lambdas.stream_events.records import Sent
from tests.lambdas.fakes import S3, DynamoDB

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
OPENED = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
AT = OPENED + 3600
MODEL: Any = botocore.session.get_session().get_service_model("personalize-events")
ATTRIBUTES = {
    "USER_ID": "user_id",
    "ITEM_ID": "item_id",
    "EVENT_TYPE": "event_type",
    "TIMESTAMP": "timestamp",
    "EVENT_VALUE": "value",
    "EVENT_ID": "event_id",
    "SESSION_ID": "session_id",
    "RECOMMENDATION_ID": "recommendation_id",
    "IMPRESSION": "impression",
    "ACTION_ID": "action_id",
}
ACTIONS_ARN = "arn:aws:personalize:ap-northeast-1:111111111111:dataset/osusume-dev/ACTION_INTERACTIONS"


class Tracker:
    """Put operations, whose requests are checked against botocore's model. `refuses` are ids that none takes."""

    def __init__(self, *, refuses: tuple[str, ...] = (), down: bool = False) -> None:
        self.calls: list[dict[str, Any]] = []
        self.put: list[tuple[str, dict[str, Any]]] = []
        self.refuses, self.down = refuses, down

    def _take(self, operation: str, request: dict[str, Any], ids: list[str]) -> None:
        report = ParamValidator().validate(request, MODEL.operation_model(operation).input_shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())
        if self.down:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slowly"}}, operation)
        if set(ids) & set(self.refuses):
            raise ClientError({"Error": {"Code": "InvalidInputException", "Message": "no"}}, operation)

    def put_events(self, **request: Any) -> None:
        self._take("PutEvents", request, [event["itemId"] for event in request["eventList"]])
        self.calls.append(request)

    def put_items(self, **request: Any) -> None:
        self._take("PutItems", request, [item["itemId"] for item in request["items"]])
        self.put.append(("items", request))

    def put_users(self, **request: Any) -> None:
        self._take("PutUsers", request, [user["userId"] for user in request["users"]])
        self.put.append(("users", request))

    def put_action_interactions(self, **request: Any) -> None:
        listed = request["actionInteractions"]
        self._take("PutActionInteractions", request, [event["actionId"] for event in listed])
        self.put.append(("actionInteractions", request))

    @property
    def sent(self) -> list[str]:
        return [event["itemId"] for call in self.calls for event in call["eventList"]]


class Described:
    """DescribeDataset of action interactions; `trackers` are its answers, one after the other."""

    def __init__(self, *trackers: str | None) -> None:
        self.trackers, self.asked = list(trackers or ["own-tracker"]), 0

    def describe_dataset(self, **request: Any) -> dict[str, Any]:
        assert request == {"datasetArn": ACTIONS_ARN}
        found = self.trackers[min(self.asked, len(self.trackers) - 1)]
        self.asked += 1
        if found is None:
            raise ClientError(
                {"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "DescribeDataset"
            )
        return {"dataset": {"datasetArn": ACTIONS_ARN, "trackingId": found}}


def settings(**interactions: Any) -> Environment:
    return Environment(
        control_table="control",
        raw_bucket="raw",
        dataset_group="osusume-dev",
        tracking_id="tracker",
        streamed=interactions.pop("streamed", ["click", "favourite"]),
        log_attributes=ATTRIBUTES,
        timestamp_format=interactions.pop("timestamp_format", "milliseconds"),
        interactions=interactions,
        powertools_metrics_namespace="n",
    )


def image(
    item: str | None = "i1", *, user: str | None = "u1", kind: str = "click", at: int = AT, **more: Any
) -> Any:
    given = {"event_type": {"S": kind}, "timestamp": {"N": str(at * 1000 + 7)}}
    given |= {"user_id": {"S": user}} if user is not None else {}
    given |= {"item_id": {"S": item}} if item is not None else {}
    return given | {name: value for name, value in more.items() if value is not None}


def record(new: Any, *, number: int = 1, old: Any = None, name: str | None = None) -> dict[str, Any]:
    change = {
        "Keys": {"user_id": {"S": "u1"}, "event_key": {"S": f"id#{number}"}},
        "SequenceNumber": f"{number:05}",
        "ApproximateCreationDateTime": NOW.timestamp() - 5,
        "NewImage": new,
        "OldImage": old,
    }
    told = {key: value for key, value in change.items() if value is not None}
    return {"eventName": name or ("MODIFY" if old else "INSERT"), "dynamodb": told}


def streamed(
    *given: Any,
    tracker: Tracker | None = None,
    opened: dict[str, int] | None = None,
    now: datetime = NOW,
    environment: Environment | None = None,
    datasets: dict[str, Any] | None = None,
    personalize: Described | None = None,
) -> tuple[dict[str, Any], Tracker, list[dict[str, Any]]]:
    """(answer, what was sent, what was quarantined)"""
    opened = {"click": OPENED} if opened is None else opened
    item = {
        "pk": {"S": STREAMING.format(dataset_group="osusume-dev")},
        "opened": {"M": {kind: {"N": str(at)} for kind, at in opened.items()}},
    }
    s3, tracker = S3(), tracker or Tracker()
    clients = {"dynamodb": DynamoDB(item), "personalize-events": tracker, "s3": s3}
    clients["personalize"] = personalize or Described()
    answer = run(
        list(given),
        clients=clients.__getitem__,
        settings=environment or settings(),
        datasets=datasets or {},
        now=now,
    )
    rows = [json.loads(line) for body in s3.objects.values() for line in body.decode().splitlines()]
    return answer, tracker, rows


def failures(answer: dict[str, Any]) -> list[str]:
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def test_an_event_is_sent_as_the_import_would_have_it() -> None:
    more = {"value": {"N": "12.5"}, "session_id": {"S": "visit"}, "recommendation_id": {"S": "RID-1"}}
    more |= {
        "impression": {"L": [{"S": "i1"}, {"N": "2"}, {"S": "a|b"}]},
        "device": {"S": "phone"},
        "age": {"N": "3"},
    }
    fields = [
        {"name": "DEVICE_KIND", "attribute": "device", "categorical": True},
        {"name": "AGE", "type": "int", "attribute": "age", "nullable": True},
    ]
    given = settings(impressions=True, recommendation_ids=True, fields=fields)
    _, tracker, _ = streamed(record(image(**more)), environment=given)
    [call] = tracker.calls
    keys = '{"event_key":{"S":"id#1"},"user_id":{"S":"u1"}}'
    assert call == {
        "trackingId": "tracker",
        "userId": "u1",
        "sessionId": "visit",
        "eventList": [
            {
                "eventId": hashlib.sha256(keys.encode()).hexdigest(),
                "eventType": "click",
                "itemId": "i1",
                "sentAt": datetime.fromtimestamp(AT, tz=UTC),
                "eventValue": 12.5,
                "properties": '{"deviceKind":"phone","age":3}',
                "impression": ["i1", "2"],
                "recommendationId": "RID-1",
            }
        ],
    }


def test_what_is_not_configured_is_not_sent_with_it() -> None:
    more = {"recommendation_id": {"S": "RID-1"}, "impression": {"SS": ["i1"]}, "device": {"S": "phone"}}
    _, tracker, _ = streamed(record(image(**more)))
    [event] = tracker.calls[0]["eventList"]
    assert set(event) == {"eventId", "eventType", "itemId", "sentAt"}
    assert tracker.calls[0]["sessionId"] == "u1", "PutEvents requires one"


def test_a_list_of_ours_is_never_sent_as_personalizes() -> None:
    given = settings(recommendation_ids=True)
    _, tracker, _ = streamed(record(image(recommendation_id={"S": "ours-1"})), environment=given)
    assert "recommendationId" not in tracker.calls[0]["eventList"][0]


@pytest.mark.parametrize(
    ("new", "old", "name"),
    [
        (image(at=OPENED - 1), None, None),  # the import has it
        (image(kind="impression"), None, None),
        (image(kind="favourite"), None, None),  # configured, and not opened: the import has it
        (None, image(), "REMOVE"),
        (image("i2"), image("i1"), None),  # sent when it was new: nobody takes an event back
        (
            image(None, kind="view"),
            None,
            None,
        ),  # of a type that is nothing to Personalize, it may lack an item
    ],
)
def test_what_the_import_has_or_nobody_wants_is_passed_over(new: Any, old: Any, name: str | None) -> None:
    answer, tracker, rows = streamed(record(new, old=old, name=name))
    assert (failures(answer), tracker.calls, rows) == ([], [], [])


def test_each_record_comes_by_one_way_and_not_by_both() -> None:
    """The second that opens belongs to the stream; glue_jobs' `imported` has the same border."""
    _, tracker, _ = streamed(
        *(record(image(f"i{at}", at=at), number=at) for at in (OPENED - 1, OPENED, OPENED + 1))
    )
    assert tracker.sent == [f"i{OPENED}", f"i{OPENED + 1}"]


def test_before_the_first_run_nothing_is_sent() -> None:
    answer, tracker, rows = streamed(record(image()), opened={})
    assert (failures(answer), tracker.calls, rows) == ([], [], [])


@pytest.mark.parametrize("old", [image(None), image(at=OPENED - 5), image(kind="view"), image("i" * 300)])
def test_a_correction_of_what_could_not_be_sent_is_sent(old: Any) -> None:
    _, tracker, _ = streamed(record(image("i2"), old=old))
    assert tracker.sent == ["i2"]


NAN = {"S": "NaN"}


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (image(None), "missing_item_id"),
        (image(user=None), "missing_user_id"),
        (image("  "), "missing_item_id"),
        (image("i" * 257), "item_id_too_long"),
        (image(user="u" * 257), "user_id_too_long"),
        (image(item_id={"L": []}), "missing_item_id"),
        (image(value={"S": "cheap"}), "unparsable_event_value"),
        (image(value=NAN), "unparsable_event_value"),
        (image(value={"N": "1e19"}), "unparsable_event_value"),
        (image(value={"M": {}}), "unparsable_event_value"),
        (image(timestamp={"S": "yesterday"}), "unparsable_timestamp"),
        (image(timestamp={"S": f"{AT}"}), "timestamp_in_seconds"),
        (image(timestamp={"S": f"{AT}000\n"}), "unparsable_timestamp"),
        (image(timestamp={"S": "١٧٩٨٧٦١٦٠٠٠٠٠"}), "unparsable_timestamp"),
        (image(timestamp={"NULL": True}), "unparsable_timestamp"),
        (image(at=int(NOW.timestamp()) + 3700), "future_timestamp"),
    ],
)
def test_a_wrong_record_is_quarantined_with_the_preparations_reason(new: Any, reason: str) -> None:
    answer, tracker, rows = streamed(record(new), record(image("good"), number=2))
    assert (failures(answer), tracker.sent) == ([], ["good"])
    [row] = rows
    assert (row["reason"], row["event_type"], row["sequence_number"]) == (reason, "click", "00001")
    assert "u1" not in json.dumps(row), "nothing in it names a user"


@pytest.mark.parametrize(
    ("field", "attribute", "reason"),
    [
        ({"type": "string"}, None, "missing_device"),
        ({"type": "string"}, {"S": "x" * 1001}, "device_too_long"),
        ({"type": "int"}, {"S": "1.5"}, "unparsable_device"),
        ({"type": "int"}, {"N": str(2**31)}, "unparsable_device"),
        ({"type": "double"}, {"S": "Infinity"}, "unparsable_device"),
        ({"type": "boolean"}, {"S": "perhaps"}, "unparsable_device"),
        ({"type": "string", "categorical": True}, {"S": "|".join(["x" * 900] * 2)}, "properties_too_long"),
    ],
)
def test_a_wrong_contextual_field_is_quarantined(field: Any, attribute: Any, reason: str) -> None:
    given = settings(fields=[{"name": "DEVICE", "attribute": "device", **field}])
    _, tracker, rows = streamed(record(image(device=attribute)), environment=given)
    assert (tracker.sent, [row["reason"] for row in rows]) == ([], [reason])


@pytest.mark.parametrize(
    ("form", "stored"),
    [
        ("seconds", {"N": f"{AT}.25"}),
        ("iso", {"S": datetime.fromtimestamp(AT, tz=UTC).isoformat()}),
        ("iso", {"S": datetime.fromtimestamp(AT, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")}),
    ],
)
def test_times_are_read_in_the_logs_format(form: str, stored: Any) -> None:
    _, tracker, _ = streamed(record(image(timestamp=stored)), environment=settings(timestamp_format=form))
    assert tracker.calls[0]["eventList"][0]["sentAt"].timestamp() == AT


def test_a_stream_of_keys_alone_is_quarantined_and_not_passed_over() -> None:
    _, _, rows = streamed(record(None))
    assert [row["reason"] for row in rows] == ["stream_without_new_image"]


def test_ten_events_of_a_session_are_a_call_in_their_order() -> None:
    given = [record(image(f"i{n}", session_id={"S": f"s{n % 2}"}), number=n) for n in range(24)]
    _, tracker, _ = streamed(*given)
    assert sorted(len(call["eventList"]) for call in tracker.calls) == [2, 2, 10, 10]
    for session in ("s0", "s1"):
        calls = [call for call in tracker.calls if call["sessionId"] == session]
        longest = max(calls, key=lambda call: len(call["eventList"]))["eventList"]
        items = [int(event["itemId"][1:]) for event in longest]
        assert items == sorted(items)


def test_a_record_that_is_delivered_twice_is_one_event() -> None:
    _, tracker, _ = streamed(record(image()), record(image()))
    assert tracker.sent == ["i1"]


def test_one_event_that_personalize_refuses_takes_no_other_with_it() -> None:
    given = [record(image(item), number=n) for n, item in enumerate(("i1", "bad", "i3"))]
    answer, tracker, rows = streamed(*given, tracker=Tracker(refuses=("bad",)))
    assert (failures(answer), sorted(tracker.sent)) == ([], ["i1", "i3"])
    assert [(row["reason"], row["sequence_number"]) for row in rows] == [("refused_by_personalize", "00001")]


def test_a_refusal_of_everything_may_be_the_trackers_fault_and_is_tried_again() -> None:
    """A tracker that was deleted refuses like an event that is wrong: nothing is quarantined for it in a hurry."""
    wrong = Tracker(refuses=("i1",))
    answer, _, rows = streamed(record(image()), tracker=wrong)
    assert (failures(answer), rows) == (["00001"], [])
    late = NOW + timedelta(seconds=PATIENCE_SECONDS)
    answer, _, rows = streamed(record(image()), tracker=wrong, now=late)
    assert (failures(answer), len(rows)) == ([], 1)


def test_what_could_not_be_sent_is_delivered_again_and_the_wrong_stay_known() -> None:
    answer, _, rows = streamed(
        record(image(), number=1), record(image(None), number=2), tracker=Tracker(down=True)
    )
    assert (failures(answer), [row["sequence_number"] for row in rows]) == (["00001"], ["00002"])


def test_another_session_is_sent_while_one_fails() -> None:
    class Half(Tracker):
        def put_events(self, **request: Any) -> None:
            self.down = request["userId"] == "u2"
            super().put_events(**request)

    events = [record(image("a"), number=1), record(image("b", user="u2"), number=2)]
    answer, tracker, _ = streamed(*events, tracker=Half())
    assert (failures(answer), tracker.sent) == (["00002"], ["a"])


@given(
    users=st.lists(st.sampled_from(["a", "b", "c"]), max_size=60),
    width=st.integers(min_value=1, max_value=7),
)
def test_calls_hold_every_event_once(users: list[str], width: int) -> None:
    events = [
        Sent(
            sequence=str(n),
            written_at=0,
            event_id=str(n),
            kind="click",
            identity=str(n),
            session=(user, str(n % width)),
            member={"eventId": str(n)},
        )
        for n, user in enumerate(users)
    ]
    made = list(sending.calls(events))
    assert sorted(event.sequence for call in made for event in call) == sorted(map(str, range(len(users))))
    for call in made:
        assert 1 <= len(call) <= sending.MOST
        assert len({event.session for event in call}) == 1


_values = st.recursive(
    st.one_of(
        st.text("ai|0129.-:TZ \n\u2028é😀", max_size=8).map(lambda text: {"S": text}),
        st.integers().map(lambda number: {"N": str(number)}),
        st.sampled_from([{"NULL": True}, {"BOOL": True}, {"B": "AA=="}, {"SS": ["a"]}, {"NS": ["1"]}, {}]),
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda listed: {"L": listed}),
    max_leaves=5,
)


@given(more=st.dictionaries(st.sampled_from([*filter(None, ATTRIBUTES.values()), "device"]), _values))
def test_no_item_stops_the_stream_and_none_is_lost(more: dict[str, Any]) -> None:
    """Whatever an application stores: it is sent in a form that the API's model takes, passed over, or quarantined."""
    given = settings(
        impressions=True, recommendation_ids=True, fields=[{"name": "DEVICE", "attribute": "device"}]
    )
    new = image() | more
    answer, tracker, rows = streamed(record(new), environment=given)
    kind = records.understood(record(new), _rules(given))
    assert failures(answer) == []
    assert len(tracker.sent) + len(rows) == (0 if kind in ("ignored", "imported") else 1)


def _rules(given: Environment) -> records.Rules:
    return records.Rules(
        configured=frozenset(given.streamed),
        opened={"click": OPENED},
        attributes=given.log_attributes,
        timestamp_format=given.timestamp_format,
        interactions=given.interactions,
        latest=int(NOW.timestamp()) + 3600,
    )


ITEM_FIELDS = [
    {"name": "ITEM_ID", "attribute": "item_id"},
    {"name": "CREATION_TIMESTAMP", "type": "long", "attribute": "created_at", "nullable": True},
    {"name": "CATEGORY_L1", "attribute": "department", "categorical": True, "nullable": True},
    {"name": "PRICE", "type": "double", "attribute": "price"},
    {"name": "IN_STOCK", "type": "boolean", "attribute": "in_stock", "nullable": True},
]
ITEMS_ARN, USERS_ARN = (ACTIONS_ARN.replace("ACTION_INTERACTIONS", name) for name in ("ITEMS", "USERS"))
DATASETS: dict[str, Any] = {
    "put_items": {"arn": ITEMS_ARN, "type": "item_changed", "key": "ITEM_ID", "fields": ITEM_FIELDS},
    "put_users": {
        "arn": USERS_ARN,
        "type": "user_changed",
        "key": "USER_ID",
        "fields": [
            {"name": "USER_ID", "attribute": "user_id"},
            {"name": "AGE", "attribute": "age", "categorical": True, "nullable": True},
        ],
    },
    "put_action_interactions": {
        "arn": ACTIONS_ARN,
        "meanings": {"offer_taken": "Taken", "offer_seen": "Viewed"},
    },
}
ACTING = {"click": OPENED, "offer_taken": OPENED, "offer_seen": OPENED}


def everything() -> Environment:
    return settings(streamed=["click", "offer_taken", "offer_seen"])


def entry(item: str | None = "i1", *, price: Any = None, **more: Any) -> Any:
    """An item of the log that is an item of the shop."""
    given = {"event_type": {"S": "item_changed"}, "user_id": {"S": "catalogue"}}
    given |= {"price": {"N": "2.50"} if price is None else price}
    given |= {"item_id": {"S": item}} if item is not None else {}
    return given | more


def put(*given: Any, **more: Any) -> tuple[dict[str, Any], Tracker, list[dict[str, Any]]]:
    more = {"environment": everything(), "datasets": DATASETS, "opened": ACTING, **more}
    return streamed(*given, **more)


def members(tracker: Tracker, name: str) -> list[dict[str, Any]]:
    return [one for kind, request in tracker.put for one in request.get(name, ()) if kind == name]


def test_a_new_item_is_put_with_its_properties_in_camel_case_and_without_what_is_empty() -> None:
    more = {"created_at": {"N": f"{AT}250"}, "department": {"S": "toys|games"}, "in_stock": {"BOOL": False}}
    _, tracker, _ = put(
        record(entry("new", **more)), record(entry("bare", department={"NULL": True}), number=2)
    )
    assert tracker.put == [
        (
            "items",
            {
                "datasetArn": ITEMS_ARN,
                "items": [
                    {
                        "itemId": "new",
                        "properties": f'{{"creationTimestamp":{AT},"categoryL1":"toys|games",'
                        '"price":2.5,"inStock":false}',
                    },
                    {"itemId": "bare", "properties": '{"price":2.5}'},
                ],
            },
        )
    ]
    assert tracker.calls == [], "it is no event"


def test_a_user_is_put_and_one_without_properties_too() -> None:
    users = [{"event_type": {"S": "user_changed"}, "user_id": {"S": f"u{n}"}} for n in range(2)]
    _, tracker, _ = put(record(users[0] | {"age": {"S": "25-34"}}), record(users[1], number=2))
    assert tracker.put == [
        (
            "users",
            {
                "datasetArn": USERS_ARN,
                "users": [{"userId": "u0", "properties": '{"age":"25-34"}'}, {"userId": "u1"}],
            },
        )
    ]


def test_of_an_item_that_changes_twice_the_last_is_put_and_a_change_is_no_correction() -> None:
    given = [record(entry("a", price={"N": str(n)}), old=entry("a"), number=n + 1) for n in range(3)]
    answer, tracker, rows = put(*given, record(entry("b"), number=9))
    assert (failures(answer), rows) == ([], [])
    assert [json.loads(one["properties"])["price"] for one in members(tracker, "items")] == [2, 2.5]


def test_items_are_put_before_any_moment_was_noted() -> None:
    """By id one replaces the other, so that it may come by both ways."""
    _, tracker, _ = put(record(entry()), opened={})
    assert len(tracker.put) == 1


def test_ten_items_are_a_call() -> None:
    _, tracker, _ = put(*(record(entry(f"i{n}"), number=n + 1) for n in range(24)))
    assert [len(request["items"]) for _, request in tracker.put] in ([10, 10, 4], [10, 4, 10], [4, 10, 10])


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (entry(None), "missing_item_id"),
        (entry(" "), "missing_item_id"),
        (entry("i" * 257), "item_id_too_long"),
        (entry(item_id={"L": []}), "unparsable_item_id"),
        (entry(price={"NULL": True}), "missing_price"),
        (entry(price={"S": "cheap"}), "unparsable_price"),
        (entry(price={"S": "NaN"}), "unparsable_price"),
        (entry(department={"S": "x" * 1001}), "category_l1_too_long"),
        (entry(department={"L": [{"S": "toys"}]}), "unparsable_category_l1"),
        (entry(created_at={"S": "yesterday"}), "unparsable_creation_timestamp"),
        (entry(created_at={"N": f"{AT}"}), "unparsable_creation_timestamp"),
        (entry(created_at={"N": "253402300799000"}), "creation_timestamp_out_of_bounds"),
        (entry(in_stock={"S": "perhaps"}), "unparsable_in_stock"),
        (entry(department={"S": "|".join(["x" * 1000] * 40)}), "properties_too_long"),
    ],
)
def test_a_wrong_item_is_quarantined_and_others_are_put(new: Any, reason: str) -> None:
    answer, tracker, rows = put(record(new), record(entry("good"), number=2))
    assert (failures(answer), [one["itemId"] for one in members(tracker, "items")]) == ([], ["good"])
    assert [(row["reason"], row["event_type"], row["sequence_number"]) for row in rows] == [
        (reason, "item_changed", "00001")
    ]


def test_an_item_that_personalize_refuses_holds_nobody_up() -> None:
    """The next run brings it; after a field was added, the dataset has it by that run only, and all are refused."""
    given = [record(entry("bad")), record(image("clicked"), number=2)]
    answer, tracker, rows = put(*given, tracker=Tracker(refuses=("bad",)))
    assert (failures(answer), tracker.sent) == ([], ["clicked"])
    assert [row["reason"] for row in rows] == ["refused_by_personalize"]


def test_a_refused_event_is_tried_again_though_items_were_taken() -> None:
    """What an item's call says nothing about is the event tracker's health."""
    given = [record(entry()), record(image("bad"), number=2)]
    answer, _, rows = put(*given, tracker=Tracker(refuses=("bad",)))
    assert (failures(answer), rows) == (["00002"], [])


def test_items_that_could_not_be_put_are_delivered_again() -> None:
    answer, _, rows = put(record(entry()), tracker=Tracker(down=True))
    assert (failures(answer), rows) == (["00001"], [])


def test_an_item_that_the_log_forgets_is_passed_over() -> None:
    """Personalize takes no item back."""
    answer, tracker, rows = put(record(None, old=entry(), name="REMOVE"))
    assert (failures(answer), tracker.put, rows) == ([], [], [])


def acted(action: str | None = "join", *, kind: str = "offer_taken", **more: Any) -> Any:
    return image(None, kind=kind, **({"action_id": {"S": action}} if action else {}), **more)


def test_an_event_about_an_action_is_sent_to_the_datasets_own_tracker_as_the_import_would_have_it() -> None:
    given = record(acted(session_id={"S": "visit"}, value={"N": "3"}, impression={"L": [{"S": "x"}]}))
    _, tracker, _ = put(given)
    keys = '{"event_key":{"S":"id#1"},"user_id":{"S":"u1"}}'
    [(_, request)] = tracker.put
    assert request == {
        "trackingId": "own-tracker",
        "actionInteractions": [
            {
                "eventId": hashlib.sha256(keys.encode()).hexdigest(),
                "actionId": "join",
                "userId": "u1",
                "sessionId": "visit",
                "timestamp": datetime.fromtimestamp(AT, tz=UTC),
                "eventType": "Taken",
            }
        ],
    }


def test_events_about_actions_come_by_one_way_too() -> None:
    given = [record(acted(f"a{at}", at=at), number=at) for at in (OPENED - 1, OPENED)]
    corrected = record(acted("other"), old=acted("join"), number=1)
    _, tracker, _ = put(*given, corrected)
    assert [one["actionId"] for one in members(tracker, "actionInteractions")] == [f"a{OPENED}"]


def test_ten_events_about_actions_of_several_users_are_a_call() -> None:
    given = [record(acted(f"a{n}", user=f"u{n}"), number=n + 1) for n in range(12)]
    _, tracker, _ = put(*given)
    assert sorted(len(request["actionInteractions"]) for _, request in tracker.put) == [2, 10]


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (acted(None), "missing_action_id"),
        (acted("a" * 257), "action_id_too_long"),
        (acted(user=None), "missing_user_id"),
        (acted(value={"S": "much"}), "unparsable_event_value"),
        (acted(at=int(NOW.timestamp()) + 3700), "future_timestamp"),
    ],
)
def test_a_wrong_event_about_an_action_is_quarantined(new: Any, reason: str) -> None:
    answer, tracker, rows = put(record(new))
    assert (failures(answer), tracker.put, [row["reason"] for row in rows]) == ([], [], [reason])


def test_a_dataset_that_is_not_there_yet_is_asked_again() -> None:
    asked = Described(None, "own-tracker")
    answer, tracker, rows = put(record(acted()), personalize=asked)
    assert (failures(answer), tracker.put, rows) == (["00001"], [], [])
    _, tracker, _ = put(record(acted()), personalize=asked)
    _, again, _ = put(record(acted()), personalize=asked)
    assert [request["trackingId"] for _, request in (*tracker.put, *again.put)] == ["own-tracker"] * 2
    assert asked.asked == 2, "and the answer is kept"


def test_a_dataset_that_was_made_anew_has_another_tracker() -> None:
    class Gone(Tracker):
        def put_action_interactions(self, **request: Any) -> None:
            if request["trackingId"] == "old":
                raise ClientError(
                    {"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "PutActionInteractions"
                )
            super().put_action_interactions(**request)

    asked = Described("old", "new")
    answer, _, _ = put(record(acted()), personalize=asked, tracker=Gone())
    assert failures(answer) == ["00001"]
    _, tracker, _ = put(record(acted()), personalize=asked, tracker=Gone())
    assert [request["trackingId"] for _, request in tracker.put] == ["new"]


def test_an_item_that_clicks_and_actions_share_a_batch_with_comes_to_its_own_operation() -> None:
    given = [record(image("seen")), record(entry("new"), number=2), record(acted(), number=3)]
    _, tracker, _ = put(*given)
    assert tracker.sent == ["seen"]
    assert {kind for kind, _ in tracker.put} == {"items", "actionInteractions"}


@given(more=st.dictionaries(st.sampled_from([one["attribute"] for one in ITEM_FIELDS]), _values))
def test_no_item_of_the_shop_stops_the_stream_and_none_is_lost(more: dict[str, Any]) -> None:
    answer, tracker, rows = put(record(entry() | more))
    assert failures(answer) == []
    assert len(members(tracker, "items")) + len(rows) == 1
