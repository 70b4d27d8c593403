"""What the warehouse answers, as the page holds it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dashboards.pages import PAGES
from dashboards.spec import Column, DataSet, data_sets
from local import dashboards
from operations.place import Place, Refused
from tests import example
from tests.warehouse.redshift import findings
from tests.warehouse.redshift_parser import unparsable


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("text", "a", "a"),
        ("text", None, None),
        ("number", "0.25", 0.25),  # the Data API gives decimals as text
        ("number", None, None),
        ("whole", "12", 12),
        ("whole", 12.0, 12),
        ("time", "2026-01-01 03:00:00", "2026-01-01T03:00:00"),
        ("time", "2026-01-01 03:00:00.123", "2026-01-01T03:00:00"),
        ("day", "2026-01-01", "2026-01-01"),
        ("day", "2026-01-01 00:00:00", "2026-01-01"),
        ("day", None, None),
    ],
)
def test_a_value_is_what_the_page_computes_with(kind: Any, given: Any, expected: Any) -> None:
    assert dashboards.value(Column(name="c", kind=kind), given) == expected


@pytest.mark.parametrize("data", data_sets(PAGES), ids=lambda data: data.mart)
def test_the_rows_are_asked_for_in_redshifts_words(data: DataSet) -> None:
    statement = dashboards.statement(data)
    assert findings(statement) == [] and unparsable(statement) == []
    assert re.search(r"^select [a-z_, ]+ from marts\.mart_\w+ order by \w+ desc limit \d+", statement)


def test_a_mart_that_is_not_there_is_said_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(place: Place, statement: str) -> list[list[Any]]:
        if "mart_runs" in statement:
            raise Refused("the warehouse: FAILED relation does not exist\nmore")
        return []

    monkeypatch.setattr(dashboards.queries, "warehouse_rows", rows)
    found, missing = dashboards.read(Place(example.settings()))
    assert missing == {
        "mart_runs": "marts.mart_runs could not be read: the warehouse: FAILED relation does not exist"
    }
    assert set(found) == {data.mart for data in data_sets(PAGES)} - {"mart_runs"}
