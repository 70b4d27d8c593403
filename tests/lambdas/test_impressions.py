"""What the API shows, from the answer to the log: once, whatever the queue does, and never at a reader's cost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from config import rules, serving
from lambdas.get_recommendations.breaker import FAULTS_TO_OPEN, Breaker
from lambdas.get_recommendations.impressions import Channel, Shown, served_as
from lambdas.get_recommendations.patience import Patience
from lambdas.get_recommendations.rules import Acted
from lambdas.record_events import events, exposures, handler, log, served
from lambdas.record_events.events import Rejected
from lambdas.shared import recommendation_ids, user_state
from lambdas.shared.assignment import Assignment
from tests import example
from tests.lambdas.test_record_events import NOW, SETTINGS, SHOWN, Tables

ANSWER = "01M85QXXW00000000000000000"  # of NOW
IN = Assignment(experiment="one", version="11111111", variant="b", layer="home")
HOLDOUT = Assignment(experiment="holdout", version="22222222", variant="takes-part", layer="home")
TESTER = Assignment(experiment="two", version="33333333", variant="c", layer="home", tester=True)
ODD = ["i 1", "\U0001f600", "\ufffe", "é", "#", "i" * 256]


def shown(**other: Any) -> Shown:
    given: dict[str, Any] = {
        "user": "u1",
        "recommendation": ANSWER,
        "placement": "home",
        "start": 0,
        "items": ["i1", "i2"],
        "assignments": (HOLDOUT, IN),
        "served_as": "personal;0;0;",
    }
    return Shown(**{**given, **other})


def record(one: Shown, *, name: str = "m1", at: float = NOW.timestamp()) -> dict[str, Any]:
    return {"messageId": name, "body": one.message(at=at)}


class Queue:
    """What the channel sends to; `fault` is called with each text first."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.reported: list[tuple[str, Exception]] = []
        self.fault: Any = None

    def send(self, text: str) -> None:
        if self.fault:
            self.fault(text)
        self.texts.append(text)

    def channel(self, *, seconds: float = 0.05) -> Channel:
        patience = Patience(clock=time.monotonic, seconds=seconds)
        return Channel(
            send=self.send,
            breaker=Breaker(time.monotonic),
            patience=patience,
            report=lambda source, error: self.reported.append((source, error)),
        )


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tables]:
    made = Tables()
    monkeypatch.setattr(handler, "settings", lambda: SETTINGS)
    monkeypatch.setattr(handler, "client", lambda _: made)
    monkeypatch.setattr(exposures, "document", lambda: serving.content(example.settings())["experiments"])
    yield made


def delivered(*records: dict[str, Any]) -> list[str]:
    """Ids of the messages that the queue delivers again."""
    answer = handler.handler({"Records": list(records)}, None)
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def lines(tables: Tables) -> list[dict[str, str]]:
    return [json.loads(line) for text in tables.objects.values() for line in text.splitlines()]


def test_an_answer_becomes_one_event_with_place_placement_variant_and_id(tables: Tables) -> None:
    assert delivered(record(shown(start=25))) == []
    item = tables.log["u1", f"id#served#25#home#one#b#{ANSWER}"]
    assert item["impression"] == {"L": [{"S": "i1"}, {"S": "i2"}]}
    assert (item["event_type"], item["recommendation_id"]) == ({"S": "impression"}, {"S": ANSWER})
    assert item["timestamp"] == {"N": str(round(NOW.timestamp() * 1000))}


def acted(rule: str, items: int) -> Acted:
    return Acted(rule, "exclude", tuple((f"i{n}", n, None) for n in range(items)), ())


def test_an_event_says_how_its_answer_came_about(tables: Tables) -> None:
    told = served_as(
        source="popular", degraded=True, fallback=True, acted=[acted("a", 1), acted("b-c", 2), acted("a", 3)]
    )
    assert told == "popular;1;1;a=4,b-c=2"
    assert delivered(record(shown(served_as=told))) == []
    [item] = tables.log.values()
    assert item["served_as"] == {"S": told}


