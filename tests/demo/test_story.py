"""What the demo tells of the run: rows by its report, lists by the warehouse."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from local.demo import story
from tests import example

DEV = example.settings()
RUN = "20261124T030000Z"


def test_rows_are_told_by_dataset_with_the_reasons_why_some_were_left_out() -> None:
    report = {
        "datasets": {
            "interactions": {
                "read": 54000,
                "kept": 52000,
                "ignored": {"duplicate": 1999},
                "quarantined": {"missing_item_id": 1},
            }
        }
    }

    class S3:
        def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
            assert (Bucket, Key) == (DEV.names.datasets_bucket, f"runs/{RUN}/report.json")
            return {"Body": io.BytesIO(json.dumps(report).encode())}

    lines = list(story.rows(lambda service: S3(), DEV.names, RUN))
    assert lines == ["  interactions    54,000 read,   52,000 kept, 1,999 duplicate, 1 missing_item_id"]


class DataApi:
    def __init__(self, status: str) -> None:
        self._status = ["STARTED", status]

    def execute_statement(self, **arguments: str) -> dict[str, str]:
        assert set(arguments) == {"Sql", "WorkgroupName", "Database", "SecretArn"}
        return {"Id": "1"}

    def describe_statement(self, Id: str) -> dict[str, str]:
        return {"Status": self._status.pop(0), "Error": "relation does not exist"}

    def get_statement_result(self, Id: str) -> dict[str, Any]:
        row = [{"stringValue": "personal"}, {"longValue": 589}, {"longValue": 1000}, {"doubleValue": 0.5241}]
        single = [{"stringValue": "popular"}, {"longValue": 1}, {"longValue": 100}, {"doubleValue": 0.0524}]
        return {"Records": [[*row, {"doubleValue": 0.3349}], [*single, {"isNull": True}]]}


def test_coverage_comes_from_the_warehouse() -> None:
    lines = list(story.marts(lambda service: DataApi("FINISHED"), workgroup="w", database="d", secret="s"))
    assert lines == [
        "  personal      589 lists   1,000 items   52.4% of the catalogue, two lists share 33%",
        "  popular         1 lists     100 items    5.2% of the catalogue",
    ]


def test_a_failed_query_says_why() -> None:
    with pytest.raises(story.QueryFailed, match="relation does not exist"):
        story.query(DataApi("FAILED"), "select 1", workgroup="w", database="d", secret="s")
