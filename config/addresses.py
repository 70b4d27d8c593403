"""What EC2 would refuse of the network: its addresses and its zones.

Sources: Amazon VPC user guide, "VPC CIDR blocks" and "Subnets for your VPC"; Redshift management guide,
"Considerations when using Amazon Redshift Serverless" (free IP addresses with enhanced VPC routing).
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from math import ceil, log2

_REFUSED = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")))
_TAKEN = 5  # addresses of each subnet that are AWS's own
_GROUPS = 2  # of subnets, public and private: one of each in a zone


def check_range(cidr: str) -> str:
    """Raises ValueError that names the range and the cure."""
    try:
        network = IPv4Network(cidr)
    except ValueError:
        raise ValueError(f"cidr is {cidr!r}, no range of addresses: {_instead(cidr)}") from None
    if any(network.overlaps(refused) for refused in _REFUSED):
        raise ValueError(
            f"cidr is {cidr!r}, a range that no VPC may have: write a private one, such as 10.16.0.0/16"
        )
    return cidr


def _instead(cidr: str) -> str:
    try:
        return f"write its first address, {IPv4Network(cidr, strict=False)}"
    except ValueError:
        return "write four numbers from 0 to 255 and the length of the prefix, such as 10.16.0.0/16"


def check_zone(zone: str, region: str) -> None:
    """Raises ValueError for what is no zone of the region: an id, the zone of a city, the region itself."""
    if not zone.startswith(region):
        raise ValueError(
            f"network.availability_zones: {zone!r} is not in region {region!r}: write {region}a or such"
        )
    if not re.fullmatch(rf"{re.escape(region)}[a-z]", zone):
        raise ValueError(
            f"network.availability_zones: {zone!r} is no availability zone's name: write {region} and one small "
            f"letter, such as {region}a"
        )


def check_room(cidr: str, *, zones: int, capacity: int) -> None:
    """The warehouse finds addresses enough in each of its subnets. Raises ValueError."""
    length = IPv4Network(cidr).prefixlen + ceil(log2(_GROUPS * zones))
    free = 2 ** (32 - length) - _TAKEN
    wanted = capacity // 4 + 5
    if wanted > free:
        raise ValueError(
            f"network.cidr {cidr!r} leaves subnets of {free} addresses, and a warehouse of "
            f"analytics.base_capacity_rpu {capacity} wants {wanted} free ones in each: widen the range, up to /16, "
            "or lower the capacity"
        )
