"""Paths of what is deployed: of the warehouse to S3, of jobs to databases, of functions to the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.network import deployed, reach
from osusume_endpoint.network.model import Network, Place
from osusume_endpoint.network.reach import Missing

POSTGRESQL, REDSHIFT = 5432, 5439
Answer = Mapping[str, Any]


def of_workgroup(workgroup: Answer) -> Place | None:
    """None where it was made without a place of its own: then it's in the default VPC, which lets it out."""
    groups, subnets = workgroup.get("securityGroupIds") or (), workgroup.get("subnetIds") or ()
    if not groups or not subnets:
        return None
    public = bool(workgroup.get("publiclyAccessible"))
    name = f"workgroup {workgroup['workgroupName']}"
    return Place(name, tuple(subnets), tuple(groups), has_public_address=public)


def of_copy(workgroup: Answer) -> Place | None:
    """Where COPY and UNLOAD call S3 from; None: from a network of AWS's own."""
    return of_workgroup(workgroup) if workgroup.get("enhancedVpcRouting") else None


def copy_lacks(endpoint: Endpoint, workgroup: Answer) -> Missing | None:
    """What COPY and UNLOAD lack on their way to S3: with enhanced VPC routing that leads through the VPC."""
    place = of_copy(workgroup)
    if place is None:
        return None
    return reach.to_service(deployed.read(endpoint.client("ec2")), place, "s3")


def service_lacks(endpoint: Endpoint, source: Place | None, service: str) -> Missing | None:
    """What the source lacks on its way to a service of AWS; nothing where it is in no VPC of the account's."""
    return reach.to_service(deployed.read(endpoint.client("ec2")), source, service) if source else None


def of_connections(endpoint: Endpoint, names: Iterable[str], *, job: str) -> Place | None:
    """Where a Glue job runs by its connections; None: in no VPC of the account's."""
    glue = endpoint.client("glue")
    needs = [
        glue.get_connection(Name=name)["Connection"].get("PhysicalConnectionRequirements", {})
        for name in names
    ]
    subnets = tuple(need["SubnetId"] for need in needs if need.get("SubnetId"))
    groups = tuple(group for need in needs for group in need.get("SecurityGroupIdList", []))
    return Place(f"job {job}", subnets, groups) if subnets else None


def databases_cut_off(endpoint: Endpoint, source: Place | None) -> dict[str, str]:
    """Why the source can't reach them: database -> reason, for clusters whose place in a VPC is known."""
    rds = endpoint.client("rds")
    clusters = {one["DatabaseName"]: _of_cluster(rds, one) for one in _clusters(rds)}
    return _cut_off(endpoint, source, {name: place for name, place in clusters.items() if place}, POSTGRESQL)


def warehouses_cut_off(
    endpoint: Endpoint, source: Place | None, workgroups: Mapping[str, Answer]
) -> dict[str, str]:
    """The same for workgroups, by their database."""
    places = {database: of_workgroup(workgroup) for database, workgroup in workgroups.items()}
    return _cut_off(endpoint, source, {name: place for name, place in places.items() if place}, REDSHIFT)


def of_function(config: Answer) -> Place | None:
    network = config.get("VpcConfig") or {}
    subnets, groups = network.get("SubnetIds") or (), network.get("SecurityGroupIds") or ()
    return Place(f"function {config['FunctionName']}", tuple(subnets), tuple(groups)) if subnets else None


def _cut_off(
    endpoint: Endpoint, source: Place | None, targets: Mapping[str, Place], port: int
) -> dict[str, str]:
    network = deployed.read(endpoint.client("ec2")) if targets else Network()
    found = {name: _lacks(network, source, target, port) for name, target in targets.items()}
    return {name: str(missing) for name, missing in found.items() if missing}


def _lacks(network: Network, source: Place | None, target: Place, port: int) -> Missing | None:
    if source is not None:
        return reach.to_place(network, source, target, port)
    if target.has_public_address:
        return None
    vpcs = ", ".join(sorted(network.vpcs(target)))
    return Missing(
        "vpc",
        f"{target.name} is private in {vpcs}, and who connects is in no VPC",
        "give the job a connection, or the function a VpcConfig, in that VPC",
    )


def _clusters(rds: Any) -> list[Answer]:
    found: list[Answer] = rds.describe_db_clusters()["DBClusters"]
    return [cluster for cluster in found if cluster.get("DatabaseName")]


def _of_cluster(rds: Any, cluster: Answer) -> Place | None:
    groups = tuple(one["VpcSecurityGroupId"] for one in cluster.get("VpcSecurityGroups", []))
    name = cluster.get("DBSubnetGroup")
    if not groups or not name or name == "default":
        return None
    found = rds.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"]
    subnets = tuple(one["SubnetIdentifier"] for group in found for one in group["Subnets"])
    return Place(f"cluster {cluster['DBClusterIdentifier']}", subnets, groups)
