"""What has no path on AWS is refused here: COPY and UNLOAD, a job's JDBC, a function's connection of dbt."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from osusume_endpoint.network import deployed, reach
from osusume_endpoint.network.model import Place
from osusume_endpoint.testing.cloud import Cloud, wait_for
from osusume_endpoint.testing.warehouse import Warehouse
from tests.glue.test_jobs import Jobs

REGION = "ap-northeast-1"
NOBODY = {"CidrIp": "255.255.255.255/32", "IpProtocol": "icmp", "FromPort": 252, "ToPort": 86}
JDBC = """
from pyspark.sql import SparkSession
url = "jdbc:postgresql://{host}:{port}/placed_shop?sslmode=require"
reader = SparkSession.builder.getOrCreate().read.format("jdbc").option("url", url)
reader = reader.option("driver", "org.postgresql.Driver")
reader.options(query="select 1 as n", user="placed_user", password="placed-password").load().show()
"""
# What the function of dbt does first, by dbt's own adapter as a function finds it.
CONNECT = """
from types import SimpleNamespace

def handler(event, context):
    from dbt.adapters.redshift import RedshiftConnectionManager

    connection = SimpleNamespace(state="init", credentials=SimpleNamespace(database="placed", sslmode=None))
    return str(RedshiftConnectionManager.open(connection))
"""


def _group(name: str, vpc: str = "Vpc") -> dict[str, Any]:
    rules = {"GroupDescription": name, "VpcId": {"Ref": vpc}, "SecurityGroupEgress": [NOBODY]}
    return {"Type": "AWS::EC2::SecurityGroup", "Properties": rules}


def _of(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def _subnet(position: int) -> dict[str, Any]:
    return {
        f"Subnet{position}": _of(
            "AWS::EC2::Subnet",
            VpcId={"Ref": "Vpc"},
            CidrBlock=f"10.77.{position}.0/24",
            AvailabilityZone=f"{REGION}a",
        ),
        f"Link{position}": _of(
            "AWS::EC2::SubnetRouteTableAssociation",
            SubnetId={"Ref": f"Subnet{position}"},
            RouteTableId={"Ref": "Table"},
        ),
    }


SUBNETS = [{"Ref": f"Subnet{position}"} for position in range(3)]
RESOURCES = {
    "Vpc": _of("AWS::EC2::VPC", CidrBlock="10.77.0.0/16"),
    "Table": _of("AWS::EC2::RouteTable", VpcId={"Ref": "Vpc"}),
    **{name: one for position in range(3) for name, one in _subnet(position).items()},
    "S3": _of(
        "AWS::EC2::VPCEndpoint",
        VpcId={"Ref": "Vpc"},
        ServiceName=f"com.amazonaws.{REGION}.s3",
        RouteTableIds=[{"Ref": "Table"}],
    ),
    **{name: _group(name) for name in ("Server", "Client")},
    "Secrets": _of(
        "AWS::EC2::VPCEndpoint",
        VpcId={"Ref": "Vpc"},
        ServiceName=f"com.amazonaws.{REGION}.secretsmanager",
        VpcEndpointType="Interface",
        PrivateDnsEnabled=True,
        SubnetIds=SUBNETS,
        SecurityGroupIds=[{"Fn::GetAtt": ["Server", "GroupId"]}],
    ),
    "Namespace": _of(
        "AWS::RedshiftServerless::Namespace",
        NamespaceName="placed",
        DbName="placed",
        AdminUsername="placed_admin",
        ManageAdminPassword=True,
        IamRoles=[{"Ref": "CopyRole"}],
    ),
    "Workgroup": {
        "DependsOn": "Namespace",
        **_of(
            "AWS::RedshiftServerless::Workgroup",
            WorkgroupName="placed",
            NamespaceName="placed",
            EnhancedVpcRouting=True,
            SubnetIds=SUBNETS,
            SecurityGroupIds=[{"Fn::GetAtt": ["Server", "GroupId"]}],
        ),
    },
    "DatabaseSubnets": _of(
        "AWS::RDS::DBSubnetGroup", DBSubnetGroupDescription="placed", SubnetIds=SUBNETS[:2]
    ),
    "Cluster": _of(
        "AWS::RDS::DBCluster",
        Engine="aurora-postgresql",
        DatabaseName="placed_shop",
        MasterUsername="placed_user",
        MasterUserPassword="placed-password",
        DBSubnetGroupName={"Ref": "DatabaseSubnets"},
        VpcSecurityGroupIds=[{"Fn::GetAtt": ["Server", "GroupId"]}],
    ),
    "Connection": _of(
        "AWS::Glue::Connection",
        CatalogId="111111111111",
        ConnectionInput={
            "Name": "placed",
            "ConnectionType": "NETWORK",
            "PhysicalConnectionRequirements": {
                "SubnetId": SUBNETS[0],
                "SecurityGroupIdList": [{"Fn::GetAtt": ["Client", "GroupId"]}],
            },
        },
    ),
}
RESOURCES["Function"] = _of(
    "AWS::Lambda::Function",
    FunctionName="placed-by-template",
    Runtime="python3.13",
    Handler="index.handler",
    Role="arn:aws:iam::111111111111:role/nobody",
    Code={"ZipFile": "def handler(event, context): return 1"},
    VpcConfig={"SubnetIds": SUBNETS[:2], "SecurityGroupIds": [{"Fn::GetAtt": ["Client", "GroupId"]}]},
)
OUTPUTS = {
    "Server": {"Fn::GetAtt": ["Server", "GroupId"]},
    "Client": {"Fn::GetAtt": ["Client", "GroupId"]},
    "Subnet": SUBNETS[0],
    "Secret": {"Fn::GetAtt": ["Namespace", "Namespace.AdminPasswordSecretArn"]},
    "S3": {"Ref": "S3"},
    "Host": {"Fn::GetAtt": ["Cluster", "Endpoint.Address"]},
    "Port": {"Fn::GetAtt": ["Cluster", "Endpoint.Port"]},
}


class Placed:
    """A deployed VPC with a warehouse and a database that let nobody in, and a way for a test to let somebody."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.ec2 = cloud, cloud.client("ec2")
        cloud.bucket("placed-lake")
        cloud.put("placed-lake", "in/1.csv", "1\n2\n")
        actions = ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]
        role = cloud.role("placed-copy", service="redshift.amazonaws.com", actions=actions)
        resources = json.loads(json.dumps(RESOURCES).replace('{"Ref": "CopyRole"}', json.dumps(role)))
        self.given = cloud.deploy("placed", resources, OUTPUTS)
        self.role = role

    def rules(self, *, source: str, target: str, port: int) -> list[tuple[str, dict[str, Any]]]:
        def rule(other: str) -> dict[str, Any]:
            span = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
            known = {"UserIdGroupPairs": [{"GroupId": self.given.get(other)}]}
            return span | (known if other in self.given else {"IpRanges": [{"CidrIp": other}]})

        out = {"GroupId": self.given[source], "IpPermissions": [rule(target)]}
        into = {"GroupId": self.given.get(target), "IpPermissions": [rule(source)]}
        return [("egress", out), *([("ingress", into)] if target in self.given else [])]

    def let(self, **path: Any) -> None:
        for direction, given in self.rules(**path):
            getattr(self.ec2, f"authorize_security_group_{direction}")(**given)

    def forbid(self, **path: Any) -> None:
        for direction, given in self.rules(**path):
            getattr(self.ec2, f"revoke_security_group_{direction}")(**given)

    @contextmanager
    def allowing(self, action: str) -> Iterator[None]:
        """The endpoint of S3 lets this action alone pass."""

        def put(allowed: str) -> None:
            statement = {"Effect": "Allow", "Principal": "*", "Action": allowed, "Resource": "*"}
            policy = json.dumps({"Statement": [statement]})
            self.ec2.modify_vpc_endpoint(VpcEndpointId=self.given["S3"], PolicyDocument=policy)

        put(action)
        try:
            yield
        finally:
            put("*")


