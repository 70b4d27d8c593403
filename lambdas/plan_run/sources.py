"""What planning reads from DynamoDB."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lambdas.plan_run.plan import Restorable, Watermark
from lambdas.shared import times


class PointInTimeRecoveryDisabled(RuntimeError):
    """The application log can't be exported."""


def watermark(dynamodb: Any, *, table: str, log: str) -> Watermark | None:
    """`log` is the table that is the log now; runs of earlier versions did not say which it was."""
    answer = dynamodb.get_item(TableName=table, Key={"pk": {"S": "watermark"}}, ConsistentRead=True)
    item = answer.get("Item")
    if item is None:
        return None
    until = times.parse("log_exported_until", item["log_exported_until"]["S"])
    whole = item.get("export_whole", {}).get("BOOL", False)
    before = item.get("log_table", {}).get("S", log)
    return Watermark(
        exported_until=until,
        run_id=item["run_id"]["S"],
        export_whole=whole,
        of_another_table=bool(log) and before != log,
    )


def restorable(dynamodb: Any, *, table: str) -> Restorable:
    """The time that an export can show: since recovery was enabled, until some minutes ago on AWS."""
    answer = dynamodb.describe_continuous_backups(TableName=table)
    recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise PointInTimeRecoveryDisabled(
            f"table {table} has no point-in-time recovery, so it can't be exported: enable it on the table"
        )
    return Restorable(
        since=_whole_second(recovery["EarliestRestorableDateTime"]),
        until=_whole_second(recovery["LatestRestorableDateTime"]),
    )


def _whole_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
