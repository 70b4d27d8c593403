"""dbt on CodeBuild: what the workflow starts and says, and what the template has in the function's place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from config import rules
from config.settings import Settings
from osusume_endpoint.stepfunctions.definition import validate
from osusume_endpoint.testing.scripted import Cloud, ServiceError
from stacks.parts.alarms import watched
from stacks.synthesis import WITHOUT_LAYERS
from stacks.workflows import load, pipeline
from tests import example
from tests.stacks.conftest import Template
from tests.stacks.test_workflows import NAMES, RUN, analytics, output, run, sent

DBT = {"runs_on": "codebuild", "timeout_minutes": 120}
SETTINGS = example.settings(analytics={"dbt": DBT})
BUILD = f"{NAMES.prefix}-run-dbt:00000000-0000-0000-0000-000000000000"
LOG = "https://console.aws.amazon.com/cloudwatch/home?region=x#logEvent:group=g;stream=s"
WORDS = 'DbtBuildFailed: 2 nodes failed:\nmodel.a (error): no such column\nmodel.b (error): "quoted"'


def described(
    status: str, *, words: str | None = None, phases: tuple[tuple[str, str], ...] = ()
) -> dict[str, Any]:
    """Of BatchGetBuilds; `phases` are (type, message)."""
    exported = [] if words is None else [{"name": "FAILURE", "value": words}]
    return {
        "id": BUILD,
        "buildStatus": status,
        "phases": [
            {"phaseType": "SUBMITTED"},
            {"phaseType": "QUEUED", "contexts": [{"statusCode": "", "message": ""}]},
            *(
                {"phaseType": kind, "contexts": [{"statusCode": "X", "message": said}]}
                for kind, said in phases
            ),
        ],
        "logs": {"deepLink": LOG},
        "exportedEnvironmentVariables": exported,
    }


def loaded(build: Mapping[str, Any], **more: Any) -> tuple[Any, Cloud]:
    answers = {
        ("codebuild", "StartBuild"): {"build": {"id": BUILD, "buildStatus": "IN_PROGRESS"}},
        ("codebuild", "BatchGetBuilds"): {"builds": [dict(build)]},
        **more.pop("answers", {}),
    }
    return run("load", {"runs": [RUN]}, analytics() | answers, given=SETTINGS)


def cause(result: Any) -> tuple[str, str]:
    assert result.status == "FAILED"
    said = json.loads(result.cause)
    assert said["workflow"] == "load"
    return result.error, said["cause"]


def test_a_load_starts_one_build_of_the_last_run_and_ends_with_it() -> None:
    result, cloud = loaded(described("SUCCEEDED"))
    assert output(result) == {"runs": [RUN], "dbt": {"build": BUILD}}
    variables = [{"name": "RUN_ID", "value": RUN, "type": "PLAINTEXT"}]
    assert sent(cloud, "StartBuild") == [
        {"projectName": f"{NAMES.prefix}-run-dbt", "environmentVariablesOverride": variables}
    ]
    assert not [call for call in sent(cloud, "Invoke") if "run-dbt" in call["FunctionName"]]


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (
            described("FAILED", words=WORDS, phases=(("BUILD", "exit status 1"),)),
            f"ended as FAILED. {WORDS} Log: {LOG}",
        ),
        (
            described("FAILED", phases=(("BUILD", "exit status 1"), ("POST_BUILD", "and 2"))),
            f"ended as FAILED. FAILED: exit status 1: and 2 Log: {LOG}",
        ),
        (
            described("FAILED", words="", phases=(("BUILD", "one"),)),
            f"ended as FAILED. FAILED: one Log: {LOG}",
        ),
        (described("TIMED_OUT"), f"ended as TIMED_OUT. TIMED_OUT Log: {LOG}"),
        (described("STOPPED"), f"ended as STOPPED. STOPPED Log: {LOG}"),
        (described("FAULT"), f"ended as FAULT. FAULT Log: {LOG}"),
        # A build that never got a log.
        ({"id": BUILD, "buildStatus": "FAILED"}, "ended as FAILED. FAILED"),
    ],
)
def test_a_build_that_fails_fails_the_load_as_the_function_does(build: dict[str, Any], said: str) -> None:
    """With the function's error, and dbt's words where the build has exported them."""
    error, found = cause(loaded(build)[0])
    assert error == "DbtBuildFailed" and found.startswith(f"build {BUILD} {said}"), found


def test_words_that_are_too_long_for_a_cause_are_cut_and_the_log_is_still_named() -> None:
    """Step Functions takes 32,768 characters of a cause; each cause inside of another's JSON grows."""
    error, found = cause(loaded(described("FAILED", words='"\n' * 20_000))[0])
    assert error == "DbtBuildFailed" and len(found) < 3200


def test_a_build_that_may_not_be_started_says_so_in_the_services_words() -> None:
    def refuse(_: Any) -> Any:
        raise ServiceError("AccessDeniedException", "is not authorized to perform: codebuild:StartBuild", 400)

    error, found = cause(loaded({}, answers={("codebuild", "StartBuild"): refuse})[0])
    assert error.startswith("CodeBuild.") and "codebuild:StartBuild" in found


