"""Whether one place reaches another, or a service of AWS, and what is missing where it doesn't.

Sources: VPC user guide, "Security groups" and "Route tables"; AWS PrivateLink guide, "Gateway endpoints" and "Access an
AWS service using an interface VPC endpoint"; Redshift management guide, "Enhanced VPC routing".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from osusume_endpoint.network import acl
from osusume_endpoint.network.model import (
    ANYWHERE,
    ANYWHERE_IPV6,
    Direction,
    Network,
    Place,
    Rule,
    ServiceEndpoint,
    Subnet,
    contains,
)

HTTPS = 443


@dataclass(frozen=True)
class Missing:
    """Why there is no path, and what would make one; parts of a sentence each.

    `kind` is what lacks: a rule of a security group or of a network ACL, a route, or a VPC in common.
    """

    kind: Literal["rule", "acl", "route", "vpc"]
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.what}. Cure: {self.cure}"


def to_place(network: Network, source: Place, target: Place, port: int) -> Missing | None:
    """What keeps the source from opening a TCP connection to the target; None: nothing does."""
    apart = _apart(network, source, target)
    return (
        apart
        or _closed(network, "egress", own=source, other=target, port=port)
        or _closed(network, "ingress", own=target, other=source, port=port)
        or _shut(source, acl.between(network, source, target, port))
    )


def to_service(network: Network, source: Place, service: str) -> Missing | None:
    """What keeps the source from a regional API of AWS, in any of its subnets; None: nothing does."""
    known = [network.subnets[name] for name in source.subnets if name in network.subnets]
    for subnet in known:
        missing = _from_subnet(network, source, subnet, service)
        if missing:
            return missing
    if not known:
        return None if _lets_out(network, source, service) else _no_egress(source, service)
    return None


def goes_by(network: Network, source: Place, endpoint: ServiceEndpoint) -> bool:
    """Whether calls of the endpoint's service take it, from one of the source's subnets at least."""
    known = [network.subnets[name] for name in source.subnets if name in network.subnets]
    if endpoint.is_gateway:
        return any(
            subnet.table in endpoint.tables and not _interface(network, subnet.vpc, endpoint.service)
            for subnet in known
        )
    return endpoint.private_dns and any(subnet.vpc == endpoint.vpc for subnet in known)


def _shut(source: Place, closed: tuple[str, str] | None) -> Missing | None:
    return Missing("acl", f"{source.name}: {closed[0]}", closed[1]) if closed else None


def lets_in(network: Network, own: Place, other: Place, port: int) -> Missing | None:
    """What keeps packets of the other side out, where a group keeps no state and answers need a rule too."""
    return _closed(network, "ingress", own=own, other=other, port=port)


def _apart(network: Network, source: Place, target: Place) -> Missing | None:
    ours, theirs = network.vpcs(source), network.vpcs(target)
    if not ours or not theirs or ours & theirs or _is_joined(network, source, target):
        return None
    return Missing(
        "vpc",
        f"{source.name} is in {_listed(ours)} and {target.name} in {_listed(theirs)}, and no route joins them",
        "put both into one VPC, or join the VPCs by peering and routes",
    )


def _is_joined(network: Network, source: Place, target: Place) -> bool:
    """Routes there and back, as peering needs both."""
    return _has_route(network, source, target) and _has_route(network, target, source)


def _has_route(network: Network, source: Place, target: Place) -> bool:
    routes = [
        {route.destination for route in network.subnets[name].routes if route.kind == "elsewhere"}
        for name in source.subnets
        if name in network.subnets
    ]
    return bool(routes) and all(
        any(contains(destination, cidr) for destination in known)
        for known in routes
        for cidr in _cidrs(network, target)
    )


def _closed(network: Network, direction: Direction, *, own: Place, other: Place, port: int) -> Missing | None:
    """Whether none of the place's groups lets the other side; groups that aren't known do."""
    if any(name not in network.groups for name in own.groups):
        return None
    if any(_admits(network, rule, other) for rule in _rules(network, own, direction) if rule.has(port)):
        return None
    way, preposition = ("outbound", "to") if direction == "egress" else ("inbound", "from")
    groups = _listed(own.groups) or "no security group"
    return Missing(
        "rule",
        f"{own.name}: {groups} has no {way} rule for port {port} {preposition} {other.name}",
        f"add an {way} rule for port {port} {preposition} {_listed(other.groups) or other.name} to {groups}",
    )


def _rules(network: Network, place: Place, direction: Direction) -> Iterable[Rule]:
    for name in place.groups:
        yield from (rule for rule in network.groups[name].rules if rule.direction == direction)


def _admits(network: Network, rule: Rule, other: Place) -> bool:
    if rule.kind == "group":
        return rule.peer in other.groups
    # A list of AWS's has addresses of its services, not of a VPC.
    ours = (rule.peer,) if rule.kind == "cidr" else network.prefix_lists.get(rule.peer, ())
    cidrs = _cidrs(network, other)
    return ANYWHERE in ours or (bool(cidrs) and all(any(contains(one, c) for one in ours) for c in cidrs))


def _cidrs(network: Network, place: Place) -> list[str]:
    return [network.subnets[name].cidr for name in place.subnets if name in network.subnets]


def _from_subnet(network: Network, source: Place, subnet: Subnet, service: str) -> Missing | None:
    interface = _interface(network, subnet.vpc, service)
    if interface:
        # Its private DNS answers the service's name in the whole VPC, whatever other ways there are.
        place = Place(f"the endpoint {interface.id} of {service}", interface.subnets, interface.groups)
        return to_place(network, source, place, HTTPS)
    if source.over_ipv6 and _has_way_over_ipv6(network, source, subnet):
        return None
    if not _has_way_out(network, source, subnet, service):
        return Missing(
            "route",
            f"{source.name}: its subnet {subnet.id} has no way to {service}: neither an endpoint of {service} "
            "nor a route to a NAT gateway in a public subnet",
            f"give the subnet's route table a NAT gateway, or the VPC an endpoint of {service}",
        )
    if not _lets_out(network, source, service, subnet):
        return _no_egress(source, service)
    nat = None if _has_gateway(network, subnet, service) else _nat(network, subnet)
    return _shut(source, acl.outside(network, subnet, nat, HTTPS))


def _has_way_over_ipv6(network: Network, source: Place, subnet: Subnet) -> bool:
    """VPC user guide, "Egress-only internet gateways"; NAT gateways and gateway endpoints take IPv4 alone."""
    routed = any(
        route.destination == ANYWHERE_IPV6 and route.kind in ("egress_only", "internet")
        for route in subnet.routes
    )
    let_out = any(name not in network.groups for name in source.groups) or any(
        rule.peer == ANYWHERE_IPV6 and rule.has(HTTPS) for rule in _rules(network, source, "egress")
    )
    return subnet.has_ipv6 and routed and let_out


def _nat(network: Network, subnet: Subnet) -> Subnet | None:
    """The subnet of the NAT gateway that the subnet's default route leads to."""
    targets = [r.target for r in subnet.routes if r.kind == "nat" and r.destination == ANYWHERE]
    return next((network.subnets.get(network.nat_gateways.get(one, "")) for one in targets), None)


