"""The companion of the stub guard: what the product uses is served, and a test calls it."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import osusume_endpoint
from checks import fidelity, usage
from osusume_endpoint import replacements, server
from osusume_endpoint.guard import coverage
from osusume_endpoint.personalize import responses

LOCAL_AWS = Path(osusume_endpoint.__file__).parent


def unsound(
    *,
    used: Mapping[str, frozenset[usage.Pair]] | None = None,
    tested: Mapping[str, frozenset[usage.Pair]] | None = None,
) -> Iterator[str]:
    """What the product uses and no test calls, or the endpoint refuses."""
    for service in fidelity.services(used):
        for operation in fidelity.operations(service, used=used, tested=tested):
            name, by = f"{service} {operation.name}", ", ".join(operation.used)
            if operation.used and not operation.tested:
                yield f"{name} ({by}) is called by no test: write one."
            if operation.used and operation.who == "refused":
                yield f"{name} ({by}) is refused by the endpoint: serve it there."


def test_every_operation_that_the_product_uses_is_served_and_called_by_a_test() -> None:
    assert list(unsound()) == []
    assert sum(len(pairs) for pairs in fidelity.uses().values()) > 60


def test_an_operation_that_is_used_and_called_by_no_test_is_named() -> None:
    used = {"code": frozenset([("sqs", "SendMessage"), ("dynamodb", "Query")])}
    [found] = unsound(used=used, tested={"test": frozenset([("dynamodb", "Query")])})
    assert found == "sqs SendMessage (code) is called by no test: write one."


@pytest.mark.parametrize(
    "refused",
    [
        ("redshift-serverless", "CreateSnapshot"),  # in the model, served by nobody
        ("stepfunctions", "CreateActivity"),  # a function of ours that refuses
        ("glue", "StartCrawler"),  # a stub of the emulator, which the guard refuses
    ],
)
def test_an_operation_that_is_used_and_refused_is_named(refused: usage.Pair) -> None:
    pairs = frozenset([refused])
    [found] = unsound(used={"workflow": pairs}, tested={"test": pairs})
    assert found.startswith(f"{refused[0]} {refused[1]} (workflow) is refused")


def _registered() -> Iterator[str]:
    for path in LOCAL_AWS.rglob("plugin.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            called = getattr(node, "func", None)
            if getattr(called, "attr", getattr(called, "id", "")) in ("add_service", "override_operations"):
                [name] = [word.value for word in node.keywords if word.arg == "name"]  # type: ignore[attr-defined]
                yield from [name.value] if isinstance(name, ast.Constant) else responses.operations()


def test_the_coverage_knows_every_service_that_a_plug_in_registers() -> None:
    known = {name for name, served in coverage.served().items() if served.operations}
    assert set(_registered()) == known


def test_what_is_called_amended_is_really_replaced() -> None:
    for plugin in server.PLUGINS:
        importlib.import_module(plugin)
    replaced = {each.target for each in replacements.declared}
    for service, operations in coverage.AMENDED.items():
        for operation, (module, attribute) in operations.items():
            target = f"ministack.services.{module}:{attribute}"
            assert target in replaced, f"{service} {operation}: nothing replaces {target}"


def test_a_hand_written_page_without_a_section_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fidelity.page()
    for path in fidelity.WRITTEN.glob("*.md"):
        (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.setattr("checks.fidelity.WRITTEN", tmp_path)
    assert fidelity.page() == before
    (tmp_path / "athena.md").write_text("nothing")
    with pytest.raises(fidelity.SectionMissing, match="athena"):
        fidelity.page()


CODE = """
import boto3
table = boto3.client("dynamodb")

def run(client, s3):
    table.get_item(TableName="a", Key={})
    s3.get_object(Bucket="a", Key="b")
    boto3.client("sqs").send_message(QueueUrl="a", MessageBody="b")
    client.put_item(TableName="a", Item={})
    client.put_item(Name="no argument of DynamoDB's")
    table.get_paginator("list_tables")
    table.not_an_operation()
"""


def test_calls_are_read_off_code_by_client_name_and_arguments(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text(CODE)
    assert usage.by_code("*.py", root=tmp_path) == {
        ("dynamodb", "GetItem"),
        ("dynamodb", "ListTables"),
        ("dynamodb", "PutItem"),
        ("s3", "GetObject"),
        ("sqs", "SendMessage"),
    }


def test_an_action_that_is_no_operation_must_be_named() -> None:
    with pytest.raises(ValueError, match="s3:PutObjectAcls is no operation"):
        usage.operation_of("s3:PutObjectAcls")
