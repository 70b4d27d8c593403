"""QuickSight's database user stands before its stack is deployed, and is made once."""

from __future__ import annotations

from typing import Any

import pytest

from operations import adopt, deploy, experiments, fields, first, reader
from operations.place import Place
from tests import example
from warehouse.load import tables

OWNER = "arn:aws:quicksight:ap-northeast-1:111111111111:user/default/analyst"
SECRET = "arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:own-AbCdEf"


def place(**quicksight: Any) -> Place:
    return Place(example.settings(analytics={"quicksight": {"principal_arn": OWNER, **quicksight}}))


class Warehouse:
    """What the administrator asks and does; roles and users as they are."""

    def __init__(self, roles: list[str], users: list[str]) -> None:
        self.roles, self.users, self.done = roles, users, [""][:0]

    def rows(self, place: Place, statement: str, *, secret: str) -> list[list[Any]]:
        assert secret == place.names.warehouse_secret
        if statement.startswith("select"):
            return [[name] for name in (self.roles if "svv_roles" in statement else self.users)]
        self.done.append(statement)
        return []


def ensured(monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse) -> list[str]:
    monkeypatch.setattr(reader, "warehouse_rows", warehouse.rows)
    monkeypatch.setattr(reader, "_password", lambda place: "secret")
    return reader.ensure(place(enabled=True))


def test_an_empty_warehouse_gets_the_user_and_no_password_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = Warehouse([], [])
    assert ensured(monkeypatch, warehouse) == warehouse.done
    (made,) = [one for one in warehouse.done if one.startswith(f"create user {tables.READER_USER} ")]
    assert "md5" in made and "secret" not in made
    assert not [one for one in warehouse.done if "table" in one], "tables are the load's"


def test_a_warehouse_that_has_the_user_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    dbt = f"IAMR:{place().names.transformation_role}"
    warehouse = Warehouse([tables.READER, tables.TRANSFORMER], [tables.READER_USER, dbt])
    assert ensured(monkeypatch, warehouse) == warehouse.done == []


@pytest.mark.parametrize(
    ("quicksight", "expected"),
    [
        ({"enabled": True}, ["deploy Analytics", "adopt", "reader", "deploy --all", "adopt"]),
        ({"enabled": True, "secret_arn": SECRET}, ["deploy --all", "adopt"]),
        ({"enabled": False}, ["deploy --all", "adopt"]),
    ],
)
def test_the_user_is_made_between_the_warehouse_and_the_dashboards(
    monkeypatch: pytest.MonkeyPatch, quicksight: dict[str, Any], expected: list[str]
) -> None:
    done: list[str] = []
    monkeypatch.setattr(fields, "check", lambda place: None)
    monkeypatch.setattr(first, "parts", lambda place: [])
    monkeypatch.setattr(adopt, "adopt_warehouse", lambda place: done.append("adopt"))
    monkeypatch.setattr(reader, "ensure", lambda place: done.append("reader"))
    monkeypatch.setattr(experiments, "redeliver", lambda place: None)
    deploy.deploy(place(**quicksight), approval="never", run=lambda words: done.append(" ".join(words[:2])))
    assert done == expected
