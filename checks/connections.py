"""Who must reach whom through a VPC: jobs, functions, the warehouse, dashboards; managed services included."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from checks import builds
from checks.assembly import Assembly, Stack
from checks.policies import Role, roles
from checks.topology import identities
from osusume_endpoint.network.model import Place

POSTGRESQL, REDSHIFT = 5432, 5439
# A port that only a rule for all of them has.
ANY_PORT = 65_000
# What scripts and functions call, by the prefix of its IAM actions: the name of its endpoint where that differs.
# Others are called for them by AWS itself: logs, traces, network interfaces, keys of encrypted objects.
_ENDPOINTS = {"cloudwatch": "monitoring"}
PREFIXES = {endpoint: prefix for prefix, endpoint in _ENDPOINTS.items()}
_BY_AWS = frozenset(["ec2", "kms", "logs", "xray", "iam"])
_BY_GLUE = frozenset(["glue:GetConnection", "cloudwatch:PutMetricData"])

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Connection:
    """A source that must open a TCP connection: to a place, or to a service of AWS by its endpoint's name.

    `returns` marks sources whose own groups must let the answers in.
    """

    stack: str
    logical_id: str
    source: Place
    because: str
    port: int = 443
    target: Place | None = None
    service: str = ""
    returns: bool = False


def connections(assembly: Assembly) -> list[Connection]:
    return [*_of_glue(assembly), *_of_functions(assembly), *_of_copy(assembly), *_of_dashboards(assembly)]


def places(assembly: Assembly) -> Iterator[tuple[str, str, Place]]:
    """(stack, logical id, place) of everything that AWS puts into a VPC."""
    for stack, logical_id, connection in assembly.each("AWS::Glue::Connection"):
        yield stack.name, logical_id, _of_connection(logical_id, connection)
    for stack, logical_id, function in builds.of_code(assembly):
        if function.get("VpcConfig"):
            yield stack.name, logical_id, _of_function(logical_id, function)
    for kind in ("AWS::RedshiftServerless::Workgroup", "AWS::QuickSight::VPCConnection"):
        for stack, logical_id, properties in assembly.each(kind):
            yield stack.name, logical_id, _place(logical_id, properties)
    for stack, logical_id, cluster in assembly.each("AWS::Redshift::Cluster", "AWS::RDS::DBCluster"):
        yield stack.name, logical_id, _of_cluster(assembly, logical_id, cluster)
    for stack, logical_id, endpoint in assembly.each("AWS::EC2::VPCEndpoint"):
        yield stack.name, logical_id, _place(logical_id, endpoint)


def databases(assembly: Assembly) -> Iterator[tuple[Place, int, Properties]]:
    for _, logical_id, cluster in assembly.each("AWS::RDS::DBCluster"):
        yield _of_cluster(assembly, logical_id, cluster), int(cluster.get("Port", POSTGRESQL)), cluster


def _place(logical_id: str, properties: Properties) -> Place:
    return Place(
        logical_id,
        identities(properties.get("SubnetIds")),
        identities(properties.get("SecurityGroupIds")),
        has_public_address=_true(properties.get("PubliclyAccessible")),
    )


def _of_cluster(assembly: Assembly, logical_id: str, cluster: Properties) -> Place:
    wanted = cluster.get("DBSubnetGroupName") or cluster.get("ClusterSubnetGroupName")
    subnets = [
        subnet
        for stack, group_id, group in assembly.each(
            "AWS::RDS::DBSubnetGroup", "AWS::Redshift::ClusterSubnetGroup"
        )
        if str(wanted) in (f"<{group_id}>", str(group.get("DBSubnetGroupName")))
        for subnet in group.get("SubnetIds", [])
    ]
    groups = identities(cluster.get("VpcSecurityGroupIds"))
    public = _true(cluster.get("PubliclyAccessible"))
    return Place(logical_id, identities(subnets), groups, has_public_address=public)


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def _of_connection(logical_id: str, connection: Properties) -> Place:
    place = connection.get("ConnectionInput", {}).get("PhysicalConnectionRequirements", {})
    subnets = [place["SubnetId"]] if "SubnetId" in place else []
    return Place(logical_id, identities(subnets), identities(place.get("SecurityGroupIdList")))


def _of_function(logical_id: str, function: Properties) -> Place:
    """SDKs call services by IPv4 names unless they are told (SDKs and tools guide, AWS_USE_DUALSTACK_ENDPOINT)."""
    config = function.get("VpcConfig", {})
    told = function.get("Environment", {}).get("Variables", {}).get("AWS_USE_DUALSTACK_ENDPOINT")
    over_ipv6 = _true(config.get("Ipv6AllowedForDualStack")) and _true(told)
    return replace(_place(logical_id, config), over_ipv6=over_ipv6)


def _services(role: Role | None, *, without: frozenset[str] = frozenset()) -> list[str]:
    """Services that the role may call, by the names of their endpoints."""
    statements = role.statements if role else ()
    actions = {action for one in statements if one.effect == "Allow" for action in one.actions}
    prefixes = {action.partition(":")[0] for action in actions - without} - _BY_AWS
    return sorted(_ENDPOINTS.get(prefix, prefix) for prefix in prefixes)


def _role(assembly: Assembly, named: Any) -> Role | None:
    return next((role for role in roles(assembly) if str(named) in (role.arn, role.name)), None)


def _of_glue(assembly: Assembly) -> Iterator[Connection]:
    for stack, logical_id, connection in assembly.each("AWS::Glue::Connection"):
        source = _of_connection(logical_id, connection)
        # Glue developer guide, "Setting up Amazon VPC to connect to JDBC data stores": a self-referencing rule.
        yield Connection(
            stack.name, logical_id, source, "Glue's workers talk to each other", ANY_PORT, source
        )
        for target, port, _ in databases(assembly):
            yield Connection(stack.name, logical_id, source, "the job reads the database", port, target)
        used = _jobs_of(assembly, logical_id, connection)
        services = {s for job in used for s in _services(_role(assembly, job["Role"]), without=_BY_GLUE)}
        for service in sorted({"s3", *services}):
            yield _calls(stack, logical_id, source, service, "the job calls it")


def callers(assembly: Assembly) -> Iterator[tuple[Place, Role]]:
    """Everything of a VPC that calls services, with the role that it calls them as."""
    for _, logical_id, function in builds.of_code(assembly):
        yield from _as(_of_function(logical_id, function), _role(assembly, function.get("Role")))
    for _, logical_id, connection in assembly.each("AWS::Glue::Connection"):
        place = _of_connection(logical_id, connection)
        for job in _jobs_of(assembly, logical_id, connection):
            yield from _as(place, _role(assembly, job["Role"]))
    for _, _, place, workgroup in _workgroups(assembly):
        if _true(workgroup.get("EnhancedVpcRouting")):
            for named in _roles_of_namespace(assembly, workgroup.get("NamespaceName")):
                yield from _as(place, _role(assembly, named))


def _as(place: Place, role: Role | None) -> Iterator[tuple[Place, Role]]:
    if place.subnets and role:
        yield place, role


def _jobs_of(assembly: Assembly, logical_id: str, connection: Properties) -> list[Properties]:
    name = str(connection.get("ConnectionInput", {}).get("Name", f"<{logical_id}>"))
    jobs = assembly.each("AWS::Glue::Job")
    return [job for _, _, job in jobs if name in job.get("Connections", {}).get("Connections", [])]


def _calls(stack: Stack, logical_id: str, source: Place, service: str, because: str) -> Connection:
    return Connection(stack.name, logical_id, source, because, service=service)


def _workgroups(assembly: Assembly) -> Iterator[tuple[str, str, Place, Properties]]:
    for stack, logical_id, workgroup in assembly.each("AWS::RedshiftServerless::Workgroup"):
        yield stack.name, logical_id, _place(logical_id, workgroup), workgroup


def _of_functions(assembly: Assembly) -> Iterator[Connection]:
    for stack, logical_id, function in builds.of_code(assembly):
        role = _role(assembly, function.get("Role"))
        source = _of_function(logical_id, function)
        if source.subnets:
            for service in _services(role):
                yield _calls(stack, logical_id, source, service, "the function calls it")
        for target, port, because in _dialled(assembly, function, role, in_vpc=bool(source.subnets)):
            yield Connection(stack.name, logical_id, source, because, port, target)


def _dialled(
    assembly: Assembly, function: Properties, role: Role | None, *, in_vpc: bool
) -> Iterator[tuple[Place, int, str]]:
    """What the function connects to: it is given the name and is in a VPC, or asks for a password."""
    told = {str(value) for value in function.get("Environment", {}).get("Variables", {}).values()}
    signs_in = role is not None and role.allows("redshift-serverless:GetCredentials")
    for _, _, place, workgroup in _workgroups(assembly):
        if str(workgroup.get("WorkgroupName")) in told and (in_vpc or signs_in):
            yield place, int(workgroup.get("Port", REDSHIFT)), "the function connects to the warehouse"
    for place, port, cluster in databases(assembly):
        if in_vpc and told & _names_of(assembly, cluster):
            yield place, port, "the function connects to the database"


def _names_of(assembly: Assembly, cluster: Properties) -> set[str]:
    """Names and ARNs of a cluster's secrets, by which a function is told of it."""
    text = json.dumps(cluster.get("MasterUserPassword", ""))
    found = assembly.each("AWS::SecretsManager::Secret")
    secrets = [(stack.resolver.arn(i), str(one.get("Name", f"<{i}>"))) for stack, i, one in found]
    return {name for arn, own in secrets if arn in text or own in text for name in (arn, own)}


