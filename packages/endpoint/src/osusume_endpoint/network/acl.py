"""Network ACLs, which keep no state: a connection needs a rule for each packet, the answers' included.

Sources: VPC user guide, "Network ACL rules" (lowest number first, the first that matches decides, what none matches is
denied), "Custom network ACLs" and "Ephemeral ports", "NAT gateways" ("Control traffic to NAT gateways").
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from osusume_endpoint.network.model import AclRule, Direction, Network, Place, Subnet

# "To cover the different types of clients": a function's, a NAT gateway's, a service's. Answers go to any of them.
EPHEMERAL = (1024, 65535)
# Of AWS's own ranges; a rule that names some range of public addresses may mean any service.
SOME_SERVICE = "52.94.0.1/32"
Net = ipaddress.IPv4Network
Ports = tuple[int, int]


def between(network: Network, source: Place, target: Place, port: int) -> tuple[str, str] | None:
    """What is closed and the cure, for the first pair of subnets between which it is; None: nothing is."""
    for ours in _known(network, source):
        for theirs in _known(network, target):
            if ours.id == theirs.id:
                continue  # Inside of a subnet no ACL is asked.
            for subnet, direction, ports, cidr in _legs(ours, theirs, port):
                if not allows(network, subnet, direction, ports, cidr):
                    return _said(network, subnet, direction, ports, cidr)
    return None


def outside(network: Network, subnet: Subnet, nat: Subnet | None, port: int) -> tuple[str, str] | None:
    """The same for addresses of AWS's services, by a NAT gateway or from the subnet itself."""
    gate = nat if nat and nat.id != subnet.id else None
    inner = list(_legs(subnet, gate, port)) if gate else []
    for leg, direction, ports, cidr in inner:
        # The gateway takes what is meant for public addresses: an ACL sees those and not the gateway's.
        seen = SOME_SERVICE if leg.id == subnet.id else cidr
        if not _lets_some(network, leg, direction, ports, seen):
            return _said(network, leg, direction, ports, "public addresses" if seen == SOME_SERVICE else seen)
    last = gate or subnet
    for direction, ports in (("egress", (port, port)), ("ingress", EPHEMERAL)):
        if not _lets_some(network, last, direction, ports, SOME_SERVICE):
            return _said(network, last, direction, ports, "public addresses")
    return None


def allows(network: Network, subnet: Subnet, direction: Direction, ports: Ports, cidr: str) -> bool:
    """Whether all of the ports and addresses pass. An ACL that isn't known is a VPC's own, which lets all pass."""
    rules = network.acls.get(subnet.acl)
    if rules is None:
        return True
    left = [(Net(cidr), ports)]
    for rule in sorted((r for r in rules if r.direction == direction), key=lambda r: r.number):
        if not rule.allow and any(_meets(rule, part) for part in left):
            return False
        left = [rest for part in left for rest in _without(rule, part)]
    return not left


def _lets_some(network: Network, subnet: Subnet, direction: Direction, ports: Ports, cidr: str) -> bool:
    """Whether some public range that a rule names passes, for a service, whose addresses nobody here knows."""
    named = [cidr]
    if cidr == SOME_SERVICE:
        rules = network.acls.get(subnet.acl) or ()
        named += [f"{Net(r.cidr)[0]}/32" for r in rules if r.allow and Net(r.cidr)[0].is_global]
    return any(allows(network, subnet, direction, ports, one) for one in named)


def _known(network: Network, place: Place) -> list[Subnet]:
    return [network.subnets[name] for name in place.subnets if name in network.subnets]


def _legs(ours: Subnet, theirs: Subnet, port: int) -> Iterator[tuple[Subnet, Direction, Ports, str]]:
    """What each subnet's ACL is asked: the request out and in, the answer out and in."""
    yield ours, "egress", (port, port), theirs.cidr
    yield theirs, "ingress", (port, port), ours.cidr
    yield theirs, "egress", EPHEMERAL, ours.cidr
    yield ours, "ingress", EPHEMERAL, theirs.cidr


def _meets(rule: AclRule, part: tuple[Net, Ports]) -> bool:
    net, (low, high) = part
    return Net(rule.cidr).overlaps(net) and rule.low <= high and low <= rule.high


def _without(rule: AclRule, part: tuple[Net, Ports]) -> Iterator[tuple[Net, Ports]]:
    """What of the part the rule says nothing of."""
    if not _meets(rule, part):
        yield part
        return
    net, (low, high) = part
    ruled = Net(rule.cidr)
    inside = net if net.subnet_of(ruled) else ruled
    if inside != net:
        yield from ((other, (low, high)) for other in net.address_exclude(inside))
    if low < rule.low:
        yield inside, (low, rule.low - 1)
    if rule.high < high:
        yield inside, (rule.high + 1, high)


def _said(
    network: Network, subnet: Subnet, direction: Direction, ports: Ports, other: str
) -> tuple[str, str]:
    way, preposition = ("outbound", "to") if direction == "egress" else ("inbound", "from")
    span = str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}, to which answers go"
    what = (
        f"network ACL {subnet.acl} of subnet {subnet.id} closes {way} TCP {preposition} {other}, port {span}"
    )
    cure = f"allow {way} TCP, ports {ports[0]}-{ports[1]}, {preposition} {other} in {subnet.acl}, before what denies it"
    return what, cure
