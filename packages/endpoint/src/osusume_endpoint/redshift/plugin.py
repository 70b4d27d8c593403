"""Redshift Serverless and the Redshift Data API of the embedded endpoint, on the embedded PostgreSQL."""

from __future__ import annotations

import atexit
import json
from collections.abc import Collection

from osusume_endpoint import postgres, service
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.lambda_ import environment
from osusume_endpoint.network import placed
from osusume_endpoint.network.model import Place
from osusume_endpoint.redshift.data import DataApi
from osusume_endpoint.redshift.serverless import Serverless
from osusume_endpoint.redshift.stand_in import NO_PATH
from osusume_endpoint.redshift.warehouse import Warehouse


def install(endpoint: Endpoint) -> None:
    server = postgres.ensure(endpoint.home)
    atexit.register(server.stop)
    warehouse = Warehouse(server)
    serverless = Serverless(
        file=endpoint.home / "redshift" / "state.json",
        region=endpoint.region,
        account=endpoint.account,
        warehouse=warehouse,
    )
    environment.contributors.append(lambda place, told: cut_off(endpoint, serverless, place, told))
    data = DataApi(endpoint=endpoint, serverless=serverless, warehouse=warehouse)
    service.add_service(
        name="redshift-serverless",
        operations=serverless.operations(),
        resource_arn=serverless.resource_arn,
        endpoint=endpoint,
    )
    service.add_service(
        name="redshift-data", operations=data.operations(), resource_arn=data.resource_arn, endpoint=endpoint
    )


def cut_off(
    endpoint: Endpoint, serverless: Serverless, place: Place | None, told: Collection[str]
) -> dict[str, str]:
    """What its network keeps from a program that is told a workgroup's name, as dbt's adapter reads it."""
    workgroups = {
        serverless.namespace_of(workgroup)["dbName"]: workgroup
        for name, workgroup in serverless.workgroups.items()
        if name in told
    }
    if not workgroups:
        return {}
    reasons = placed.warehouses_cut_off(endpoint, place, workgroups)
    return {NO_PATH: json.dumps(reasons)} if reasons else {}
