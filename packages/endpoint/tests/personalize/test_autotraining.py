"""When solutions train by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.personalize.autotraining import DAY, HOUR, due, due_at_once
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


def data(service: Personalize, imported: float, kind: str = "INTERACTIONS") -> None:
    service.store.remove(f"d/{kind}")
    shown = {"status": "ACTIVE", "creationDateTime": 0.0, "datasetType": kind, "datasetGroupArn": "g"}
    record = Record("Dataset", f"d/{kind}", shown)
    record.private["imported"] = imported
    service.store.add(record)


RATED = {
    "datasetGroupArn": "g",
    "solutionConfig": {"autoTrainingConfig": {"schedulingExpression": "rate(2 days)"}},
}


def test_without_new_interactions_nothing_is_trained_again(service: Personalize) -> None:
    """Developer guide: "only if you imported bulk or real-time interaction data since the last training"."""
    solution(service, **RATED)
    data(service, imported=1.0)
    version(service, HOUR, "AUTOMATIC")
    assert not is_due(service, HOUR + 9 * DAY)
    data(service, imported=HOUR + DAY)
    assert not is_due(service, HOUR + 2 * DAY - 1)
    assert is_due(service, HOUR + 2 * DAY)


def test_in_an_instant_world_interactions_take_the_place_of_days(service: Personalize) -> None:
    solution(service, **RATED)
    assert due_at_once(service) == [], "there is nothing to learn from"
    data(service, imported=5.0)
    assert [one.arn for one in due_at_once(service)] == ["s"]
    version(service, 6.0, "AUTOMATIC")
    assert due_at_once(service) == []
    data(service, imported=7.0)
    assert [one.arn for one in due_at_once(service)] == ["s"]


def test_streamed_interactions_are_news_too(service: Personalize) -> None:
    solution(service, **RATED)
    data(service, imported=5.0)
    version(service, 6.0, "AUTOMATIC")
    service.streams.append("d/INTERACTIONS", [{"USER_ID": "u", "ITEM_ID": "i", "TIMESTAMP": 1}])
    assert [one.arn for one in due_at_once(service)] == ["s"]


def test_in_an_instant_world_a_solution_that_says_no_rate_is_left_alone(service: Personalize) -> None:
    """Automatic training is on by default: tests and notebooks that train by hand would get versions beside theirs."""
    solution(service, datasetGroupArn="g")
    data(service, imported=5.0)
    assert due_at_once(service) == []


def test_actions_are_learned_from_their_own_interactions(service: Personalize) -> None:
    solution(service, recipeArn="arn:aws:personalize:::recipe/aws-next-best-action", **RATED)
    data(service, imported=5.0)
    assert due_at_once(service) == []
    data(service, imported=5.0, kind="ACTION_INTERACTIONS")
    assert len(due_at_once(service)) == 1
