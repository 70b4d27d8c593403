"""When solutions train by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.personalize.autotraining import DAY, HOUR, due
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record


@pytest.fixture
def service(tmp_path: Path) -> Personalize:
    endpoint = Endpoint(url="http://127.0.0.1:1", port=1, region="r", account="1", home=tmp_path)
    return Personalize(endpoint)


def add(service: Personalize, kind: str, arn: str, created: float, **fields: Any) -> None:
    shown = {"status": "ACTIVE", "creationDateTime": created, **fields}
    service.store.add(Record(kind, arn, shown))


def solution(service: Personalize, **fields: Any) -> None:
    add(service, "Solution", "s", 0.0, **{"performAutoTraining": True, **fields})


def version(service: Personalize, created: float, kind: str) -> None:
    add(service, "SolutionVersion", f"s/{created}", created, solutionArn="s", trainingType=kind)


def is_due(service: Personalize, now: float) -> bool:
    return [record.arn for record in due(service, now=now)] == ["s"]


def test_the_first_training_starts_after_an_hour_and_the_next_after_a_week(service: Personalize) -> None:
    solution(service)
    assert not is_due(service, HOUR - 1)
    assert is_due(service, HOUR)
    version(service, HOUR, "AUTOMATIC")
    assert not is_due(service, HOUR + 7 * DAY - 1)
    assert is_due(service, HOUR + 7 * DAY)


def test_a_version_made_by_hand_in_the_first_hour_replaces_the_first_training(service: Personalize) -> None:
    solution(service)
    version(service, 600.0, "MANUAL")
    assert not is_due(service, HOUR + 1)
    assert is_due(service, 600 + 7 * DAY)


def test_a_later_version_made_by_hand_changes_nothing(service: Personalize) -> None:
    solution(service, solutionConfig={"autoTrainingConfig": {"schedulingExpression": "rate(2 days)"}})
    version(service, HOUR, "AUTOMATIC")
    version(service, HOUR + DAY, "MANUAL")
    assert is_due(service, HOUR + 2 * DAY)


def test_a_solution_without_automatic_training_is_never_due(service: Personalize) -> None:
    solution(service, performAutoTraining=False)
    assert not is_due(service, 100 * DAY)
