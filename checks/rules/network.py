"""Who must reach whom inside the VPC: security groups both ways, routes, endpoints, and one VPC in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks import connections, endpoints, topology
from checks.assembly import Assembly
from checks.connections import ANY_PORT, Connection
from checks.finding import Finding
from checks.rule import Rule
from osusume_endpoint.network import reach
from osusume_endpoint.network.model import Network, ports
from osusume_endpoint.network.model import Rule as SecurityRule
from osusume_endpoint.network.reach import HTTPS, Missing

RULES = (
    Rule(
        "network-path",
        "The connection times out: COPY, a job, a function or a dashboard waits and fails.",
        "Add the rule in the network stack.",
        'VPC user guide, "Security groups"; Glue developer guide, "Setting up Amazon VPC"; Redshift management guide, '
        '"Enhanced VPC routing"; QuickSight user guide, "Security groups: inbound and outbound rules"',
    ),
    Rule(
        "network-route",
        "Calls to the service have no way out of the subnet, and time out.",
        "Give the subnet's route table a NAT gateway, or the VPC an endpoint of the service.",
        'Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC"; '
        'AWS PrivateLink guide, "Gateway endpoints"',
    ),
    Rule(
        "network-vpc",
        "EC2 refuses a group or a subnet of another VPC, or there is no route between the VPCs.",
        "Take groups and subnets of one VPC: network.vpc names an existing one.",
        'VPC user guide, "Security group rules"; VPC peering guide, "Update your security groups"',
    ),
    Rule(
        "network-unreachable",
        "The database exists, and the application can neither fill nor read it.",
        "Turn the Data API on, or publish a security group for its clients.",
        'Aurora user guide, "Using RDS Data API"; VPC user guide, "Security groups"',
    ),
    Rule(
        "network-endpoint",
        "Calls to the service from the VPC time out.",
        "Let the VPC's addresses in on port 443.",
        'AWS PrivateLink guide, "Interface endpoints"',
    ),
    Rule(
        "network-acl",
        "The connection times out: a network ACL drops the request or its answers.",
        "Allow the port, and ports 1024-65535 for the answers, in both subnets' ACLs.",
        'VPC user guide, "Control subnet traffic with network access control lists"; "Custom network ACLs"',
    ),
    Rule(
        "network-policy",
        "The endpoint refuses the call (AccessDenied), whatever the role may do.",
        "Let the endpoint's PolicyDocument allow what the role calls.",
        'AWS PrivateLink guide, "Control access to VPC endpoints using endpoint policies"',
    ),
    Rule(
        "network-refused",
        "EC2 refuses the endpoint or the subnet, and with it the stack.",
        "Name the region's own service, let the VPC have names, give the subnet sixteen addresses.",
        'AWS PrivateLink guide, "Gateway endpoints", "Enable private DNS names"; VPC user guide, "Subnet CIDR blocks"',
    ),
    Rule(
        "network-zones",
        "Redshift or Aurora refuses its subnets.",
        "Give network.availability_zones more zones.",
        'Redshift management guide, "Serverless considerations"',
    ),
)
_RULE_OF: Mapping[str, str] = {
    "rule": "network-path",
    "acl": "network-acl",
    "route": "network-route",
    "vpc": "network-vpc",
}


def check(assembly: Assembly) -> list[Finding]:
    network = topology.network(assembly)
    needed = connections.connections(assembly)
    found = [finding for one in needed for finding in _cut(network, one)]
    return [
        *found,
        *_mixed(assembly, network),
        *_foreign(assembly, network),
        *_one_sided(assembly, network),
        *_unreachable(assembly, network),
        *_zones(assembly),
        *_refused(assembly),
        *_endpoints(assembly, network),
        *endpoints.check(assembly, network),
    ]


def _cut(network: Network, needed: Connection) -> Iterator[Finding]:
    missing = _missing(network, needed)
    if missing:
        target = needed.target.name if needed.target else needed.service
        why = f"{needed.source.name} must reach {target} ({needed.because}), and {missing.what}."
        yield Finding(
            needed.stack, needed.logical_id, _RULE_OF[missing.kind], why, f"{missing.cure} (network stack)."
        )


def _missing(network: Network, needed: Connection) -> Missing | None:
    if needed.target is None:
        return reach.to_service(network, needed.source, needed.service)
    if not needed.source.subnets and not needed.target.has_public_address and needed.target.subnets:
        what = f"{needed.target.name} has private addresses only, and {needed.source.name} is in no VPC"
        return Missing("vpc", what, f"put {needed.source.name} into the VPC of {needed.target.name}")
    there = reach.to_place(network, needed.source, needed.target, needed.port)
    if there or not needed.returns:
        return there
    return reach.lets_in(network, needed.source, needed.target, ANY_PORT)


_SMALLEST, _LARGEST = 28, 16  # subnets' prefixes


def _refused(assembly: Assembly) -> Iterator[Finding]:
    nameless = [
        stack.resolver.name(logical_id)
        for stack, logical_id, vpc in assembly.each("AWS::EC2::VPC")
        if False in (vpc.get("EnableDnsSupport"), vpc.get("EnableDnsHostnames"))
    ]
    for stack, logical_id, endpoint in assembly.each("AWS::EC2::VPCEndpoint"):
        service = str(endpoint.get("ServiceName"))
        if service.startswith("com.amazonaws.") and not service.startswith(
            f"com.amazonaws.{assembly.region}."
        ):
            why = f"its service {service} is none of {assembly.region}: EC2 has no such service there."
            cure = f"write com.amazonaws.{assembly.region}.{service.split('.', 3)[-1]}."
            yield Finding(stack.name, logical_id, "network-refused", why, cure)
        if endpoint.get("PrivateDnsEnabled") is True and str(endpoint.get("VpcId")) in nameless:
            why = "it has private DNS names, and its VPC has EnableDnsSupport or EnableDnsHostnames off."
            yield Finding(stack.name, logical_id, "network-refused", why, "set both true.")
    for stack, logical_id, subnet in assembly.each("AWS::EC2::Subnet"):
        length = str(subnet.get("CidrBlock")).rpartition("/")[2]
        if length.isdecimal() and not _LARGEST <= int(length) <= _SMALLEST:
            why = f"its range {subnet.get('CidrBlock')} is none from /{_LARGEST} to /{_SMALLEST}."
            yield Finding(stack.name, logical_id, "network-refused", why, f"make it /{_SMALLEST} or wider.")


def _mixed(assembly: Assembly, network: Network) -> Iterator[Finding]:
    """EC2: "Security group sg-1 and subnet subnet-2 belong to different networks"."""
    for stack, logical_id, place in connections.places(assembly):
        vpcs = sorted(network.vpcs(place))
        if len(vpcs) > 1:
            why = f"{logical_id} has subnets and security groups of {len(vpcs)} VPCs: {', '.join(vpcs)}."
            yield Finding(stack, logical_id, "network-vpc", why, "take them of one VPC.")


def _foreign(assembly: Assembly, network: Network) -> Iterator[Finding]:
    """A rule between two groups wants both in one VPC, or in two that are peered."""
    made = {group.vpc for group in network.groups.values() if group.vpc.startswith("<")}
    for direction, name, side in (
        ("Ingress", "SourceSecurityGroupId", "from"),
        ("Egress", "DestinationSecurityGroupId", "to"),
    ):
        for stack, logical_id, rule in assembly.each(f"AWS::EC2::SecurityGroup{direction}"):
            pair = topology.identity(rule.get("GroupId")), topology.identity(rule.get(name, ""))
            ours = {network.groups[one].vpc for one in pair if one in network.groups}
            theirs = [one for one in pair if one.startswith("sg-")]
            if len(ours) > 1 or (theirs and ours & made):
                why = f"the rule lets {pair[0]} {side} {pair[1]}, which can't be in one VPC."
                cure = "make the groups in the VPC of the existing one: name it in network.vpc."
                yield Finding(stack.name, logical_id, "network-vpc", why, cure)


def _one_sided(assembly: Assembly, network: Network) -> Iterator[Finding]:
    """A group that exists lets one of ours in, which must be let out to it; what it belongs to no template says.

    To one of a VPC that is made it leads nowhere (`_foreign`).
    """
    for stack, logical_id, written in assembly.each("AWS::EC2::SecurityGroupIngress"):
        theirs = topology.identity(written.get("GroupId"))
        ours = network.groups.get(topology.identity(written.get("SourceSecurityGroupId", "")))
        span = ports(written)
        if ours is None or ours.vpc.startswith("<") or theirs in network.groups or span is None:
            continue
        if not any(_lets_out(rule, theirs, span[0]) for rule in ours.rules):
            why = f"{theirs} lets {ours.id} in on port {span[0]}, and no rule of {ours.id} lets it out to there."
            cure = f"let {ours.id} out to {theirs} on port {span[0]} (network stack)."
            yield Finding(stack.name, logical_id, "network-path", why, cure)


def _lets_out(rule: SecurityRule, group: str, port: int) -> bool:
    """Addresses may be those of the group's members."""
    to_it = rule.kind == "cidr" or (rule.kind == "group" and rule.peer == group)
    return rule.direction == "egress" and to_it and rule.has(port)


