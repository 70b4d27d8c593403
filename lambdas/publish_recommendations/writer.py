"""Writes items in batches until DynamoDB has taken each one, or the function's time is nearly up."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from lambdas.publish_recommendations.lists import Item

BATCH = 25  # BatchWriteItem's limit
FIRST_WAIT, LONGEST_WAIT = 0.05, 5.0
# What one more call may take, with the attempts that botocore makes by itself.
MARGIN_SECONDS = 30.0
# BatchWriteItem raises these when it took none of the items.
THROTTLED = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")
Pending = dict[str, list[dict[str, Any]]]


class WritesUnprocessed(RuntimeError):
    """DynamoDB refused items until the function's time was nearly up. The workflow calls again later."""


def write(
    dynamodb: Any,
    *,
    table: str,
    items: Sequence[Item],
    sleep: Callable[[float], object],
    seconds_left: Callable[[], float],
) -> int:
    """Puts at most BATCH items. Full jitter between attempts: a table that is new takes 4,000 writes a second and
    doubles that by itself within minutes. Raises WritesUnprocessed.
    """
    pending: Pending = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for attempt in itertools.count(1):
        pending = _send(dynamodb, pending)
        if not pending:
            break
        wait = random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt, 10)))
        if seconds_left() < wait + MARGIN_SECONDS:
            raise WritesUnprocessed(
                f"table {table} did not take {len(pending[table])} items in {attempt} attempts: "
                "lower the publishing Map's concurrency or raise the table's limits"
            )
        sleep(wait)
    return len(items)


def _send(dynamodb: Any, pending: Pending) -> Pending:
    """What DynamoDB did not take."""
    try:
        answer = dynamodb.batch_write_item(RequestItems=pending)
    except ClientError as error:
        if error.response["Error"]["Code"] not in THROTTLED:
            raise
        return pending
    return answer.get("UnprocessedItems") or {}