def test_of_very_many_rules_those_that_did_the_most_are_named_and_the_others_counted() -> None:
    rules = [acted(f"{'r' * 37}{n:03}", n) for n in range(1, 101)]
    told = served_as(source="personal", degraded=False, fallback=False, acted=rules)
    named = [one.split("=") for one in told.split(";")[3].split(",")]
    assert [int(count) for _, count in named] == [*range(100, 80, -1), sum(range(1, 81))]
    assert named[-1][0] == "_others" and len(told) < 1024


def test_a_message_of_a_function_that_did_not_know_yet_is_kept(tables: Tables) -> None:
    """Messages wait in the queue while a deployment replaces both functions."""
    message = json.loads(shown().message(at=NOW.timestamp()))
    del message["servedAs"]
    assert delivered({"messageId": "m1", "body": json.dumps(message)}) == []
    [item] = tables.log.values()
    assert "served_as" not in item


def test_what_was_shown_exposes_its_user_to_each_assignment_but_a_tester_s(tables: Tables) -> None:
    assert delivered(record(shown(assignments=(HOLDOUT, IN, TESTER)))) == []
    found = {
        (line["experiment"], line["variant"], line["unit_id"], line["placement"]) for line in lines(tables)
    }
    assert found == {("holdout", "takes-part", "u1", "home"), ("one", "b", "u1", "home")}


def test_an_answer_that_is_delivered_or_repeated_again_is_one(tables: Tables) -> None:
    later = NOW.timestamp() + 3600  # a 304, under the same name
    assert delivered(record(shown()), record(shown(), name="m2", at=later)) == []
    assert delivered(record(shown())) == []
    assert len(tables.log) == 1
    assert {len(times) for times in state(tables).shown.values()} == {1}


def state(tables: Tables, user: str = "u1") -> user_state.UserState:
    return user_state.decode({"deeds": {"SS": list(tables.state[user])}})


def test_the_application_s_own_word_of_an_answer_is_the_same_showing_to_rules(tables: Tables) -> None:
    at = recommendation_ids.answered_at(ANSWER)
    assert at is not None
    told = {**SHOWN, "recommendationId": ANSWER, "occurredAt": moment(at + 7)}
    now = datetime.fromtimestamp(at + 10, tz=UTC)
    delivered(record(shown(), at=at))
    handler.run([told], clients=lambda _: tables, settings=SETTINGS, now=now)
    assert state(tables).shown == {"i1": [at], "i2": [at]}
    assert len(tables.log) == 2, "the warehouse has both, and takes the application's"


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("name", ["r", ANSWER.lower(), ANSWER + "0", "8" + ANSWER[1:], None, "١" * 26])
def test_a_name_that_no_answer_has_leaves_the_event_its_own_time(name: str | None) -> None:
    event = events.event({**SHOWN, "recommendationId": name}, now=NOW)
    assert log.by_user([event]) == {"u1": ["s|1795489199|i1", "s|1795489199|i2"]}


def test_an_answer_that_is_not_of_that_time_leaves_the_event_its_own(tables: Tables) -> None:
    """An id that somebody made up, or a page that stood open for weeks."""
    for name in ("00000000000000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"):
        event = events.event({**SHOWN, "recommendationId": name}, now=NOW)
        assert log.by_user([event])["u1"][0] == "s|1795489199|i1"


def test_an_id_says_when_its_answer_was() -> None:
    before = int(time.time())
    found = recommendation_ids.answered_at(recommendation_ids.new_id())
    assert found is not None and before <= found <= time.time()


