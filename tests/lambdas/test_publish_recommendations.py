from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from config import layout
from lambdas.publish_recommendations.environment import Environment
from lambdas.publish_recommendations.handler import run
from lambdas.publish_recommendations.lists import CorruptList, ListTooLarge
from lambdas.publish_recommendations.writer import THROTTLED, WritesUnprocessed
from lambdas.shared.events import InvalidEvent
from osusume_endpoint.dynamodb.expiry import expired
from tests.lambdas.fakes import S3, DynamoDB

RUN = "20261124T030000Z"
EXPIRES = 1796698800


def line(key: str, items: Any = (("a", 0.5), ("b", None)), name: str = "personal") -> str:
    return json.dumps({"list": name, "key": key, "items": [list(pair) for pair in items]})


TIMEOUT = 600  # seconds, the function's


def published(
    *files: list[str],
    dynamodb: DynamoDB | None = None,
    waits: list[float] | None = None,
    expires_at: Any = None,
) -> Any:
    objects = {f"results/f{n}.gz": gzip.compress("\n".join(lines).encode()) for n, lines in enumerate(files)}
    event = {
        "run_id": RUN,
        "list": "personal",
        "version": RUN,
        "bucket": "results",
        "keys": [f"f{n}.gz" for n in range(len(files))],
        "expiry": expires_at,
    }
    table = dynamodb or DynamoDB()
    slept = waits if waits is not None else []
    answer = run(
        event,
        s3=S3(objects),
        dynamodb=table,
        settings=Environment("table"),
        sleep=slept.append,
        seconds_left=lambda: TIMEOUT - sum(slept),
    )
    return answer, table


ITEM = {"pk": {"S": "personal#u1"}, "sk": {"S": RUN}, "items": {"S": '[["a",0.5],["b",null]]'}}


def test_each_list_becomes_one_item_that_stays() -> None:
    answer, table = published([line("u1")])
    assert answer == {"written": 1}
    assert list(table.items.values()) == [ITEM]


def test_a_version_that_gave_way_is_written_again_with_an_expiry() -> None:
    _, table = published([line("u1")])
    answer, _ = published([line("u1")], dynamodb=table, expires_at=EXPIRES)
    assert answer == {"written": 1}
    assert list(table.items.values()) == [{**ITEM, "expires_at": {"N": str(EXPIRES)}}]


def test_after_sixty_days_without_a_run_what_serves_is_there_and_what_gave_way_is_not() -> None:
    """By the endpoint's time to live, which has AWS's rules."""
    _, serving = published([line("u1")])
    _, gave_way = published([line("u1")], expires_at=EXPIRES)
    later = EXPIRES + 60 * 86_400
    for table, gone in ((serving, False), (gave_way, True)):
        assert [expired(item, layout.EXPIRES, now=later) for item in table.items.values()] == [gone]


@pytest.mark.parametrize("wrong", ["soon", 1.5, True])
def test_an_expiry_that_is_no_whole_number_is_refused_before_anything_is_written(wrong: Any) -> None:
    table = DynamoDB()
    with pytest.raises(InvalidEvent, match="expiry"):
        published([line("u1")], dynamodb=table, expires_at=wrong)
    assert table.calls == 0


def test_all_files_are_written_in_batches_of_25() -> None:
    answer, table = published([line(f"u{n}") for n in range(60)], [line("v")])
    assert answer == {"written": 61}
    assert (len(table.items), table.calls) == (61, 4)


def test_publishing_twice_changes_nothing() -> None:
    _, table = published([line("u1"), line("u2")])
    before = dict(table.items)
    published([line("u1"), line("u2")], dynamodb=table)
    assert table.items == before and len(before) == 2


def test_what_dynamodb_did_not_process_is_sent_again_after_a_growing_wait() -> None:
    waits: list[float] = []
    answer, table = published([line("u1"), line("u2")], dynamodb=DynamoDB(refuse=3), waits=waits)
    assert answer == {"written": 2}
    assert len(table.items) == 2
    assert len(waits) == 3 and all(0 <= wait <= 0.05 * 2**n for n, wait in enumerate(waits, start=1))


def test_a_table_that_keeps_refusing_is_an_error_that_counts_what_is_left() -> None:
    dynamodb, waits = DynamoDB(refuse=10**6), list[float]()
    with pytest.raises(
        WritesUnprocessed, match=r"table table did not take 1 items in \d+ attempts"
    ) as raised:
        published([line("u1"), line("u2")], dynamodb=dynamodb, waits=waits)
    assert f"in {dynamodb.calls} attempts" in str(raised.value)
    assert TIMEOUT - 40 < sum(waits) <= TIMEOUT - 30, (
        "all of the function's time but what one more call takes"
    )


