"""Solutions that Personalize trains by itself: a run makes no version, follows the newest and judges each once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from config.settings import Settings
from stacks.workflows import solutions, train
from tests import example
from tests.stacks.test_workflows import RUN, VERSIONS, functions, output, run, sent, training

CONTENT = example.content()
CONTENT["solutions"][0]["trains_every_days"] = 3
SETTINGS = Settings.model_validate(CONTENT)
ARN = solutions.arn(SETTINGS, SETTINGS.solutions[0])
ACCEPTED = {"promote": True, "reason": "better", "metrics": {"coverage": 0.5}, "previous": ""}
REJECTED = ACCEPTED | {"promote": False, "reason": "0.2 is below 0.3"}


def version(number: int, status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    made = datetime(2026, 11, number, tzinfo=UTC)
    arn = f"{ARN}/v{number}"
    return {
        "solutionVersionArn": arn,
        "status": status,
        "creationDateTime": made,
        "trainingType": "AUTOMATIC",
        **more,
    }


def answers(
    *listed: list[dict[str, Any]], control: Mapping[str, str] | None = None, judged: Any = ACCEPTED
) -> Any:
    """The region's; `listed` are the answers of ListSolutionVersions, one after another, the last for ever."""
    remaining = list(listed)

    def versions(parameters: dict[str, Any]) -> dict[str, Any]:
        assert parameters["solutionArn"] == ARN
        return {"solutionVersions": remaining.pop(0) if len(remaining) > 1 else remaining[0]}

    def item(parameters: dict[str, Any]) -> dict[str, Any]:
        found = (control or {}).get(parameters["Key"]["pk"]["S"])
        return {"Item": {"solution_version_arn": {"S": found}}} if found else {}

    of_others = training()
    describe: Any = of_others[("personalize", "DescribeSolution")]

    def described(parameters: dict[str, Any]) -> dict[str, Any]:
        found = describe(parameters)["solution"]
        if parameters["solutionArn"] == ARN:
            config = {
                **found["solutionConfig"],
                "autoTrainingConfig": {"schedulingExpression": "rate(3 days)"},
            }
            found = found | {"performAutoTraining": True, "solutionConfig": config}
        return {"solution": found}

    def judge(payload: dict[str, Any]) -> dict[str, Any]:
        return judged if payload["solution"] == "personal" else ACCEPTED

    return {
        **of_others,
        ("personalize", "DescribeSolution"): described,
        ("personalize", "ListSolutionVersions"): versions,
        ("personalize", "UpdateSolution"): {"solutionArn": ARN},
        ("dynamodb", "GetItem"): item,
        ("lambda", "Invoke"): functions(judge_solution_version=judge),
    }


def judged(cloud: Any) -> list[str]:
    payloads = [json.loads(call["Payload"]) for call in sent(cloud, "Invoke")]
    return [one["solution_version_arn"] for one in payloads if one["solution"] == "personal"]


def test_a_solution_is_made_to_train_at_its_rate_and_the_run_makes_no_version() -> None:
    result, cloud = run("train", {"run_id": RUN}, answers([version(9)]), given=SETTINGS)
    assert output(result)["versions"] == VERSIONS | {"personal": f"{ARN}/v9"}
    [created] = [one for one in sent(cloud, "CreateSolution") if one["name"] == ARN.rpartition("/")[2]]
    assert created["performAutoTraining"] is True
    assert created["solutionConfig"]["autoTrainingConfig"] == {"schedulingExpression": "rate(3 days)"}
    assert all(one["performAutoTraining"] is False for one in sent(cloud, "CreateSolution") if one != created)
    assert ARN not in {one["solutionArn"] for one in sent(cloud, "CreateSolutionVersion")}
    assert judged(cloud) == [f"{ARN}/v9"]


def test_the_first_run_waits_for_the_first_version() -> None:
    """It begins within an hour after the solution is ACTIVE."""
    listed = [], [version(9, "CREATE IN_PROGRESS")], [version(9)]
    result, cloud = run("train", {"run_id": RUN}, answers(*listed), given=SETTINGS)
    assert output(result)["versions"]["personal"] == f"{ARN}/v9"
    assert len(sent(cloud, "ListSolutionVersions")) == 3


def test_the_newest_that_is_active_is_followed_while_a_newer_one_is_made_or_failed() -> None:
    listed = [version(7), version(9), version(11, "CREATE FAILED"), version(12, "CREATE IN_PROGRESS")]
    _, cloud = run("train", {"run_id": RUN}, answers(listed), given=SETTINGS)
    assert judged(cloud) == [f"{ARN}/v9"]


