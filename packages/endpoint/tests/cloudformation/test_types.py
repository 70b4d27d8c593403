from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from osusume_endpoint.cloudformation import no_op
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import error_of, eventually, name

Resources = dict[str, Any]


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def deploy(
    cloud: Endpoint, stack: str, resources: Resources, *, outputs: Resources | None = None
) -> dict[str, str]:
    """Creates or updates; returns the outputs. Fails with the reasons of failed resources."""
    client = cloud.client("cloudformation")
    shown = {k: {"Value": v} for k, v in (outputs or {}).items()}
    body = json.dumps({"Resources": resources, "Outputs": shown})
    try:
        client.create_stack(StackName=stack, TemplateBody=body)
    except client.exceptions.AlreadyExistsException:
        client.update_stack(StackName=stack, TemplateBody=body)
    done = eventually(lambda: finished(cloud, stack))
    assert done["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), reasons(cloud, stack)
    return {o["OutputKey"]: o["OutputValue"] for o in done.get("Outputs", [])}


def finished(cloud: Endpoint, stack: str) -> dict[str, Any] | None:
    found: dict[str, Any] = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return None if found["StackStatus"].endswith("IN_PROGRESS") else found


def reasons(cloud: Endpoint, stack: str) -> list[str]:
    events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [e.get("ResourceStatusReason", "") for e in events if "FAILED" in e["ResourceStatus"]]


def destroy(cloud: Endpoint, stack: str) -> None:
    cloud.client("cloudformation").delete_stack(StackName=stack)

    def gone() -> bool:
        try:
            return bool(finished(cloud, stack)) and finished(cloud, stack)["StackStatus"] == "DELETE_COMPLETE"  # type: ignore[index]
        except ClientError:
            return True

    eventually(gone)


def ref(logical_id: str) -> dict[str, str]:
    return {"Ref": logical_id}


def attribute(logical_id: str, member: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [logical_id, member]}


def test_a_network_with_nat_flow_logs_and_group_rules_comes_and_goes(cloud: Endpoint) -> None:
    stack, ec2 = name("network"), cloud.client("ec2")
    peer = {"GroupId": ref("Group"), "IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
    resources = {
        "Vpc": resource("EC2::VPC", CidrBlock="10.9.0.0/16"),
        "Subnet": resource("EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.9.1.0/24"),
        "Address": resource("EC2::EIP", Domain="vpc"),
        "Nat": resource(
            "EC2::NatGateway", SubnetId=ref("Subnet"), AllocationId=attribute("Address", "AllocationId")
        ),
        "Group": resource("EC2::SecurityGroup", GroupDescription="g", VpcId=ref("Vpc")),
        "In": resource("EC2::SecurityGroupIngress", **peer, SourceSecurityGroupId=ref("Group")),
        "Out": resource("EC2::SecurityGroupEgress", **peer, DestinationSecurityGroupId=ref("Group")),
        "Flow": resource(
            "EC2::FlowLog",
            ResourceId=ref("Vpc"),
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="s3",
            LogDestination="arn:aws:s3:::flow-logs",
        ),
    }
    made = deploy(
        cloud,
        stack,
        resources,
        outputs={"Cidr": attribute("Vpc", "CidrBlock"), "Nat": ref("Nat"), "Group": ref("Group")},
    )
    assert made["Cidr"] == "10.9.0.0/16"
    assert ec2.describe_nat_gateways(NatGatewayIds=[made["Nat"]])["NatGateways"]
    group = ec2.describe_security_groups(GroupIds=[made["Group"]])["SecurityGroups"][0]
    assert [p["FromPort"] for p in group["IpPermissions"]] == [5432]
    destroy(cloud, stack)
    assert not [
        g
        for g in ec2.describe_nat_gateways()["NatGateways"]
        if g["NatGatewayId"] == made["Nat"] and g["State"] != "deleted"
    ]


def test_a_type_in_no_table_is_refused_by_its_name(cloud: Endpoint) -> None:
    body = json.dumps({"Resources": {"R": {"Type": "AWS::Made::Up"}}})
    code, message = error_of(
        lambda: cloud.client("cloudformation").create_stack(StackName=name(), TemplateBody=body)
    )
    assert (code, "AWS::Made::Up" in message) == ("ValidationError", True)


def test_every_type_without_effect_has_a_reason_and_deploys(cloud: Endpoint) -> None:
    assert all(len(reason) > 10 for reason in no_op.REASONS.values())
    stack = name("noop")
    deploy(cloud, stack, {f"R{i}": {"Type": kind} for i, kind in enumerate(no_op.REASONS)})
    destroy(cloud, stack)


def test_ref_of_a_secret_is_its_arn_and_cdk_can_cut_the_name_out_of_it(cloud: Endpoint) -> None:
    secret = resource("SecretsManager::Secret", GenerateSecretString={"ExcludePunctuation": True})
    arn = deploy(cloud, name("secret"), {"Database": secret}, outputs={"Arn": ref("Database")})["Arn"]
    assert arn.startswith(f"arn:aws:secretsmanager:{cloud.region}:{cloud.account}:secret:Database-")
    cut = "-".join(arn.split(":")[6].split("-")[:2])
    value = cloud.client("secretsmanager").get_secret_value(SecretId=cut)
    assert value["ARN"] == arn
    assert value["SecretString"].isalnum()


def test_a_bucket_keeps_its_default_key_and_life_cycle(cloud: Endpoint) -> None:
    bucket, stack = name("bucket"), name("stack")
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    properties: dict[str, Any] = {
        "BucketName": bucket,
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default}]
        },
        "LifecycleConfiguration": {
            "Rules": [{"Id": "short", "Status": "Enabled", "Prefix": "tmp/", "ExpirationInDays": 3}]
        },
    }
    s3 = cloud.client("s3")
    deploy(cloud, stack, {"B": resource("S3::Bucket", **properties)})
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == default
    rule = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]
    assert (rule["ID"], rule["Expiration"]["Days"]) == ("short", 3)
    properties["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] = 9
    deploy(cloud, stack, {"B": resource("S3::Bucket", **properties)})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["Expiration"]["Days"] == 9


@pytest.mark.parametrize("kind", ["Table", "GlobalTable"])
def test_a_table_keeps_its_key_and_recovery(cloud: Endpoint, kind: str) -> None:
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    table = name("table")
    recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    common: dict[str, Any] = {
        "TableName": table,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    sse = {"SSEEnabled": True, "SSEType": "KMS"}
    if kind == "Table":
        properties = {**common, **recovery, "SSESpecification": {**sse, "KMSMasterKeyId": key}}
    else:
        replica = {"Region": cloud.region, "SSESpecification": {"KMSMasterKeyId": key}, **recovery}
        properties = {**common, "SSESpecification": sse, "Replicas": [replica]}
    deploy(cloud, name("stack"), {"T": resource(f"DynamoDB::{kind}", **properties)})
    dynamodb = cloud.client("dynamodb")
    assert dynamodb.describe_table(TableName=table)["Table"]["SSEDescription"]["KMSMasterKeyArn"] == key
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.parametrize("kind", ["Table", "GlobalTable"])
def test_a_table_expires_items_as_its_template_says_now(cloud: Endpoint, kind: str) -> None:
    table, stack, dynamodb = name("table"), name("stack"), cloud.client("dynamodb")
    replicas = {"Replicas": [{"Region": cloud.region}]} if kind == "GlobalTable" else {}
    common: dict[str, Any] = {
        "TableName": table,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        **replicas,
    }
    on, off = ({"AttributeName": "until", "Enabled": enabled} for enabled in (True, False))
    wanted = [({"TimeToLiveSpecification": on}, "ENABLED"), ({"TimeToLiveSpecification": off}, "DISABLED")]
    for more, status in [*wanted, *wanted[:1], ({}, "DISABLED")]:
        deploy(cloud, stack, {"T": resource(f"DynamoDB::{kind}", **common, **more)})
        described = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        assert described["TimeToLiveStatus"] == status
        assert described.get("AttributeName") == ("until" if more else None)


def test_budgets_composite_alarms_and_glue_encryption_are_made(cloud: Endpoint) -> None:
    alarm, security = name("alarm"), name("security")
    deploy(
        cloud,
        name("stack"),
        {
            "Composite": resource("CloudWatch::CompositeAlarm", AlarmName=alarm, AlarmRule="FALSE"),
            "Budget": resource(
                "Budgets::Budget",
                Budget={
                    "BudgetType": "COST",
                    "TimeUnit": "MONTHLY",
                    "BudgetLimit": {"Amount": 5, "Unit": "USD"},
                },
            ),
            "Security": resource(
                "Glue::SecurityConfiguration",
                Name=security,
                EncryptionConfiguration={"S3Encryptions": [{"S3EncryptionMode": "SSE-S3"}]},
            ),
        },
    )
    alarms = cloud.client("cloudwatch").describe_alarms(AlarmNames=[alarm], AlarmTypes=["CompositeAlarm"])
    assert alarms["CompositeAlarms"][0]["AlarmRule"] == "FALSE"
    stored = cloud.client("glue").get_security_configuration(Name=security)["SecurityConfiguration"]
    assert stored["EncryptionConfiguration"]["S3Encryption"] == [{"S3EncryptionMode": "SSE-S3"}]


def test_a_template_parameter_reads_ssm(cloud: Endpoint) -> None:
    parameter = f"/{name()}/value"
    cloud.client("ssm").put_parameter(Name=parameter, Value="stored", Type="String")
    body = {
        "Parameters": {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": parameter}},
        "Resources": {"Q": resource("SQS::Queue")},
        "Outputs": {"Value": {"Value": ref("P")}},
    }
    stack = name("stack")
    cloud.client("cloudformation").create_stack(StackName=stack, TemplateBody=json.dumps(body))
    done = eventually(lambda: finished(cloud, stack))
    assert done["Outputs"][0]["OutputValue"] == "stored"


def test_conditions_may_join_lists_and_ask_for_the_region(cloud: Endpoint) -> None:
    empty = {"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Listed"}]}]}
    body = {
        "Parameters": {"Listed": {"Type": "CommaDelimitedList", "Default": ""}},
        "Conditions": {
            "Given": {"Fn::Not": [empty]},
            "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, cloud.region]},
        },
        "Resources": {
            "Given": {**resource("SNS::Topic"), "Condition": "Given"},
            "Here": {**resource("SNS::Topic"), "Condition": "Here"},
        },
    }
    client, stack = cloud.client("cloudformation"), name("conditions")
    made: dict[str, set[str]] = {}
    for listed in ("", "a,b"):
        given = [{"ParameterKey": "Listed", "ParameterValue": listed}]
        verb = client.update_stack if made else client.create_stack
        verb(StackName=stack, TemplateBody=json.dumps(body), Parameters=given)
        eventually(lambda: finished(cloud, stack))
        listing = client.list_stack_resources(StackName=stack)["StackResourceSummaries"]
        made[listed] = {one["LogicalResourceId"] for one in listing}
    assert made == {"": {"Here"}, "a,b": {"Given", "Here"}}


def test_a_name_that_is_made_up_stays_for_an_update_and_is_another_stacks_own(cloud: Endpoint) -> None:
    """What the first stack retained is in nobody's way: CloudFormation's random part is of the stack."""

    def made(text: str) -> str:
        topic = {"Kept": {**resource("SNS::Topic", DisplayName=text), "DeletionPolicy": "Retain"}}
        return deploy(cloud, "named", topic, outputs={"Topic": ref("Kept")})["Topic"]

    first = made("one")
    assert made("two") == first
    destroy(cloud, "named")
    second = made("three")
    beginning = f"arn:aws:sns:{cloud.region}:{cloud.account}:named-Kept-"
    assert first.startswith(beginning) and second.startswith(beginning) and second != first
    destroy(cloud, "named")
