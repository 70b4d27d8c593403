"""Network ACLs, policies of endpoints, IPv6: networks of the documentation and of public issues, with their source."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from checks.rules import network
from osusume_endpoint.network import acl
from osusume_endpoint.network.model import AclRule, Network, Subnet
from tests.checks.test_reachability import (
    ALL,
    DATABASE_IN,
    GLUE,
    GROUPS,
    LAMBDA_GUIDE,
    ONE,
    OPEN,
    OURS,
    Case,
    Resources,
    assembly,
    aurora,
    function,
    gateway,
    glue,
    group,
    interface,
    nat,
    of,
    ref,
    tcp,
)

ACLS = "VPC user guide, Network ACL rules"
CUSTOM = "VPC user guide, Custom network ACLs and ephemeral ports"
POLICIES = "AWS PrivateLink guide, Control access to VPC endpoints using endpoint policies"
EGRESS_ONLY = "VPC user guide, Egress-only internet gateways"
CDS = "github.com/cds-snc"
PRIVATE, PUBLIC = "VpcPrivate", "VpcPublic"
HIGH = (1024, 65535)


def acl_of(*subnets: str, entries: list[Resources], name: str = "Acl") -> Resources:
    links = {
        f"{name}{subnet}": of(
            "AWS::EC2::SubnetNetworkAclAssociation", SubnetId=ref(subnet), NetworkAclId=ref(name)
        )
        for subnet in subnets
    }
    return {name: of("AWS::EC2::NetworkAcl", VpcId=ref("Vpc")), **links, **written(ref(name), entries, name)}


def written(acl: Any, entries: list[Resources], name: str) -> Resources:
    return {
        f"{name}Entry{n}": of("AWS::EC2::NetworkAclEntry", NetworkAclId=acl, **entry)
        for n, entry in enumerate(entries)
    }


numbers = itertools.count(100, 10)


def entry(
    way: str, ports: tuple[int, int] | None, cidr: str = ALL, *, number: int = 0, deny: bool = False
) -> Resources:
    span = {"Protocol": 6, "PortRange": {"From": ports[0], "To": ports[1]}} if ports else {"Protocol": -1}
    return {
        "RuleNumber": number or next(numbers),
        "Egress": way == "out",
        "RuleAction": "deny" if deny else "allow",
        "CidrBlock": cidr,
        **span,
    }


def out(port: int, cidr: str = ALL, **more: Any) -> Resources:
    return entry("out", (port, port), cidr, **more)


def into(port: int, cidr: str = ALL, **more: Any) -> Resources:
    return entry("in", (port, port), cidr, **more)


def answers(way: str, cidr: str = ALL, **more: Any) -> Resources:
    return entry(way, HIGH, cidr, **more)


OUTSIDE = [out(443), answers("in")]
READS = (ONE, *GLUE, gateway("s3"), DATABASE_IN, aurora(EnableHttpEndpoint=True), glue("Own"))
CALLS = (ONE, OPEN, nat(), function("sqs:SendMessage"))
# The database is in both subnets, the job in the private one: only the public one's ACL is between them.
DATABASE_SIDE = [into(5432, "10.10.1.0/24"), answers("out", "10.10.1.0/24")]
JOB_SIDE = [out(5432, "10.10.0.0/16"), answers("in", "10.10.0.0/16"), *OUTSIDE]


def policy(endpoint: Resources, *statements: Resources) -> Resources:
    ((name, one),) = endpoint.items()
    return {
        name: {**one, "Properties": {**one["Properties"], "PolicyDocument": {"Statement": [*statements]}}}
    }


def allow(action: Any, resource: Any = "*", **more: Any) -> Resources:
    return {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource, **more}


def reader(bucket: str) -> Resources:
    """A function that reads one bucket's objects."""
    made = function("s3:GetObject")
    made["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Resource"] = (
        f"arn:aws:s3:::{bucket}/*"
    )
    return made


def over_ipv6(*, told: bool = True, allowed: bool = True) -> Resources:
    made = function("sqs:SendMessage", **({"AWS_USE_DUALSTACK_ENDPOINT": "true"} if told else {}))
    made["Function"]["Properties"]["VpcConfig"]["Ipv6AllowedForDualStack"] = allowed
    return made


