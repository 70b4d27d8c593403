"""Thirty seeds kill a process at every state of every workflow; what is counted, and the rows from source to API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from local.chaos import rows, workflows
from local.chaos.deeds import Deeds
from local.chaos.killing import SEEDS, killing, places_of
from local.chaos.rounds import Round, missed, table
from local.chaos.stories import STORIES
from local.chaos.workflows import REASONS, NoWorkflows, Place, State, unreached
from osusume_endpoint.faults.plan import Plan
from stacks.workflows import clean_up, forget, load, pipeline, prepare, recommend, train
from tests import example

MODULES = {"clean-up": clean_up, "forget": forget, "load": load, "pipeline": pipeline}
MODULES |= {"prepare": prepare, "recommend": recommend, "train": train}


@pytest.fixture(scope="module")
def states() -> dict[Place, State]:
    settings = example.settings()
    found: dict[Place, State] = {}
    for name, module in MODULES.items():
        found |= workflows.of(name, module.definition(settings))
    return found


@pytest.mark.parametrize("first", [0, 1, 30, 77])
def test_thirty_seeds_hit_every_state_that_can_be_entered(states: dict[Place, State], first: int) -> None:
    hit = {place for seed in range(first, first + SEEDS) for place in places_of(killing(seed, states).kills)}
    assert SEEDS == 30
    assert hit == {place for place in states if not unreached(place)}
    assert len(hit) > 200


def test_reasons_are_of_states_that_there_are(states: dict[Place, State]) -> None:
    assert sorted(set(REASONS) - set(states)) == []


def test_a_seed_is_one_plan_and_every_plan_is_one_that_the_endpoint_takes(states: dict[Place, State]) -> None:
    for seed in range(SEEDS):
        one = killing(seed, states)
        assert one == killing(seed, states)
        assert one.kills == Plan(seed=seed, kills=one.kills).kills
    assert killing(5, states).kills != killing(5 + SEEDS, states).kills


def test_every_kind_of_process_dies(states: dict[Place, State]) -> None:
    kills = [kill for seed in range(SEEDS) for kill in killing(seed, states).kills]
    assert {kill.of for kill in kills} == {"lambda", "glue", "training", "postgres", "endpoint"}
    targets = {kill.when: kill.target for kill in kills}
    assert targets["state:train:CreateVersion"] == "training:train"
    assert targets["state:prepare:ExtractAurora"].endswith("extract-aurora")
    assert targets["state:pipeline:PlanRun"].endswith("plan-run")


def test_the_endpoint_dies_once_at_most_in_a_seed(states: dict[Place, State]) -> None:
    deaths = [sum(kill.of == "endpoint" for kill in killing(seed, states).kills) for seed in range(SEEDS)]
    assert set(deaths) == {0, 1} and sum(deaths) >= 10


def test_each_story_has_states_for_its_seeds(states: dict[Place, State]) -> None:
    assert [story.name for story in STORIES] == list(dict.fromkeys(story.name for story in STORIES))
    assert all(killing(seed, states).kills for seed in range(SEEDS))


def test_templates_without_a_state_machine_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoWorkflows, match="make synth"):
        workflows.read(tmp_path, prefix="osusume-dev")


@pytest.fixture
def rounds(states: dict[Place, State]) -> Iterator[list[Round]]:
    one = killing(0, states)
    done = Round(one, left=list(one.kills))
    plan = Plan(kills=(*one.kills, *parse_kills("training:infer")))
    report = {"fired": [fired(place) for place in (0, len(one.kills))] + [{"kind": "throttle"}]}
    done.note(plan, report)
    yield [done]


def parse_kills(*targets: str) -> list[Any]:
    return list(Plan.model_validate({"kills": tuple({"target": target} for target in targets)}).kills)


def fired(place: int) -> dict[str, str]:
    return {"fault": f"kills.{place}", "kind": "kill"}


def test_what_fired_is_counted_by_state_and_what_provokes_beside_it(rounds: list[Round]) -> None:
    [done] = rounds
    assert len(done.left) == len(done.killing.kills) - 1
    assert sum(done.hits.values()) == 1 and dict(done.other) == {"training": 1}


def test_the_table_tells_kills_and_states(rounds: list[Round], states: dict[Place, State]) -> None:
    shown = table(rounds, states)
    assert "| postgres | 1 |" in shown and "| training | 1 |" in shown
    assert f"| **all** | {len(states)} |" in shown and "seeds 1, kills 2, broken 0" in shown
    assert len(missed(rounds, states)) == len(rounds[0].killing.kills) - 1


class Shop:
    """Counts of a run that lost nothing; a test spoils one thing."""

    def __init__(self) -> None:
        solution = SimpleNamespace(name="personal", for_each="user")
        self.line = SimpleNamespace(
            settings=SimpleNamespace(solutions=[solution]), stored_keys=lambda name, run: self.stored
        )
        self.there = {"users": 2, "items": 1, "interactions": 4}
        found = {
            "users": {"read": 2, "kept": 2, "quarantined": {}, "ignored": {}},
            "items": {"read": 1, "kept": 1, "quarantined": {}, "ignored": {}},
            "interactions": {"read": 4, "kept": 2, "quarantined": {"no item": 1}, "ignored": {"type": 1}},
        }
        self.reported: dict[str, Any] = {"datasets": found, "batch_input": {"users": 2}}
        self.files = {
            "users": [{"USER_ID": "a"}, {"USER_ID": "b"}],
            "items": [{"ITEM_ID": "i"}],
            "interactions": [{}, {}],
        }
        self.made = [{"key": "a", "items": ["i"]}, {"key": "b", "items": ["i"]}]
        self.stored = {"a", "b"}
        self.in_mart = {"personal": (2, 2)}

    def sources(self, report: dict[str, Any], forgotten: list[str]) -> dict[str, int]:
        return self.there

    def report(self, run_id: str) -> dict[str, Any]:
        return self.reported

    def dataset(self, run_id: str, dataset: str) -> list[dict[str, str]]:
        return self.files[dataset]

    def lists(self, run_id: str, solution: str) -> list[dict[str, Any]]:
        return self.made

    def mart(self, run_id: str) -> dict[str, tuple[int, int]]:
        return self.in_mart


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = Shop()
    monkeypatch.setattr(rows, "Counts", lambda line: shop)
    return shop


def test_no_row_is_lost_of_a_run_that_went_well(shop: Shop) -> None:
    assert rows.lost(shop.line, "run") == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spoiled", "sentence"),
    [
        (
            {"there": {"users": 3, "items": 1, "interactions": 4}},
            "the sources have 3 rows, the run run read 2",
        ),
        (
            {"files": {"users": [], "items": [], "interactions": []}},
            "users: 2 rows were kept, the files of run have 0",
        ),
        ({"made": [{"key": "a", "items": ["i"]}] * 2}, "1 lists come twice"),
        ({"made": [{"key": "a", "items": ["i"]}]}, "2 were to have lists, 1 have"),
        ({"stored": {"a"}}, "2 lists of run were made, the table has 1"),
        (
            {"in_mart": {"personal": (4, 2)}},
            r"2 entries of run were published, the mart has (rows, distinct) (4, 2)",
        ),
        ({"in_mart": {}}, r"the mart has (rows, distinct) (0, 0)"),
    ],
)
def test_a_row_that_is_lost_or_comes_twice_is_told(
    shop: Shop, spoiled: dict[str, Any], sentence: str
) -> None:
    vars(shop).update(spoiled)
    assert any(sentence in problem for problem in rows.lost(shop.line, "run"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("exported", "events"),
    [
        ({"3": ["served#old", "served#new", "click"]}, 4),
        ({"3": ["served#old", "click"]}, 3),  # what was served a minute before may have been in the queue
        ({"3": ["click"]}, 3),  # and what was served long before is lost
        ({"3": ["served#old", "served#gone", "click"]}, 4),  # the log forgot it as the endpoint was killed
        ({"2": ["served#gone"], "3": ["click"]}, 4),  # after the run before had exported it
        ({"2": ["served#gone"], "3": ["served#gone"]}, 4),
        ({"1": ["served#gone"], "3": ["click"]}, 3),  # the full export after it had it no more
        ({"2b": ["served#gone"], "3": ["click"]}, 3),  # a run that died and is in nobody's history
    ],
)
def test_what_the_api_served_counts_where_it_had_time_or_was_exported(
    monkeypatch: pytest.MonkeyPatch, exported: dict[str, list[str]], events: int
) -> None:
    end = datetime(2026, 11, 28, 20, 53, 25, tzinfo=UTC)
    seconds = {"served#old": -180, "served#new": -60, "served#later": 1, "click": 3600, "view": -9e6}
    log = [
        {
            "user_id": {"S": "u"},
            "event_id": {"S": name},
            "timestamp": {"N": f"{(end.timestamp() + at) * 1000:.0f}"},
        }
        for name, at in seconds.items()
    ]
    asked = SimpleNamespace(get_paginator=lambda name: SimpleNamespace(paginate=lambda **_: [{"Items": log}]))
    watermark = {"log_exported_until": {"S": f"{end:%Y-%m-%dT%H:%M:%SZ}"}}
    names = SimpleNamespace(raw_bucket="raw")

    def objects(bucket: str, prefix: str) -> Iterator[tuple[str, bytes]]:
        assert bucket == "raw"
        for run, read in exported.items():
            if prefix == f"events/run={run}/":
                file = BytesIO()
                pd.DataFrame({"event_id": read, "user_id": ["u"] * len(read)}).to_parquet(file)
                yield "part-0", file.getvalue()

    line: Any = SimpleNamespace(
        place=None,
        client=lambda _: asked,
        control=lambda pk: watermark,
        objects=objects,
        settings=SimpleNamespace(application_log_table="log", names=names),
    )
    monkeypatch.setattr(rows.queries, "application_rows", lambda place, sql: [[2, 1, 10]])
    report = {"event_runs": ["1", "2", "3"], "full_run": "2"}
    assert rows.Counts(line).sources(report, []) == {"users": 2, "items": 1, "interactions": 10 + events}


def test_a_row_that_is_neither_kept_nor_sorted_out_is_told(shop: Shop) -> None:
    shop.reported["datasets"]["interactions"]["quarantined"] = {}
    [problem] = rows.lost(shop.line, "run")  # type: ignore[arg-type]
    assert problem == "interactions: 4 rows were read, 2 kept, 1 quarantined or ignored"


def test_an_id_that_comes_twice_is_told(shop: Shop) -> None:
    shop.files["users"] = [{"USER_ID": "a"}, {"USER_ID": "a"}]
    [problem] = rows.lost(shop.line, "run")  # type: ignore[arg-type]
    assert problem == "users: 1 ids come twice in the files of run"


def test_the_database_is_waited_for_that_died_as_a_story_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [ConnectionRefusedError(), ConnectionRefusedError(), [[1]]]

    def ask(place: Any, sql: str) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(rows.queries, "application_rows", ask)
    line: Any = SimpleNamespace(place=None)
    Deeds(line).await_database()
    assert answers == []
