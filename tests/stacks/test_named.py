"""Runs that are started with solution versions: what recommends, and what is refused before anything changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config.recipes import RECIPES
from osusume_endpoint.testing.scripted import ServiceError
from tests.stacks.test_workflows import (
    NAMES,
    RUN,
    VERSIONS,
    Control,
    failed_child,
    output,
    parts,
    recommendation,
    run,
    sent,
)

OLDER = VERSIONS["personal"].replace("/v1", "/v0")
ACTIVE = {"status": "ACTIVE", "recipeArn": RECIPES["aws-user-personalization-v2"].arn}
KIN = RECIPES["aws-user-personalization"].arn  # of another recipe that makes the same lists
OF_ANOTHER = VERSIONS["personal"].replace("personal-", "personal-too-")


def serving(**versions: str) -> Control:
    control = Control()
    for name, arn in versions.items():
        control.items[f"serving#{name}"] = {"solution_version_arn": {"S": arn}}
    return control


def describing(**described: Any) -> dict[tuple[str, str], Any]:
    return {("personalize", "DescribeSolutionVersion"): {"solutionVersion": ACTIVE | described}}


def given(**versions: str) -> dict[str, Any]:
    return {"mode": "auto", "versions": versions}


def children(cloud: Any) -> dict[str, Any]:
    return {
        call["stateMachineArn"].split("-")[-1]: json.loads(call["input"])
        for call in sent(cloud, "StartExecution")
    }


@pytest.mark.parametrize("recipe", [ACTIVE["recipeArn"], KIN])
def test_a_named_version_recommends_beside_what_serves_and_nothing_is_trained(recipe: str) -> None:
    control = serving(**VERSIONS)
    result, cloud = run("pipeline", given(personal=OLDER), control.answers() | describing(recipeArn=recipe))
    assert output(result)["versions"] == VERSIONS | {"personal": OLDER}
    assert parts(cloud) == ["prepare", "recommend", "load"]
    assert children(cloud)["recommend"]["versions"] == VERSIONS | {"personal": OLDER}
    assert json.loads(control.items[f"run#{RUN}"]["versions"]["S"])["personal"] == OLDER
    # The next run goes on with what the gate let serve.
    assert control.items["serving#personal"]["solution_version_arn"]["S"] == VERSIONS["personal"]


def test_a_run_with_a_named_version_is_resumed_with_it() -> None:
    control = serving(**VERSIONS)
    inner = json.dumps({"workflow": "prepare", "state": "S", "error": "E", "cause": "c"})
    failing = control.answers(prepare=failed_child("E", inner)) | describing()
    result, _ = run("pipeline", given(personal=OLDER), failing)
    assert result.status == "FAILED"
    result, cloud = run("pipeline", {"resume": RUN}, control.answers() | describing())
    assert output(result)["versions"]["personal"] == OLDER
    assert parts(cloud) == ["prepare", "recommend", "load"]


UNUSABLE: dict[str, tuple[str, Any, str]] = {
    "one that failed": (OLDER, describing(status="CREATE FAILED"), "is CREATE FAILED"),
    "one in the making": (OLDER, describing(status="CREATE IN_PROGRESS"), "is CREATE IN_PROGRESS"),
    "one of a recipe of other lists": (OLDER, describing(recipeArn=RECIPES["aws-sims"].arn), "aws-sims"),
    "one of another solution": (
        VERSIONS["related"],
        describing(),
        "a solution osusume-dev-personal-<digest>",
    ),
    "one of a solution whose name begins so": (OF_ANOTHER, describing(), OF_ANOTHER),
    "one of another environment": (
        OLDER.replace("osusume-dev", "osusume-prod"),
        describing(),
        "osusume-prod",
    ),
    "one that is gone": (
        OLDER,
        {("personalize", "DescribeSolutionVersion"): ServiceError("ResourceNotFoundException", "gone")},
        "is not there",
    ),
}


def refusing(answers: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    def call(answer: Any) -> Any:
        if not isinstance(answer, ServiceError):
            return answer

        def raises(_: dict[str, Any]) -> Any:
            raise answer

        return raises

    return {name: call(answer) for name, answer in answers.items()}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_run_refuses_a_version_that_cannot_recommend_before_anything_is_changed(case: str) -> None:
    version, answers, told = UNUSABLE[case]
    control = serving(**VERSIONS)
    before = dict(control.items)
    result, cloud = run("pipeline", given(personal=version), control.answers() | refusing(answers))
    assert result.status == "FAILED"
    cause = json.loads(str(result.cause))
    assert cause["error"] == "VersionUnusable" and told in cause["cause"], cause
    assert sent(cloud, "Invoke") == sent(cloud, "StartExecution") == sent(cloud, "UpdateItem") == []
    assert {key: control.items[key] for key in before} == before
    assert [call["Key"]["pk"]["S"] for call in sent(cloud, "DeleteItem")] == ["lock"]


@pytest.mark.parametrize("case", UNUSABLE)
def test_recommend_itself_refuses_one_before_anything_is_made(case: str) -> None:
    version, answers, told = UNUSABLE[case]
    value = {"run_id": RUN, "versions": {"personal": version}}
    result, cloud = run("recommend", value, recommendation() | refusing(answers))
    cause = json.loads(str(result.cause))
    assert cause["error"] == "VersionUnusable" and told in cause["cause"], cause
    assert set(cloud.operations()) == {"DescribeSolutionVersion"}


def test_a_solution_that_is_not_configured_is_refused_with_those_that_are() -> None:
    result, cloud = run("pipeline", given(personnel=OLDER), serving(**VERSIONS).answers())
    cause = json.loads(str(result.cause))
    assert cause["error"] == "UnknownSolution"
    assert cause["cause"] == (
        "versions names personnel, which is not configured: name one of personal, related, popular"
    )
    assert sent(cloud, "Invoke") == []


def test_where_nothing_serves_another_solution_a_run_is_refused() -> None:
    control = serving(related=VERSIONS["related"])
    result, _ = run("pipeline", given(personal=OLDER), control.answers() | describing())
    cause = json.loads(str(result.cause))
    assert cause["error"] == "NothingServes" and "No version of popular serves yet" in cause["cause"]


def test_a_failure_before_the_plan_says_how_to_start_again_with_the_same_versions() -> None:
    control = serving(**VERSIONS)
    _, cloud = run("pipeline", given(personal=OLDER), control.answers() | describing(status="CREATE FAILED"))
    text = sent(cloud, "Publish")[0]["Message"]
    assert json.loads(text.rpartition("--input '")[2].removesuffix("'")) == given(personal=OLDER)
    assert NAMES.workflow_arn("pipeline") in text
