"""The network that the templates of an environment make, for `osusume_endpoint.network.reach`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from checks.assembly import Assembly, once
from osusume_endpoint.network.model import (
    ANYWHERE,
    ANYWHERE_IPV6,
    AclRule,
    Direction,
    Group,
    Network,
    PeerKind,
    Route,
    RouteKind,
    Rule,
    ServiceEndpoint,
    Subnet,
    acl_ports,
    ports,
)

Properties = Mapping[str, Any]
# What a VPC's default network ACL begins with (VPC user guide, "Default network ACL").
_EVERYTHING = (AclRule("ingress", 100, True, ANYWHERE), AclRule("egress", 100, True, ANYWHERE))
_PEERS: Mapping[Direction, tuple[tuple[str, PeerKind], ...]] = {
    "ingress": (
        ("SourceSecurityGroupId", "group"),
        ("CidrIp", "cidr"),
        ("CidrIpv6", "cidr"),
        ("SourcePrefixListId", "prefix_list"),
    ),
    "egress": (
        ("DestinationSecurityGroupId", "group"),
        ("CidrIp", "cidr"),
        ("CidrIpv6", "cidr"),
        ("DestinationPrefixListId", "prefix_list"),
    ),
}
_ELSEWHERE = (
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "InstanceId",
    "CarrierGatewayId",
)


def identity(value: Any) -> str:
    """One name for a resource, whether its template writes Ref or Fn::GetAtt."""
    text = str(value)
    for attribute in (".GroupId>", ".VpcId>", ".SubnetId>", ".Id>"):
        if text.endswith(attribute):
            return f"{text.removesuffix(attribute)}>"
    return text


def identities(values: Iterable[Any] | None) -> tuple[str, ...]:
    return tuple(identity(value) for value in values or ())


@once
def network(assembly: Assembly) -> Network:
    return Network(
        groups={group.id: group for group in _groups(assembly)},
        subnets={subnet.id: subnet for subnet in _subnets(assembly)},
        endpoints=tuple(_endpoints(assembly)),
        nat_gateways={
            f"<{i}>": identity(one.get("SubnetId")) for _, i, one in assembly.each("AWS::EC2::NatGateway")
        },
        prefix_lists={
            f"<{i}>": tuple(str(entry["Cidr"]) for entry in one.get("Entries", []))
            for _, i, one in assembly.each("AWS::EC2::PrefixList")
        },
        acls=_acls(assembly),
    )


def _acls(assembly: Assembly) -> dict[str, tuple[AclRule, ...]]:
    """The templates' own, and those that VPCs have by default where a template writes into them."""
    own = {
        f"<{i}>": tuple(_acl_rules(assembly, f"<{i}>")) for _, i, _ in assembly.each("AWS::EC2::NetworkAcl")
    }
    defaults = (_default_acl(f"<{i}>") for _, i, _ in assembly.each("AWS::EC2::VPC"))
    written = {acl: tuple(_acl_rules(assembly, acl)) for acl in defaults}
    return own | {acl: (*rules, *_EVERYTHING) for acl, rules in written.items() if rules}


def _default_acl(vpc: str) -> str:
    return f"{vpc.removesuffix('>')}.DefaultNetworkAcl>"


def _acl_rules(assembly: Assembly, acl: str) -> Iterator[AclRule]:
    """Rules of IPv4. A custom ACL without entries denies everything (VPC user guide, "Custom network ACLs")."""
    for _, _, entry in assembly.each("AWS::EC2::NetworkAclEntry"):
        span = acl_ports(entry)
        if identity(entry.get("NetworkAclId")) == acl and span and "CidrBlock" in entry:
            direction: Direction = "egress" if _true(entry.get("Egress")) else "ingress"
            cidr = _vpc_cidrs(assembly).get(str(entry["CidrBlock"]), str(entry["CidrBlock"]))
            allow = entry.get("RuleAction") == "allow"
            yield AclRule(direction, int(entry.get("RuleNumber", 0)), allow, cidr, *span)


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def rules(assembly: Assembly) -> Iterator[tuple[str, Rule]]:
    """(group, rule) for each rule of a template, inside of its group or beside it."""
    for direction, name in (("ingress", "Ingress"), ("egress", "Egress")):
        for _, logical_id, group in assembly.each("AWS::EC2::SecurityGroup"):
            for rule in group.get(f"SecurityGroup{name}", []):
                yield from ((f"<{logical_id}>", one) for one in _rules(assembly, direction, rule))  # type: ignore[arg-type]
        for _, _, rule in assembly.each(f"AWS::EC2::SecurityGroup{name}"):
            yield from ((identity(rule.get("GroupId")), one) for one in _rules(assembly, direction, rule))  # type: ignore[arg-type]