@pytest.fixture(scope="module")
def placed(cloud: Cloud) -> Iterator[Placed]:
    yield Placed(cloud)


def test_copy_and_unload_under_enhanced_routing_need_a_way_to_s3(placed: Placed) -> None:
    workgroup = placed.cloud.client("redshift-serverless").get_workgroup(workgroupName="placed")["workgroup"]
    assert workgroup["enhancedVpcRouting"] is True
    warehouse = Warehouse(placed.cloud, placed.given["Secret"], placed.role)
    where = {"WorkgroupName": "placed", "Database": "placed"}
    assert warehouse.run("create table n (n int)", **where)["Status"] == "FINISHED"
    copy = f"copy n from 's3://placed-lake/in/' iam_role '{placed.role}' csv"
    unload = f"unload ('select n from n') to 's3://placed-lake/out/' iam_role '{placed.role}' csv"
    for statement in (copy, unload):
        error = warehouse.error(statement, **where)
        assert "Connection timed out" in error and "no outbound rule for port 443 to s3" in error
    way = {"source": "Server", "target": "0.0.0.0/0", "port": 443}
    placed.let(**way)
    for statement in (copy, unload):
        assert warehouse.run(statement, **where)["Status"] == "FINISHED"
    with placed.allowing("s3:ListBucket"):
        for statement in (copy, unload.replace("/out/", "/held/")):
            assert "no VPC endpoint policy allows the s3:" in warehouse.error(statement, **where)
    placed.forbid(**way)
    placed.cloud.client("redshift-serverless").update_workgroup(
        workgroupName="placed", enhancedVpcRouting=False
    )
    assert warehouse.run(copy, **where)["Status"] == "FINISHED"


