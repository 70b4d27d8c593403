"""Which solutions are deleted, which never, and that a year of changes leaves as many as a month."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.clean_up.environment import Environment
from lambdas.clean_up.handler import run
from tests.lambdas.fakes import DynamoDB

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
GROUP = "arn:aws:personalize:ap-northeast-1:111111111111:dataset-group/osusume-dev"
ARN = "arn:aws:personalize:ap-northeast-1:111111111111:solution/"


class Personalize:
    """Solutions by name, each with the moments of its versions; `busy` can't be deleted."""

    def __init__(self, **solutions: list[datetime]) -> None:
        self.solutions = {name.replace("_", "-"): moments for name, moments in solutions.items()}
        self.busy: set[str] = set()

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=getattr(self, operation))

    def list_solutions(self, *, datasetGroupArn: str) -> list[dict[str, Any]]:
        if datasetGroupArn != GROUP:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "ListSolutions")
        rows = [
            {"name": name, "solutionArn": ARN + name, "creationDateTime": moments[0]}
            for name, moments in self.solutions.items()
        ]
        return [{"solutions": rows[:2]}, {"solutions": rows[2:]}]

    def list_solution_versions(self, *, solutionArn: str) -> list[dict[str, Any]]:
        moments = self.solutions[solutionArn.removeprefix(ARN)]
        return [{"solutionVersions": [{"creationDateTime": moment} for moment in moments]}]

    def delete_solution(self, *, solutionArn: str) -> None:
        name = solutionArn.removeprefix(ARN)
        if name in self.busy:
            raise ClientError({"Error": {"Code": "ResourceInUseException"}}, "DeleteSolution")
        del self.solutions[name]


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def settings(current: str = "aa00", **changed: Any) -> Environment:
    return Environment(
        **{
            "control_table": "control",
            "recommendations_table": "recommendations",
            "prefix": "osusume-dev",
            "dataset_groups": [f"{GROUP}-gone", GROUP],
            "solutions": {"personal": f"osusume-dev-personal-{current}"},
            "keep_superseded": 1,
            "superseded_after_days": 14,
            "pinned": [],
            **changed,
        }
    )


def clean(personalize: Personalize, *items: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return run(personalize=personalize, dynamodb=DynamoDB(*items), settings=settings(**changed), now=NOW)


def old() -> Personalize:
    return Personalize(
        osusume_dev_personal_aa00=[ago(300)],
        osusume_dev_personal_bb11=[ago(250), ago(20)],
        osusume_dev_personal_cc22=[ago(200), ago(40)],
        osusume_dev_personal_dd33=[ago(100), ago(60)],
        osusume_dev_retired_ee44=[ago(90)],
    )


def test_superseded_solutions_go_but_for_the_newest_of_each_name() -> None:
    personalize = old()
    answer = clean(personalize)
    assert answer["deleted"] == ["osusume-dev-personal-dd33", "osusume-dev-personal-cc22"]
    assert set(personalize.solutions) == {
        "osusume-dev-personal-aa00",
        "osusume-dev-personal-bb11",
        "osusume-dev-retired-ee44",
    }
    clean(personalize, keep_superseded=0)
    assert set(personalize.solutions) == {"osusume-dev-personal-aa00"}


def text(**values: str) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in values.items()}


@pytest.mark.parametrize(
    "item",
    [
        text(pk="serving#personal", solution_version_arn=f"{ARN}osusume-dev-personal-dd33/v1"),
        text(pk="serving#personal", previous_solution_version_arn=f"{ARN}osusume-dev-personal-dd33/v1"),
        text(pk="pointer#personal", sk="pointer", solution_version_arn=f"{ARN}osusume-dev-personal-dd33/v1"),
        text(
            pk="pointer#personal",
            sk="pointer",
            previous_solution_version_arn=f"{ARN}osusume-dev-personal-dd33/v1",
        ),
    ],
    ids=["serves", "promoted back", "its lists serve", "its lists are gone back to"],
)
def test_what_serves_or_could_be_gone_back_to_stays(item: dict[str, Any]) -> None:
    answer = clean(old(), item, keep_superseded=0)
    assert "osusume-dev-personal-dd33" in answer["kept"]
    assert "osusume-dev-personal-cc22" in answer["deleted"]


@pytest.mark.parametrize(
    "name",
    ["somebody-elses", "osusume-dev-personal", "osusume-prod-personal-aa00", "osusume-dev2-personal-aa00"],
)
def test_what_the_workflow_did_not_name_is_somebody_elses(name: str) -> None:
    personalize = Personalize(**{name.replace("-", "_"): [ago(500)]})
    assert clean(personalize, keep_superseded=0)["deleted"] == []


def test_a_version_that_the_configuration_pins_keeps_its_solution() -> None:
    answer = clean(old(), keep_superseded=0, pinned=[f"{ARN}osusume-dev-personal-cc22/v7"])
    assert "osusume-dev-personal-cc22" in answer["kept"]
    assert "osusume-dev-personal-dd33" in answer["deleted"]


def test_a_solution_that_trained_lately_or_is_in_use_waits_for_the_next_time() -> None:
    personalize = old()
    personalize.busy = {"osusume-dev-personal-dd33"}
    answer = clean(personalize, keep_superseded=0, superseded_after_days=30)
    assert answer["in_use"] == ["osusume-dev-personal-dd33"]
    assert "osusume-dev-personal-bb11" in answer["kept"], "it trained twenty days ago"
    assert answer["deleted"] == ["osusume-dev-retired-ee44", "osusume-dev-personal-cc22"]


@pytest.mark.parametrize("seed", range(3))
def test_a_year_of_nights_leaves_as_many_solutions_as_a_month(seed: int) -> None:
    """The configuration changes on a night in thirty; each night trains; on Sundays what serves no more goes."""
    chance, counts = random.Random(seed), []
    personalize, table = Personalize(), DynamoDB()
    serving = current = "0000"
    for night in range(365):
        now = NOW + timedelta(days=night)
        current = f"{night:04x}" if chance.random() < 1 / 30 else current
        personalize.solutions.setdefault(f"osusume-dev-personal-{current}", []).append(now)
        before, serving = serving, current if chance.random() < 0.8 else serving
        item = text(
            pk="serving#personal",
            solution_version_arn=f"{ARN}osusume-dev-personal-{serving}/v",
            previous_solution_version_arn=f"{ARN}osusume-dev-personal-{before}/v",
        )
        table.put_item(TableName="control", Item=item)
        if night % 7 == 6:
            run(personalize=personalize, dynamodb=table, settings=settings(current), now=now)
            assert f"osusume-dev-personal-{serving}" in personalize.solutions, json.dumps(item)
        counts.append(len(personalize.solutions))
    assert max(counts[-30:]) <= 5 and max(counts) <= 7, counts
