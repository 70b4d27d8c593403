"""Aurora PostgreSQL and the RDS Data API of the embedded endpoint."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from typing import Any

from osusume_endpoint import postgres, service
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.rds import clusters
from osusume_endpoint.rds.data import DataApi


def install(endpoint: Endpoint) -> None:
    server = postgres.ensure(endpoint.home)
    atexit.register(server.stop)
    clusters.install(server)
    service.add_service(
        name="rds-data",
        operations=DataApi(address=server.address, find_cluster=find_cluster).operations(),
        resource_arn=lambda operation, parameters: parameters.get("resourceArn"),
        endpoint=endpoint,
        validation_code="BadRequestException",
    )


def find_cluster(arn: str) -> Mapping[str, Any] | None:
    from ministack.services import rds

    identifier = arn.rsplit(":", 1)[-1]
    cluster = rds._clusters.get(identifier)
    return cluster if cluster and cluster["DBClusterArn"] == arn else None
