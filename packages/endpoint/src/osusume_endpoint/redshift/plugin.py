"""Redshift Serverless and the Redshift Data API of the embedded endpoint, on the embedded PostgreSQL."""

from __future__ import annotations

import atexit

from osusume_endpoint import postgres, service
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.redshift.data import DataApi
from osusume_endpoint.redshift.serverless import Serverless
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
