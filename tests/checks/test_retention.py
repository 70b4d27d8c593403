"""What is retained under a fixed name, in either of the ways in which a template gives one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from checks.assembly import Assembly
from checks.rules import retention
from tests.mutations.mutation import shipped, with_template


def found(resource: dict[str, Any]) -> list[tuple[str, str]]:
    template = copy.deepcopy(shipped().templates["Storage"])
    template["Resources"]["Planted"] = resource
    findings = retention.check(with_template(shipped(), "Storage", template))
    return [(finding.logical_id, finding.rule) for finding in findings]


NAMES: list[tuple[str, dict[str, Any]]] = [
    ("AWS::S3::Bucket", {"BucketName": "osusume-dev-x"}),
    ("AWS::S3::Bucket", {"BucketName": {"Fn::Sub": "osusume-${AWS::AccountId}"}}),
    ("AWS::DynamoDB::Table", {"TableName": "x"}),
    ("AWS::DynamoDB::GlobalTable", {"TableName": "x"}),
    ("AWS::Logs::LogGroup", {"LogGroupName": {"Fn::Join": ["/", ["", "aws", {"Ref": "AWS::Region"}]]}}),
    ("AWS::SecretsManager::Secret", {"Name": "x"}),
    ("AWS::Glue::SecurityConfiguration", {"Name": "x"}),
    ("AWS::RDS::DBCluster", {"DBClusterIdentifier": "x"}),
    ("AWS::RedshiftServerless::Namespace", {"NamespaceName": "x"}),
    ("AWS::Personalize::DatasetGroup", {"Name": "x"}),
    ("AWS::StepFunctions::StateMachine", {"StateMachineName": "x"}),
    ("AWS::ElastiCache::ReplicationGroup", {"ReplicationGroupId": "x"}),
    ("AWS::KMS::Alias", {"AliasName": "alias/x"}),
    ("AWS::Kinesis::Stream", {"Name": "x"}),
]


@pytest.mark.parametrize(("kind", "properties"), NAMES, ids=lambda value: str(value)[:40])
def test_a_fixed_name_that_is_retained_is_found(kind: str, properties: dict[str, Any]) -> None:
    resource = {"Type": kind, "Properties": properties, "DeletionPolicy": "Retain"}
    assert found(resource) == [("Planted", "retained-name")]
    for other in ("RetainExceptOnCreate", "Delete", "Snapshot"):
        assert found({**resource, "DeletionPolicy": other}) == [], other


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::KMS::Key", {"Description": "x"}),
        ("AWS::IAM::Role", {"Description": "x"}),
        ("AWS::RDS::DBCluster", {"DatabaseName": "x", "DBSubnetGroupName": "y"}),
        ("AWS::ApiGateway::Account", {}),
    ],
)
def test_a_name_that_cloudformation_makes_up_may_be_retained(kind: str, properties: dict[str, Any]) -> None:
    assert found({"Type": kind, "Properties": properties, "DeletionPolicy": "Retain"}) == []


@pytest.mark.parametrize(
    "protection",
    [
        ("AWS::DynamoDB::Table", {"DeletionProtectionEnabled": True}),
        ("AWS::RDS::DBCluster", {"DeletionProtection": "true"}),
    ],
)
def test_protection_in_a_stack_that_is_not_protected_is_found(protection: tuple[str, dict[str, Any]]) -> None:
    kind, properties = protection
    assert found({"Type": kind, "Properties": properties}) == [("Planted", "retained-protected")]


def test_the_shipped_templates_retain_no_fixed_name(assembly: Assembly) -> None:
    assert retention.check(assembly) == []