def test_a_table_that_refuses_for_minutes_is_written_in_the_end() -> None:
    waits: list[float] = []
    answer, table = published([line("u1"), line("u2")], dynamodb=DynamoDB(refuse=100), waits=waits)
    assert answer == {"written": 2} and len(table.items) == 2
    assert max(waits) <= 5


class Throttling(DynamoDB):
    """Takes nothing at all at first; BatchWriteItem raises then."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        if self.calls < 20:
            self.calls += 1
            raise ClientError({"Error": {"Code": self.code, "Message": "m"}}, "BatchWriteItem")
        return super().batch_write_item(RequestItems=RequestItems)


@pytest.mark.parametrize("code", THROTTLED)
def test_a_table_that_takes_nothing_at_all_is_waited_for_too(code: str) -> None:
    answer, table = published([line("u1")], dynamodb=Throttling(code))
    assert answer == {"written": 1} and len(table.items) == 1


def test_what_no_wait_mends_is_raised_at_once() -> None:
    dynamodb = Throttling("ResourceNotFoundException")
    with pytest.raises(ClientError):
        published([line("u1")], dynamodb=dynamodb)
    assert dynamodb.calls == 1


def test_a_key_twice_in_a_file_keeps_the_last() -> None:
    _, table = published([line("u1", [("old", 1.0)]), line("u1", [("new", 1.0)])])
    assert [item["items"]["S"] for item in table.items.values()] == ['[["new",1.0]]']


@pytest.mark.parametrize(
    "wrong",
    [
        "not json",
        "[]",
        "7",
        '{"list": "personal"}',
        line("u1", name="related"),
        line("u1", []),
        line(""),
        '{"list": "personal", "key": "u", "items": "ab"}',
    ],
)
def test_a_line_that_is_no_list_is_refused_with_file_and_line(wrong: str) -> None:
    dynamodb = DynamoDB()
    with pytest.raises(CorruptList, match=r"f0\.gz line 2"):
        published([line("u0"), wrong], dynamodb=dynamodb)


@pytest.mark.parametrize(
    "wrong", [line("u-secret", []), line("u-secret", name="related"), '{"key": "u-secret"}']
)
def test_what_is_said_of_a_line_that_is_refused_names_no_user(wrong: str) -> None:
    with pytest.raises(CorruptList) as raised:
        published([wrong], dynamodb=DynamoDB())
    assert "u-secret" not in str(raised.value)


def test_a_list_that_does_not_fit_into_an_item_is_refused_before_it_is_sent() -> None:
    dynamodb = DynamoDB()
    with pytest.raises(ListTooLarge, match="DynamoDB takes 409600: lower"):
        published([line("u1", [("x" * 1000, 0.1)] * 410)], dynamodb=dynamodb)
    assert dynamodb.calls == 0


def test_identifiers_keep_their_characters() -> None:
    _, table = published([line("日本", [("鮨🍣", 1.0)])])
    ((key, item),) = table.items.items()
    assert (key[0], item["items"]["S"]) == ("personal#日本", '[["鮨🍣",1.0]]')


def page(number: int, users: list[str], *, of: int) -> str:
    return json.dumps({"list": "personal", "key": "fans", "page": number, "pages": of, "items": users})


def test_a_segment_is_an_item_for_each_page_under_the_layouts_key() -> None:
    answer, table = published([page(1, ["u1", "u2"], of=2), page(2, ["u3"], of=2)])
    assert answer == {"written": 2}
    key = layout.SEGMENT.of(solution="personal", key="fans")
    found = {
        (item["pk"]["S"], item["sk"]["S"]): (json.loads(item["items"]["S"]), item["pages"]["N"])
        for item in table.items.values()
    }
    ranks = [layout.SEGMENT_SK.of(version=RUN, page=f"{n:0{layout.SEGMENT_PAGE_DIGITS}}") for n in (1, 2)]
    assert found == {(key, ranks[0]): (["u1", "u2"], "2"), (key, ranks[1]): (["u3"], "2")}


def test_a_full_page_of_the_longest_ids_fits_into_an_item() -> None:
    """256 characters of which JSON writes each as six."""
    users = ["\x01" * 252 + f"{number:04}" for number in range(layout.SEGMENT_PAGE)]
    answer, _ = published([page(1, users, of=1)])
    assert answer == {"written": 1}
