"""Aurora clusters of templates become a role and a database of the embedded PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint import postgres, replacements
from osusume_endpoint.postgres import Server
from osusume_endpoint.replacements import replaces

Handler = dict[str, Callable[..., Any]]


class ClusterRefused(ValueError):
    """A cluster that the embedded server cannot stand in for; fails the stack with the reason."""


def install(server: Server) -> None:
    """Wraps the emulator's CloudFormation handlers of clusters and instances."""
    replacements.apply(__name__, server=server)


@replaces("ministack.services.rds:load_persisted_state", takes="data")
def _placing_on_load(server: Server) -> Callable[[Any], None]:
    """Restores records only: ministack's own loading also starts containers and gives their addresses."""
    from ministack.services import rds

    def load_persisted_state(data: Any) -> None:
        rds._restore_state(data, resume_runtime=False)
        for cluster in list(rds._clusters._data.values()):
            if cluster.get("_embedded"):
                place(cluster, server)

    return load_persisted_state


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::RDS::DBCluster]", holds=dict
)
def cluster_handler(inner: Mapping[str, Callable[..., Any]], server: Server) -> Handler:
    from ministack.services import rds
    from ministack.services.cloudformation import provisioners

    def back(identifier: str, properties: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        cluster = rds._clusters[identifier]
        place(cluster, server)
        provide(cluster, properties, server)
        return identifier, provisioners._rds_db_cluster_attrs(cluster)

    def create(logical_id: str, properties: dict[str, Any], *rest: Any, **named: Any) -> Any:
        check(properties)
        identifier, _ = inner["create"](logical_id, properties, *rest, **named)
        return back(identifier, properties)

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **named: Any) -> Any:
        check(new)
        identifier = inner["update"](physical_id, old, new, *rest, **named)[0]
        return back(identifier, new)

    def delete(physical_id: str, properties: Mapping[str, Any], *rest: Any, **named: Any) -> Any:
        cluster = rds._clusters.get(physical_id)
        check_deletable(cluster or {})
        if cluster and cluster.get("_embedded"):
            remove(cluster["_embedded"], server)
        return inner["delete"](physical_id, properties, *rest, **named)

    return {**inner, "create": create, "update": update, "delete": delete}


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::RDS::DBInstance]", holds=dict
)
def instance_handler(inner: Mapping[str, Callable[..., Any]], server: Server) -> Handler:
    from ministack.services import rds
    from ministack.services.cloudformation import provisioners

    def placed(answer: Any) -> Any:
        instance = rds._instances.get(answer[0])
        if instance is None:
            return answer
        address = {"Address": server.address.host, "Port": server.address.port, "HostedZoneId": "LOCAL"}
        instance["Endpoint"] = address
        return answer[0], provisioners._rds_db_instance_attrs(instance)

    def create(logical_id: str, properties: dict[str, Any], *rest: Any, **named: Any) -> Any:
        if not properties.get("DBClusterIdentifier"):
            raise ClusterRefused(
                f"{logical_id}: a DBInstance outside of an Aurora cluster is not emulated locally"
            )
        return placed(inner["create"](logical_id, properties, *rest, **named))

    def update(*args: Any, **named: Any) -> Any:
        return placed(inner["update"](*args, **named))

    return {**inner, "create": create, "update": update}


def check(properties: Mapping[str, Any]) -> None:
    engine = properties.get("Engine")
    if engine != "aurora-postgresql":
        raise ClusterRefused(f"Engine {engine!r} is not emulated locally: only aurora-postgresql is")
    if not properties.get("DatabaseName"):
        raise ClusterRefused("DatabaseName is missing: the local endpoint makes one database per cluster")
    for name in ("MasterUsername", "MasterUserPassword"):
        if not properties.get(name):
            raise ClusterRefused(f"{name} is missing: give the cluster credentials from a secret")


def check_deletable(cluster: Mapping[str, Any]) -> None:
    if str(cluster.get("DeletionProtection")).lower() == "true":
        raise ClusterRefused(
            "Cannot delete protected Cluster, please disable deletion protection and try again. "
            "(Service: Rds, Status Code: 400)"
        )


def place(cluster: dict[str, Any], server: Server) -> None:
    host, port = server.address.host, server.address.port
    cluster |= {"Endpoint": host, "ReaderEndpoint": host, "Port": port, "Status": "available"}


def provide(cluster: dict[str, Any], properties: Mapping[str, Any], server: Server) -> None:
    """The cluster's own role and database. Roles of one server are shared, so names must differ."""
    role, database = properties["MasterUsername"], properties["DatabaseName"]
    owner = cluster["DBClusterIdentifier"]
    connection = server.connect()
    try:
        _check_free(connection, kind="role", name=role, owner=owner)
        _check_free(connection, kind="database", name=database, owner=owner)
        password = properties["MasterUserPassword"]
        postgres.ensure_role(connection, name=role, password=password, createdb=True)
        postgres.ensure_database(connection, name=database, owner=role)
        postgres.set_comment(connection, kind="role", name=role, comment=owner)
        postgres.set_comment(connection, kind="database", name=database, comment=owner)
    finally:
        connection.close()
    cluster["_embedded"] = {"role": role, "database": database}


def _check_free(connection: Any, *, kind: str, name: str, owner: str) -> None:
    holder = postgres.owner_comment(connection, kind=kind, name=name)
    if holder not in (None, owner):
        raise ClusterRefused(
            f"{kind} {name!r} of cluster {owner} already belongs to {holder or 'the server'}: "
            "one local PostgreSQL serves every cluster, so choose another name"
        )


def remove(embedded: Mapping[str, str], server: Server) -> None:
    connection = server.connect()
    try:
        postgres.drop_database(connection, name=embedded["database"])
        # A cluster takes with it the users that its administrator made; here they'd be the next one's.
        postgres.drop_roles_of(connection, name=embedded["role"])
        postgres.drop_role(connection, name=embedded["role"])
    finally:
        connection.close()
