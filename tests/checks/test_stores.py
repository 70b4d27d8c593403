"""Every store of the templates, and of the warehouse, is written and read; what is outside is named, and needed."""

from __future__ import annotations

import copy
import fnmatch
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checks import recorded
from checks.assembly import Assembly
from checks.rules import stores
from config import layout
from tests.checks.test_rules import added, first, properties
from tests.mutations.mutation import shipped, with_template
from warehouse.load import tables

ROOT = Path(__file__).parents[2]


def test_every_store_has_a_writer_and_a_reader(assembly: Assembly) -> None:
    assert stores.check(assembly) == []


def test_stores_of_every_kind_are_looked_at() -> None:
    kinds = [store.name.partition(":")[0] for store in stores.stores(shipped())]
    assert set(kinds) == {"table", "prefix", "secret", "parameter", "topic", "queue", "log"}
    assert kinds.count("prefix") >= 18 and kinds.count("table") == 4 and kinds.count("log") >= 15


# Of streaming alone, which the shipped environment has not: tests/stacks/test_streaming.py checks that it is needed.
STREAMED = "queue:stream-dead-letters"


@pytest.mark.parametrize(
    "outside", [one for one in stores.OUTSIDE if one.store != STREAMED], ids=lambda o: f"{o.store}-{o.side}"
)
def test_what_is_outside_is_needed_and_has_its_reason(outside: stores.Outside) -> None:
    without = [
        store
        for store in stores.stores(shipped())
        if fnmatch.fnmatchcase(store.name, outside.store)
        and not (store.written if outside.side == "writer" else store.read)
    ]
    assert without and len(outside.reason.split()) >= 3


def changed(stack: str, change: Callable[[dict[str, Any]], Any]) -> set[tuple[str, str]]:
    """(rule, store) of a change."""
    template = copy.deepcopy(shipped().templates[stack])
    change(template)
    return told(with_template(shipped(), stack, template))


def told(assembly: Assembly) -> set[tuple[str, str]]:
    return {(f.rule, f.why.rpartition(" ")[2].rstrip(".")) for f in stores.check(assembly)}


SECRET = {"Name": "osusume-dev/new"}
NEW: dict[str, tuple[str, str, dict[str, Any], set[str]]] = {
    "a table": ("Storage", "AWS::DynamoDB::Table", {"TableName": "osusume-dev-new"}, {"writer", "reader"}),
    "a secret": ("Storage", "AWS::SecretsManager::Secret", {**SECRET, "SecretString": "x"}, {"reader"}),
    "a secret without a value": ("Storage", "AWS::SecretsManager::Secret", SECRET, {"writer", "reader"}),
    "a parameter": ("Storage", "AWS::SSM::Parameter", {"Name": "/osusume/dev/new", "Value": "x"}, {"reader"}),
    "a topic": ("Storage", "AWS::SNS::Topic", {"TopicName": "osusume-dev-new"}, {"writer", "reader"}),
    "a queue": ("Storage", "AWS::SQS::Queue", {"QueueName": "osusume-dev-new"}, {"writer", "reader"}),
    "a log group": ("Storage", "AWS::Logs::LogGroup", {"LogGroupName": "/aws/lambda/osusume-dev-new"}, {"writer"}),
}  # fmt: skip


@pytest.mark.parametrize("what", NEW)
def test_a_store_that_nobody_uses_is_a_finding_of_each_side(what: str) -> None:
    stack, kind, given, sides = NEW[what]
    found = {rule for rule, store in changed(stack, added(kind, given)) if store.endswith(":new")}
    assert found == {f"store-{side}" for side in sides}


def test_a_table_that_another_name_took_the_place_of_is_a_finding() -> None:
    found = changed(
        "Storage", lambda t: properties(t, "Recommendations").update(TableName="osusume-dev-lists")
    )
    assert found == {("store-writer", "table:lists"), ("store-reader", "table:lists")}


def test_a_function_that_writes_its_logs_elsewhere_leaves_a_group_that_nobody_writes() -> None:
    change = lambda t: first(t, "AWS::Lambda::Function").update(LoggingConfig={"LogGroup": "x"})  # noqa: E731
    assert {rule for rule, store in changed("Serving", change) if store.startswith("log:")} == {
        "store-writer"
    }


@pytest.mark.parametrize(("action", "side"), [("s3:GetObject", "reader"), ("s3:PutObject", "writer")])
@pytest.mark.parametrize(
    "folder", ["warehouse/events", "warehouse/orders", "batch_input/items", "interactions", "orders"]
)
def test_a_folder_that_no_call_reads_or_writes_any_more_is_a_finding(
    folder: str, action: str, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the piece that calls had been taken out, and the line recorded again."""
    given = recorded.calls

    def fewer(assembly: Assembly) -> list[recorded.RecordedCall]:
        return [c for c in given(assembly) if c.action != action or f"/{folder}" not in c.resource]

    monkeypatch.setattr(recorded, "calls", fewer)
    without = replace(shipped())
    without.__dict__["checks.simulation.visits"] = []
    found = told(without)
    assert any(rule == f"store-{side}" and folder in store for rule, store in found), found


def test_every_landing_table_is_filled_by_the_load_and_read_by_a_model() -> None:
    models = [path.read_text() for path in (ROOT / "warehouse" / "models").rglob("*.sql")]
    read = {name for text in models for name in re.findall(r"source\('\w+', '(\w+)'\)", text)}
    copied = {*tables.TABLES, *tables.SNAPSHOTS}
    assert copied == set(layout.WAREHOUSE_TABLES)
    assert copied | {*tables.ANALYSED, *tables.NOTED} == read
    load = (ROOT / "warehouse" / "load" / "load.sql").read_text()
    assert [name for name in tables.NOTED if f"insert into $landing.{name} " not in load] == []
    assert {*tables.ANALYSED} == {layout.EXPERIMENT_RESULTS}, "which the analysis fills"


def test_every_staging_model_is_read_by_another() -> None:
    models = {path.stem: path.read_text() for path in (ROOT / "warehouse" / "models").rglob("*.sql")}
    staging = {name for name in models if name.startswith("stg_")}
    read = {name for text in models.values() for name in re.findall(r"ref\('(\w+)'\)", text)}
    assert len(staging) >= 9 and staging - read == set()
