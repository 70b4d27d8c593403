"""What the check says of statements, trusts and grants that Redshift or a reader would refuse."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from checks.rules import warehouse
from tests.mutations.mutation import shipped, with_template
from warehouse.load import tables


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("create schema if not exists raw", 'syntax error at or near "raw"'),
        ("create table raw.users (a int)", 'syntax error at or near "raw"'),
        ("create table landing.users (user_id int, tag int)", 'syntax error at or near "tag"'),
        ("copy landing.users (offset) from 's3://b/k' iam_role 'r' csv", 'syntax error at or near "offset"'),
        ("grant select on all tables in schema marts to public", "every user of the database gets it"),
        ("GRANT CREATE ON DATABASE analytics\n TO   PUBLIC", "every user of the database gets it"),
    ],
)
def test_a_statement_that_redshift_refuses_or_everybody_profits_of_is_found(sql: str, problem: str) -> None:
    assert [problem in found for found in warehouse.problems(sql)] == [True]


@pytest.mark.parametrize(
    "sql",
    [
        'create table landing.users (user_id int, "tag" int, "offset" varchar(9))',
        "grant select on landing.users to role transformer",
        "create table public.t (a int encode raw)",
    ],
)
def test_quoted_names_and_named_grantees_are_let_through(sql: str) -> None:
    assert list(warehouse.problems(sql)) == []


def test_every_reserved_word_as_a_configured_field_makes_no_finding() -> None:
    words = {word.lower(): "varchar(9)" for word in tables.reserved_words()}
    columns = {"users": {"user_id": tables.ID, **words}, "items": {"item_id": tables.ID, **words}}
    assert [p for sql in warehouse.statements(columns) for p in warehouse.problems(sql)] == []


def test_a_grant_to_public_in_dbts_project_is_found(tmp_path: Path) -> None:
    (tmp_path / "macros").mkdir()
    (tmp_path / "dbt_project.yml").write_text("on-run-end: grant usage on schema marts to public\n")
    (tmp_path / "macros" / "grants.sql").write_text(
        "grant select on all tables in schema marts\n to Public;\n"
    )
    (tmp_path / "macros" / "good.sql").write_text("-- grant nothing to public\ngrant a to role b;\n")
    found = warehouse._project(tmp_path)
    assert sorted(f.logical_id for f in found) == ["dbt_project.yml", "grants.sql"]


def test_a_copy_role_that_one_principal_may_not_assume_is_found() -> None:
    """The trust as it was: redshift.amazonaws.com alone."""
    template = copy.deepcopy(shipped().templates["Analytics"])
    (role,) = [r for i, r in template["Resources"].items() if i.startswith("CopyRole")]
    statement = role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    statement["Principal"] = {"Service": "redshift.amazonaws.com"}
    found = warehouse.check(with_template(shipped(), "Analytics", template))
    assert [f.rule for f in found] == ["warehouse-copy-role"]
    assert "redshift-serverless.amazonaws.com may not assume it" in found[0].why


def test_a_workgroup_whose_queries_never_end_is_found() -> None:
    template = copy.deepcopy(shipped().templates["Analytics"])
    (group,) = [r for r in template["Resources"].values() if r["Type"].endswith("Serverless::Workgroup")]
    group["Properties"]["ConfigParameters"] = [{"ParameterKey": "require_ssl", "ParameterValue": "true"}]
    found = warehouse.check(with_template(shipped(), "Analytics", template))
    assert [(f.rule, "max_query_execution_time" in f.why) for f in found] == [("warehouse-limits", True)]


def test_the_shipped_environments_have_no_finding() -> None:
    assert warehouse.check(shipped()) == []
    assert json.loads(
        json.dumps([*warehouse.statements({"users": {"user_id": "a"}, "items": {"item_id": "a"}})])
    )
