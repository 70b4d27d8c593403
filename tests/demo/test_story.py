"""What the demo tells: the application's own rows beside what the API, Personalize and the warehouse say."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pandas as pd
import pytest

from local.demo import loader, story, tables
from local.demo.generated import HELD_OUT_USER, generate
from tests import example
from tests.demo.conftest import FakeClients

NOW = pd.Timestamp("2026-11-24T04:00:00Z")
DEV = example.settings()
RUN = "20261124T030000Z"


@pytest.fixture
def catalogue(clients: FakeClients) -> Iterator[story.Catalogue]:
    source = DEV.sources.aurora.tables
    with closing(loader.connect(clients, secret=DEV.aurora_secret)) as connection:
        tables.create(connection, tables=source, datasets=DEV.datasets)
        shop = generate(now=NOW).shop
        loader.store(shop, previous=None, connection=connection, clients=clients, settings=DEV)
        yield story.Catalogue(connection, source)


def test_purchases_are_the_newest_first_and_titles_name_their_category(catalogue: story.Catalogue) -> None:
    purchases = catalogue.recent_purchases(HELD_OUT_USER)
    assert [item for item, _ in purchases] == ["i0-00", "i0-01"]
    assert catalogue.bought(HELD_OUT_USER) == {"i0-00", "i0-01"}
    assert catalogue.best_seller_of(HELD_OUT_USER) == "i0-00"
    assert catalogue.titles(["i0-00", "unknown"]) == {"i0-00": "Item 0-00 (Category 0)"}


def test_the_user_shown_is_neither_the_newcomer_nor_chosen_at_random(catalogue: story.Catalogue) -> None:
    assert catalogue.regular_user() == catalogue.regular_user() != HELD_OUT_USER


class FakeApi:
    def __init__(self) -> None:
        self.paths: list[str] = []

    def get(self, path: str) -> dict[str, Any]:
        self.paths.append(path)
        source = "personal" if "/users/" in path else "related" if "/related" in path else "popular"
        items = [
            {"itemId": "i0-00", "score": 0.5},
            {"itemId": "i5-11", "score": None if source == "related" else 0.25},
        ]
        return {"items": items, "source": source, "version": RUN, "degraded": source == "popular"}


def test_recommendations_stand_beside_purchases_with_titles_and_say_where_they_come_from(
    catalogue: story.Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story.Catalogue, "regular_user", lambda self: HELD_OUT_USER)
    api = FakeApi()
    lines = list(story.recommendations(api, catalogue))  # type: ignore[arg-type]
    assert api.paths == [
        "/v1/users/held-out/recommendations?numResults=8",
        "/v1/items/i0-00/related?numResults=8",
        "/v1/popular?numResults=8",
    ]
    assert lines[0] == "User held-out"
    assert f"recommended (source personal, version {RUN})" in lines[1]
    assert "Item 0-00 (Category 0)" in lines[2] and "* Item 0-00 (Category 0)" in lines[2]
    assert "Item 0-01 (Category 0)" in lines[3] and "  Item 5-11 (Category 5)" in lines[3]
    assert f"Related to Item 0-00 (Category 0) (source related, version {RUN})" in lines
    assert f"Popular (source popular, version {RUN}, DEGRADED)" in lines
    assert lines.count("    0.2500  Item 5-11 (Category 5)") == 1
    assert lines.count("            Item 5-11 (Category 5)") == 1


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


def test_metrics_are_those_of_the_version_that_serves() -> None:
    class Fakes:
        def get_item(self, TableName: str, Key: dict[str, Any]) -> dict[str, Any]:
            assert TableName == DEV.names.control_table
            return {"Item": {"solution_version_arn": {"S": "arn:" + Key["pk"]["S"]}}}

        def get_solution_metrics(self, solutionVersionArn: str) -> dict[str, Any]:
            assert solutionVersionArn == "arn:serving#personal"
            return {"metrics": {story.NDCG: 0.4321, "coverage": 0.5}}

    assert list(story.metrics(lambda service: Fakes(), DEV.names, ["personal"])) == [
        "  0.432  personal  (coverage 0.50)"
    ]


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
