"""Readers go back to the version before, all of them or none, and forward again."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from config import layout
from operations import rollback
from operations.place import ENDPOINT, Place, Refused
from tests import example

OLD, NEW, OLDER = "20261126T030000Z", "20261127T030000Z", "20261125T030000Z"
LISTS = ("personal", "popular", "related")
KEYS = {"personal": "u1", "popular": "everyone", "related": "i1"}


def texts(**values: str) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in values.items()}


def put(place: Place, table: str, item: Mapping[str, Any]) -> None:
    place.client("dynamodb").put_item(TableName=table, Item=item)


@pytest.fixture(autouse=True)
def published(place: Place) -> None:
    """Two versions of each list, the newer one serving."""
    table = place.names.recommendations_table
    for name in LISTS:
        put(place, table, {
            **texts(pk=f"pointer#{name}", sk="pointer", current=NEW, previous=OLD),
            **texts(solution_version_arn=f"arn:{name}/new", previous_solution_version_arn=f"arn:{name}/old"),
        })  # fmt: skip
        put(
            place,
            table,
            {**texts(pk=f"versions#{name}", sk="versions"), "versions": {"SS": [OLD, NEW]}},
        )
        for version in (OLD, NEW):
            put(place, table, texts(pk=f"{name}#{KEYS[name]}", sk=version, items='[["a",1]]'))
            line = json.dumps({"list": name, "key": KEYS[name], "items": [["a", 1]]}) + "\n"
            key = f"{layout.PUBLISH.of(run_id=version, solution=name)}part-0.txt.gz"
            place.client("s3").put_object(
                Bucket=place.names.results_bucket, Key=key, Body=gzip.compress(line.encode() * 3)
            )


def pointer(place: Place, name: str) -> dict[str, str]:
    return rollback.control.read(
        place,
        table=place.names.recommendations_table,
        key={"pk": f"pointer#{name}", "sk": "pointer"},
    )


def currents(place: Place) -> list[str]:
    return [pointer(place, name)["current"] for name in LISTS]


def test_a_list_goes_back_and_forward_again(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    rollback.rollback(place, lists="personal")
    assert currents(place) == [OLD, NEW, NEW]
    back = pointer(place, "personal")
    assert (back["previous"], back["solution_version_arn"]) == (NEW, "arn:personal/old")
    assert back["previous_solution_version_arn"] == "arn:personal/new"
    assert "VERSION=arn:personal/old" in capsys.readouterr().out
    rollback.rollback(place, lists="personal")
    assert currents(place) == [NEW, NEW, NEW]
    assert pointer(place, "personal")["solution_version_arn"] == "arn:personal/new"


def test_a_pointer_that_names_no_version_before_takes_it_from_the_runs_record(place: Place) -> None:
    table = place.names.recommendations_table
    before = texts(pk="pointer#personal", sk="pointer", current=NEW, previous=OLD)
    put(place, table, {**before, **texts(solution_version_arn="arn:personal/new")})
    put(
        place,
        place.names.control_table,
        texts(pk=f"run#{OLD}", versions=json.dumps({"personal": "arn:of-the-run"})),
    )
    rollback.rollback(place, lists="personal")
    assert pointer(place, "personal")["solution_version_arn"] == "arn:of-the-run"


@contextmanager
def readers(place: Place, count: int) -> Iterator[list[tuple[str, ...]]]:
    """Threads that read every pointer at one moment, and the list that it names, as readers do."""
    seen: list[tuple[str, ...]] = []
    ended = threading.Event()
    threads = [threading.Thread(target=_read, args=(place, seen, ended)) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _read(place: Place, seen: list[tuple[str, ...]], ended: threading.Event) -> None:
    client, table = place.client("dynamodb"), place.names.recommendations_table
    wanted = [
        {"Get": {"TableName": table, "Key": texts(pk=f"pointer#{name}", sk="pointer")}} for name in LISTS
    ]
    while not ended.is_set():
        answers = client.transact_get_items(TransactItems=wanted)["Responses"]
        versions = tuple(answer["Item"]["current"]["S"] for answer in answers)
        for name, version in zip(LISTS, versions, strict=True):
            key = texts(pk=f"{name}#{KEYS[name]}", sk=version)
            found = client.get_item(TableName=table, Key=key)
            versions = versions if "Item" in found else (*versions, f"no list of {name} {version}")
        seen.append(versions)


def test_readers_see_every_list_of_one_version_whatever_moves(place: Place) -> None:
    with readers(place, 4) as seen:
        for _ in range(20):
            rollback.rollback(place, lists="all")
    assert set(seen) <= {(OLD,) * 3, (NEW,) * 3}
    assert {(OLD,) * 3, (NEW,) * 3} == set(seen), f"{len(seen)} reads met one version only"


def test_two_who_roll_back_at_once_move_a_list_once_or_are_told(place: Place) -> None:
    told: list[str] = []

    def go() -> None:
        try:
            rollback.rollback(place, lists="all")
            told.append("moved")
        except Refused as error:
            told.append(str(error))

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moves = told.count("moved")
    assert currents(place) == [OLD if moves % 2 else NEW] * 3
    assert all("moved meanwhile" in line for line in told if line != "moved")


def lose_note(place: Place) -> None:
    table = place.names.recommendations_table
    put(place, table, {**texts(pk="versions#related", sk="versions"), "versions": {"SS": [NEW]}})


def lose_list(place: Place) -> None:
    key = texts(pk="related#i1", sk=OLD)
    place.client("dynamodb").delete_item(TableName=place.names.recommendations_table, Key=key)


def begin_to_expire(place: Place) -> None:
    retired = {**texts(pk="related#i1", sk=OLD, items="[]"), "expires_at": {"N": "1800000000"}}
    put(place, place.names.recommendations_table, retired)


@pytest.mark.parametrize("lose", [lose_note, lose_list, begin_to_expire])
def test_lists_that_are_gone_can_not_come_back_and_nothing_moves(place: Place, lose: Any) -> None:
    lose(place)
    with pytest.raises(Refused, match=f"the lists related of version {OLD} exist no longer"):
        rollback.rollback(place, lists="all")
    assert currents(place) == [NEW] * 3


def test_the_first_version_has_none_behind_it(place: Place) -> None:
    first = texts(pk="pointer#personal", sk="pointer", current=NEW, previous=NEW)
    put(place, place.names.recommendations_table, first)
    with pytest.raises(Refused, match="is the first version of the list personal"):
        rollback.rollback(place, lists="personal")


@pytest.mark.parametrize(("given", "told"), [("", "no list is named"), ("popula", "'popula' is not")])
def test_a_list_that_is_not_configured_is_refused_with_those_that_are(
    place: Place, given: str, told: str
) -> None:
    with pytest.raises(Refused, match=told) as refused:
        rollback.rollback(place, lists=given)
    assert "personal, related, popular or all" in str(refused.value)


def with_a_campaign(place: Place) -> Place:
    rising = {
        "name": "rising",
        "recipe": "aws-trending-now",
        "for_each": "everyone",
        "results": 3,
        "campaign": {"min_tps": 1},
    }
    return Place(example.settings(solutions=[*example.content()["solutions"], rising]), place.session)


def test_all_lists_are_those_that_have_versions(place: Place) -> None:
    assert rollback.rollback(with_a_campaign(place), lists="all") == 0
    assert currents(place) == [OLD] * 3


@pytest.mark.parametrize("given", ["rising", "personal,rising"])
def test_what_a_campaign_answers_is_refused_with_the_command_that_moves_it(place: Place, given: str) -> None:
    with pytest.raises(Refused, match="make promote SOLUTION=rising VERSION=previous"):
        rollback.rollback(with_a_campaign(place), lists=given)
    assert currents(place) == [NEW] * 3


def test_on_aws_the_environments_name_is_asked_for_first(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENDPOINT)
    with pytest.raises(Refused, match="Nothing was done: the answer was 'yes'"):
        rollback.rollback(place, lists="all", ask=lambda question: "yes")
    assert currents(place) == [NEW] * 3
    rollback.rollback(place, lists="all", ask=lambda question: "dev")
    assert currents(place) == [OLD] * 3


class Running:
    """Step Functions with a run of `recommend` that has entered the states given."""

    def __init__(self, *states: str) -> None:
        self._states = states

    def can_paginate(self, operation: str) -> bool:
        return True

    def get_paginator(self, operation: str) -> Any:
        pages = {
            "list_executions": [{"executions": [{"executionArn": "arn:e", "name": f"{NEW}-x"}]}],
            "get_execution_history": [
                {"events": [{"type": "x", "stateEnteredEventDetails": {"name": name}}]}
                for name in reversed(self._states)
            ],
        }
        return SimpleNamespace(paginate=lambda **arguments: pages[operation])


class Session:
    """The endpoint, but for Step Functions."""

    def __init__(self, place: Place, stepfunctions: Any) -> None:
        self._place, self._stepfunctions = place, stepfunctions

    def client(self, service: str) -> Any:
        return self._stepfunctions if service == "stepfunctions" else self._place.client(service)


def test_a_run_that_swaps_is_waited_for_and_one_that_infers_is_not(place: Place) -> None:
    swapping = Place(place.settings, Session(place, Running("Start", "PublishLists", "SwapPointers")))
    with pytest.raises(Refused, match=f"run {NEW}-x is moving the lists' pointers right now"):
        rollback.rollback(swapping, lists="personal")
    assert currents(place) == [NEW] * 3
    inferring = Place(place.settings, Session(place, Running("Start", "InferLists")))
    rollback.rollback(inferring, lists="personal")
    assert currents(place) == [OLD, NEW, NEW]