def test_applications_don_t_name_events_as_the_api_does() -> None:
    with pytest.raises(Rejected, match="served#") as refused:
        events.event({**SHOWN, "eventId": "served#0#home###x"}, now=NOW)
    assert refused.value.code == "reserved-id"


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", "null", '{"recommendationId": 1}', '{"shownAt": "x"}', '"text"', "{", "1e400"]
)
def test_a_message_that_makes_no_sense_is_kept_for_people_and_holds_up_no_other(
    tables: Tables, body: str
) -> None:
    assert delivered({"messageId": "bad", "body": body}, record(shown())) == ["bad"]
    assert len(tables.log) == 1


def test_what_the_log_refuses_comes_again_and_the_others_of_its_batch_are_kept(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = tables.put_item

    def put_item(**given: Any) -> None:
        if given["Item"]["user_id"]["S"] == "u2":
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")
        put(**given)

    monkeypatch.setattr(tables, "put_item", put_item)
    assert delivered(record(shown()), record(shown(user="u2"), name="m2")) == ["m2"]
    assert set(tables.state) == {"u1"}
    monkeypatch.setattr(tables, "put_item", put)
    assert delivered(record(shown(user="u2"), name="m2")) == []
    assert len(tables.log) == 2


def test_a_state_that_is_not_written_brings_the_batch_back(tables: Tables) -> None:
    tables.fail_state = True
    with pytest.raises(ClientError):
        delivered(record(shown()))
    tables.fail_state = False
    assert delivered(record(shown())) == []
    assert (len(tables.log), len(lines(tables))) == (1, 2)


def test_ids_of_any_characters_pass_through_the_queue(tables: Tables) -> None:
    message = shown(items=ODD, user="\ufffe 大")
    assert message.message(at=0).isascii(), "SQS refuses U+FFFE and its like"
    assert delivered(record(message)) == []
    kept = next(iter(tables.log.values()))
    assert [one["S"] for one in kept["impression"]["L"]] == ODD and kept["user_id"]["S"] == "\ufffe 大"


def test_the_largest_answer_fits_into_a_message() -> None:
    """SQS takes 1,048,576 bytes (developer guide, "Message quotas"); 262,144 before August 2025."""
    largest = shown(items=["大" * 256] * 100, user="大" * 256)
    assert len(largest.message(at=0)) < 262_144


def test_a_hundred_reads_leave_what_the_user_did() -> None:
    now = 10**9
    bought = f"b|{now - 100 * user_state.DAY}|x"
    showings = [f"s|{now - n}|i{n}" for n in range(2 * user_state.MOST_DEEDS)]
    assert bought not in user_state.spare([*showings, bought], now=now)
    assert len(user_state.spare([*showings, bought], now=now)) == user_state.MOST_DEEDS + 1


def refused(_: str) -> None:
    raise ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessage")


def hang(_: str) -> None:
    time.sleep(1)


@pytest.mark.parametrize("fault", [refused, hang], ids=["refused", "hanging"])
def test_a_queue_that_fails_costs_a_reader_its_time_out_and_soon_nothing(queue: Queue, fault: Any) -> None:
    queue.fault, channel = fault, queue.channel(seconds=0.05)
    took = []
    for _ in range(FAULTS_TO_OPEN + 5):
        began = time.perf_counter()
        assert not channel.put(shown())
        took.append(time.perf_counter() - began)
    assert max(took) < 0.5, "half of what the queue hangs"
    assert max(took[FAULTS_TO_OPEN:]) < 0.04, "the breaker is open"
    assert {source for source, _ in queue.reported} == {"impressions"}


def test_a_queue_that_answers_takes_what_is_shown(queue: Queue) -> None:
    before = threading.active_count()
    channel = queue.channel()
    assert all(channel.put(shown()) for _ in range(5))
    assert json.loads(queue.texts[0])["itemIds"] == ["i1", "i2"]
    assert threading.active_count() <= before + 1, "one thread sends for all"


def test_the_event_s_type_is_the_configuration_s() -> None:
    message = json.loads(shown().message(at=0))
    assert served.served(message).event.type == rules.SERVED_EVENT
