from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from lambdas.get_recommendations.breaker import Breaker
from lambdas.get_recommendations.ranking import CorruptList, Listed, decode, listed
from lambdas.get_recommendations.store import Pointer, Store, chosen
from lambdas.get_recommendations.table import Key, StoreUnavailable
from lambdas.shared.user_state import UserState


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeTable:
    """Items by (pk, sk)."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str | None], dict[str, Any]] = {}
        self.broken = False
        self.calls: list[list[str]] = []

    def publish(self, name: str, version: str, item: str, previous: str | None = None) -> None:
        self.point(name, version, previous)
        self.items[f"{name}#everyone", version] = {"items": {"S": f'[["{item}",1]]'}}

    def point(self, name: str, version: str, previous: str | None = None) -> None:
        more = {"previous": {"S": previous}} if previous else {}
        self.items[f"pointer#{name}", "pointer"] = {"current": {"S": version}, **more}

    def get(self, keys: Sequence[Key]) -> Any:
        self.calls.append([key.pk for key in keys])
        if self.broken:
            raise StoreUnavailable("broken")
        return {key: self.items[key.pk, key.sk] for key in keys if (key.pk, key.sk) in self.items}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table() -> FakeTable:
    made = FakeTable()
    made.publish("popular", "v1", "a")
    return made


def made(table: FakeTable, clock: Clock, *names: str) -> Store:
    return Store(
        table=table,  # type: ignore[arg-type]
        clock=clock,
        recommendations="lists",
        user_state="state",
        names=names or ("popular",),
    )


def ids(found: Listed | None) -> list[str]:
    assert found is not None
    return [item for item, _ in found.items]


def test_a_publish_reaches_readers_after_30_seconds(clock: Clock, table: FakeTable) -> None:
    store = made(table, clock)
    assert store.find_everyones("popular")[1] == "v1"
    table.publish("popular", "v2", "b", previous="v1")
    clock.now += 29.9
    assert store.find_everyones("popular")[1] == "v1"
    clock.now += 0.2
    found, version, stale = store.find_everyones("popular")
    assert (ids(found), version, stale) == (["b"], "v2", False)


def test_a_run_that_another_process_answered_from_is_looked_for_at_once(
    clock: Clock, table: FakeTable
) -> None:
    store = made(table, clock)
    assert store.versions().of == {"popular": "v1"}
    table.publish("popular", "v2", "b", previous="v1")
    asked = len(table.calls)
    assert store.versions("v2").of == {"popular": "v2"} and len(table.calls) == asked + 1
    assert store.versions("v1").of == {"popular": "v1"} and len(table.calls) == asked + 1, (
        "it may be read still"
    )
    assert store.versions("v0").of == {"popular": "v2"} and len(table.calls) == asked + 1, "it is gone"
    assert store.versions("v9").of == {"popular": "v2"} and len(table.calls) == asked + 2, "there is none"


def test_an_old_answer_stands_in_however_old_when_the_table_is_down(clock: Clock, table: FakeTable) -> None:
    store = made(table, clock)
    assert store.find_everyones("popular")[2] is False
    table.broken = True
    clock.now += 86_400
    found, _, stale = store.find_everyones("popular")
    assert (ids(found), stale) == (["a"], True)


def test_an_old_list_stands_in_where_the_new_one_can_t_be_read(clock: Clock, table: FakeTable) -> None:
    store = made(table, clock)
    store.find_everyones("popular")
    table.point("popular", "v2", previous="v1")  # whose list is lost
    clock.now += 60
    found, version, stale = store.find_everyones("popular")
    assert (ids(found), version, stale) == (["a"], "v1", True)


def test_an_old_answer_is_replaced_once_the_table_is_back(clock: Clock, table: FakeTable) -> None:
    store = made(table, clock)
    store.find_everyones("popular")
    table.broken = True
    clock.now += 60
    store.find_everyones("popular")
    table.broken = False
    assert store.find_everyones("popular")[2] is False


def test_with_nothing_to_stand_in_the_fault_is_told(clock: Clock, table: FakeTable) -> None:
    table.broken = True
    with pytest.raises(StoreUnavailable):
        made(table, clock).find_everyones("popular")


def test_a_pointer_that_makes_no_sense_leaves_the_one_before_it_and_says_so(
    clock: Clock, table: FakeTable
) -> None:
    table.publish("personal", "v1", "p")
    store = made(table, clock, "popular", "personal")
    assert store.versions().of == {"popular": "v1", "personal": "v1"}
    table.items["pointer#popular", "pointer"] = {"current": {"N": "1"}}
    clock.now += 60
    versions = store.versions()
    assert (versions.of["popular"], versions.corrupt, versions.stale) == ("v1", {"popular"}, False)


def pointers(**versions: tuple[str, str | None]) -> dict[str, Pointer]:
    return {name: Pointer(*pair) for name, pair in versions.items()}


@pytest.mark.parametrize(
    ("given", "run", "read"),
    [
        ({"a": ("r2", "r1"), "b": ("r2", "r1")}, None, {"a": "r2", "b": "r2"}),
        # While run 3 is published: one pointer has moved.
        ({"a": ("r3", "r2"), "b": ("r2", "r1")}, None, {"a": "r2", "b": "r2"}),
        # One list was rolled back: the others read the same run.
        ({"a": ("r2", "r3"), "b": ("r3", "r2")}, None, {"a": "r2", "b": "r2"}),
        # A list that is new, or whose swaps failed twice, has no run in common with the others.
        ({"a": ("r3", "r2"), "b": ("r3", "r3")}, None, {"a": "r3", "b": "r3"}),
        ({"a": ("r4", "r3"), "b": ("r2", "r1")}, None, {"a": "r4", "b": "r2"}),
        # A run that the reader pins.
        ({"a": ("r3", "r2"), "b": ("r3", "r2")}, "r2", {"a": "r2", "b": "r2"}),
        ({"a": ("r3", "r2"), "b": ("r3", "r2")}, "r1", {"a": "r3", "b": "r3"}),
        ({"a": ("r3", "r2"), "b": ("r3", None)}, "r2", {"a": "r3", "b": "r3"}),
        ({}, None, {}),
    ],
)
def test_all_lists_are_read_of_one_run_where_all_have_it(
    given: dict[str, tuple[str, str | None]], run: str | None, read: dict[str, str]
) -> None:
    assert chosen(pointers(**given), run) == read


def test_whatever_moment_of_a_publication_is_read_no_two_lists_are_of_different_runs() -> None:
    """Every order in which the pointers may move, and every rollback of all, one after the other."""
    for order in itertools.permutations("abc"):
        state = dict.fromkeys("abc", ("r2", "r1"))
        for name in order:
            state[name] = ("r3", "r2")
            assert len(set(chosen(pointers(**state)).values())) == 1
        for name in order:
            state[name] = ("r2", "r3")
            assert len(set(chosen(pointers(**state)).values())) == 1


def test_a_user_s_lists_and_state_are_one_call_once_the_pointers_are_known(
    clock: Clock, table: FakeTable
) -> None:
    table.publish("personal", "v1", "p")
    table.items["personal#u", "v1"] = {"items": {"S": '[["p",1]]'}}
    table.items["u", None] = {"deeds": {"SS": ["s|100|p", "c|90|p"]}}
    store = made(table, clock, "popular", "personal")
    store.versions()
    table.calls.clear()
    found = store.find([("personal", "u")], user="u")
    assert table.calls == [["personal#u", "u"]]
    assert ids(found.lists["personal", "u"]) == ["p"]
    assert (found.state.shown, found.state.clicked) == ({"p": [100]}, {"p": 90})


@pytest.mark.parametrize(
    "deeds", [{"S": "x"}, {"SS": ["x"]}, {"SS": ["s|x|a"]}, {"SS": ["z|1|a"]}, {"SS": [1]}]
)
def test_a_state_that_makes_no_sense_is_told_and_loses_nobody_a_list(
    clock: Clock, table: FakeTable, deeds: Any
) -> None:
    table.publish("personal", "v1", "p")
    table.items["personal#u", "v1"] = {"items": {"S": '[["p",1]]'}}
    table.items["u", None] = {"deeds": deeds}
    found = made(table, clock, "popular", "personal").find([("personal", "u")], user="u")
    assert ids(found.lists["personal", "u"]) == ["p"]
    assert found.state == UserState() and found.state_fault is not None


@pytest.mark.parametrize(
    "more",
    [
        {"facts": {"S": "["}},
        {"facts": {"S": '{"A":["x","y"]}'}},
        {"facts": {"S": '{"A":[1]}'}},
        {"facts": {"N": "1"}},
        {"bought": {"S": "[]"}},
        {"bought": {"S": '{"a":1}'}},
        {"profile": {"S": "[]"}},
        {"profile": {"S": '{"first":1}'}},
        {"profile": {"S": '{"last":null}'}},
        {"profile": {"S": '{"attributes":{"AGE":1}}'}},
        {"profile": {"S": '{"attributes":["AGE"]}'}},
        {"profile": {"S": '{"bought_in":{"BRAND":{"X":1}}}'}},
        {"profile": {"S": '{"bought_in":["BRAND"]}'}},
    ],
)
def test_facts_that_fit_no_list_are_corrupt(more: Any) -> None:
    with pytest.raises(CorruptList):
        listed({"items": {"S": '[["a",1]]'}, **more})


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