def _interface(network: Network, vpc: str, service: str) -> ServiceEndpoint | None:
    found = (e for e in network.endpoints if (e.vpc, e.service) == (vpc, service) and not e.is_gateway)
    return next((endpoint for endpoint in found if endpoint.private_dns), None)


def _has_gateway(network: Network, subnet: Subnet, service: str) -> bool:
    return any(
        endpoint.is_gateway and endpoint.service == service and subnet.table in endpoint.tables
        for endpoint in network.endpoints
    )


def _has_way_out(network: Network, source: Place, subnet: Subnet, service: str) -> bool:
    if _has_gateway(network, subnet, service):
        return True
    default = [route for route in subnet.routes if route.destination == ANYWHERE]
    return any(
        route.kind == "elsewhere"
        or (route.kind == "internet" and source.has_public_address)
        or (route.kind == "nat" and _is_public(network, network.nat_gateways.get(route.target)))
        for route in default
    )


def _is_public(network: Network, subnet: str | None) -> bool:
    """A NAT gateway reaches the internet from a subnet whose own route leads to an internet gateway."""
    if subnet is None or subnet not in network.subnets:
        return subnet is not None
    routes = network.subnets[subnet].routes
    return any(route.kind == "internet" and route.destination == ANYWHERE for route in routes)


def _lets_out(network: Network, source: Place, service: str, subnet: Subnet | None = None) -> bool:
    """Services have public addresses, so a rule names all of them, or a prefix list where a gateway is."""
    if any(name not in network.groups for name in source.groups):
        return True
    has_gateway = subnet is None or _has_gateway(network, subnet, service)
    return any(
        rule.peer == ANYWHERE
        or (rule.kind == "prefix_list" and rule.peer not in network.prefix_lists and has_gateway)
        for rule in _rules(network, source, "egress")
        if rule.has(HTTPS)
    )


def _no_egress(source: Place, service: str) -> Missing:
    groups = _listed(source.groups) or "no security group"
    return Missing(
        "rule",
        f"{source.name}: {groups} has no outbound rule for port {HTTPS} to {service}",
        f"add an outbound rule for port {HTTPS} to {ANYWHERE} or to the prefix list of {service} to {groups}",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
