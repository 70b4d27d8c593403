"""`python -m local.rehearsal.application <environment> columns|log`: what the application does before a change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from local import acting
from local.demo.deployed import EXPORTED_AFTER_SECONDS
from local.rehearsal.changes import COLUMN, IMPORTED_LOG
from operations import place as places
from operations.place import Place

_BATCH = 25  # items of a BatchWriteItem


def columns(place: Place) -> None:
    """The column that a field will be read of, in both tables."""
    tables = place.settings.aurora.tables
    with closing(acting.database(place)) as connection, connection.cursor() as cursor:
        for table, key in ((tables.users, "user_id"), (tables.items, "item_id")):
            cursor.execute(f"alter table {table} add column if not exists {COLUMN} text")
            cursor.execute(
                f"update {table} set {COLUMN} = case when length({key}) % 2 = 0 then 'a' else 'b' end"
            )
        connection.commit()


def log(place: Place) -> None:
    """A table of the company's own with the same events, older than the watermark of the table before."""
    client = place.client("dynamodb")
    before = client.describe_table(TableName=place.settings.application_log_table)["Table"]
    shape = {key: before[key] for key in ("KeySchema", "AttributeDefinitions")}
    client.create_table(TableName=IMPORTED_LOG, BillingMode="PAY_PER_REQUEST", **shape)
    client.get_waiter("table_exists").wait(TableName=IMPORTED_LOG)
    client.update_continuous_backups(
        TableName=IMPORTED_LOG, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    pages = client.get_paginator("scan").paginate(TableName=before["TableName"])
    _copy(client, [item for page in pages for item in page["Items"]])
    time.sleep(EXPORTED_AFTER_SECONDS)


def _copy(client: Any, items: list[dict[str, Any]]) -> None:
    for start in range(0, len(items), _BATCH):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + _BATCH]]
        left = {IMPORTED_LOG: puts}
        while left:
            left = client.batch_write_item(RequestItems=left)["UnprocessedItems"]


ACTS: Mapping[str, Callable[[Place], None]] = {"columns": columns, "log": log}


if __name__ == "__main__":
    ACTS[sys.argv[2]](places.reached(sys.argv[1]))