def _groups(assembly: Assembly) -> Iterator[Group]:
    all_rules = list(rules(assembly))
    writes = _with_egress(assembly)
    for _, logical_id, group in assembly.each("AWS::EC2::SecurityGroup"):
        own = f"<{logical_id}>"
        # CloudFormation user guide, AWS::EC2::SecurityGroup: without a rule of its own, a group lets everything out.
        anywhere = (Rule("egress", "cidr", ANYWHERE), Rule("egress", "cidr", ANYWHERE_IPV6))
        default = () if own in writes else anywhere
        found = tuple(rule for holder, rule in all_rules if holder == own)
        yield Group(own, identity(group.get("VpcId")), (*found, *default))


def _with_egress(assembly: Assembly) -> set[str]:
    """Groups that a template gives an outbound rule, of whatever protocol."""
    inside = {
        f"<{logical_id}>"
        for _, logical_id, group in assembly.each("AWS::EC2::SecurityGroup")
        if group.get("SecurityGroupEgress")
    }
    beside = {identity(rule.get("GroupId")) for _, _, rule in assembly.each("AWS::EC2::SecurityGroupEgress")}
    return inside | beside


def _rules(assembly: Assembly, direction: Direction, rule: Properties) -> Iterator[Rule]:
    span = ports(rule)
    if span is None:
        return
    for name, kind in _PEERS[direction]:
        if name in rule:
            peer = identity(rule[name])
            yield Rule(direction, kind, _vpc_cidrs(assembly).get(peer, peer), *span)


@once
def _vpc_cidrs(assembly: Assembly) -> dict[str, str]:
    """What Fn::GetAtt of a VPC's CidrBlock stands for."""
    vpcs = assembly.each("AWS::EC2::VPC")
    return {f"<{logical_id}.CidrBlock>": str(vpc.get("CidrBlock")) for _, logical_id, vpc in vpcs}


def _subnets(assembly: Assembly) -> Iterator[Subnet]:
    tables = {
        identity(link.get("SubnetId")): identity(link.get("RouteTableId"))
        for _, _, link in assembly.each("AWS::EC2::SubnetRouteTableAssociation")
    }
    acls = {
        identity(link.get("SubnetId")): identity(link.get("NetworkAclId"))
        for _, _, link in assembly.each("AWS::EC2::SubnetNetworkAclAssociation")
    }
    routes = list(_routes(assembly))
    for _, logical_id, subnet in assembly.each("AWS::EC2::Subnet"):
        own = f"<{logical_id}>"
        table = tables.get(own, "")
        yield Subnet(
            id=own,
            vpc=identity(subnet.get("VpcId")),
            cidr=str(subnet.get("CidrBlock")),
            table=table,
            routes=tuple(route for holder, route in routes if holder == table),
            acl=acls.get(own, _default_acl(identity(subnet.get("VpcId")))),
            has_ipv6=bool(subnet.get("Ipv6CidrBlock")),
        )


def _routes(assembly: Assembly) -> Iterator[tuple[str, Route]]:
    gateways = {f"<{logical_id}>" for _, logical_id, _ in assembly.each("AWS::EC2::InternetGateway")}
    for _, _, route in assembly.each("AWS::EC2::Route"):
        target = _target(route, gateways)
        destination = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        if target and destination:
            yield identity(route.get("RouteTableId")), Route(str(destination), *target)


def _target(route: Properties, gateways: set[str]) -> tuple[RouteKind, str] | None:
    gateway = identity(route.get("GatewayId", ""))
    if "NatGatewayId" in route:
        return "nat", identity(route["NatGatewayId"])
    if "EgressOnlyInternetGatewayId" in route:
        return "egress_only", identity(route["EgressOnlyInternetGatewayId"])
    if gateway in gateways or gateway.startswith("igw-"):
        return "internet", gateway
    other = next((identity(route[name]) for name in _ELSEWHERE if name in route), gateway)
    return ("elsewhere", other) if other else None


def _endpoints(assembly: Assembly) -> Iterator[ServiceEndpoint]:
    for _, logical_id, endpoint in assembly.each("AWS::EC2::VPCEndpoint"):
        yield ServiceEndpoint(
            id=logical_id,
            vpc=identity(endpoint.get("VpcId")),
            service=str(endpoint.get("ServiceName")).split(".", 3)[-1],
            is_gateway=endpoint.get("VpcEndpointType", "Gateway") == "Gateway",
            tables=frozenset(identities(endpoint.get("RouteTableIds"))),
            subnets=identities(endpoint.get("SubnetIds")),
            groups=identities(endpoint.get("SecurityGroupIds")),
            private_dns=_true(endpoint.get("PrivateDnsEnabled", "")),
        )
