"""The load script: warehouse/load/*.sql with its placeholders filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

FOLDER = Path(__file__).parents[2] / "warehouse" / "load"
FILES = ("tables.sql", "load.sql")
MAX_STATEMENTS = 40  # of a BatchExecuteStatement (botocore's model: SqlList)
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
_TYPE = re.compile(r"[a-z ]+(\([0-9]+(, *[0-9]+)?\))?")


class LoadScriptInvalid(ValueError):
    """The script can't be rendered; names file and placeholder, or the value that isn't safe in SQL."""


def statements(*, folder: Path, values: Mapping[str, str]) -> list[str]:
    found = [statement for name in FILES for statement in split(render(folder / name, values))]
    if not 1 <= len(found) <= MAX_STATEMENTS:
        raise LoadScriptInvalid(
            f"{folder} has {len(found)} statements, one batch takes 1 to {MAX_STATEMENTS}: merge some"
        )
    return found


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
    """`$<table>_columns` (names with types) and `$<table>_column_names`."""
    values = {}
    for table, types in columns.items():
        for name, kind in types.items():
            _require(_IDENTIFIER, f"WAREHOUSE_COLUMNS {table}", name)
            _require(_TYPE, f"WAREHOUSE_COLUMNS {table}.{name}", kind)
        values[f"{table}_columns"] = ", ".join(f"{name} {kind}" for name, kind in types.items())
        values[f"{table}_column_names"] = ", ".join(types)
    return values


def quoted_value(name: str, value: str) -> str:
    """A value that stands between quotes in the script."""
    _require(re.compile(r"[\w.:/+=@-]+"), name, value)
    return value


def _require(pattern: re.Pattern[str], name: str, value: str) -> None:
    if not pattern.fullmatch(value):
        raise LoadScriptInvalid(f"{name} is {value!r}: it must match {pattern.pattern}")
