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
from lambdas.stream_events.records import Event
from tests.lambdas.fakes import S3, DynamoDB

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
OPENED = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
AT = OPENED + 3600
SHAPE: Any = (
    botocore.session.get_session()
    .get_service_model("personalize-events")
    .operation_model("PutEvents")
    .input_shape
)
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
    "ACTION_ID": None,
}


class Tracker:
    """PutEvents, whose requests are checked against botocore's model. `refuses` are items that no tracker takes."""

    def __init__(self, *, refuses: tuple[str, ...] = (), down: bool = False) -> None:
        self.calls: list[dict[str, Any]] = []
        self.refuses, self.down = refuses, down

    def put_events(self, **request: Any) -> None:
        report = ParamValidator().validate(request, SHAPE)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())
        items = [event["itemId"] for event in request["eventList"]]
        if self.down:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slowly"}}, "PutEvents")
        if set(items) & set(self.refuses):
            raise ClientError({"Error": {"Code": "InvalidInputException", "Message": "no"}}, "PutEvents")
        self.calls.append(request)

    @property
    def sent(self) -> list[str]:
        return [event["itemId"] for call in self.calls for event in call["eventList"]]


def settings(**interactions: Any) -> Environment:
    return Environment(
        control_table="control",
        raw_bucket="raw",
        dataset_group="osusume-dev",
        tracking_id="tracker",
        streamed=["click", "favourite"],
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
) -> tuple[dict[str, Any], Tracker, list[dict[str, Any]]]:
    """(answer, what was sent, what was quarantined)"""
    opened = {"click": OPENED} if opened is None else opened
    item = {
        "pk": {"S": STREAMING.format(dataset_group="osusume-dev")},
        "opened": {"M": {kind: {"N": str(at)} for kind, at in opened.items()}},
    }
    s3, tracker = S3(), tracker or Tracker()
    clients = {"dynamodb": DynamoDB(item), "personalize-events": tracker, "s3": s3}
    answer = run(list(given), clients=clients.__getitem__, settings=environment or settings(), now=now)
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
        Event(sequence=str(n), written_at=0, user=user, session=str(n % width), event={"eventId": str(n)})
        for n, user in enumerate(users)
    ]
    made = list(sending.calls(events))
    assert sorted(event.sequence for call in made for event in call) == sorted(map(str, range(len(users))))
    for call in made:
        assert 1 <= len(call) <= sending.MOST
        assert len({(event.user, event.session) for event in call}) == 1


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
