"""A small shop whose marts are built on CodeBuild: the same marts, and the same words when they fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from local.demo import progress
from local.demo.generated import generate
from stacks.parts.stack import security_group_id
from tests import example
from tests.e2e.line import Line, wait_for
from tests.e2e.test_examples import FOLDER, Deployment, environment

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.nightly]


@contextmanager
def ran(home: Path) -> Iterator[tuple[Line, str]]:
    small = yaml.safe_load((FOLDER / "small.yaml").read_text())
    with environment(home):
        content = example.content(**small)
        content["analytics"] = {
            **content["analytics"],
            "dbt": {"runs_on": "codebuild", "timeout_minutes": 60},
        }
        made = Deployment(home, content)
        made.deploy(generate(now=pd.Timestamp.now("UTC") - pd.Timedelta(hours=1)))
        yield made.line, made.line.run()


def builds(line: Line) -> list[dict[str, Any]]:
    """Newest first."""
    client, project = line.client("codebuild"), line.settings.names.project("run_dbt")
    ids = client.list_builds_for_project(projectName=project)["ids"]
    return list(client.batch_get_builds(ids=ids)["builds"]) if ids else []


def logged(line: Line, build: dict[str, Any]) -> str:
    where = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
    return "\n".join(event["message"] for event in line.client("logs").get_log_events(**where)["events"])


def variable(build: dict[str, Any], name: str) -> str:
    [found] = [one for one in build["environment"]["environmentVariables"] if one["name"] == name]
    return str(found["value"])


def failure(line: Line, run: str) -> tuple[str, str]:
    """(error, cause) of a load that fails."""
    with pytest.raises(progress.RunFailed):
        line.start("load", {"runs": [run]})
    client = line.client("stepfunctions")
    arn = line.settings.names.workflow_arn("load")
    newest = client.list_executions(stateMachineArn=arn, maxResults=1)["executions"][0]
    found = client.describe_execution(executionArn=newest["executionArn"])
    return found["error"], json.loads(found["cause"])["cause"]


def test_marts_are_built_by_a_build_and_a_failed_one_says_which_node_and_why(tmp_path: Path) -> None:
    with ran(tmp_path) as (line, run):
        [build] = builds(line)
        assert build["buildStatus"] == "SUCCEEDED", logged(line, build)
        assert variable(build, "RUN_ID") == run
        assert '"models"' in logged(line, build)
        [[users]] = line.warehouse("select count(*) from marts.dim_users")
        assert users == line.shop.shop.users.user_id.nunique()
        [[owner]] = line.warehouse("select tableowner from pg_tables where tablename = 'dim_users'")
        assert owner == f"IAMR:{line.settings.names.transformation_role}"
        _fails_in_its_words(line, run)
        _fails_without_a_way_to_the_warehouse(line, run)


def _fails_in_its_words(line: Line, run: str) -> None:
    """The project is told of a column that nothing loaded."""
    client, name = line.client("codebuild"), line.settings.names.project("run_dbt")
    [project] = client.batch_get_projects(names=[name])["projects"]
    environment, variables = project["environment"], project["environment"]["environmentVariables"]
    [columns] = [one for one in variables if one["name"] == "WAREHOUSE_COLUMNS"]
    told = json.loads(columns["value"])
    told["users"]["nowhere"] = "varchar(10)"
    others = [one for one in variables if one is not columns]
    wrong = [*others, {**columns, "value": json.dumps(told)}]
    client.update_project(name=name, environment={**environment, "environmentVariables": wrong})
    try:
        error, cause = failure(line, run)
    finally:
        client.update_project(name=name, environment=environment)
    assert error == "DbtBuildFailed", (error, cause)
    assert "ended as FAILED. DbtBuildFailed: " in cause and "nodes failed:" in cause, cause
    assert "stg_shop__users" in cause and "nowhere" in cause and "Log: https://" in cause, cause


def _fails_without_a_way_to_the_warehouse(line: Line, run: str) -> None:
    """The project has the extraction's security group, which lets nothing out to the warehouse's port."""
    client, names = line.client("codebuild"), line.settings.names
    [project] = client.batch_get_projects(names=[names.project("run_dbt")])["projects"]
    parameter = names.parameter(security_group_id("extraction"))
    group = line.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
    client.update_project(
        name=project["name"], vpcConfig={**project["vpcConfig"], "securityGroupIds": [group]}
    )
    variables = [{"name": "RUN_ID", "value": run, "type": "PLAINTEXT"}]
    client.start_build(projectName=project["name"], environmentVariablesOverride=variables)
    build = wait_for(lambda: ended(builds(line)[0]), seconds=120, what="the build")
    [exported] = build["exportedEnvironmentVariables"]
    assert "has no outbound rule for port 5439" in exported["value"], exported


def ended(build: dict[str, Any]) -> dict[str, Any] | None:
    return build if build["buildComplete"] else None
