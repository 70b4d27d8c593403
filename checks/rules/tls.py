"""Clients of databases verify the server's certificate and name, and servers refuse what isn't encrypted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from checks import builds
from checks.assembly import Assembly, Stack
from checks.finding import Finding
from checks.rule import Rule

ROOT = Path(__file__).parents[2]
VERIFIED = "verify-full"
# What acts on AWS; `local` reaches databases of this machine.
FOLDERS = ("stacks", "lambdas", "glue_jobs", "warehouse", "operations")
# Python's clients of PostgreSQL and Redshift: their functions that connect.
_CLIENTS = {
    "asyncpg": ("connect", "create_pool"),
    "pg8000": ("connect",),
    "psycopg": ("connect",),
    "psycopg2": ("connect",),
    "redshift_connector": ("connect",),
    "sqlalchemy": ("create_engine",),
}
_URL = re.compile(r"\b(?:jdbc:)?(?:postgres(?:ql)?|redshift)(?:\+\w+)?://")
_WEAK = re.compile(r"\bsslmode=(disable|allow|prefer|require|verify-ca)\b")
# Variables by which libpq and our dbt profile are told.
_VARIABLES = ("PGSSLMODE", "DBT_SSLMODE")
_SERVERS = {
    "AWS::RDS::DBClusterParameterGroup": "rds.force_ssl",
    "AWS::RDS::DBParameterGroup": "rds.force_ssl",
}
CURE = f"connect with sslmode={VERIFIED} and the certificates of RDS or Redshift."

RULES = (
    Rule(
        "tls-source",
        "Whoever stands between client and database reads and changes what passes.",
        "Connect with sslmode verify-full and the certificates of RDS or Redshift.",
        'Aurora user guide, "Using SSL/TLS to encrypt a connection"; PostgreSQL manual, libpq, "Protection Provided in '
        'Different Modes"',
    ),
    Rule(
        "tls-template",
        "A connection that a template describes is not encrypted, or its server is not verified.",
        "Ask for TLS with the server's certificate and name verified.",
        'Glue developer guide, "AWS Glue connection properties" (JDBC_ENFORCE_SSL); QuickSight API reference, '
        'SslProperties; Redshift management guide, "Configuring security options for connections" (require_ssl)',
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    return [
        *(Finding("(project)", place, "tls-source", why, CURE) for place, why in _of_project()),
        *_connections(assembly),
        *_dashboards(assembly),
        *_variables(assembly),
        *_servers(assembly),
    ]


@cache
def _of_project() -> tuple[tuple[str, str], ...]:
    return tuple(problem for folder in FOLDERS for problem in unverified(ROOT / folder))


def unverified(folder: Path) -> Iterator[tuple[str, str]]:
    """(place, why) for each client below the folder that takes any server for the database."""
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.yml"), *folder.rglob("*.sql")]):
        place = path.relative_to(folder.parent).as_posix()
        text = path.read_text()
        for why in (*_of_text(text), *_of_kind(path, text)):
            yield place, why


def _of_kind(path: Path, text: str) -> Iterator[str]:
    if path.suffix == ".py":
        yield from _calls(text)
    elif path.name == "profiles.yml":
        yield from _profiles(text)


def _of_text(text: str) -> Iterator[str]:
    for mode in sorted(set(_WEAK.findall(text))):
        yield f"a connection is asked for with sslmode={mode}, which lets any server pass."
    if _URL.search(text) and f"sslmode={VERIFIED}" not in text:
        yield f"a URL of a database is written without sslmode={VERIFIED}."


def _calls(text: str) -> Iterator[str]:
    tree = ast.parse(text)
    known = dict(_connecting(tree))
    if not known:
        return
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = known.get(ast.unparse(call.func))
        modes = [ast.unparse(k.value).strip("'\"") for k in call.keywords if k.arg == "sslmode"]
        if name and modes != [VERIFIED]:
            yield f"{name} is called with sslmode {', '.join(modes) or 'left to its default'}."


def _connecting(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(as it is called here, its full name) for each function of _CLIENTS that the module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                for function in _CLIENTS.get(alias.name, ()):
                    yield f"{alias.asname or alias.name}.{function}", f"{alias.name}.{function}"
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name in _CLIENTS.get(str(node.module), ()):
                    yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _profiles(text: str) -> Iterator[str]:
    """dbt's: each output of each profile; a Jinja expression says the mode as its default."""
    for profile in (yaml.safe_load(text) or {}).values():
        for name, output in profile.get("outputs", {}).items():
            mode = str(output.get("sslmode", ""))
            if mode != VERIFIED and not re.search(rf"env_var\('\w+', '{VERIFIED}'\)", mode):
                yield f"output {name} of the dbt profile has sslmode {mode or 'left to its default'}."


def _connections(assembly: Assembly) -> Iterator[Finding]:
    for stack, logical_id, connection in assembly.each("AWS::Glue::Connection"):
        given = connection.get("ConnectionInput", {})
        told: Mapping[str, Any] = given.get("ConnectionProperties") or {}
        if given.get("ConnectionType") == "JDBC" or "JDBC_CONNECTION_URL" in told:
            if str(told.get("JDBC_ENFORCE_SSL", "false")).lower() != "true":
                yield _finding(stack, logical_id, "JDBC_ENFORCE_SSL is not true.", "set it to true.")
            if str(told.get("SKIP_CUSTOM_JDBC_CERT_VALIDATION", "false")).lower() == "true":
                why = "SKIP_CUSTOM_JDBC_CERT_VALIDATION takes any certificate."
                yield _finding(stack, logical_id, why, "leave it out.")


def _dashboards(assembly: Assembly) -> Iterator[Finding]:
    for stack, logical_id, source in assembly.each("AWS::QuickSight::DataSource"):
        if str((source.get("SslProperties") or {}).get("DisableSsl", "false")).lower() == "true":
            yield _finding(stack, logical_id, "SslProperties.DisableSsl is true.", "set it to false.")


def _variables(assembly: Assembly) -> Iterator[Finding]:
    for stack, logical_id, function in builds.of_code(assembly):
        variables = (function.get("Environment") or {}).get("Variables") or {}
        for name in _VARIABLES:
            if variables.get(name, VERIFIED) != VERIFIED:
                yield _finding(stack, logical_id, f"{name} is {variables[name]!r}.", f"set it to {VERIFIED}.")


def _servers(assembly: Assembly) -> Iterator[Finding]:
    for kind, parameter in _SERVERS.items():
        for stack, logical_id, group in assembly.each(kind):
            if str((group.get("Parameters") or {}).get(parameter, "1")) != "1":
                yield _finding(stack, logical_id, f"{parameter} is not 1.", "set it to 1, or leave it out.")
    for stack, logical_id, workgroup in assembly.each("AWS::RedshiftServerless::Workgroup"):
        told = {
            str(one.get("ParameterKey")): str(one.get("ParameterValue"))
            for one in workgroup.get("ConfigParameters") or []
        }
        if told.get("require_ssl", "false").lower() != "true":
            yield _finding(stack, logical_id, "require_ssl is not true.", "set it to true.")


def _finding(stack: Stack, logical_id: str, why: str, cure: str) -> Finding:
    return Finding(stack.name, logical_id, "tls-template", why, cure)
