"""Who must reach whom inside the VPC: both security groups must let them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.assembly import Assembly
from checks.finding import Finding
from checks.rule import Rule

_HTTPS, _POSTGRESQL, _REDSHIFT = 443, 5432, 5439
_ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Path:
    stack: str
    logical_id: str
    source: str  # security group
    target: str  # security group or CIDR
    port: int
    because: str


RULES = (
    Rule(
        "network-path",
        "The connection times out.",
        "Add the rule in the network stack.",
        'VPC user guide, "Security groups"; Glue developer guide, "Setting up Amazon VPC"',
    ),
    Rule(
        "network-endpoint",
        "Calls to the service from the VPC time out.",
        "Let the VPC's addresses in on port 443.",
        'AWS PrivateLink guide, "Interface endpoints"',
    ),
    Rule(
        "network-zones",
        "Redshift or Aurora refuses its subnets.",
        "Give network.availability_zones more zones.",
        'Redshift management guide, "Serverless considerations"',
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    rules = list(_rules(assembly))
    found = [finding for path in _paths(assembly) for finding in _closed(path, rules)]
    return [*found, *_subnets(assembly), *_endpoints(assembly, rules)]


def _endpoints(assembly: Assembly, rules: list[tuple[str, str, str, int, int]]) -> Iterator[Finding]:
    """An interface endpoint answers the whole VPC's names, so all of the VPC must reach it."""
    for stack, logical_id, endpoint in assembly.each("AWS::EC2::VPCEndpoint"):
        for group in endpoint.get("SecurityGroupIds", []):
            if not any(
                (d, g) == ("Ingress", str(group)) and low <= _HTTPS <= high for d, g, _, low, high in rules
            ):
                why = f"{endpoint.get('ServiceName')}: its security group lets nobody on port {_HTTPS}."
                yield Finding(stack.name, logical_id, "network-endpoint", why, "let the VPC's addresses in.")


def _rules(assembly: Assembly) -> Iterator[tuple[str, str, str, int, int]]:
    """(direction, group, other side, from port, to port)."""
    for _, logical_id, group in assembly.each("AWS::EC2::SecurityGroup"):
        own = f"<{logical_id}.GroupId>"
        for direction in ("Ingress", "Egress"):
            for rule in group.get(f"SecurityGroup{direction}", []):
                yield _rule(direction, own, rule)
    for direction in ("Ingress", "Egress"):
        for _, _, rule in assembly.each(f"AWS::EC2::SecurityGroup{direction}"):
            yield _rule(direction, str(rule.get("GroupId")), rule)


def _rule(direction: str, group: str, rule: dict[str, Any]) -> tuple[str, str, str, int, int]:
    side = "SourceSecurityGroupId" if direction == "Ingress" else "DestinationSecurityGroupId"
    other = str(rule.get(side) or rule.get("CidrIp"))
    if str(rule.get("IpProtocol")) == "-1":
        return direction, group, other, 0, 65535
    return direction, group, other, int(rule.get("FromPort", 0)), int(rule.get("ToPort", 65535))


def _paths(assembly: Assembly) -> Iterator[Path]:
    databases = [
        (str(group), int(cluster.get("Port", _POSTGRESQL)))
        for _, _, cluster in assembly.each("AWS::RDS::DBCluster")
        for group in cluster.get("VpcSecurityGroupIds", [])
    ]
    for stack, logical_id, connection in assembly.each("AWS::Glue::Connection"):
        place = connection["ConnectionInput"].get("PhysicalConnectionRequirements", {})
        for source in map(str, place.get("SecurityGroupIdList", [])):
            reach = (stack.name, logical_id, source)
            # Glue developer guide: a self-referencing rule for all ports.
            yield Path(*reach, source, 65000, "Glue's workers talk to each other on any port")
            yield Path(*reach, _ANYWHERE, _HTTPS, "Glue's workers call AWS")
            for target, port in databases:
                yield Path(*reach, target, port, "the job reads the database")
    yield from _functions(assembly)


def _functions(assembly: Assembly) -> Iterator[Path]:
    warehouses = [
        (str(workgroup.get("WorkgroupName")), str(group))
        for _, _, workgroup in assembly.each("AWS::RedshiftServerless::Workgroup")
        for group in workgroup.get("SecurityGroupIds", [])
    ]
    for stack, logical_id, function in assembly.each("AWS::Lambda::Function"):
        for source in map(str, function.get("VpcConfig", {}).get("SecurityGroupIds", [])):
            reach = (stack.name, logical_id, source)
            yield Path(*reach, _ANYWHERE, _HTTPS, "the function calls AWS")
            for name, target in warehouses:
                if name in _variables(function).values():
                    yield Path(*reach, target, _REDSHIFT, "the function connects to the warehouse")


def _variables(function: Mapping[str, Any]) -> dict[str, str]:
    """What is given to the function: the workgroup's name to those in the VPC that connect to it."""
    return {name: str(value) for name, value in function.get("Environment", {}).get("Variables", {}).items()}


def _closed(path: Path, rules: list[tuple[str, str, str, int, int]]) -> Iterator[Finding]:
    for direction, group, other in (
        ("Egress", path.source, path.target),
        ("Ingress", path.target, path.source),
    ):
        if group == _ANYWHERE:
            continue
        if not any(
            (d, g) == (direction, group) and o in (other, _ANYWHERE) and low <= path.port <= high
            for d, g, o, low, high in rules
        ):
            why = f"{path.because}: {direction.lower()} of {group} does not let {other} on port {path.port}."
            cure = "add the rule in the network stack."
            yield Finding(path.stack, path.logical_id, "network-path", why, cure)


def _subnets(assembly: Assembly) -> Iterator[Finding]:
    """Redshift Serverless asks for three subnets in three zones, Aurora for two."""
    zones: dict[str, str] = {
        f"<{logical_id}>": str(subnet.get("AvailabilityZone"))
        for _, logical_id, subnet in assembly.each("AWS::EC2::Subnet")
    }
    for kind, name, least in (
        ("AWS::RedshiftServerless::Workgroup", "SubnetIds", 3),
        ("AWS::RDS::DBSubnetGroup", "SubnetIds", 2),
    ):
        for stack, logical_id, properties in assembly.each(kind):
            different = {zones.get(str(subnet), str(subnet)) for subnet in properties.get(name, [])}
            if len(different) < least:
                why = f"its subnets lie in {len(different)} zones; {kind} needs {least}."
                cure = "give network.availability_zones more zones."
                yield Finding(stack.name, logical_id, "network-zones", why, cure)
