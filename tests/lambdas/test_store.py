from __future__ import annotations

from typing import Any

import pytest

from lambdas.get_recommendations.breaker import Breaker
from lambdas.get_recommendations.ranking import CorruptList, decode
from lambdas.get_recommendations.store import Store
from lambdas.get_recommendations.table import StoreUnavailable


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeTable:
    def __init__(self, **items: dict[str, Any]) -> None:
        self.items = {name.replace("__", "#"): item for name, item in items.items()}
        self.broken = False

    def get(self, *, pk: str, sk: str) -> Any:
        if self.broken:
            raise StoreUnavailable("broken")
        item = self.items.get(pk)
        return item if item is None or sk in ("pointer", item.get("version")) else None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table() -> FakeTable:
    return FakeTable(
        pointer__popular={"current": {"S": "v1"}},
        popular__everyone={"items": {"S": '[["a",1]]'}, "version": "v1"},
    )


def test_a_publish_reaches_readers_after_30_seconds(clock: Clock, table: FakeTable) -> None:
    store = Store(table=table, clock=clock)  # type: ignore[arg-type]
    assert store.find("popular", "everyone").value.version == "v1"  # type: ignore[union-attr]
    table.items["pointer#popular"] = {"current": {"S": "v2"}}
    table.items["popular#everyone"] = {"items": {"S": '[["b",1]]'}, "version": "v2"}
    clock.now += 29.9
    assert store.find("popular", "everyone").value is None, "the pointer is kept, the old list is gone here"
    clock.now += 0.2
    assert store.find("popular", "everyone").value.version == "v2"  # type: ignore[union-attr]


def test_an_old_answer_stands_in_however_old_when_the_table_is_down(clock: Clock, table: FakeTable) -> None:
    store = Store(table=table, clock=clock)  # type: ignore[arg-type]
    assert store.find_everyones("popular", "everyone").stale is False
    table.broken = True
    clock.now += 86_400
    found = store.find_everyones("popular", "everyone")
    assert (found.value.items, found.stale) == ((("a", 1),), True)  # type: ignore[union-attr]


def test_an_old_answer_is_replaced_once_the_table_is_back(clock: Clock, table: FakeTable) -> None:
    store = Store(table=table, clock=clock)  # type: ignore[arg-type]
    store.find_everyones("popular", "everyone")
    table.broken = True
    clock.now += 60
    store.find_everyones("popular", "everyone")
    table.broken = False
    assert store.find_everyones("popular", "everyone").stale is False


def test_with_nothing_to_stand_in_the_fault_is_told(clock: Clock, table: FakeTable) -> None:
    table.broken = True
    with pytest.raises(StoreUnavailable):
        Store(table=table, clock=clock).find_everyones("popular", "everyone")  # type: ignore[arg-type]


def test_a_breaker_opens_at_five_faults_in_a_row_and_lets_one_call_try_after_a_second(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(4):
        breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    clock.now += 0.99
    assert not breaker.allows()
    clock.now += 0.02
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows(), "the trial failed"
    clock.now += 1.01
    breaker.succeeded()
    assert breaker.allows()


def test_a_success_between_faults_keeps_the_breaker_closed(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(4):
        breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.allows()


@pytest.mark.parametrize(
    "text", ["", "[", "{}", "[]", "null", "7", '["ab"]', '[["a"]]', "[[1,2]]", '[["a","b"]]', '[["a",true]]']
)
def test_what_is_no_list_of_id_and_score_is_corrupt(text: str) -> None:
    with pytest.raises(CorruptList):
        decode(text)


def test_a_score_may_be_null_or_a_whole_number() -> None:
    assert decode('[["a",null],["b",1],["c",0.5]]') == (("a", None), ("b", 1), ("c", 0.5))