def _of_copy(assembly: Assembly) -> Iterator[Connection]:
    """Redshift management guide, "Enhanced VPC routing": what COPY and UNLOAD read and write goes through the VPC."""
    for stack, logical_id, source, workgroup in _workgroups(assembly):
        if _true(workgroup.get("EnhancedVpcRouting")):
            named = workgroup.get("NamespaceName")
            for service in _copied(assembly, _roles_of_namespace(assembly, named)):
                yield Connection(
                    stack, logical_id, source, "COPY and UNLOAD go through the VPC", service=service
                )
    for of, logical_id, cluster in assembly.each("AWS::Redshift::Cluster"):
        if _true(cluster.get("EnhancedVpcRouting")):
            source = _of_cluster(assembly, logical_id, cluster)
            for service in _copied(assembly, cluster.get("IamRoles", [])):
                yield _calls(of, logical_id, source, service, "COPY and UNLOAD go through the VPC")


def _roles_of_namespace(assembly: Assembly, name: Any) -> list[Any]:
    found = assembly.each("AWS::RedshiftServerless::Namespace")
    return [
        role for _, _, one in found if one.get("NamespaceName") == name for role in one.get("IamRoles", [])
    ]


def _copied(assembly: Assembly, named: list[Any]) -> list[str]:
    """Services that the roles for COPY read and write; S3 where a role isn't of these templates."""
    known = [_role(assembly, role) for role in named]
    return sorted({service for role in known for service in (_services(role) if role else ["s3"])})


def _of_dashboards(assembly: Assembly) -> Iterator[Connection]:
    """QuickSight user guide, "Security groups: inbound and outbound rules": its interface's group keeps no state."""
    used = {
        str(source.get("VpcConnectionProperties", {}).get("VpcConnectionArn"))
        for _, _, source in assembly.each("AWS::QuickSight::DataSource")
    }
    for stack, logical_id, connection in assembly.each("AWS::QuickSight::VPCConnection"):
        if stack.resolver.arn(logical_id) not in used:
            continue
        source = _place(logical_id, connection)
        for _, _, target, workgroup in _workgroups(assembly):
            port = int(workgroup.get("Port", REDSHIFT))
            yield Connection(
                stack.name, logical_id, source, "dashboards read the warehouse", port, target, returns=True
            )
