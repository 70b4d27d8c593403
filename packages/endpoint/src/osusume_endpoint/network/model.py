"""What decides over a path in a VPC, whatever it was read from: a template or deployed resources."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ANYWHERE = "0.0.0.0/0"
ANYWHERE_IPV6 = "::/0"
PeerKind = Literal["group", "cidr", "prefix_list"]
Direction = Literal["ingress", "egress"]
# What a route leads to.
RouteKind = Literal["nat", "internet", "egress_only", "elsewhere"]


@dataclass(frozen=True)
class Rule:
    """A rule of a security group for TCP; `peer` is the other side's group, CIDR or prefix list."""

    direction: Direction
    kind: PeerKind
    peer: str
    low: int = 0
    high: int = 65535

    def has(self, port: int) -> bool:
        return self.low <= port <= self.high


@dataclass(frozen=True)
class AclRule:
    """A rule of a network ACL for TCP over IPv4, inbound or outbound; the lowest number is looked at first."""

    direction: Direction
    number: int
    allow: bool
    cidr: str
    low: int = 0
    high: int = 65535


@dataclass(frozen=True)
class Group:
    """A security group and the VPC that it belongs to."""

    id: str
    vpc: str
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Route:
    """A route out of a VPC. `target` is the gateway's id; `elsewhere` is peering, a transit gateway and the like."""

    destination: str
    kind: RouteKind
    target: str


@dataclass(frozen=True)
class Subnet:
    """A subnet with the routes of its table."""

    id: str
    vpc: str
    cidr: str
    table: str = ""
    routes: tuple[Route, ...] = ()
    acl: str = ""  # network ACL
    has_ipv6: bool = False


@dataclass(frozen=True)
class ServiceEndpoint:
    """A VPC endpoint of an AWS service; `service` is the last part of its name, such as `s3`."""

    id: str
    vpc: str
    service: str
    is_gateway: bool
    tables: frozenset[str] = frozenset()
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    private_dns: bool = False


@dataclass(frozen=True)
class Place:
    """Where something lies: its network interfaces are in these subnets and carry these groups."""

    name: str
    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    has_public_address: bool = False
    over_ipv6: bool = False  # it calls services by their dual-stack names


@dataclass(frozen=True)
class Network:
    """Every known part; what isn't known belongs to somebody else and is taken to let everything pass."""

    groups: Mapping[str, Group] = field(default_factory=dict)
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    endpoints: tuple[ServiceEndpoint, ...] = ()
    # NAT gateway -> its subnet.
    nat_gateways: Mapping[str, str] = field(default_factory=dict)
    # Prefix lists of the account's own, with their CIDRs; others are of AWS's services.
    prefix_lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Network ACLs with their rules; one that isn't there lets everything pass, as a VPC's own does.
    acls: Mapping[str, tuple[AclRule, ...]] = field(default_factory=dict)

    def vpcs(self, place: Place) -> frozenset[str]:
        """VPCs of the known groups and subnets: one, where AWS takes the place at all."""
        known = [self.groups[name].vpc for name in place.groups if name in self.groups]
        known += [self.subnets[name].vpc for name in place.subnets if name in self.subnets]
        return frozenset(known)


def contains(outer: str, inner: str) -> bool:
    """Whether the first CIDR holds the second; one that can't be read holds nothing but itself."""
    try:
        return ipaddress.ip_network(inner).subnet_of(ipaddress.ip_network(outer))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return outer in (inner, ANYWHERE)


def acl_ports(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """TCP ports of an entry of a network ACL, in a template or in EC2's answer; None where it's of another protocol."""
    if str(entry.get("Protocol")) == "-1":
        return 0, 65535
    if str(entry.get("Protocol")) not in ("6", "tcp"):
        return None
    given = entry.get("PortRange") or {}
    return int(given.get("From", 0)), int(given.get("To", 65535))


def ports(rule: Mapping[str, Any]) -> tuple[int, int] | None:
    """TCP ports of a rule as EC2 writes it; None where it's for another protocol."""
    protocol = str(rule.get("IpProtocol"))
    if protocol == "-1":
        return 0, 65535
    if protocol not in ("tcp", "6"):
        return None
    return int(rule.get("FromPort", 0)), int(rule.get("ToPort", 65535))