def _unreachable(assembly: Assembly, network: Network) -> Iterator[Finding]:
    """A database that only these templates' own jobs reach stays as empty as it was made."""
    members = {group for _, _, place in connections.places(assembly) for group in place.groups}
    for stack, logical_id, cluster in assembly.each("AWS::RDS::DBCluster"):
        if str(cluster.get("EnableHttpEndpoint", "")).lower() == "true":
            continue
        groups = topology.identities(cluster.get("VpcSecurityGroupIds"))
        known = [network.groups[name] for name in groups if name in network.groups]
        peers = {r.peer for group in known for r in group.rules if r.direction == "ingress"}
        if known and not peers - members:
            why = f"{logical_id} lets in {', '.join(sorted(peers)) or 'nobody'} alone and has no Data API."
            cure = "set EnableHttpEndpoint, and let in a security group for clients."
            yield Finding(stack.name, logical_id, "network-unreachable", why, cure)


def _endpoints(assembly: Assembly, network: Network) -> Iterator[Finding]:
    """An interface endpoint answers the whole VPC's names, so all of the VPC must reach it."""
    for stack, logical_id, endpoint in assembly.each("AWS::EC2::VPCEndpoint"):
        for name in topology.identities(endpoint.get("SecurityGroupIds")):
            group = network.groups.get(name)
            if group and not any(r.direction == "ingress" and r.has(HTTPS) for r in group.rules):
                why = f"{endpoint.get('ServiceName')}: its security group lets nobody on port {HTTPS}."
                yield Finding(stack.name, logical_id, "network-endpoint", why, "let the VPC's addresses in.")


def _zones(assembly: Assembly) -> Iterator[Finding]:
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
