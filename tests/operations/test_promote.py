"""A solution version is promoted by a person: by name, once, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config.recipes import RECIPES
from operations import control, promote
from operations.place import ENDPOINT, Place, Refused

PREFIX = "arn:aws:personalize:ap-northeast-1:111111111111:solution/osusume-dev-personal"
OLD, NEW, OTHER = f"{PREFIX}-aaaa1111/old", f"{PREFIX}-aaaa1111/new", f"{PREFIX}-bbbb2222/other"


def version(arn: str, run: str, *, recipe: str = "aws-user-personalization", status: str = "ACTIVE") -> Any:
    name = f"osusume-dev-personal-{run}"
    return {
        "solutionVersionArn": arn,
        "name": name,
        "status": status,
        "recipeArn": RECIPES[recipe].arn,
    }


VERSIONS = [
    version(OLD, "20261125T030000Z", recipe="aws-user-personalization-v2"),
    version(NEW, "20261126T030000Z"),
    version(OTHER, "20261127T030000Z"),
    version(f"{PREFIX}-bbbb2222/failed", "20261128T030000Z", status="CREATE FAILED"),
    version(f"{PREFIX}-bbbb2222/items", "20261129T030000Z", recipe="aws-similar-items"),
]


class Personalize:
    """The versions above, of two configurations of one solution, beside a solution of another name."""

    def __init__(self, place: Place) -> None:
        self._group = place.names.dataset_group_arn

    def can_paginate(self, operation: str) -> bool:
        return False

    def list_solutions(self, *, datasetGroupArn: str) -> dict[str, Any]:
        assert datasetGroupArn == self._group
        names = [
            "osusume-dev-personal-aaaa1111",
            "osusume-dev-personal-bbbb2222",
            "osusume-dev-personal-b-cc",
        ]
        return {"solutions": [{"name": n, "solutionArn": f"{PREFIX[:-20]}{n}"} for n in names]}

    def list_solution_versions(self, *, solutionArn: str) -> dict[str, Any]:
        assert not solutionArn.endswith("personal-b-cc")
        return {
            "solutionVersions": [v for v in VERSIONS if v["solutionVersionArn"].startswith(solutionArn + "/")]
        }

    def describe_solution_version(self, *, solutionVersionArn: str) -> dict[str, Any]:
        return {"solutionVersion": next(v for v in VERSIONS if v["solutionVersionArn"] == solutionVersionArn)}

    def get_solution_metrics(self, *, solutionVersionArn: str) -> dict[str, Any]:
        return {"metrics": {"coverage": 0.1 if solutionVersionArn == NEW else 0.2}}


class Session:
    def __init__(self, place: Place) -> None:
        self._place = place

    def client(self, service: str) -> Any:
        return Personalize(self._place) if service == "personalize" else self._place.client(service)


@pytest.fixture
def trained(place: Place) -> Place:
    """The endpoint with five versions of `personal`, of which none serves."""
    place.client("dynamodb").delete_item(
        TableName=place.names.control_table, Key={"pk": {"S": "serving#personal"}}
    )
    return Place(place.settings, Session(place))


def serving(place: Place) -> dict[str, str]:
    return control.item(place, "serving#personal")


def test_a_version_is_promoted_with_its_metrics_and_goes_back(trained: Place) -> None:
    promote.promote(trained, solution="personal", version=OLD)
    promote.promote(trained, solution="personal", version=NEW)
    item = serving(trained)
    assert item["solution_version_arn"] == NEW and json.loads(item["metrics"]) == {"coverage": 0.1}
    promote.promote(trained, solution="personal", version="previous")
    assert serving(trained)["solution_version_arn"] == OLD
    promote.promote(trained, solution="personal", version="previous")
    assert serving(trained)["solution_version_arn"] == NEW


@pytest.mark.parametrize(
    "named",
    [OTHER, "other", "osusume-dev-personal-20261127T030000Z", "20261127T030000Z"],
    ids=["arn", "id", "name", "run"],
)
def test_a_version_has_four_names(trained: Place, named: str) -> None:
    promote.promote(trained, solution="personal", version=named)
    assert serving(trained)["solution_version_arn"] == OTHER


@pytest.mark.parametrize(
    ("solution", "named", "told"),
    [
        ("persnal", OLD, "the solution 'persnal' is not configured: use SOLUTION= with personal, related"),
        (
            "personal",
            "nothing",
            f"no version is VERSION='nothing' of personal: name one by its ARN: {PREFIX}",
        ),
        ("personal", "", "no version is VERSION=''"),
        ("personal", "previous", "no version served personal before this one"),
        ("personal", "failed", "is CREATE FAILED: name a version that is ACTIVE"),
        ("personal", "items", "of aws-similar-items, which makes no lists as aws-user-personalization"),
    ],
)
def test_what_can_not_serve_is_refused_and_nothing_changes(
    trained: Place, solution: str, named: str, told: str
) -> None:
    with pytest.raises(Refused, match="Nothing was done") as refused:
        promote.promote(trained, solution=solution, version=named)
    assert told in str(refused.value)
    assert serving(trained) == {}


def test_a_run_that_promotes_meanwhile_is_not_overwritten(trained: Place) -> None:
    promote.promote(trained, solution="personal", version=OLD)
    chosen = promote._chosen(trained, "personal", OTHER)
    seen = serving(trained)
    promote.promote(trained, solution="personal", version=NEW)
    with pytest.raises(Refused, match="another version of personal was promoted meanwhile"):
        promote._put(trained, "personal", chosen, seen)
    with pytest.raises(Refused, match="promoted meanwhile"):
        promote._put(trained, "personal", chosen, {})
    assert serving(trained)["solution_version_arn"] == NEW


def test_on_aws_the_environments_name_is_asked_for(trained: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENDPOINT)
    with pytest.raises(Refused, match="Nothing was done"):
        promote.promote(trained, solution="personal", version=OLD, ask=lambda question: "")
    assert serving(trained) == {}
    promote.promote(trained, solution="personal", version=OLD, given="dev")
    assert serving(trained)["solution_version_arn"] == OLD
