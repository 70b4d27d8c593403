"""Schemas: created at once, without states."""

from __future__ import annotations

import time
from typing import Any

from osusume_endpoint.personalize.errors import in_use, invalid
from osusume_endpoint.personalize.models.common import Operation, Parameters, describing, listing, picked
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext
from osusume_engine.schemas import Schema, SchemaError, parse_schema

MAX_SCHEMAS = 500


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = service.named("Schema", parameters["name"])
    _check(parameters)
    with service.store.lock:
        service.check_absent(arn)
        count = len(service.store.of_kind("Schema"))
        service.check_quota(count, MAX_SCHEMAS, f"You can have at most {MAX_SCHEMAS} active schemas.")
        now = time.time()
        fields = {
            **picked(parameters, "name", "schema", "domain"),
            "schemaArn": arn,
            "creationDateTime": now,
            "lastUpdatedDateTime": now,
        }
        service.store.add(Record(kind="Schema", arn=arn, fields=fields))
    return {"schemaArn": arn}


def delete(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    record = service.store.get(parameters["schemaArn"], "Schema")
    with service.store.lock:
        for dataset in service.store.where("Dataset", schemaArn=record.arn):
            raise in_use(f"Schema {record.arn} is in use by {dataset.arn}: delete that first.")
        service.store.remove(record.arn)
    return {}


def schema_of(service: Personalize, dataset: Record) -> Schema:
    record = service.store.get(dataset.fields["schemaArn"], "Schema")
    return parse_schema(record.fields["schema"], domain=record.fields.get("domain"))


def _check(parameters: Parameters) -> None:
    try:
        parse_schema(parameters["schema"], domain=parameters.get("domain"))
    except SchemaError as error:
        raise invalid(f"Input schema is invalid. {error}") from None


OPERATIONS: dict[str, Operation] = {
    "CreateSchema": create,
    "DescribeSchema": describing("Schema"),
    "ListSchemas": listing("Schema"),
    "DeleteSchema": delete,
}