def test_a_start_is_tried_again_while_another_build_runs() -> None:
    tries: list[int] = []

    def busy(_: Any) -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise ServiceError("AccountLimitExceededException", "Cannot have more than 1 builds")
        return {"build": {"id": BUILD}}

    result, _ = loaded(described("SUCCEEDED"), answers={("codebuild", "StartBuild"): busy})
    assert output(result)["dbt"] == {"build": BUILD} and len(tries) == 3


def test_the_definition_is_valid_and_waits_longer_than_a_build_may_take() -> None:
    definition = load.definition(SETTINGS)
    assert validate(definition) == []
    assert definition["TimeoutSeconds"] == (load.HOURS + 1 + 2) * 3600
    longest = {"runs_on": "codebuild", "timeout_minutes": rules.BUILD_MINUTES}
    most = load.definition(example.settings(analytics={"dbt": longest}))["TimeoutSeconds"]
    assert most < pipeline.HOURS * 3600


@pytest.mark.parametrize(
    ("dbt", "said"),
    [
        ({"timeout_minutes": 16}, "timeout_minutes is 16, and a function ends after 15"),
        ({"runs_on": "lambda", "timeout_minutes": 480}, "set runs_on: codebuild"),
        ({"runs_on": "codebuild", "timeout_minutes": 481}, "less than or equal to 480"),
        ({"runs_on": "codebuild", "timeout_minutes": 4}, "greater than or equal to 5"),
        ({"runs_on": "ecs"}, "'lambda' or 'codebuild'"),
        ({"runs_on": "codebuild", "minutes": 20}, "analytics.dbt.minutes"),
    ],
)
def test_what_can_not_run_so_is_refused_with_its_key(dbt: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        example.settings(analytics={"dbt": dbt})
    shown = str(refused.value)
    assert said.rpartition(".")[2] in shown and "analytics.dbt" in shown


def test_without_a_warehouse_nothing_is_built_anywhere() -> None:
    settings = Settings.model_validate(example.content(analytics={"enabled": False, "dbt": DBT}))
    assert not settings.analytics.builds_on_codebuild


def resources(settings: Settings, folder: Path) -> Template:
    """Of the analytics stack alone, which takes a fraction of what all stacks take."""
    from aws_cdk import App

    from stacks.analytics import AnalyticsStack

    app = App(outdir=str(folder), context=WITHOUT_LAYERS)
    AnalyticsStack(app, settings=settings)
    app.synth()
    return dict(json.loads((folder / "Analytics.template.json").read_text())["Resources"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return resources(SETTINGS, tmp_path_factory.mktemp("codebuild"))


def of_dbt(found: Template, kind: str) -> Template:
    kept = {key: one for key, one in found.items() if key.startswith("RunDbt") and one["Type"] == kind}
    return {key: one["Properties"] for key, one in kept.items()}


def test_the_project_stands_where_the_function_stood_under_the_same_role(
    built: Template, tmp_path: Path
) -> None:
    """A role of another logical id would be made before the old one goes, and its name would be taken."""
    before = resources(example.settings(), tmp_path)
    old, new = of_dbt(before, "AWS::IAM::Role"), of_dbt(built, "AWS::IAM::Role")
    assert list(old) == list(new)
    [was], [role] = old.values(), new.values()
    assert was["RoleName"] == role["RoleName"] == NAMES.transformation_role
    assert of_dbt(before, "AWS::Lambda::Function") and not of_dbt(built, "AWS::Lambda::Function")
    [function], [project] = (
        of_dbt(before, "AWS::Lambda::Function").values(),
        of_dbt(built, "AWS::CodeBuild::Project").values(),
    )
    variables = {one["Name"]: one["Value"] for one in project["Environment"]["EnvironmentVariables"]}
    assert variables == function["Environment"]["Variables"]
    code = function["Code"]["S3Key"]
    assert project["Source"]["Location"].endswith(f"/{code}"), "the function's own zip"
    layers = {before[reference["Ref"]]["Properties"]["Content"]["S3Key"] for reference in function["Layers"]}
    assert {one["Location"].rpartition("/")[2] for one in project["SecondarySources"]} == layers


def test_a_failed_build_rings_where_the_functions_errors_would() -> None:
    slugs = {alarm.slug for alarm in watched(SETTINGS, functions=["load_warehouse"])}
    assert "builds-failed" in slugs and "run-dbt-errors" not in slugs
    assert "builds-failed" not in {alarm.slug for alarm in watched(example.settings(), functions=["run_dbt"])}


def test_a_build_installs_nothing_and_its_role_hands_interfaces_to_codebuild_alone(
    built: Template,
) -> None:
    [project] = of_dbt(built, "AWS::CodeBuild::Project").values()
    spec = project["Source"]["BuildSpec"]
    assert "pip" not in spec and "http" not in spec
    assert json.loads(spec)["phases"]["install"] == {"runtime-versions": {"python": "3.13"}}
    [role] = of_dbt(built, "AWS::IAM::Role").values()
    [policy] = role["Policies"]
    [granted] = [
        one
        for one in policy["PolicyDocument"]["Statement"]
        if one["Action"] == "ec2:CreateNetworkInterfacePermission"
    ]
    assert granted["Condition"]["StringEquals"] == {"ec2:AuthorizedService": "codebuild.amazonaws.com"}
    assert len(granted["Condition"]["ArnEquals"]["ec2:Subnet"]) == len(project["VpcConfig"]["Subnets"])
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "codebuild.amazonaws.com"}
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": NAMES.project_arn("run_dbt")}
