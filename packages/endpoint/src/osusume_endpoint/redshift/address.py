"""Where a local process finds the warehouse, as variables: dbt uses its Postgres adapter there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osusume_endpoint.redshift.serverless import database_user

if TYPE_CHECKING:
    from osusume_endpoint.endpoint import Endpoint
    from osusume_endpoint.redshift.serverless import Serverless
    from osusume_endpoint.redshift.warehouse import Warehouse

PREFIX = "OSUSUME_LOCAL_WAREHOUSE_"
_parts: dict[str, tuple[Serverless, Warehouse]] = {}


def register(endpoint: Endpoint, serverless: Serverless, warehouse: Warehouse) -> None:
    """Called by the plug-in."""
    _parts[str(endpoint.home)] = (serverless, warehouse)


def environment(endpoint: Endpoint, role_arn: str | None = None) -> dict[str, str]:
    """HOST, PORT, DATABASE, USER and PASSWORD of the first namespace; empty while there is none.

    With a role the user is the one IAM authentication gives that role ("IAMR:<role>"), with its grants only;
    without, the namespace's admin.
    """
    if str(endpoint.home) not in _parts:
        return {}
    serverless, warehouse = _parts[str(endpoint.home)]
    namespace = next(iter(serverless.namespaces.values()), None)
    if namespace is None:
        return {}
    user, password = namespace["adminUsername"], namespace["adminUserPassword"]
    if role_arn:
        user = database_user(
            f"arn:aws:sts::{endpoint.account}:assumed-role/{role_arn.rsplit('/', 1)[-1]}/local"
        )
        password = warehouse.ensure_user(user)
    address = warehouse.server.address
    values = {
        "HOST": address.host,
        "PORT": str(address.port),
        "DATABASE": namespace["dbName"],
        "USER": user,
        "PASSWORD": password,
    }
    return {PREFIX + name: value for name, value in values.items()}
