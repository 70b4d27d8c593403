from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest

from osusume_endpoint import postgres
from osusume_endpoint.redshift import address
from osusume_endpoint.redshift.serverless import Serverless, database_user
from osusume_endpoint.redshift.warehouse import Warehouse

ROLE = "arn:aws:iam::111111111111:role/path/dbt"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home: Path = tmp_path_factory.mktemp("home")
    with postgres.running(home) as server:
        warehouse = Warehouse(server)
        serverless = Serverless(
            file=home / "state.json", region="eu-west-1", account="111111111111", warehouse=warehouse
        )
        endpoint: Any = SimpleNamespace(home=home, account="111111111111")
        assert address.environment(endpoint) == {}
        address.register(endpoint, serverless, warehouse)
        assert address.environment(endpoint) == {}, "there is no namespace yet"
        serverless.create_namespace(
            {
                "namespaceName": "wh1",
                "dbName": "analytics",
                "adminUsername": "boss",
                "adminUserPassword": "Pass-word1",
            }
        )
        yield endpoint


def _connect(environment: dict[str, str]) -> Any:
    values = {key.removeprefix(address.PREFIX): value for key, value in environment.items()}
    return psycopg2.connect(
        host=values["HOST"], port=values["PORT"], dbname=values["DATABASE"], user=values["USER"],
        password=values["PASSWORD"],
    )  # fmt: skip


def test_the_variables_open_the_warehouse_as_its_admin(endpoint: Any) -> None:
    with _connect(address.environment(endpoint)).cursor() as cursor:
        cursor.execute("select current_user, current_database()")
        assert cursor.fetchall() == [("boss", "analytics")]


def test_with_a_role_the_user_is_the_roles_and_has_its_grants_only(endpoint: Any) -> None:
    connection = _connect(address.environment(endpoint, ROLE))
    with connection.cursor() as cursor:
        cursor.execute("select current_user")
        assert cursor.fetchall() == [("IAMR:dbt",)]
        with pytest.raises(psycopg2.Error, match="permission denied for database"):
            cursor.execute("create schema marts")


@pytest.mark.parametrize(
    ("caller", "user"),
    [
        ("arn:aws:sts::1:assumed-role/loader/session", "IAMR:loader"),
        ("arn:aws:iam::1:user/team/ann", "IAM:ann"),
        ("arn:aws:iam::1:root", "IAM:root"),
    ],
)
def test_identities_become_database_users_as_redshift_names_them(caller: str, user: str) -> None:
    assert database_user(caller) == user
