"""A run is started with a solution version that is named: which, and what is refused."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from config import layout
from operations import executions, recommend
from operations.place import Place, Refused
from tests import example
from tests.operations.test_promote import NEW, OLD, Session, trained  # noqa: F401  the fixture
from tests.operations.test_promote import PREFIX as SOLUTION


class Starting(Session):
    """Notes what is started; the rest as promoting has it."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.started = list[dict[str, Any]]()

    def client(self, service: str) -> Any:
        return self if service == "stepfunctions" else super().client(service)

    def start_execution(self, **given: Any) -> dict[str, str]:
        self.started.append(given)
        return {"executionArn": "arn:started"}


@pytest.fixture
def starting(trained: Place) -> tuple[Place, Starting]:  # noqa: F811
    session = Starting(trained)
    return Place(trained.settings, session), session


@pytest.mark.parametrize(
    ("solution", "version"),
    [("", OLD), ("personal", OLD), ("personal", "old"), ("personal", "20261125T030000Z")],
)
def test_a_run_is_started_with_the_version_by_any_of_its_names(
    starting: tuple[Place, Starting], solution: str, version: str
) -> None:
    place, session = starting
    assert recommend.recommend(place, solution=solution, version=version) == 0
    [one] = session.started
    assert one["stateMachineArn"] == place.names.workflow_arn("pipeline")
    assert json.loads(one["input"]) == {"mode": "auto", "versions": {"personal": OLD}}


@pytest.mark.parametrize(
    ("solution", "version", "told"),
    [
        ("", "", "SOLUTION_VERSION='' is no ARN of a version of a configured solution"),
        ("", "old", "SOLUTION= with one of personal, related, popular"),
        ("", NEW.replace("-dev-", "-prod-"), "is no ARN of a version of a configured solution"),
        ("", f"{SOLUTION}-b-cc/x", "is no ARN of a version of a configured solution"),
        ("personnel", OLD, "the solution 'personnel' is not configured"),
        ("related", OLD, "of related"),
        ("personal", f"{SOLUTION}-bbbb2222/failed", "is CREATE FAILED: name a version that is ACTIVE"),
        ("personal", f"{SOLUTION}-bbbb2222/items", "is of aws-similar-items"),
        ("personal", f"{SOLUTION}-aaaa1111/none", "no version is"),
    ],
)
def test_what_cannot_recommend_is_refused_and_nothing_is_started(
    starting: tuple[Place, Starting], solution: str, version: str, told: str
) -> None:
    place, session = starting
    with pytest.raises(Refused, match="Nothing was done") as refused:
        recommend.recommend(place, solution=solution, version=version)
    assert told in str(refused.value)
    assert session.started == []


class Marking(Starting):
    """Notes items of tables, too."""

    def client(self, service: str) -> Any:
        return self if service == "dynamodb" else super().client(service)

    def put_item(self, **given: Any) -> None:
        self.started.append(given)


def marking(trained: Place, **schedule: Any) -> tuple[Place, Marking]:  # noqa: F811
    settings = example.settings(schedule=schedule)
    session = Marking(trained)
    return Place(settings, session), session


def test_a_training_is_made_due_before_the_run_that_does_it(trained: Place) -> None:  # noqa: F811
    place, session = marking(trained, training="cron(0 2 ? * SUN *)")
    executions.start_pipeline(place, {"mode": "auto"}, train=True)
    due, run = session.started
    assert due["TableName"] == place.names.control_table
    assert due["Item"]["pk"] == {"S": layout.TRAINING_DUE}
    assert datetime.strptime(due["Item"]["since"]["S"], "%Y-%m-%dT%H:%M:%SZ").year >= 2026
    assert json.loads(run["input"]) == {"mode": "auto"}


def test_where_each_run_trains_that_is_said_and_nothing_is_started(trained: Place) -> None:  # noqa: F811
    place, session = marking(trained)
    with pytest.raises(Refused, match=r"schedule\.training is null, so each run trains: leave TRAIN out"):
        executions.start_pipeline(place, {"mode": "auto"}, train=True)
    assert session.started == []
