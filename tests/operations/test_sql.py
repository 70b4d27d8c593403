"""The prompt on the marts: what it takes for a statement, and how it shows an answer."""

from __future__ import annotations

from typing import Any

import pytest

from operations import sql
from operations.place import Refused
from operations.queries import Answer


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["select 1;"], ["select 1"]),
        (["select 1"], ["select 1"]),
        (["select", "  1", ";", "select 2;"], ["select 1", "select 2"]),
        (["-- a remark", "", "select 1;"], ["select 1"]),
        (["select 1;", r"\q", "select 2;"], ["select 1"]),
        ([r"\d"], [sql.MARTS]),
        ([r"\d marts.mart_funnel"], [sql.COLUMNS.format(mart="mart_funnel")]),
        ([r"\d x'; drop table y; --"], [sql.COLUMNS.format(mart="xdroptabley")]),
        ([r"\dt"], [r"\dt"]),
        ([], []),
    ],
)
def test_statements_end_with_a_semicolon_or_with_the_input(lines: list[str], expected: list[str]) -> None:
    assert list(sql.statements(lines)) == expected


def test_an_answer_is_a_table_with_numbers_to_the_right_and_null_as_nothing() -> None:
    answer = Answer(["solution", "share"], [["personal", 0.25], ["popular", None], ["x" * 70, 12]])
    lines = list(sql.table(answer))
    assert lines[0].startswith("solution ") and lines[0].endswith("  share")
    assert lines[2] == "personal".ljust(60) + "  0.2500"
    assert lines[3] == "popular"
    assert lines[4] == "x" * 59 + "…" + "      12"


def test_a_statement_that_fails_says_why_and_the_next_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    def ask(statement: str) -> Answer:
        if "nope" in statement:
            raise Refused("the warehouse: FAILED column nope does not exist")
        return Answer(["n"], [[1]])

    assert sql.run(["select nope;", "select 1;"], ask) == 1
    shown = capsys.readouterr().out
    assert "column nope does not exist" in shown and "(1 rows," in shown


@pytest.mark.parametrize(("failing", "code"), [(True, 1), (False, 0)])
def test_a_script_ends_with_1_where_a_statement_failed(
    monkeypatch: pytest.MonkeyPatch, failing: bool, code: int
) -> None:
    def answered(place: Any, statement: str) -> Answer:
        if failing:
            raise Refused("no")
        return Answer([], [])

    monkeypatch.setattr(sql, "warehouse_answer", answered)
    place: Any = object()
    assert sql.prompt(place, ["select 1;"]) == code
