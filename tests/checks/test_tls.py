"""Clients that take any server for the database are found, whichever library they use; verified ones are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.assembly import Assembly
from checks.rules import tls
from tests.mutations.mutation import Template, shipped, with_template

WEAK = {
    "jdbc.py": 'url = "jdbc:postgresql://db:5432/shop?sslmode=require"',
    "jdbc_bare.py": 'url = f"jdbc:postgresql://{host}:{port}/{name}"',
    "jdbc_ca.py": 'url = "jdbc:postgresql://db/shop?ssl=true&sslmode=verify-ca"',
    "jdbc_redshift.py": 'url = "jdbc:redshift://w:5439/analytics"',
    "libpq.py": 'dsn = f"postgresql://{user}@{host}/shop"',
    "libpq_short.py": 'dsn = "postgres://u@h/shop?sslmode=prefer"',
    "alchemy.py": 'dsn = "postgresql+psycopg2://u@h/shop"',
    "words.py": 'import psycopg2\npsycopg2.connect("host=h dbname=shop sslmode=allow")',
    "default.py": "import psycopg2\npsycopg2.connect(host=h, user=u)",
    "renamed.py": "import psycopg as pg\ndef f():\n    return pg.connect(host=h, sslmode='require')",
    "inner.py": "from psycopg2 import connect as open_it\nopen_it(host=h)",
    "native.py": "def f():\n    import pg8000\n    return pg8000.connect(host=h)",
    "async.py": "import asyncpg\nasync def f():\n    return await asyncpg.create_pool(h)",
    "redshift.py": "import redshift_connector\nredshift_connector.connect(host=h, sslmode='verify-ca')",
    "variable.py": "import redshift_connector\nredshift_connector.connect(host=h, sslmode=mode)",
    "profiles.yml": "p: {outputs: {a: {type: redshift, host: h}}}",
}
GOOD = {
    "jdbc.py": 'url = f"jdbc:postgresql://{place}?sslmode=verify-full&sslrootcert={file}"',
    "python.py": "import psycopg2\npsycopg2.connect(host=h, sslmode='verify-full', sslrootcert=f)",
    "redshift.py": "from redshift_connector import connect\nconnect(host=h, sslmode='verify-full')",
    "quoting.py": "from psycopg2 import sql\nsql.SQL('select 1')",
    "boto.py": "import boto3\nboto3.client('redshift-data').execute_statement(Sql='select 1')",
    "connect.py": "import socket\nsocket.create_connection(('h', 1)); channel.connect(host=h)",
    "profiles.yml": "p: {outputs: {a: {sslmode: verify-full}, b: {sslmode: \"{{ env_var('M', 'verify-full') }}\"}}}",
}


@pytest.mark.parametrize("name", WEAK)
def test_a_client_that_takes_any_server_is_found(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(WEAK[name])
    assert {place for place, _ in tls.unverified(tmp_path)} == {f"{tmp_path.name}/{name}"}


@pytest.mark.parametrize("name", GOOD)
def test_a_client_that_verifies_the_server_is_not(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(GOOD[name])
    assert list(tls.unverified(tmp_path)) == []


def test_no_client_of_ours_takes_any_server() -> None:
    assert [found for found in tls.check(shipped()) if found.rule == "tls-source"] == []
    assert "sslmode=verify-full" in (tls.ROOT / "glue_jobs" / "database.py").read_text()


def with_resource(kind: str, properties: dict[str, object]) -> Assembly:
    template: Template = {"Resources": {"Added": {"Type": kind, "Properties": properties}}}
    return with_template(shipped(), "Analytics", template)


TEMPLATES = [
    ("AWS::Glue::Connection", {"ConnectionInput": {"ConnectionType": "JDBC", "ConnectionProperties": {}}}),
    (
        "AWS::Glue::Connection",
        {
            "ConnectionInput": {
                "ConnectionProperties": {
                    "JDBC_CONNECTION_URL": "u",
                    "JDBC_ENFORCE_SSL": "true",
                    "SKIP_CUSTOM_JDBC_CERT_VALIDATION": "true",
                }
            }
        },
    ),
    ("AWS::QuickSight::DataSource", {"SslProperties": {"DisableSsl": True}}),
    ("AWS::Lambda::Function", {"Environment": {"Variables": {"DBT_SSLMODE": "require"}}}),
    ("AWS::Lambda::Function", {"Environment": {"Variables": {"PGSSLMODE": "prefer"}}}),
    ("AWS::RDS::DBClusterParameterGroup", {"Parameters": {"rds.force_ssl": "0"}}),
    ("AWS::RDS::DBParameterGroup", {"Parameters": {"rds.force_ssl": 0}}),
    ("AWS::RedshiftServerless::Workgroup", {}),
    (
        "AWS::RedshiftServerless::Workgroup",
        {"ConfigParameters": [{"ParameterKey": "require_ssl", "ParameterValue": "false"}]},
    ),
]


@pytest.mark.parametrize(("kind", "properties"), TEMPLATES)
def test_what_a_template_leaves_unencrypted_or_unverified_is_found(
    kind: str, properties: dict[str, object]
) -> None:
    found = [f.rule for f in tls.check(with_resource(kind, properties)) if f.logical_id == "Added"]
    assert found == ["tls-template"]


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::Glue::Connection", {"ConnectionInput": {"ConnectionType": "NETWORK"}}),
        ("AWS::QuickSight::DataSource", {"SslProperties": {"DisableSsl": False}}),
        ("AWS::QuickSight::DataSource", {}),
        ("AWS::Lambda::Function", {"Environment": {"Variables": {"DBT_SSLMODE": "verify-full"}}}),
        ("AWS::RDS::DBClusterParameterGroup", {"Parameters": {"rds.force_ssl": "1"}}),
        (
            "AWS::RedshiftServerless::Workgroup",
            {"ConfigParameters": [{"ParameterKey": "require_ssl", "ParameterValue": True}]},
        ),
    ],
)
def test_what_is_encrypted_is_no_finding(kind: str, properties: dict[str, object]) -> None:
    assert [f for f in tls.check(with_resource(kind, properties)) if f.logical_id == "Added"] == []
