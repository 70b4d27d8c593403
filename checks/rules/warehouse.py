"""What Redshift would refuse of the load, of the grants and of the role that COPY takes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from checks.assembly import Assembly, Stack
from checks.finding import Finding
from checks.policies import Role, roles
from checks.rule import Rule
from lambdas.load_warehouse import progress, script
from lambdas.shared import environment
from osusume_endpoint.redshift import dialect
from osusume_endpoint.redshift.tokens import scan
from warehouse.load import tables

ROOT = Path(__file__).parents[2]
# Management guide, "Granting permissions to Amazon Redshift Serverless".
_COPY_SERVICES = ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com")
_TO_PUBLIC = re.compile(r"\bgrant\b[^;]*\bto\s+public\b", re.IGNORECASE)
_PLACEHOLDERS = {
    "results_bucket": "b",
    "run_id": "r",
    "history_from": "r",
    "copy_role_arn": "arn:aws:iam::1:role/r",
    "dbt_user": "u",
}
_NO_LIMIT = "max_query_execution_time"

RULES = (
    Rule(
        "warehouse-load",
        "The function that loads the warehouse fails before its first statement.",
        "Correct WAREHOUSE_COLUMNS.",
        "lambdas/load_warehouse; warehouse/load/tables.py",
    ),
    Rule(
        "warehouse-sql",
        "Redshift refuses a statement of the load, or it grants to everybody.",
        "Quote the name, or name a role.",
        'Redshift database developer guide, "Reserved words"; "GRANT"',
    ),
    Rule(
        "warehouse-copy-role",
        "COPY may not assume the role.",
        "Let both of Redshift Serverless's principals assume it, without aws:Source conditions.",
        'Redshift management guide, "Granting permissions to Amazon Redshift Serverless"',
    ),
    Rule(
        "warehouse-limits",
        "One query may cost any amount, or never end.",
        "Give analytics.max_capacity_rpu and analytics.max_query_seconds.",
        'Redshift management guide, "Billing for Amazon Redshift Serverless"',
    ),
    Rule(
        "warehouse-public",
        "Every user of the database gets what is granted.",
        "Grant to a role of tables.py.",
        'Redshift database developer guide, "GRANT"',
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    return [*_loads(assembly), *_copy_roles(assembly), *_limits(assembly), *_project(ROOT / "warehouse")]


def _loads(assembly: Assembly) -> Iterator[Finding]:
    """Each statement that the function would send, with the columns that the configuration gives it."""
    for stack, logical_id, function in assembly.each("AWS::Lambda::Function"):
        if str(function.get("Handler")) != "lambdas.load_warehouse.handler.handler":
            continue
        variables = function.get("Environment", {}).get("Variables", {})
        try:
            columns = environment.loaded(variables["WAREHOUSE_COLUMNS"])
            sent = list(statements(columns))
        except (KeyError, TypeError, ValueError) as error:
            why = f"WAREHOUSE_COLUMNS makes no load: {error}."
            yield Finding(stack.name, logical_id, "warehouse-load", why, "correct the variable.")
            continue
        for problem in dict.fromkeys(problem for one in sent for problem in problems(one)):
            yield Finding(stack.name, logical_id, "warehouse-sql", problem, "quote the name, or name a role.")


def statements(columns: Mapping[str, tables.Columns]) -> Iterator[str]:
    """The load and what prepares an empty warehouse for it."""
    values = _PLACEHOLDERS | script.column_values(columns) | script.noted(progress.NOTHING)
    yield from script.statements(folder=script.FOLDER, values=values)
    yield from script.preparation(columns={}, roles=(), users=(), dbt_user="u", reader_password=lambda: "")


def problems(sql: str) -> Iterator[str]:
    """Sentences about one statement."""
    try:
        dialect.check(scan(sql))
    except dialect.InvalidRedshift as error:
        yield f"{_start(sql)}: Redshift answers {error}."
    if _TO_PUBLIC.search(sql):
        yield f"{_start(sql)}: every user of the database gets it."


def _start(sql: str) -> str:
    return repr(" ".join(sql.split())[:60])


def _copy_roles(assembly: Assembly) -> Iterator[Finding]:
    attached = {
        str(arn)
        for _, _, namespace in assembly.each("AWS::RedshiftServerless::Namespace")
        for arn in namespace.get("IamRoles", [])
    }
    for role in roles(assembly):
        if role.arn in attached:
            yield from _trust(role)


def _trust(role: Role) -> Iterator[Finding]:
    for service in _COPY_SERVICES:
        if service not in role.services:
            why = f"a namespace has the role and {service} may not assume it: COPY fails."
            cure = "let both of Redshift Serverless's principals assume it."
            yield Finding(role.stack, role.logical_id, "warehouse-copy-role", why, cure)
    for statement in role.trust:
        if "aws:Source" in str(statement.conditions):
            why = "its trust asks for aws:SourceAccount or aws:SourceArn, which no page of AWS says Redshift sends."
            cure = "take the condition away: see docs/assumptions.md."
            yield Finding(role.stack, role.logical_id, "warehouse-copy-role", why, cure)


def _limits(assembly: Assembly) -> Iterator[Finding]:
    for stack, logical_id, workgroup in assembly.each("AWS::RedshiftServerless::Workgroup"):
        yield from _limit(stack, logical_id, workgroup)


def _limit(stack: Stack, logical_id: str, workgroup: Mapping[str, Any]) -> Iterator[Finding]:
    keys = {str(one.get("ParameterKey")) for one in workgroup.get("ConfigParameters", [])}
    if "MaxCapacity" not in workgroup:
        why = "it has no MaxCapacity: one query may cost any amount."
        yield Finding(stack.name, logical_id, "warehouse-limits", why, "give analytics.max_capacity_rpu.")
    if _NO_LIMIT not in keys:
        why = f"it has no {_NO_LIMIT}: a query that never ends is paid for ever."
        yield Finding(stack.name, logical_id, "warehouse-limits", why, "give analytics.max_query_seconds.")


def _project(folder: Path) -> Iterator[Finding]:
    """Grants of dbt's project."""
    for path in sorted([*folder.rglob("*.sql"), folder / "dbt_project.yml"]):
        if _TO_PUBLIC.search(re.sub(r"--.*", "", path.read_text())):
            why = "it grants to PUBLIC: every user of the database gets it."
            yield Finding("warehouse", path.name, "warehouse-public", why, "grant to a role of tables.py.")