def test_a_function_of_a_template_keeps_its_place(placed: Placed) -> None:
    found = placed.cloud.client("lambda").get_function_configuration(FunctionName="placed-by-template")
    assert found["VpcConfig"]["SecurityGroupIds"] == [placed.given["Client"]]
    assert placed.given["Subnet"] in found["VpcConfig"]["SubnetIds"] and found["VpcConfig"]["VpcId"]


def test_what_is_deployed_is_read_as_the_evaluator_takes_it(placed: Placed) -> None:
    network = deployed.read(placed.ec2)
    given = placed.given
    source = Place("client", (given["Subnet"],), (given["Client"],))
    server = Place("server", (given["Subnet"],), (given["Server"],))
    missing = reach.to_place(network, source, server, 5432)
    assert missing and missing.what.startswith(
        f"client: {given['Client']} has no outbound rule for port 5432"
    )
    # The endpoint of Secrets Manager answers in the whole VPC, and lets nobody in.
    placed.let(source="Client", target="0.0.0.0/0", port=443)
    assert reach.to_service(network, source, "dynamodb").kind == "route"  # type: ignore[union-attr]
    closed = reach.to_service(deployed.read(placed.ec2), source, "secretsmanager")
    assert closed and "has no inbound rule for port 443 from client" in closed.what
    assert reach.to_service(deployed.read(placed.ec2), source, "s3") is None
    _with_an_acl(placed, source)
    placed.forbid(source="Client", target="0.0.0.0/0", port=443)


def _with_an_acl(placed: Placed, source: Place) -> None:
    """The VPC's own, with a rule before the one that allows everything."""
    vpc = placed.ec2.describe_subnets(SubnetIds=[placed.given["Subnet"]])["Subnets"][0]["VpcId"]
    found = placed.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    (acl,) = [one["NetworkAclId"] for one in found if one["IsDefault"] and one["VpcId"] == vpc]
    rule = {"NetworkAclId": acl, "RuleNumber": 50, "Egress": False}
    span = {"PortRange": {"From": 1024, "To": 2048}}
    placed.ec2.create_network_acl_entry(
        **rule, Protocol="6", RuleAction="deny", CidrBlock="0.0.0.0/0", **span
    )
    closed = reach.to_service(deployed.read(placed.ec2), source, "s3")
    assert closed and closed.kind == "acl" and "port 1024-65535, to which answers go" in closed.what
    placed.ec2.delete_network_acl_entry(**rule)
    assert reach.to_service(deployed.read(placed.ec2), source, "s3") is None


@pytest.mark.spark
def test_a_job_reaches_a_private_database_by_its_connection_and_both_groups(placed: Placed) -> None:
    placed.cloud.bucket("glue-code")
    placed.cloud.role("glue-all", service="glue.amazonaws.com", actions=["s3:*"])
    jobs = Jobs(placed.cloud)
    script = JDBC.format(host=placed.given["Host"], port=placed.given["Port"])
    jobs.create("inside", script, Connections={"Connections": ["placed"]})
    message = jobs.run("inside")["ErrorMessage"]
    assert "connect timed out" in message and "no outbound rule for port 5432" in message
    placed.let(source="Client", target="Server", port=5432)
    ended = jobs.run("inside")
    assert ended["JobRunState"] == "SUCCEEDED", ended.get("ErrorMessage")
    with placed.allowing("s3:PutObject"):
        refused = jobs.run("inside")["ErrorMessage"]
    assert "no VPC endpoint policy allows the s3:GetObject action" in refused


def test_a_function_connects_to_the_warehouse_from_its_vpc_when_both_groups_let_it(placed: Placed) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("connect.py", CONNECT)
    functions = placed.cloud.client("lambda")
    role = placed.cloud.role("placed-function", service="lambda.amazonaws.com", actions=["ec2:*"])
    within = {"SubnetIds": [placed.given["Subnet"]], "SecurityGroupIds": [placed.given["Client"]]}

    def invoke(name: str, **where: Any) -> str:
        functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="connect.handler",
            Code={"ZipFile": package.getvalue()},
            Environment={"Variables": {"WAREHOUSE_WORKGROUP": "placed"}},
            Timeout=60,
            **where,
        )
        state = lambda: functions.get_function_configuration(FunctionName=name)["State"]  # noqa: E731
        wait_for(state, lambda seen: seen == "Active")
        return str(json.loads(functions.invoke(FunctionName=name)["Payload"].read())["errorMessage"])

    assert "is in no VPC" in invoke("outside")
    assert "no outbound rule for port 5439" in invoke("inside", VpcConfig=within)
    placed.let(source="Client", target="Server", port=5439)
    assert "timed out" not in invoke("let-in", VpcConfig=within)
