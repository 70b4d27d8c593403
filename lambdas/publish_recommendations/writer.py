"""Writes items in batches until DynamoDB has taken each one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from lambdas.publish_recommendations.lists import Item

BATCH = 25  # BatchWriteItem's limit
ATTEMPTS = 8
FIRST_WAIT, LONGEST_WAIT = 0.05, 5.0


class WritesUnprocessed(RuntimeError):
    """DynamoDB kept refusing items: the table's capacity is exceeded."""


def write(dynamodb: Any, *, table: str, items: Sequence[Item], sleep: Callable[[float], object]) -> int:
    """Puts at most BATCH items. Full jitter between attempts. Raises WritesUnprocessed."""
    pending = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)))
        pending = dynamodb.batch_write_item(RequestItems=pending).get("UnprocessedItems") or {}
        if not pending:
            return len(items)
    raise WritesUnprocessed(
        f"table {table} did not take {len(pending[table])} items in {ATTEMPTS} attempts: "
        "lower the publishing Map's concurrency or raise the table's limits"
    )
