"""The one way to the warehouse: GetWorkgroup says where it is, GetCredentials gives the role's user and a password."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest

from lambdas.run_dbt import profile
from lambdas.run_dbt.environment import Environment
from osusume_endpoint import postgres
from osusume_endpoint.redshift.serverless import Serverless, database_user
from osusume_endpoint.redshift.warehouse import Warehouse

SETTINGS = Environment("wg1", "analytics", {"users": {"user_id": "varchar(256)"}}, {})


@pytest.fixture(scope="module")
def serverless(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home: Path = tmp_path_factory.mktemp("home")
    with postgres.running(home) as server:
        found = Serverless(
            file=home / "state.json", region="eu-west-1", account="111111111111", warehouse=Warehouse(server)
        )
        found.create_namespace(
            {
                "namespaceName": "wh1",
                "dbName": "analytics",
                "adminUsername": "boss",
                "adminUserPassword": "Pass-word1",
            }
        )
        found.create_workgroup({"workgroupName": "wg1", "namespaceName": "wh1"})
        yield found


def as_role(serverless: Serverless, role: str) -> Any:
    """A client of the function's two calls, for a session of the role."""
    context: Any = SimpleNamespace(caller_arn=f"arn:aws:sts::1:assumed-role/{role}/run-dbt")
    return SimpleNamespace(
        get_workgroup=lambda **p: {
            "workgroup": serverless.shown_workgroup(serverless.workgroup(p["workgroupName"]))
        },
        get_credentials=lambda **p: serverless.get_credentials(context, p),
    )


def connect(values: dict[str, str]) -> Any:
    return psycopg2.connect(
        host=values["DBT_HOST"], port=values["DBT_PORT"], dbname=values["DBT_DATABASE"], user=values["DBT_USER"],
        password=values["DBT_PASSWORD"],
    )  # fmt: skip


def test_the_user_is_the_roles_and_has_its_grants_only(serverless: Serverless) -> None:
    connection = connect(profile.variables(SETTINGS, redshift_serverless=as_role(serverless, "dbt")))
    with connection.cursor() as cursor:
        cursor.execute("select current_user, current_database()")
        assert cursor.fetchall() == [("IAMR:dbt", "analytics")]
        with pytest.raises(psycopg2.Error, match="permission denied for database"):
            cursor.execute("create schema marts")


def test_the_admin_signs_in_with_the_namespaces_password(serverless: Serverless) -> None:
    values = profile.variables(SETTINGS, redshift_serverless=as_role(serverless, "dbt"))
    with connect({**values, "DBT_USER": "boss", "DBT_PASSWORD": "Pass-word1"}).cursor() as cursor:
        cursor.execute("select current_user, current_database()")
        assert cursor.fetchall() == [("boss", "analytics")]


def test_a_function_made_anew_under_the_same_role_name_owns_what_the_old_one_built(
    serverless: Serverless,
) -> None:
    admin = connect(
        profile.variables(SETTINGS, redshift_serverless=as_role(serverless, "fixed"))
        | {"DBT_USER": "boss", "DBT_PASSWORD": "Pass-word1"}
    )
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute('create schema owned authorization "IAMR:fixed"')
    rebuild = "drop table if exists owned.mart; create table owned.mart (a int)"
    for _ in range(2):
        connection = connect(profile.variables(SETTINGS, redshift_serverless=as_role(serverless, "fixed")))
        with connection, connection.cursor() as cursor:
            cursor.execute(rebuild)
            cursor.execute("select tableowner from pg_tables where schemaname = 'owned'")
            assert cursor.fetchall() == [("IAMR:fixed",)]
        connection.close()
    other = connect(profile.variables(SETTINGS, redshift_serverless=as_role(serverless, "generated-A08A64")))
    with other.cursor() as cursor, pytest.raises(psycopg2.Error, match="permission denied for schema owned"):
        cursor.execute(rebuild)


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