def with_ipv6(*, routed: bool = True, addressed: bool = True) -> Resources:
    private = dict(ONE[PRIVATE])
    if addressed:
        private["Properties"] = {**private["Properties"], "Ipv6CidrBlock": "2001:db8::/64"}
    gate = {
        "OnlyOut": of("AWS::EC2::EgressOnlyInternetGateway", VpcId=ref("Vpc")),
        "RouteIpv6": of(
            "AWS::EC2::Route",
            RouteTableId=ref("VpcPrivateTable"),
            DestinationIpv6CidrBlock="::/0",
            EgressOnlyInternetGatewayId=ref("OnlyOut"),
        ),
    }
    return {**ONE, PRIVATE: private, **(gate if routed else {})}


OUT_IPV6 = group("Own", out=[tcp(443, CidrIpv6="::/0")])
ELSEWHERE = {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}
LOCKED = "github.com/awsdocs/amazon-ecr-user-guide/issues/8"

CASES: dict[str, Case] = {
    # Network ACLs: services
    "a custom ACL denies everything until it has rules": Case(
        CUSTOM, (*CALLS, acl_of(PRIVATE, entries=[])), ("network-acl",)
    ),
    "HTTPS out without its answers": Case(
        f"{CDS}/scan-websites/pull/122: all four rules are needed",
        (*CALLS, acl_of(PRIVATE, entries=[out(443)])),
        ("network-acl",),
    ),
    "HTTPS out and its answers on high ports": Case(
        "github.com/ministryofjustice/modernisation-platform/issues/917",
        (*CALLS, acl_of(PRIVATE, entries=[out(443), out(80), answers("in")])),
    ),
    "answers on the ports of one system only": Case(
        f"{CUSTOM}: functions and NAT gateways use 1024-65535, Linux 32768-61000",
        (*CALLS, acl_of(PRIVATE, entries=[out(443), entry("in", (32768, 61000))])),
        ("network-acl",),
    ),
    "a NAT gateway whose subnet takes no requests": Case(
        f"{CDS}/terraform-modules/pull/58",
        (*CALLS, acl_of(PUBLIC, entries=[out(443), answers("in")])),
        ("network-acl",),
    ),
    "a NAT gateway whose subnet lets all four pass": Case(
        f"{CDS}/terraform-modules/pull/58",
        (*CALLS, acl_of(PUBLIC, entries=[*OUTSIDE, into(443, "10.10.0.0/16"), answers("out", "10.10.0.0/16")])),
    ),
    "S3's ranges by its endpoint": Case(
        "github.com/terraform-aws-modules/terraform-aws-lambda/pull/367",
        (
            ONE,
            OPEN,
            gateway("s3"),
            function("s3:GetObject"),
            acl_of(PRIVATE, entries=[out(443, "52.219.0.0/20"), answers("in", "52.219.0.0/20")]),
        ),
    ),
    "the VPC's own addresses don't hold S3's": Case(
        "github.com/terraform-aws-modules/terraform-aws-lambda/pull/367",
        (
            ONE,
            OPEN,
            gateway("s3"),
            function("s3:GetObject"),
            acl_of(PRIVATE, entries=[out(443, "10.10.0.0/16"), answers("in", "10.10.0.0/16")]),
        ),
        ("network-acl",),
    ),
    # Network ACLs: order
    "a deny before the allow": Case(
        f"{ACLS}: the lowest number that matches decides",
        (*CALLS, acl_of(PRIVATE, entries=[out(443, number=200), out(443, number=90, deny=True), answers("in")])),
        ("network-acl",),
    ),
    "a deny after the allow": Case(
        f"{ACLS}: the lowest number that matches decides",
        (*CALLS, acl_of(PRIVATE, entries=[out(443, number=90), out(443, number=200, deny=True), answers("in")])),
    ),
    "a deny in the default ACL": Case(
        "VPC user guide, Default network ACL",
        (
            *CALLS,
            written({"Fn::GetAtt": ["Vpc", "DefaultNetworkAcl"]}, [out(443, number=50, deny=True)], "More"),
        ),
        ("network-acl",),
    ),
    "a deny of another port in the default ACL": Case(
        "VPC user guide, Default network ACL",
        (
            *CALLS,
            written({"Fn::GetAtt": ["Vpc", "DefaultNetworkAcl"]}, [into(3389, number=50, deny=True)], "More"),
        ),
        ("network-acl",),
    ),
    # Network ACLs: places
    "a database whose subnet denies everything": Case(
        "github.com/juspay/hyperswitch-suite/pull/211",
        (*READS, acl_of(PUBLIC, entries=[])),
        ("network-acl",),
    ),
    "a subnet that is closed but for HTTPS": Case(
        "github.com/CMSgov/beneficiary-fhir-data/pull/564",
        (*READS, acl_of(PRIVATE, entries=OUTSIDE)),
        ("network-acl",),
    ),
    "a database whose answers are dropped": Case(
        "github.com/scalar-labs/scalar-kubernetes/pull/165",
        (*READS, acl_of(PUBLIC, entries=[into(5432, "10.10.1.0/24")])),
        ("network-acl",),
    ),
    "rules on both sides, there and back": Case(
        CUSTOM,
        (
            *READS,
            acl_of(PRIVATE, entries=JOB_SIDE),
            acl_of(PUBLIC, entries=DATABASE_SIDE, name="OtherAcl"),
        ),
    ),
    "inside of a subnet no ACL is asked": Case(
        "VPC user guide, Control subnet traffic with network access control lists",
        (
            ONE,
            *GLUE,
            gateway("s3"),
            glue("Own"),
            acl_of(PRIVATE, entries=OUTSIDE),
        ),
    ),
    "half of the database's addresses": Case(
        OURS,
        (
            *READS,
            acl_of(PRIVATE, entries=[out(5432, "10.10.2.0/25"), answers("in", "10.10.0.0/16"), *OUTSIDE]),
        ),
        ("network-acl",),
    ),
    "both halves": Case(
        OURS,
        (
            *READS,
            acl_of(
                PRIVATE,
                entries=[
                    out(5432, "10.10.2.0/25"),
                    out(5432, "10.10.2.128/25"),
                    answers("in", "10.10.0.0/16"),
                    *OUTSIDE,
                ],
            ),
        ),
    ),
    # Policies of endpoints
    "an endpoint for another bucket": Case(
        LOCKED,
        (ONE, OPEN, policy(gateway("s3"), allow("s3:GetObject", "arn:aws:s3:::ours/*")), reader("layers")),
        ("network-policy",),
    ),
    "an endpoint for this bucket": Case(
        POLICIES,
        (ONE, OPEN, policy(gateway("s3"), allow("s3:*", "arn:aws:s3:::layers/*")), reader("layers")),
    ),
    "a policy of nothing but a Deny": Case(
        "github.com/terraform-aws-modules/terraform-aws-vpc/pull/1197: allowing isn't implicit",
        (
            ONE,
            OPEN,
            policy(gateway("s3"), {**allow("*", Condition=ELSEWHERE), "Effect": "Deny"}),
            reader("layers"),
        ),
        ("network-policy",),
    ),
    "a policy that reads and a role that writes": Case(
        POLICIES,
        (ONE, OPEN, policy(gateway("s3"), allow(["s3:Get*", "s3:List*"])), function("s3:PutObject")),
        ("network-policy",),
    ),
    "an account as the principal of a gateway endpoint": Case(
        f"{POLICIES}: access is granted to the root user alone",
        (
            ONE,
            OPEN,
            policy(gateway("s3"), {**allow("*"), "Principal": {"AWS": "111111111111"}}),
            reader("layers"),
        ),
        ("network-policy",),
    ),
    "an account as the principal of an interface endpoint": Case(
        POLICIES,
        (
            ONE,
            OPEN,
            group("Ends", into=[tcp(443, CidrIp="10.10.0.0/16")]),
            policy(interface("sqs", "Ends"), {**allow("*"), "Principal": {"AWS": "111111111111"}}),
            function("sqs:SendMessage"),
        ),
    ),
    "principals by a condition": Case(
        f"{POLICIES}: aws:PrincipalAccount",
        (
            ONE,
            OPEN,
            policy(gateway("s3"), allow("*", Condition={"StringEquals": {"aws:PrincipalAccount": "111111111111"}})),
            reader("layers"),
        ),
    ),
    "principals of another account by a condition": Case(
        "github.com/cloud-gov/terraform-provision/pull/1107",
        (
            ONE,
            OPEN,
            policy(gateway("s3"), allow("*", Condition={"StringEquals": {"aws:PrincipalAccount": "222222222222"}})),
            reader("layers"),
        ),
        ("network-policy",),
    ),
    "a policy of an endpoint that nothing of the subnet goes by": Case(
        OURS,
        (ONE, OPEN, nat(), policy(gateway("s3", "VpcPublicTable"), allow("s3:ListBucket")), reader("layers")),
    ),
    # IPv6
    "a function with IPv6 and an egress-only gateway": Case(
        "github.com/oss-serverless/osls/pull/21", (with_ipv6(), OUT_IPV6, over_ipv6())
    ),
    "an SDK that isn't told to use IPv6": Case(
        "github.com/aws/aws-cli/issues/9504: the default names have IPv4 addresses alone",
        (with_ipv6(), OUT_IPV6, over_ipv6(told=False)),
        ("network-route",),
    ),
    "a function that may not use IPv6": Case(
        "github.com/aws/aws-cdk/pull/28928: Ipv6AllowedForDualStack",
        (with_ipv6(), OUT_IPV6, over_ipv6(allowed=False)),
        ("network-route",),
    ),
    "a group that lets IPv6 out nowhere": Case(
        "github.com/aws/aws-cli/issues/9436", (with_ipv6(), OPEN, over_ipv6()), ("network-route",)
    ),
    "a subnet without IPv6 addresses": Case(
        LAMBDA_GUIDE, (with_ipv6(addressed=False), OUT_IPV6, over_ipv6()), ("network-route",)
    ),
    "an egress-only gateway takes no IPv4": Case(
        EGRESS_ONLY, (with_ipv6(), OPEN, function("sqs:SendMessage")), ("network-route",)
    ),
    "a NAT gateway beside a rule for IPv6 alone": Case(
        GROUPS, (ONE, OUT_IPV6, nat(), function("sqs:SendMessage")), ("network-path",)
    ),
    "without a rule of its own a group lets IPv6 out too": Case(
        GROUPS, (with_ipv6(), group("Own"), over_ipv6())
    ),
    "no route for IPv6": Case(EGRESS_ONLY, (with_ipv6(routed=False), OUT_IPV6, over_ipv6()), ("network-route",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_network_has_the_findings_that_its_source_tells(name: str) -> None:
    case = CASES[name]
    found = {f.rule: f for f in network.check(assembly(*case.parts)) if f.rule != "network-zones"}
    assert sorted(found) == sorted(set(case.found)), [str(f) for f in found.values()]


def test_at_least_half_of_the_cases_are_from_others() -> None:
    theirs = {case.source for case in CASES.values() if case.source != OURS}
    assert len([c for c in CASES.values() if c.source != OURS]) >= 0.8 * len(CASES)
    assert len([source for source in theirs if source.startswith("github.com")]) >= 12


def test_a_finding_names_the_acl_the_subnet_and_what_to_allow() -> None:
    parts = (*CALLS, acl_of(PRIVATE, entries=[out(443)]))
    (found,) = [f for f in network.check(assembly(*parts)) if f.rule == "network-acl"]
    assert "network ACL <Acl> of subnet <VpcPrivate> closes inbound TCP from public addresses" in found.why
    assert found.cure.startswith("allow inbound TCP, ports 1024-65535, from public addresses in <Acl>")


def decided(rules: list[AclRule], address: int, port: int) -> bool:
    """Packet by packet, as the guide tells it: the lowest number that matches decides."""
    import ipaddress

    for rule in sorted(rules, key=lambda one: one.number):
        if ipaddress.ip_address(address) in ipaddress.ip_network(rule.cidr) and rule.low <= port <= rule.high:
            return rule.allow
    return False


@pytest.mark.parametrize("seed", range(60))
def test_ranges_pass_when_each_packet_does(seed: int) -> None:
    """By trying every packet of a small network, over rules that overlap in every way."""
    import ipaddress
    import random

    chosen = random.Random(seed)
    cidrs = ["10.0.0.0/28", "10.0.0.0/29", "10.0.0.8/29", "10.0.0.4/30", "10.0.0.12/31", "10.0.0.15/32", ALL]
    rules = []
    for number in range(chosen.randint(1, 6)):
        low = chosen.randint(1, 8)
        allowed = chosen.random() < 0.7
        rules.append(AclRule("egress", number, allowed, chosen.choice(cidrs), low, chosen.randint(low, 8)))
    given = Network(acls={"a": tuple(rules)})
    subnet = Subnet("s", "v", "10.0.0.0/28", acl="a")
    for cidr in cidrs[:-1]:
        for ports in ((1, 1), (2, 5), (4, 8)):
            every = all(
                decided(rules, int(address), port)
                for address in ipaddress.ip_network(cidr)
                for port in range(ports[0], ports[1] + 1)
            )
            assert acl.allows(given, subnet, "egress", ports, cidr) == every, (cidr, ports, rules)
