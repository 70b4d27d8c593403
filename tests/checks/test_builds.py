"""Projects of CodeBuild before the checks: what a project lacks is found as what a function lacks is."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from checks import builds
from checks.assembly import Assembly
from checks.connections import connections
from checks.rules import code, iam, references, values
from checks.synthesized import synthesize
from tests import example
from tests.mutations.mutation import with_template

# A synthesis of all stacks, for which there is no time by day.
pytestmark = pytest.mark.nightly
Template = dict[str, Any]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("codebuild")
    dbt = {"dbt": {"runs_on": "codebuild", "timeout_minutes": 60}}
    (folder / "sample.yaml").write_text(
        yaml.safe_dump(example.content(environment="sample", analytics=dbt), sort_keys=False)
    )
    return synthesize("sample", folder)


def project(template: Template) -> Template:
    [found] = [one for one in template["Resources"].values() if one["Type"] == builds.TYPE]
    return found["Properties"]  # type: ignore[no-any-return]


def statements(template: Template) -> list[Template]:
    [role] = [one for key, one in template["Resources"].items() if key.startswith("RunDbtRole")]
    return role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]  # type: ignore[no-any-return]


def without(action: str) -> Callable[[Template], None]:
    def change(template: Template) -> None:
        kept = [one for one in statements(template) if action not in one["Action"]]
        assert len(kept) < len(statements(template))
        statements(template)[:] = kept

    return change


def found(assembly: Assembly, check: Any, change: Callable[[Template], Any]) -> list[str]:
    template = copy.deepcopy(assembly.templates["Analytics"])
    change(template)
    assert template != assembly.templates["Analytics"]
    before = set(map(str, check.check(assembly)))
    return [
        str(one)
        for one in check.check(with_template(assembly, "Analytics", template))
        if str(one) not in before
    ]


def named(variable: str) -> Callable[[Template], None]:
    def change(template: Template) -> None:
        environment = project(template)["Environment"]
        environment["EnvironmentVariables"] = [
            one for one in environment["EnvironmentVariables"] if one["Name"] != variable
        ]

    return change


def other_workgroup(template: Template) -> None:
    for one in project(template)["Environment"]["EnvironmentVariables"]:
        if one["Name"] == "WAREHOUSE_WORKGROUP":
            one["Value"] = "osusume-sample-nowhere"


def other_module(template: Template) -> None:
    source = project(template)["Source"]
    source["BuildSpec"] = source["BuildSpec"].replace("lambdas.run_dbt", "lambdas.run_dbt_slowly")


def without_run_id(template: Template) -> None:
    text = json.dumps(template)
    assert '\\"Name\\":\\"RUN_ID\\"' in text
    template.update(json.loads(text.replace('\\"Name\\":\\"RUN_ID\\"', '\\"Name\\":\\"RUN\\"')))


def another_subnet(template: Template) -> None:
    for one in statements(template):
        if one["Action"] == "ec2:CreateNetworkInterfacePermission":
            one["Condition"]["ArnEquals"]["ec2:Subnet"] = one["Condition"]["ArnEquals"]["ec2:Subnet"][:1]


@pytest.mark.parametrize(
    ("check", "change", "rule", "said"),
    [
        (iam, without("s3:GetObject"), "iam-", "s3:GetObject"),
        (iam, without("s3:GetBucketLocation"), "iam-", "s3:GetBucketLocation"),
        (iam, without("logs:CreateLogStream"), "iam-", "logs:CreateLogStream"),
        (iam, without("ec2:DescribeDhcpOptions"), "iam-", "ec2:DescribeDhcpOptions"),
        (
            iam,
            without("ec2:CreateNetworkInterfacePermission"),
            "iam-",
            "ec2:CreateNetworkInterfacePermission",
        ),
        (iam, another_subnet, "iam-", "ec2:CreateNetworkInterfacePermission"),
        (iam, without("redshift-serverless:GetCredentials"), "iam-", "redshift-serverless:GetCredentials"),
        (code, named("WAREHOUSE_DATABASE"), "code-environment", "WAREHOUSE_DATABASE"),
        (code, other_module, "code-handler", "run_dbt_slowly"),
        (code, without_run_id, "code-event", "RUN_ID"),
        (references, other_workgroup, "reference-value", "osusume-sample-nowhere"),
        (values, lambda t: project(t).update(TimeoutInMinutes=481), "value-", "481"),
        (values, lambda t: project(t)["VpcConfig"].pop("VpcId"), "value-", "VpcId"),
    ],
)
def test_what_a_project_lacks_is_found(
    assembly: Assembly, check: Any, change: Callable[[Template], Any], rule: str, said: str
) -> None:
    problems = found(assembly, check, change)
    assert any(rule in one and said in one for one in problems), problems


def test_a_project_in_a_vpc_has_to_reach_its_sources_the_warehouse_and_what_its_role_calls(
    assembly: Assembly,
) -> None:
    of_project = [one for one in connections(assembly) if one.logical_id.startswith("RunDbtProject")]
    assert {one.service for one in of_project if one.service} == {"s3", "redshift-serverless"}
    assert [one.port for one in of_project if one.target] == [5439]
