"""A VPC endpoint's policy holds for calls from its VPC, beside the caller's own permissions, and for no others."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from osusume_endpoint.network import reach
from osusume_endpoint.network.model import Network, Place, ServiceEndpoint, Subnet
from osusume_endpoint.testing.cloud import ACCOUNT, REGION, Cloud, wait_for

READ = """
import boto3

def handler(event, context):
    client = boto3.client(event["service"])
    return str(getattr(client, event["call"])(**event["with"])["ResponseMetadata"]["HTTPStatusCode"])
"""
ALLOWED = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::let-out/*",
}
DENIED = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::let-out/secret"}
RESOURCES: dict[str, Any] = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.78.0.0/16"}},
    "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
    "Subnet": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {
            "VpcId": {"Ref": "Vpc"},
            "CidrBlock": "10.78.0.0/24",
            "AvailabilityZone": f"{REGION}a",
        },
    },
    "Link": {
        "Type": "AWS::EC2::SubnetRouteTableAssociation",
        "Properties": {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": {"Ref": "Table"}},
    },
    "Group": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "held", "VpcId": {"Ref": "Vpc"}},
    },
    "S3": {
        "Type": "AWS::EC2::VPCEndpoint",
        "Properties": {
            "VpcId": {"Ref": "Vpc"},
            "ServiceName": f"com.amazonaws.{REGION}.s3",
            "RouteTableIds": [{"Ref": "Table"}],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [ALLOWED, DENIED]},
        },
    },
}
OUTPUTS = {"Subnet": {"Ref": "Subnet"}, "Group": {"Fn::GetAtt": ["Group", "GroupId"]}, "S3": {"Ref": "S3"}}
FREE = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}


class Held:
    """Two functions of one role, which may do anything: one in the VPC whose endpoint has a policy, one in none."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.functions = cloud, cloud.client("lambda")
        for bucket in ("let-out", "kept-in"):
            cloud.bucket(bucket)
            cloud.put(bucket, "one", "1")
        cloud.put("let-out", "secret", "2")
        self.given = cloud.deploy("held", RESOURCES, OUTPUTS)
        self.role = cloud.role("held-function", service="lambda.amazonaws.com", actions=["*"])
        within = {"SubnetIds": [self.given["Subnet"]], "SecurityGroupIds": [self.given["Group"]]}
        self._create("held-inside", VpcConfig=within)
        self._create("held-outside")

    def _create(self, name: str, **where: Any) -> None:
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("read.py", READ)
        self.functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=self.role,
            Handler="read.handler",
            Code={"ZipFile": package.getvalue()},
            Timeout=60,
            **where,
        )
        state = lambda: self.functions.get_function_configuration(FunctionName=name)["State"]  # noqa: E731
        wait_for(state, lambda seen: seen == "Active")

    def call(self, name: str, service: str, call: str, **arguments: Any) -> str:
        event = json.dumps({"service": service, "call": call, "with": arguments})
        answer = json.loads(self.functions.invoke(FunctionName=name, Payload=event)["Payload"].read())
        return str(answer["errorMessage"] if isinstance(answer, dict) else answer)

    def get(self, name: str, bucket: str, key: str = "one") -> str:
        return self.call(name, "s3", "get_object", Bucket=bucket, Key=key)


@pytest.fixture(scope="module")
def held(cloud: Cloud) -> Iterator[Held]:
    yield Held(cloud)


def test_a_function_is_refused_what_the_endpoint_of_its_vpc_does_not_allow(held: Held) -> None:
    assert held.get("held-inside", "let-out") == "200"
    refused = held.get("held-inside", "kept-in")
    assert "AccessDenied" in refused and "because no VPC endpoint policy allows the s3:GetObject" in refused
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/held-function/held-inside" in refused
    assert "on resource: arn:aws:s3:::kept-in/one" in refused
    assert "with an explicit deny in a VPC endpoint policy" in held.get("held-inside", "let-out", "secret")
    assert "no VPC endpoint policy" in held.call("held-inside", "s3", "list_buckets")


def test_other_services_and_other_places_are_not_held_to_it(held: Held) -> None:
    assert held.call("held-inside", "dynamodb", "list_tables") == "200"
    assert held.get("held-outside", "kept-in") == held.get("held-outside", "let-out", "secret") == "200"


def test_a_policy_that_is_changed_holds_at_once(held: Held) -> None:
    ec2, name = held.cloud.client("ec2"), held.given["S3"]
    ec2.modify_vpc_endpoint(VpcEndpointId=name, PolicyDocument=json.dumps(FREE))
    assert held.get("held-inside", "kept-in") == "200"
    only = {"Statement": [{**ALLOWED, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/another"}}]}
    ec2.modify_vpc_endpoint(VpcEndpointId=name, PolicyDocument=json.dumps(only))
    assert "no VPC endpoint policy allows" in held.get("held-inside", "let-out")
    only["Statement"][0]["Principal"] = {"AWS": held.role}
    ec2.modify_vpc_endpoint(VpcEndpointId=name, PolicyDocument=json.dumps(only))
    assert held.get("held-inside", "let-out") == "200"


def test_a_gateway_is_taken_where_no_interface_with_private_names_answers() -> None:
    place = Place("job", ("subnet-1",), ())
    subnets = {"subnet-1": Subnet("subnet-1", "vpc-1", "10.0.0.0/24", table="rtb-1")}
    gateway = ServiceEndpoint("vpce-1", "vpc-1", "s3", is_gateway=True, tables=frozenset({"rtb-1"}))
    elsewhere = ServiceEndpoint("vpce-2", "vpc-1", "s3", is_gateway=True, tables=frozenset({"rtb-2"}))
    unnamed = ServiceEndpoint("vpce-3", "vpc-1", "s3", is_gateway=False)
    named = ServiceEndpoint("vpce-4", "vpc-1", "s3", is_gateway=False, private_dns=True)

    def taken(*endpoints: ServiceEndpoint) -> list[str]:
        network = Network(subnets=subnets, endpoints=endpoints)
        return [one.id for one in endpoints if reach.goes_by(network, place, one)]

    assert taken(gateway, elsewhere, unnamed) == ["vpce-1"]
    assert taken(gateway, elsewhere, unnamed, named) == ["vpce-4"]
