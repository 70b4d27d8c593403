"""What CloudFormation refuses, by AWS's documentation, the endpoint does not do either."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import allow, error_of, eventually, name
from tests.cloudformation.test_types import Resources, deploy, destroy, finished, reasons, resource

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{**allow("sts:AssumeRole"), "Principal": {"Service": "lambda.amazonaws.com"}}],
}
del _TRUST["Statement"][0]["Resource"]  # type: ignore[attr-defined]
_KEY = {"AttributeName": "pk"}
_TABLE = {
    "KeySchema": [{**_KEY, "KeyType": "HASH"}],
    "AttributeDefinitions": [{**_KEY, "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
_MACHINE = {
    "DefinitionString": json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
    "RoleArn": "arn:aws:iam::222222222222:role/nobody",
}
_SCHEDULE = {
    "ScheduleExpression": "rate(1 day)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {"Arn": "arn:aws:sqs:eu-central-1:222222222222:q", "RoleArn": _MACHINE["RoleArn"]},
}
_ALARM = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1}
_METRIC = {"MetricName": "m", "Namespace": "n", "Period": 60, "Statistic": "Sum"}
_GLUE_KEY = {"S3Encryptions": [{"S3EncryptionMode": "SSE-S3"}]}
NAMED: dict[str, tuple[str, dict[str, Any]]] = {
    "S3::Bucket": ("BucketName", {}),
    "DynamoDB::Table": ("TableName", _TABLE),
    "Logs::LogGroup": ("LogGroupName", {}),
    "SecretsManager::Secret": ("Name", {}),
    "IAM::Role": ("RoleName", {"AssumeRolePolicyDocument": _TRUST}),
    "SNS::Topic": ("TopicName", {}),
    "SQS::Queue": ("QueueName", {}),
    "SSM::Parameter": ("Name", {"Type": "String", "Value": "v"}),
    "StepFunctions::StateMachine": ("StateMachineName", _MACHINE),
    "Scheduler::Schedule": ("Name", _SCHEDULE),
    "CloudWatch::Alarm": ("AlarmName", {**_ALARM, **_METRIC}),
    "CloudWatch::Dashboard": ("DashboardName", {"DashboardBody": "{}"}),
    "Glue::SecurityConfiguration": ("Name", {"EncryptionConfiguration": _GLUE_KEY}),
}


def attempt(cloud: Endpoint, stack: str, resources: Resources) -> tuple[str, list[str]]:
    """(status, reasons of what failed)."""
    body = json.dumps({"Resources": resources})
    cloud.client("cloudformation").create_stack(
        StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    done = eventually(lambda: finished(cloud, stack))
    return done["StackStatus"], reasons(cloud, stack)


def retained(kind: str) -> dict[str, Any]:
    member, properties = NAMED[kind]
    return {**resource(kind, **{member: name("taken"), **properties}), "DeletionPolicy": "Retain"}


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_that_is_retained_is_in_the_way_of_the_next_stack(cloud: Endpoint, kind: str) -> None:
    kept = retained(kind)
    first, second = name("first"), name("second")
    assert attempt(cloud, first, {"R": kept}) == ("CREATE_COMPLETE", [])
    destroy(cloud, first)
    status, why = attempt(cloud, second, {"R": kept})
    assert status == "ROLLBACK_COMPLETE"
    assert any("exist" in reason.lower() or "Validation failed" in reason for reason in why), why


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_that_went_with_its_stack_is_free(cloud: Endpoint, kind: str) -> None:
    made = {**retained(kind), "DeletionPolicy": "RetainExceptOnCreate"}
    broken = {"R": made, "X": {**resource("Logs::LogStream"), "DependsOn": "R"}}
    assert attempt(cloud, name("first"), broken)[0] == "ROLLBACK_COMPLETE"
    assert attempt(cloud, name("second"), {"R": made}) == ("CREATE_COMPLETE", [])


def failed_to_delete(cloud: Endpoint, stack: str) -> list[str]:
    cloud.client("cloudformation").delete_stack(StackName=stack)
    done = eventually(lambda: finished(cloud, stack))
    assert done["StackStatus"] == "DELETE_FAILED"
    return [reason for reason in reasons(cloud, stack) if "failed to delete" not in reason]


@pytest.mark.parametrize("left", ["object", "version", "marker"])
def test_a_bucket_that_holds_anything_is_not_deleted(cloud: Endpoint, left: str) -> None:
    stack, bucket, s3 = name("stack"), name("bucket"), cloud.client("s3")
    versioning = {"VersioningConfiguration": {"Status": "Enabled"}}
    deploy(cloud, stack, {"B": resource("S3::Bucket", BucketName=bucket, **versioning)})
    put = s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    if left != "object":
        s3.delete_object(Bucket=bucket, Key="a")
    if left == "marker":
        s3.delete_object(Bucket=bucket, Key="a", VersionId=put["VersionId"])
    [why] = failed_to_delete(cloud, stack)
    assert "not empty" in why and "all versions" in why
    listed = s3.list_object_versions(Bucket=bucket)
    for one in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    destroy(cloud, stack)
    assert error_of(lambda: s3.head_bucket(Bucket=bucket))[0] == "404"


def test_a_protected_table_is_not_deleted_until_it_is_not(cloud: Endpoint) -> None:
    stack, table = name("stack"), name("table")
    protected = {**_TABLE, "TableName": table, "DeletionProtectionEnabled": True}
    deploy(cloud, stack, {"T": resource("DynamoDB::Table", **protected)})
    [why] = failed_to_delete(cloud, stack)
    assert "protected against deletion" in why
    cloud.client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=False)
    destroy(cloud, stack)


def test_a_protected_table_can_not_be_rolled_back(cloud: Endpoint) -> None:
    stack = name("stack")
    protected = {**_TABLE, "TableName": name("table"), "DeletionProtectionEnabled": True}
    broken = {**resource("Logs::LogStream"), "DependsOn": "T"}
    status, _ = attempt(cloud, stack, {"T": resource("DynamoDB::Table", **protected), "X": broken})
    assert status == "ROLLBACK_FAILED"


def test_a_stack_with_termination_protection_is_not_deleted(cloud: Endpoint) -> None:
    stack, client = name("stack"), cloud.client("cloudformation")
    deploy(cloud, stack, {"P": resource("SSM::Parameter", Name=name(), Type="String", Value="v")})
    client.update_termination_protection(StackName=stack, EnableTerminationProtection=True)
    code, message = error_of(lambda: client.delete_stack(StackName=stack))
    assert code == "ValidationError" and "TerminationProtection" in message
    client.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    destroy(cloud, stack)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Glue::SecurityConfiguration", {"EncryptionConfiguration": {"S3Encryptions": []}}),
        (
            "DynamoDB::Table",
            {"KeySchema": [{**_KEY, "AttributeName": "id", "KeyType": "HASH"}],
             "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]},
        ),
        ("StepFunctions::StateMachine", {"StateMachineType": "EXPRESS"}),
    ],
)  # fmt: skip
def test_what_is_fixed_at_creation_does_not_change_under_a_fixed_name(
    cloud: Endpoint, kind: str, change: dict[str, Any]
) -> None:
    stack = name("stack")
    member, properties = NAMED[kind]
    named = {member: name("fixed"), **properties}
    deploy(cloud, stack, {"R": resource(kind, **named)})
    body = json.dumps({"Resources": {"R": resource(kind, **{**named, **change})}})
    cloud.client("cloudformation").update_stack(StackName=stack, TemplateBody=body)
    done = eventually(lambda: finished(cloud, stack))
    assert done["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert any("exist" in why.lower() or "requires replacing" in why for why in reasons(cloud, stack))


@pytest.mark.parametrize("kind", ["role", "user", "group"])
def test_a_policy_that_others_attached_is_not_deleted_until_it_is_detached(
    cloud: Endpoint, kind: str
) -> None:
    stack, policy, entity, iam = name("stack"), name("policy"), name(kind), cloud.client("iam")
    trust = {"AssumeRolePolicyDocument": json.dumps(_TRUST)} if kind == "role" else {}
    getattr(iam, f"create_{kind}")(**{f"{kind.title()}Name": entity}, **trust)
    own = resource("IAM::Role", AssumeRolePolicyDocument=_TRUST)
    document = {"Version": "2012-10-17", "Statement": [allow("sts:GetCallerIdentity")]}
    managed = resource(
        "IAM::ManagedPolicy", ManagedPolicyName=policy, PolicyDocument=document, Roles=[{"Ref": "R"}]
    )
    done, _ = attempt(cloud, stack, {"R": own, "P": managed})
    assert done == "CREATE_COMPLETE"
    given = {f"{kind.title()}Name": entity, "PolicyArn": f"arn:aws:iam::{cloud.account}:policy/{policy}"}
    getattr(iam, f"attach_{kind}_policy")(**given)
    # Its own role stays too, which still has it.
    assert any(
        "Cannot delete a policy attached to entities." in why for why in failed_to_delete(cloud, stack)
    )
    getattr(iam, f"detach_{kind}_policy")(**given)
    destroy(cloud, stack)


@pytest.mark.parametrize("kind", ["managed", "inline"])
def test_a_role_that_others_gave_a_policy_is_not_deleted_until_it_is_gone(cloud: Endpoint, kind: str) -> None:
    stack, role, iam = name("stack"), name("role"), cloud.client("iam")
    document = {"Version": "2012-10-17", "Statement": [allow("sts:GetCallerIdentity")]}
    own = {"PolicyName": "own", "PolicyDocument": document}
    managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    properties = {"RoleName": role, "AssumeRolePolicyDocument": _TRUST, "Policies": [own]}
    beside = resource("IAM::Policy", PolicyName="beside", PolicyDocument=document, Roles=[{"Ref": "R"}])
    done, _ = attempt(
        cloud, stack, {"R": resource("IAM::Role", **properties, ManagedPolicyArns=managed), "P": beside}
    )
    assert done == "CREATE_COMPLETE"
    added = "arn:aws:iam::aws:policy/AWSLambda_FullAccess"
    if kind == "managed":
        iam.attach_role_policy(RoleName=role, PolicyArn=added)
    else:
        iam.put_role_policy(RoleName=role, PolicyName="added", PolicyDocument=json.dumps(document))
    [why] = failed_to_delete(cloud, stack)
    assert "Cannot delete entity, must de" in why and role in why
    if kind == "managed":
        iam.detach_role_policy(RoleName=role, PolicyArn=added)
    else:
        iam.delete_role_policy(RoleName=role, PolicyName="added")
    destroy(cloud, stack)
