"""A run is started with a solution version that is named: which, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations import recommend
from operations.place import Place, Refused
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
