"""SQL of a load: warehouse/load/load.sql with its placeholders filled in, and what prepares its tables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template

from warehouse.load import tables

FOLDER = Path(__file__).parents[2] / "warehouse" / "load"
MAX_STATEMENTS = 40  # of a BatchExecuteStatement (botocore's model: SqlList)
# What the warehouse has, in three results: columns of the landing tables, database roles, users.
INSPECTION = (
    "select table_name, column_name, data_type, character_maximum_length from svv_columns "
    f"where table_schema = '{tables.SCHEMA}' order by table_name, ordinal_position",
    "select role_name from svv_roles",
    "select usename from pg_user",
)
# Of the newest COPY that failed: a COPY's own error says no more than where to look.
LOAD_ERROR = (
    "select trim(file_name), line_number, trim(column_name), trim(column_type), trim(column_length), "
    "trim(error_message) from sys_load_error_detail order by start_time desc limit 1"
)
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
_TYPE = re.compile(r"[a-z ]+(\([0-9]+(, *[0-9]+)?\))?")
_VALUE = re.compile(r"[\w.:/+=@-]+")


class LoadScriptInvalid(ValueError):
    """The script can't be rendered; names file and placeholder, or the value that isn't safe in SQL."""


def statements(*, folder: Path, values: Mapping[str, str]) -> list[str]:
    """The load, one transaction."""
    found = split(render(folder / "load.sql", values))
    if not 1 <= len(found) <= MAX_STATEMENTS:
        raise LoadScriptInvalid(
            f"{folder} has {len(found)} statements, one batch takes 1 to {MAX_STATEMENTS}: merge some"
        )
    return found


def preparation(
    *,
    columns: Mapping[str, tables.Columns],
    roles: Sequence[str],
    users: Sequence[str],
    dbt_user: str,
    reader_password: Callable[[], str],
) -> list[str]:
    """What must be made or widened before a load, each in a transaction of its own; none where all is there.

    `reader_password` is asked only where the reading user is missing.
    """
    missing = [f"create role {role}" for role in (tables.READER, tables.TRANSFORMER) if role not in roles]
    # Redshift makes the user of an IAM role at its first log-in, which would be after this.
    user = [] if dbt_user in users else [f"create user {tables.quoted(dbt_user)} password disable"]
    reader = [] if tables.READER_USER in users else [_reading_user(reader_password())]
    return [*missing, *user, *reader, *tables.changes(columns)]


def _reading_user(password: str) -> str:
    """CREATE USER takes the digest of password and name, so that no log of statements shows the password."""
    digest = hashlib.md5(f"{password}{tables.READER_USER}".encode(), usedforsecurity=False).hexdigest()
    return f"create user {tables.READER_USER} password 'md5{digest}'"


def render(file: Path, values: Mapping[str, str]) -> str:
    text = "\n".join(line for line in file.read_text().splitlines() if not line.lstrip().startswith("--"))
    try:
        return Template(text).substitute(values)
    except KeyError as error:
        raise LoadScriptInvalid(
            f"{file.name}: placeholder ${error.args[0]} is not known, use one of {', '.join(sorted(values))}"
        ) from None
    except ValueError as error:
        raise LoadScriptInvalid(f"{file.name}: {error}; write $$ for a dollar sign") from None


def split(text: str) -> list[str]:
    """Statements end with a semicolon at the end of a line."""
    return [part.strip() for part in re.split(r";[ \t]*(?:\n|\Z)", text) if part.strip()]


def column_values(columns: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The placeholders that tables.py makes; `columns` are those of users and items."""
    for table, types in columns.items():
        for name, kind in types.items():
            _require(_IDENTIFIER, f"WAREHOUSE_COLUMNS {table}", name)
            _require(_TYPE, f"WAREHOUSE_COLUMNS {table}.{name}", kind)
    return tables.placeholders(columns)


def noted(known: Mapping[str, str | float | None]) -> dict[str, str]:
    """The placeholders `$run_<column>` of what is known of the run: literals."""
    return {f"run_{name}": _literal(name, value) for name, value in known.items()}


def _literal(name: str, value: str | float | None) -> str:
    if value is None:
        return "null"
    return f"'{quoted_value(name, value)}'" if isinstance(value, str) else repr(float(value))


def quoted_value(name: str, value: str) -> str:
    """A value that stands between quotes in the script."""
    _require(_VALUE, name, value)
    return value


def _require(pattern: re.Pattern[str], name: str, value: str) -> None:
    if not pattern.fullmatch(value):
        raise LoadScriptInvalid(f"{name} is {value!r}: it must match {pattern.pattern}")
