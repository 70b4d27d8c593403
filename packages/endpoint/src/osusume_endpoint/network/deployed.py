"""The network as it is deployed, out of EC2's own answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from osusume_endpoint.network.model import (
    AclRule,
    Direction,
    Group,
    Network,
    Route,
    RouteKind,
    Rule,
    ServiceEndpoint,
    Subnet,
    acl_ports,
    ports,
)

Answer = Mapping[str, Any]


def read(ec2: Any) -> Network:
    """`ec2` is a boto3 client."""
    tables = ec2.describe_route_tables()["RouteTables"]
    subnets = ec2.describe_subnets()["Subnets"]
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    acls = ec2.describe_network_acls()["NetworkAcls"]
    defaults = {one["VpcId"]: one["NetworkAclId"] for one in acls if one.get("IsDefault")}
    linked = {link["SubnetId"]: one["NetworkAclId"] for one in acls for link in one.get("Associations", [])}
    acl_of = {one["SubnetId"]: defaults.get(one["VpcId"], "") for one in subnets} | linked
    return Network(
        groups={one["GroupId"]: _group(one) for one in ec2.describe_security_groups()["SecurityGroups"]},
        subnets={one["SubnetId"]: subnet(one, tables, acl_of) for one in subnets},
        endpoints=tuple(map(service_endpoint, ec2.describe_vpc_endpoints()["VpcEndpoints"])),
        nat_gateways={one["NatGatewayId"]: one["SubnetId"] for one in gateways if _lives(one)},
        acls={one["NetworkAclId"]: tuple(_acl_rules(one)) for one in acls},
    )


def _acl_rules(acl: Answer) -> Iterator[AclRule]:
    for entry in acl.get("Entries", []):
        span = acl_ports(entry)
        if span and "CidrBlock" in entry:
            direction: Direction = "egress" if entry["Egress"] else "ingress"
            allow = entry["RuleAction"] == "allow"
            yield AclRule(direction, int(entry["RuleNumber"]), allow, entry["CidrBlock"], *span)


def _lives(gateway: Answer) -> bool:
    return gateway.get("State") not in ("deleting", "deleted", "failed")


def _group(group: Answer) -> Group:
    rules = [
        rule
        for direction, key in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress"))
        for permission in group.get(key, [])
        for rule in _rules(direction, permission)  # type: ignore[arg-type]
    ]
    return Group(group["GroupId"], group["VpcId"], tuple(rules))


def _rules(direction: Direction, permission: Answer) -> Iterator[Rule]:
    span = ports(permission)
    if span is None:
        return
    for pair in permission.get("UserIdGroupPairs", []):
        yield Rule(direction, "group", pair["GroupId"], *span)
    for address in permission.get("IpRanges", []):
        yield Rule(direction, "cidr", address["CidrIp"], *span)
    for address in permission.get("Ipv6Ranges", []):
        yield Rule(direction, "cidr", address["CidrIpv6"], *span)
    for prefix_list in permission.get("PrefixListIds", []):
        yield Rule(direction, "prefix_list", prefix_list["PrefixListId"], *span)


def _table(subnet: Answer, tables: list[Answer]) -> Answer:
    """The subnet's own route table, or its VPC's main one."""
    links = [(table, link) for table in tables for link in table.get("Associations", [])]
    own = (table for table, link in links if link.get("SubnetId") == subnet["SubnetId"])
    main = (table for table, link in links if link.get("Main") and table["VpcId"] == subnet["VpcId"])
    return next(own, next(main, {}))


def subnet(given: Answer, tables: list[Answer], acl_of: Mapping[str, str] = MappingProxyType({})) -> Subnet:
    table = _table(given, tables)
    return Subnet(
        id=given["SubnetId"],
        vpc=given["VpcId"],
        cidr=given["CidrBlock"],
        table=str(table.get("RouteTableId", "")),
        routes=tuple(_routes(table)),
        acl=acl_of.get(given["SubnetId"], ""),
        has_ipv6=bool(given.get("Ipv6CidrBlockAssociationSet")),
    )


def _routes(table: Answer) -> Iterator[Route]:
    for route in table.get("Routes", []):
        found = _target(route)
        destination = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        if found and destination:
            yield Route(destination, *found)


def _target(route: Answer) -> tuple[RouteKind, str] | None:
    """None for a route inside the VPC, or to an endpoint."""
    gateway = str(route.get("GatewayId") or "")
    if route.get("NatGatewayId"):
        return "nat", str(route["NatGatewayId"])
    if route.get("EgressOnlyInternetGatewayId"):
        return "egress_only", str(route["EgressOnlyInternetGatewayId"])
    if gateway.startswith("igw-"):
        return "internet", gateway
    others = ("TransitGatewayId", "VpcPeeringConnectionId", "NetworkInterfaceId", "InstanceId")
    other = next((str(route[key]) for key in others if route.get(key)), gateway)
    return ("elsewhere", other) if other and other != "local" and not other.startswith("vpce-") else None


def service_endpoint(endpoint: Answer) -> ServiceEndpoint:
    groups = endpoint.get("Groups") or []
    return ServiceEndpoint(
        id=endpoint["VpcEndpointId"],
        vpc=endpoint["VpcId"],
        service=endpoint["ServiceName"].split(".", 3)[-1],
        is_gateway=endpoint.get("VpcEndpointType") == "Gateway",
        tables=frozenset(endpoint.get("RouteTableIds", [])),
        subnets=tuple(endpoint.get("SubnetIds", [])),
        groups=tuple(group["GroupId"] for group in groups),
        private_dns=bool(endpoint.get("PrivateDnsEnabled")),
    )
