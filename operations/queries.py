"""Statements through the Data APIs of the application's database and of the warehouse."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from operations.place import Place, Refused


def cluster_arn(place: Place) -> str:
    """The ARN of the database that the environment created. Raises Refused where it can't be asked."""
    if place.settings.sources.aurora is None:
        raise Refused(
            "there is no sources.aurora, so no database can be filled or asked: write events to the log"
        )
    stack = place.names.stack("sources")
    pages = place.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [
        resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::RDS::DBCluster"
    ]
    if not found:
        raise Refused(
            f"{stack} created no database: `sources.aurora.create` is false, so fill and ask your own"
        )
    clusters = place.client("rds").describe_db_clusters(DBClusterIdentifier=found[0])
    cluster = clusters["DBClusters"][0]
    if not cluster.get("HttpEndpointEnabled"):
        raise Refused(f"{found[0]} has no Data API: deploy again, which turns it on")
    return str(cluster["DBClusterArn"])


def application_rows(place: Place, statement: str) -> list[list[Any]]:
    """Rows of the application's database."""
    secret = place.client("secretsmanager").describe_secret(SecretId=place.settings.aurora_secret)["ARN"]
    answer = place.client("rds-data").execute_statement(
        resourceArn=cluster_arn(place),
        secretArn=secret,
        database=place.settings.aurora.database,
        sql=statement,
    )
    return [[_value(field) for field in row] for row in answer.get("records", [])]


@dataclass(frozen=True)
class Answer:
    """Names of the columns, and rows."""

    names: list[str]
    rows: list[list[Any]]


def warehouse_rows(
    place: Place, statement: str, *, seconds: float = 120, secret: str = ""
) -> list[list[Any]]:
    """Rows that the reader of the marts sees. Raises Refused with the warehouse's own words."""
    return warehouse_answer(place, statement, seconds=seconds, secret=secret).rows


def warehouse_answer(place: Place, statement: str, *, seconds: float = 120, secret: str = "") -> Answer:
    """Every page, as the user of the secret or the marts' reader. Raises Refused with the warehouse's own words."""
    if not place.settings.analytics.enabled:
        raise Refused("analytics.enabled is false, so there is no warehouse to ask: set it true and deploy")
    client = place.client("redshift-data")
    started = client.execute_statement(
        Sql=statement,
        WorkgroupName=place.names.warehouse,
        Database=place.settings.analytics.database,
        SecretArn=secret or place.names.warehouse_reader_secret,
    )
    deadline = time.monotonic() + seconds
    while (state := client.describe_statement(Id=started["Id"]))["Status"] != "FINISHED":
        if state["Status"] in ("FAILED", "ABORTED") or time.monotonic() > deadline:
            raise Refused(f"the warehouse: {state['Status']} {state.get('Error', '')} ({statement})")
        time.sleep(0.2)
    if not state.get("HasResultSet", True):
        return Answer([], [])
    pages = list(client.get_paginator("get_statement_result").paginate(Id=started["Id"]))
    names = [str(column.get("label") or column["name"]) for column in pages[0]["ColumnMetadata"]]
    return Answer(
        names, [[_value(field) for field in record] for page in pages for record in page["Records"]]
    )


def _value(field: dict[str, Any]) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))