def test_a_training_that_failed_and_has_none_before_it_stops_the_run_with_the_reason() -> None:
    listed = [version(9, "CREATE FAILED", failureReason="too few interactions")]
    result, _ = run("train", {"run_id": RUN}, answers(listed), given=SETTINGS)
    assert result.status == "FAILED"
    cause = json.loads(result.cause or "")["cause"]
    assert "Personalize's own training of " in cause and cause.endswith("failed: too few interactions")


@pytest.mark.parametrize("known", ["serving#personal", "turned_down#personal"])
def test_a_version_is_judged_once(known: str) -> None:
    """A gate that turned it down each night would mail each night, and its metrics would be counted again."""
    control = {"serving#personal": f"{ARN}/v7", known: f"{ARN}/v9"}
    result, cloud = run("train", {"run_id": RUN}, answers([version(9)], control=control), given=SETTINGS)
    assert output(result)["versions"]["personal"] == control["serving#personal"]
    assert judged(cloud) == []


def test_a_version_that_is_turned_down_is_noted_and_what_served_serves_on() -> None:
    control = {"serving#personal": f"{ARN}/v7", "turned_down#personal": f"{ARN}/v8"}
    given = answers([version(9)], control=control, judged=REJECTED)
    result, cloud = run("train", {"run_id": RUN}, given, given=SETTINGS)
    assert output(result)["versions"]["personal"] == f"{ARN}/v7"
    noted = {
        one["Item"]["pk"]["S"]: one["Item"]["solution_version_arn"]["S"] for one in sent(cloud, "PutItem")
    }
    assert noted["turned_down#personal"] == f"{ARN}/v9"
    assert "serving#personal" not in noted


def test_a_first_version_that_is_turned_down_stops_every_run_until_there_is_another() -> None:
    control = {"turned_down#personal": f"{ARN}/v9"}
    result, _ = run("train", {"run_id": RUN}, answers([version(9)], control=control), given=SETTINGS)
    assert result.status == "FAILED"
    cause = json.loads(result.cause or "")["cause"]
    assert "turned down by an earlier run" in cause and "trained no other since" in cause


def test_another_rate_is_an_update_and_no_other_solution() -> None:
    content = example.content()
    content["solutions"][0]["trains_every_days"] = 1
    daily = Settings.model_validate(content)
    assert (
        solutions.arn(daily, daily.solutions[0])
        == ARN
        == solutions.arn(example.settings(), daily.solutions[0])
    )
    result, cloud = run("train", {"run_id": RUN}, answers([version(9)]), given=daily)
    assert output(result)["versions"]["personal"] == f"{ARN}/v9"
    [update] = sent(cloud, "UpdateSolution")
    assert (update["solutionArn"], update["performAutoTraining"]) == (ARN, True)
    assert update["solutionUpdateConfig"]["autoTrainingConfig"] == {"schedulingExpression": "rate(1 day)"}
    assert update["solutionUpdateConfig"]["eventsConfig"]["eventParametersList"]


def test_automatic_training_that_is_configured_no_longer_is_switched_off() -> None:
    def versions(parameters: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("nothing is followed")

    given = answers([]) | {("personalize", "ListSolutionVersions"): versions}
    result, cloud = run("train", {"run_id": RUN}, given)
    assert output(result)["versions"] == VERSIONS
    [update] = sent(cloud, "UpdateSolution")
    assert (
        update["performAutoTraining"] is False and "autoTrainingConfig" not in update["solutionUpdateConfig"]
    )


def test_where_nothing_is_trained_so_there_is_no_state_of_it() -> None:
    text = json.dumps(train.definition(example.settings()))
    assert "Automatic" not in text and "turned_down" not in text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"trains_every_days": 0}, "greater than or equal to 1"),
        ({"trains_every_days": 31}, "less than or equal to 30"),
        (
            {"recipe": "aws-user-personalization", "candidates": None, "training_mode": "UPDATE"},
            "training_mode is UPDATE, but trains_every_days",
        ),
        ({"version": f"{ARN}/v1"}, "version names what recommends, but trains_every_days would train"),
    ],
)
def test_what_personalize_would_not_do_is_refused(more: dict[str, Any], said: str) -> None:
    content = example.content(publishing={"min_never_bought": 0})
    content["solutions"][0] |= {"trains_every_days": 3, **more}
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate(content)
