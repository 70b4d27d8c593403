from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import allow, caller, error_of, name


@pytest.fixture(scope="module")
def table(cloud: Endpoint) -> str:
    table = name("table")
    cloud.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[
            {"AttributeName": "user", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "user", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return table


@pytest.fixture(scope="module")
def mine(cloud: Endpoint) -> Any:
    limited = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["user-mine"]}}
    return caller(cloud, allow("dynamodb:*", **limited))("dynamodb")


def key(user: str) -> dict[str, Any]:
    return {"user": {"S": user}, "at": {"N": "1"}}


def query(client: Any, table: str, user: str) -> Callable[[], Any]:
    return lambda: client.query(
        TableName=table,
        KeyConditionExpression="#u = :u",
        ExpressionAttributeNames={"#u": "user"},
        ExpressionAttributeValues={":u": {"S": user}},
    )


def test_own_rows_can_be_written_read_and_queried(mine: Any, table: str) -> None:
    mine.put_item(TableName=table, Item=key("user-mine"))
    assert mine.get_item(TableName=table, Key=key("user-mine"))["Item"] == key("user-mine")
    assert query(mine, table, "user-mine")()["Count"] == 1


def test_other_peoples_rows_cannot(mine: Any, table: str) -> None:
    calls = [
        lambda: mine.put_item(TableName=table, Item=key("user-other")),
        lambda: mine.get_item(TableName=table, Key=key("user-other")),
        query(mine, table, "user-other"),
        lambda: mine.batch_get_item(RequestItems={table: {"Keys": [key("user-mine"), key("user-other")]}}),
        lambda: mine.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": key("user-other")}}]}),
    ]
    for call in calls:
        assert error_of(call)[0] == "AccessDeniedException"
