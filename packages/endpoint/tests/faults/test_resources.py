"""Resources of stacks that fail by plan: by type, by name, so many times."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.faults.client import Faults
from osusume_endpoint.faults.injector import Injector
from osusume_endpoint.faults.plan import PlanRefused, parse
from osusume_endpoint.testing.running import eventually, name

KIND = "AWS::SSM::Parameter"


def parameters(*names: str, value: str = "v") -> str:
    kept = {"Type": KIND, "Properties": {"Type": "String", "Value": value}}
    return json.dumps({"Resources": dict.fromkeys(names, kept)})


def settled(cloud: Endpoint, stack: str) -> str:
    def look() -> Any:
        found = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return None if found["StackStatus"].endswith("PROGRESS") else found["StackStatus"]

    return str(eventually(look))


def test_a_creation_fails_once_and_its_repetition_succeeds(cloud: Endpoint, faults: Faults) -> None:
    client, stack = cloud.client("cloudformation"), name("stack")
    faults.use(f"resources: [{{type: '{KIND}', name: B}}]")
    client.create_stack(StackName=stack, TemplateBody=parameters("A", "B"))
    assert settled(cloud, stack) == "ROLLBACK_COMPLETE"
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    [failed] = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert failed["LogicalResourceId"] == "B" and "Internal Failure" in failed["ResourceStatusReason"]
    assert [fired["what"] for fired in faults.report()["fired"]] == [f"{KIND} B"]
    client.delete_stack(StackName=stack)
    client.create_stack(StackName=stack, TemplateBody=parameters("A", "B"))
    assert settled(cloud, stack) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("on", "status"), [("update", "UPDATE_ROLLBACK_COMPLETE"), ("delete", "DELETE_FAILED")]
)
def test_changes_and_deletions_fail_too(cloud: Endpoint, faults: Faults, on: str, status: str) -> None:
    client, stack = cloud.client("cloudformation"), name("stack")
    client.create_stack(StackName=stack, TemplateBody=parameters("A"))
    assert settled(cloud, stack) == "CREATE_COMPLETE"
    faults.use(f"resources: [{{type: 'AWS::*', name: A, change: {on}}}]")
    if on == "update":
        client.update_stack(StackName=stack, TemplateBody=parameters("A", value="w"))
    else:
        client.delete_stack(StackName=stack)
    assert settled(cloud, stack) == status


def test_so_many_pass_and_so_many_fail() -> None:
    injector = Injector(parse("resources: [{type: 'AWS::S3::*', after: 1, count: 2}]"))
    assert not injector.resource_fails("create", "AWS::SQS::Queue", "Q")
    assert not injector.resource_fails("delete", "AWS::S3::Bucket", "B")
    failed = [injector.resource_fails("create", "AWS::S3::Bucket", name) for name in "ABCD"]
    assert failed == [False, True, True, False]


@pytest.mark.parametrize(
    "wrong", ["{type: ''}", "{type: 'AWS::S3', change: read}", "{name: B}", "{type: a b}"]
)
def test_a_resource_that_can_not_fail_is_refused(wrong: str) -> None:
    with pytest.raises(PlanRefused, match=r"resources\.0"):
        parse(f"resources: [{wrong}]")
