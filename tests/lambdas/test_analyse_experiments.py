"""The stored analysis: what is asked of the warehouse, what is put there, what is told."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from config.experiments import designs
from lambdas.analyse_experiments.environment import Environment
from lambdas.analyse_experiments.handler import run
from lambdas.analyse_experiments.store import AnalysisNotStored
from lambdas.shared import statements
from lambdas.shared.events import InvalidEvent
from tests import example
from tests.analysis.test_report import rows
from tests.lambdas.fakes import S3

RUN = "20261214T030000Z"
ROLE = "arn:aws:iam::111111111111:role/copy"
SECRET = "arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:administrator-a1b2c3"
SETTINGS = Environment("results", "workgroup", "analytics", ROLE, SECRET)
DESIGNS = designs(example.settings(experiments=example.experiments()).experiments)
HOME = DESIGNS[0]


class Warehouse:
    """Answers the moments of the first experiment, page by page; everything else has no rows."""

    def __init__(self, moments: list[list[Any]], *, simulated: bool = False, fails: str = "") -> None:
        self.moments, self.simulated, self.fails = moments, simulated, fails
        self.statements: dict[str, list[str]] = {}
        self.described = 0

    def execute_statement(self, *, Sql: str, **where: str) -> dict[str, str]:
        return self._started([Sql], where)

    def batch_execute_statement(self, *, Sqls: list[str], **where: str) -> dict[str, str]:
        return self._started(Sqls, where)

    def _started(self, sqls: list[str], where: dict[str, str]) -> dict[str, str]:
        assert where["SecretArn"] == SECRET and where["WorkgroupName"] == "workgroup"
        identifier = f"s{len(self.statements)}"
        self.statements[identifier] = sqls
        return {"Id": identifier}

    def describe_statement(self, *, Id: str) -> dict[str, str]:
        self.described += 1
        if self.fails and self.fails in self.statements[Id][-1]:
            return {"Status": "FAILED", "Error": "no such bucket", "QueryString": self.statements[Id][-1]}
        return {"Status": "FINISHED" if self.described % 2 == 0 else "STARTED"}

    def get_paginator(self, name: str) -> Any:
        assert name == "get_statement_result"
        return self

    def paginate(self, *, Id: str) -> Any:
        [sql] = self.statements[Id]
        found = []
        if f"experiment = '{HOME['name']}'" in sql:
            found = self.moments
        elif "mart_experiment_placements" in sql and self.simulated:
            found = [[HOME["name"], HOME["version"]]]
        half = len(found) // 2
        return [{"Records": [_record(row) for row in part]} for part in (found[:half], found[half:])]


def _record(row: list[Any]) -> list[dict[str, Any]]:
    return [{"isNull": True} if v is None else {_kind(v): str(v) if _kind(v)[0] == "s" else v} for v in row]


def _kind(value: Any) -> str:
    return "doubleValue" if isinstance(value, float | int) else "stringValue"


def moments(**planted: Any) -> list[list[Any]]:
    return [["popular" if row[0] == "fresh" else "control", *row[1:]] for row in rows(**planted)]


def analysed(warehouse: Warehouse) -> tuple[dict[str, Any], S3]:
    s3 = S3()
    clients: dict[str, Any] = {"redshift-data": warehouse, "s3": s3}
    answer = run({"run_id": RUN}, clients=clients.__getitem__, settings=SETTINGS, designs=DESIGNS)
    return answer, s3


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "POLL_SECONDS", 0)


def test_every_experiment_is_analysed_and_its_rows_are_stored_in_one_transaction() -> None:
    warehouse = Warehouse(moments(lift=0.3))
    answer, s3 = analysed(warehouse)
    [(key, body)] = s3.objects.items()
    assert key == f"results/runs/{RUN}/warehouse/experiment_results/results.json.gz"
    lines = [json.loads(line) for line in gzip.decompress(body).splitlines()]
    assert answer["experiments"] == 2 and answer["rows"] == len(lines) > 10
    assert {line["run_id"] for line in lines} == {RUN}
    assert {line["experiment"] for line in lines} == {"popular-home"}, "nobody is held out yet"
    [primary] = [line for line in lines if line["role"] == "primary"]
    assert primary["lift"] == pytest.approx(0.3, abs=0.05)
    *_, sqls = warehouse.statements.values()
    assert [sql.split()[0] for sql in sqls] == ["delete", "copy", "delete"]
    assert f"run_id = '{RUN}'" in sqls[0] and f"s3://results/runs/{RUN}/" in sqls[1] and ROLE in sqls[1]
    assert "run_id < '20241214T030000Z'" in sqls[2], "730 days before"


def test_decisions_are_answered_for_the_workflow_to_tell() -> None:
    answer, _ = analysed(Warehouse(moments(lift=0.3, revenue=-0.5)))
    [decision] = answer["decisions"]
    assert (decision["experiment"], decision["variant"]) == ("popular-home", "popular")
    assert (decision["decision"], decision["stops"]) == ("stop_guardrail", True)
    assert "revenue_per_user" in decision["words_en"] and "revenue_per_user" in decision["words_ja"]


def test_what_a_simulator_made_is_marked() -> None:
    _, s3 = analysed(Warehouse(moments(), simulated=True))
    [body] = s3.objects.values()
    assert {json.loads(line)["made_by"] for line in gzip.decompress(body).splitlines()} == {"simulator"}


def test_before_anybody_was_exposed_nothing_is_stored() -> None:
    warehouse = Warehouse([])
    answer, s3 = analysed(warehouse)
    assert answer == {"experiments": 2, "rows": 0, "decisions": []} and s3.objects == {}
    assert all(len(sqls) == 1 for sqls in warehouse.statements.values()), "COPY would find no file"


def test_a_statement_that_fails_says_which_and_why() -> None:
    with pytest.raises(AnalysisNotStored, match=rf"(?s)delete from .* of run {RUN}: no such bucket"):
        analysed(Warehouse(moments(), fails="run_id < "))


def test_an_event_without_a_run_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="run_id is None"):
        run({}, clients={}.__getitem__, settings=SETTINGS, designs=DESIGNS)
