"""A stack's service role: its permissions make the resources, whoever asked for the stack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.personalize import conftest
from tests.personalize.conftest import ACCOUNT, World, failure
from tests.personalize.test_cloudformation import settled

ROOT = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
TRUST = {**ROOT, "Principal": {"Service": "cloudformation.amazonaws.com"}}
MAKES_GROUPS = {"Effect": "Allow", "Action": ["personalize:*", "kms:*"], "Resource": "*"}
PASSES = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
DEPLOYS = {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"}


def make_role(world: World, name: str, trust: dict[str, Any], *statements: dict[str, Any]) -> str:
    iam = world.client("iam")
    document = {"Version": "2012-10-17", "Statement": [trust]}
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    return arn


@pytest.fixture(scope="module")
def role(world: World) -> str:
    return conftest.make_role(world, "personalize-with-key", actions=("kms:*",))


def cloudformation_of(world: World, role: str) -> Any:
    issued = world.client("sts").assume_role(RoleArn=role, RoleSessionName="deployer")["Credentials"]
    return world.client(
        "cloudformation",
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key=issued["SecretAccessKey"],
        aws_session_token=issued["SessionToken"],
    )


def template(world: World, role: str, name: str) -> str:
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    group = {"Name": name, "RoleArn": role, "KmsKeyArn": key}
    return json.dumps(
        {"Resources": {"Group": {"Type": "AWS::Personalize::DatasetGroup", "Properties": group}}}
    )


def by_change_set(client: Any, stack: str, body: str, role: str) -> None:
    client.create_change_set(
        StackName=stack, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body, RoleARN=role
    )
    client.execute_change_set(StackName=stack, ChangeSetName="first")


def reasons(world: World, stack: str) -> str:
    events = world.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return " ".join(event.get("ResourceStatusReason", "") for event in events)


def test_a_change_set_is_executed_with_the_role_it_was_made_with(world: World, role: str) -> None:
    """The deployer itself may pass no role to Personalize: only the stack's role may."""
    executor = make_role(world, "executor", TRUST, MAKES_GROUPS, PASSES)
    deployer = make_role(world, "deployer", ROOT, DEPLOYS, {**PASSES, "Resource": executor})
    by_change_set(
        cloudformation_of(world, deployer), "with-role", template(world, role, "with-role"), executor
    )
    stack = settled(world, "with-role")
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(world, "with-role")


def test_a_role_that_lacks_a_permission_fails_the_stack_by_its_own_name(world: World, role: str) -> None:
    weak = make_role(world, "weak-executor", TRUST, MAKES_GROUPS)
    by_change_set(world.client("cloudformation"), "weak", template(world, role, "weak"), weak)
    assert settled(world, "weak")["StackStatus"] == "ROLLBACK_COMPLETE"
    said = "assumed-role/weak-executor/AWSCloudFormation is not authorized to perform: iam:PassRole"
    assert said in reasons(world, "weak")


@pytest.mark.parametrize(
    ("trust", "passes", "code", "said"),
    [
        (TRUST, [], "AccessDenied", "iam:PassRole"),
        (ROOT, [PASSES], "ValidationError", "cannot be assumed"),
    ],
)
def test_a_role_that_may_not_be_handed_over_is_refused_at_once(
    world: World, role: str, trust: dict[str, Any], passes: list[dict[str, Any]], code: str, said: str
) -> None:
    executor = make_role(world, f"refused-{code}", trust, MAKES_GROUPS)
    deployer = make_role(world, f"deployer-{code}", ROOT, DEPLOYS, *passes)
    call = cloudformation_of(world, deployer).create_stack
    body = template(world, role, f"refused-{code.lower()}")
    refused, message = failure(call, StackName=f"refused-{code}", TemplateBody=body, RoleARN=executor)
    assert refused == code and said in message
