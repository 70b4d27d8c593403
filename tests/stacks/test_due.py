"""Runs between two trainings, against the endpoint's Personalize: what they train, and what makes a training due."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from config import layout
from config.settings import Settings
from stacks.workflows import solutions
from tests import example
from tests.changes import changed, set_weight
from tests.stacks.conftest import Assembly
from tests.stacks.personalize_plugin import Region, output, sent, without_roles

WEEKLY = example.content(schedule={"training": "cron(0 2 ? * SUN *)"})
SETTINGS = Settings.model_validate(WEEKLY)
FIRST, SECOND, THIRD = (f"202611{day}T030000Z" for day in (23, 24, 25))
SUNDAY = "2026-11-29T02:00:00Z"


@pytest.fixture
def region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Region]:
    """Deployed, without a run."""
    without_roles(monkeypatch)
    made = Region(tmp_path, SETTINGS)
    yield made
    made.close()


def due(region: Region, since: str = SUNDAY) -> None:
    region.control[layout.TRAINING_DUE] = {"pk": {"S": layout.TRAINING_DUE}, "since": {"S": since}}


def names_of(settings: Settings) -> set[str]:
    return {solutions.name(settings, one) for one in settings.solutions}


def trained(region: Region) -> set[str]:
    """Solutions trained since the last look."""
    found = {version["solutionArn"].split("/")[1] for version in region.trained}
    region.trained.clear()
    return found


def test_the_first_run_trains_although_nothing_is_due(region: Region) -> None:
    output(region.run(SETTINGS, run_id=FIRST)[0])
    assert trained(region) == names_of(SETTINGS)


def test_the_next_imports_anew_and_recommends_with_what_serves(region: Region) -> None:
    first = output(region.run(SETTINGS, run_id=FIRST)[0])
    trained(region)
    result, cloud = region.run(SETTINGS, run_id=SECOND)
    assert output(result)["versions"] == first["versions"]
    assert trained(region) == set()
    assert len(sent(cloud, "CreateDatasetImportJob")) == 3


def test_what_is_due_is_trained_once(region: Region) -> None:
    output(region.run(SETTINGS, run_id=FIRST)[0])
    trained(region)
    due(region)
    output(region.run(SETTINGS, run_id=SECOND)[0])
    assert trained(region) == names_of(SETTINGS)
    assert layout.TRAINING_DUE not in region.control
    output(region.run(SETTINGS, run_id=THIRD)[0])
    assert trained(region) == set()


def test_a_run_that_fails_before_it_trained_leaves_the_training_due(region: Region) -> None:
    output(region.run(SETTINGS, run_id=FIRST)[0])
    trained(region)
    due(region)
    region.failing += ["SolutionVersion"] * 2 * len(SETTINGS.solutions)
    assert region.run(SETTINGS, run_id=SECOND)[0].status == "FAILED"
    region.failing.clear()
    output(region.run(SETTINGS, run_id=THIRD)[0])
    assert trained(region) == names_of(SETTINGS)


def test_what_becomes_due_while_a_run_trains_stays_due(region: Region) -> None:
    due(region)

    def judged(parameters: Mapping[str, Any]) -> Any:
        due(region, "2026-12-06T02:00:00Z")
        return region.answers()["lambda", "Invoke"](parameters)

    output(region.run(SETTINGS, run_id=FIRST, answers={("lambda", "Invoke"): judged})[0])
    assert region.control[layout.TRAINING_DUE]["since"] == {"S": "2026-12-06T02:00:00Z"}


def test_a_changed_solution_is_trained_at_the_next_run_and_no_other(region: Region) -> None:
    output(region.run(SETTINGS, run_id=FIRST)[0])
    trained(region)
    content = example.content(schedule=WEEKLY["schedule"])
    content["solutions"][1]["hyperparameters"]["popularity_discount_factor"] = "0.3"
    after = Settings.model_validate(content)
    output(region.run(after, run_id=SECOND)[0])
    [new] = names_of(after) - names_of(SETTINGS)
    assert trained(region) == {new}


def test_a_version_that_the_gate_rejected_is_not_trained_again_before_it_is_due(region: Region) -> None:
    first = output(region.run(SETTINGS, run_id=FIRST)[0])
    due(region)
    output(region.run(SETTINGS, run_id=SECOND, rejected=["personal"])[0])
    trained(region)
    third = output(region.run(SETTINGS, run_id=THIRD)[0])
    assert (trained(region), third["versions"]["personal"]) == (set(), first["versions"]["personal"])


def test_where_the_only_version_was_rejected_the_next_run_trains(region: Region) -> None:
    assert region.run(SETTINGS, run_id=FIRST, rejected=["personal"])[0].status == "FAILED"
    trained(region)
    output(region.run(SETTINGS, run_id=SECOND)[0])
    assert solutions.name(SETTINGS, SETTINGS.solutions[0]) in trained(region)


def test_a_changed_weight_waits_for_the_training(region: Region) -> None:
    output(region.run(SETTINGS, run_id=FIRST)[0])
    trained(region)
    after = changed(WEEKLY, set_weight("click", 0.7))
    _, cloud = region.run(after, run_id=SECOND)
    assert (len(sent(cloud, "UpdateSolution")), trained(region)) == (1, set())
    due(region)
    output(region.run(after, run_id=THIRD)[0])
    [personal] = [one for one in region.trained if "-personal-" in one["solutionArn"]]
    weights = {
        row["eventType"]: row["weight"]
        for row in personal["solutionConfig"]["eventsConfig"]["eventParametersList"]
    }
    assert weights["click"] == 0.7


def test_the_schedule_may_write_that_item_and_no_other(assembly: Assembly) -> None:
    schedules = {one["Name"]: one for _, one in assembly.properties("AWS::Scheduler::Schedule")}
    if assembly.settings.schedule.training is None:
        assert assembly.settings.names.training_schedule not in schedules
        return
    schedule = schedules[assembly.settings.names.training_schedule]
    assert schedule["ScheduleExpression"] == "cron(0 2 ? * SUN *)"
    assert json.dumps(schedule["Target"]["Arn"]).endswith(':scheduler:::aws-sdk:dynamodb:putItem"]]}')
    assert json.loads(schedule["Target"]["Input"]) == {
        "TableName": assembly.settings.names.control_table,
        "Item": {"pk": {"S": "training_due"}, "since": {"S": "<aws.scheduler.scheduled-time>"}},
    }
    written = [
        statement
        for key, policy in assembly.properties("AWS::IAM::Policy")
        if "SchedulerRole" in key
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "dynamodb:PutItem"
    ]
    [statement] = written
    assert statement["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["training_due"]}}


def test_without_a_schedule_of_its_own_each_run_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_roles(monkeypatch)
    each = example.settings()
    region = Region(tmp_path, each)
    for run_id in (FIRST, SECOND):
        output(region.run(each, run_id=run_id)[0])
        assert trained(region) == names_of(each)
    region.close()
