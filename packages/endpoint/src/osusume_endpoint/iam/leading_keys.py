"""dynamodb:LeadingKeys: the partition keys a request names, for policies that limit users to their rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

Json = dict[str, Any]


def install() -> None:
    replacements.apply(__name__)


@replaces("ministack.core.iam_actions:dynamodb_service_context", takes="body")
def _with_keys(inner: Callable[[bytes], Json]) -> Callable[[bytes], Json]:
    def dynamodb_service_context(body: bytes) -> Json:
        context = inner(body)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return context
        keys = sorted(set(leading_keys(request))) if isinstance(request, dict) else []
        return {**context, "dynamodb:LeadingKeys": keys} if keys else context

    return dynamodb_service_context


def leading_keys(request: Json) -> Iterator[str]:
    """The values, as text, of each table's partition key in a request."""
    for table, item in _keyed_items(request):
        name = partition_key(table)
        if name and name in item:
            yield next(iter(item[name].values()))
    value = _queried_value(request)
    if value is not None:
        yield value


def _keyed_items(request: Json) -> Iterator[tuple[str, Json]]:
    table = request.get("TableName", "")
    for member in ("Key", "Item"):
        if isinstance(request.get(member), dict):
            yield table, request[member]
    for name, wanted in (request.get("RequestItems") or {}).items():
        if isinstance(wanted, dict):
            yield from ((name, key) for key in wanted.get("Keys", []))
        else:
            for write in wanted:
                yield name, write.get("PutRequest", {}).get("Item") or write["DeleteRequest"]["Key"]
    for transact in request.get("TransactItems") or []:
        for action in transact.values():
            yield action.get("TableName", ""), action.get("Key") or action.get("Item") or {}


def partition_key(table: str, index: str | None = None) -> str | None:
    from ministack.services import dynamodb

    record = dynamodb._tables.get(table.rsplit("/", 1)[-1]) or {}
    schemas = [record.get("KeySchema", [])]
    if index:
        named = [*record.get("GlobalSecondaryIndexes", []), *record.get("LocalSecondaryIndexes", [])]
        schemas = [i["KeySchema"] for i in named if i["IndexName"] == index]
    return next((k["AttributeName"] for s in schemas for k in s if k["KeyType"] == "HASH"), None)


def _queried_value(request: Json) -> str | None:
    """The partition key's value of a Query's KeyConditionExpression."""
    expression = request.get("KeyConditionExpression")
    if not isinstance(expression, str):
        return None
    key = partition_key(request.get("TableName", ""), request.get("IndexName"))
    names, values = (
        request.get("ExpressionAttributeNames") or {},
        request.get("ExpressionAttributeValues") or {},
    )
    for name, placeholder in re.findall(r"(?<![\w.#-])(#?[\w.-]+)\s*=\s*(:\w+)", expression):
        if names.get(name, name) == key and placeholder in values:
            return str(next(iter(values[placeholder].values())))
    return None
