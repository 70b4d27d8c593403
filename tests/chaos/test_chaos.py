"""The random plans of `make chaos`, and what it notices after a run."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from local.chaos.command import fired
from local.chaos.invariants import TRACES, Before, broken
from local.chaos.line import Outcome
from local.chaos.plans import random_plan
from local.demo.history import Failure
from osusume_endpoint.faults.plan import Kind
from osusume_endpoint.signed import RequestRefused

QUIET: dict[str, Any] = {"fired": [], "seen": {}}
THROTTLED: dict[str, Any] = {
    "fired": [{"fault": "rules.0", "kind": "throttle", "what": "s3:PutObject", "number": n} for n in (2, 3)],
    "seen": {"rules.0": 7},
}


def test_a_seed_is_one_plan_and_plans_differ() -> None:
    plans = [random_plan(seed) for seed in range(300)]
    assert plans == [random_plan(seed) for seed in range(300)]
    assert len({plan.text() for plan in plans}) == 300


def test_random_plans_have_every_kind_of_fault() -> None:
    plans = [random_plan(seed) for seed in range(300)]
    kinds = {rule.kind for plan in plans for rule in plan.rules}
    assert kinds == set(get_args(Kind)) - {"access_denied"}  # that one no retry can mend
    assert {kill.of for plan in plans for kill in plan.kills} == {"lambda", "glue", "postgres"}
    assert any(plan.disks for plan in plans)


def test_every_kind_of_fault_has_its_traces() -> None:
    assert set(get_args(Kind)) | {"kill", "full disk"} == set(TRACES)


def test_what_fired_is_told_by_call_and_number() -> None:
    assert fired(THROTTLED) == ["throttle of s3:PutObject, 2 x (call 2, 3 of 7; rules.0)"]
    assert fired(QUIET) == ["nothing: no call or process was met"]


class World:
    """A line after a run that went well; a test spoils one thing."""

    def __init__(self, home: Path) -> None:
        self.endpoint = SimpleNamespace(home=home)
        names = SimpleNamespace(datasets_bucket="datasets", results_bucket="results")
        self.settings = SimpleNamespace(names=names)
        self.current = {"personal": "run2", "popular": "run2"}
        self.stored = {"a", "b"}
        self.items = [{"itemId": "1"}]
        self.source = "personal"
        self.answered = ""  # a version other than the pointer's
        self.body = gzip.compress(b"{}")
        self.lock = False

    def pointers(self) -> dict[str, str]:
        return dict(self.current)

    def served(self) -> dict[str, Any]:
        answers = {
            n: {"items": self.items, "source": n, "version": self.answered or v}
            for n, v in self.current.items()
        }
        if "personal" in answers:
            answers["personal"]["source"] = self.source
        return answers

    def published_keys(self, name: str, version: str) -> set[str]:
        return {"a", "b"}

    def stored_keys(self, name: str, version: str) -> set[str]:
        return self.stored

    def objects(self, bucket: str, prefix: str) -> list[tuple[str, bytes]]:
        return [(f"{prefix}part.json.gz", self.body)]

    def locked(self) -> bool:
        return self.lock


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


BEFORE = Before(
    pointers={"personal": "run1", "popular": "run1"},
    served={name: {"items": [{"itemId": "9"}], "version": "run1"} for name in ("personal", "popular")},
)
SUCCEEDED = Outcome("SUCCEEDED", 1.0, run_id="run2")
FAILED = Outcome("FAILED", 1.0, run_id="run2", failure=Failure("prepare", "S", "S3.SlowDown", "SlowDown"))


def _broken(world: World, outcome: Outcome = SUCCEEDED, report: dict[str, Any] = QUIET) -> list[str]:
    return broken(world, BEFORE, outcome, report)  # type: ignore[arg-type]


def test_nothing_is_broken_after_a_run_that_went_well(world: World) -> None:
    assert _broken(world) == []


def test_what_is_left_of_a_user_who_is_being_forgotten_may_be_in_one_place_only(world: World) -> None:
    world.stored = {"a", "b", "c"}
    assert broken(world, BEFORE, SUCCEEDED, QUIET, leaving=["c"]) == []  # type: ignore[arg-type]
    [problem, _] = broken(world, BEFORE, SUCCEEDED, QUIET, leaving=["a"])  # type: ignore[arg-type]
    assert "0 keys are missing, 1 are too many" in problem


def test_a_failed_run_may_leave_what_served_before(world: World) -> None:
    world.current = {"personal": "run1", "popular": "run1"}
    world.items = [{"itemId": "9"}]
    assert _broken(world, FAILED, THROTTLED) == []


@pytest.mark.parametrize(
    ("spoiled", "sentence"),
    [
        ({"current": {"personal": "run0", "popular": "run2"}}, "the list personal serves run0, neither run1"),
        (
            {"current": {"personal": "run1", "popular": "run2"}},
            "succeeded, and the list personal still serves",
        ),
        ({"current": {"popular": "run2"}}, "the list personal serves None"),
        ({"stored": {"a"}}, "the list personal serves version run2: 1 keys are missing, 0 are too many"),
        ({"stored": {"a", "b", "c"}}, "0 keys are missing, 1 are too many"),
        ({"items": []}, "the API answers for personal with"),
        ({"source": "popular"}, "the API answers for personal with"),
        ({"answered": "run0"}, "the API answers for personal with"),
        ({"answered": "run1"}, "changed though its version run1 did not"),
        ({"body": gzip.compress(b"{}")[:-4]}, "s3://datasets/runs/run2/part.json.gz is cut off"),
        ({"lock": True}, "holds its lock"),
    ],
)
def test_what_must_hold_and_does_not_is_told(world: World, spoiled: dict[str, Any], sentence: str) -> None:
    vars(world).update(spoiled)
    assert any(sentence in problem for problem in _broken(world))


def test_an_answer_that_changed_without_its_version_is_told(world: World) -> None:
    world.current = {"personal": "run1", "popular": "run1"}
    assert any("changed though its version run1 did not" in p for p in _broken(world, FAILED, THROTTLED))


def test_a_reader_may_serve_the_version_from_before_for_a_while(world: World) -> None:
    world.answered, world.items = "run1", [{"itemId": "9"}]
    assert _broken(world) == []


def test_half_an_object_is_told(world: World, tmp_path: Path) -> None:
    (tmp_path / "s3").mkdir()
    (tmp_path / "s3" / "k.tmp").touch()
    assert any("is half an object" in problem for problem in _broken(world))


def test_an_api_that_refuses_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: World) -> dict[str, Any]:
        raise RequestRefused("GET /v1/popular: 502")

    monkeypatch.setattr(World, "served", refuse)
    assert "the API refuses: GET /v1/popular: 502" in _broken(world)


def test_an_error_that_names_no_fault_is_told(world: World) -> None:
    other = Outcome("FAILED", 1.0, run_id="run2", failure=Failure("prepare", "S", "KeyError", "'x'"))
    assert any("names no fault that was set" in problem for problem in _broken(world, other, THROTTLED))
    assert not any("names no fault" in problem for problem in _broken(world, FAILED, THROTTLED))


def test_a_run_that_does_not_end_is_told(world: World) -> None:
    assert any("NOT ENDED after 600 s" in p for p in _broken(world, Outcome("NOT ENDED", 600.0)))
