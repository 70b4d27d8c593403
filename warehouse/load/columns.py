"""Columns of raw.users and raw.items: the configuration's fields in Redshift's types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.settings import DatasetField, Datasets

TYPES = {
    "string": "varchar(256)",
    "int": "integer",
    "long": "bigint",
    "float": "double precision",
    "double": "double precision",
    "boolean": "boolean",
}
TEXT = "varchar(65535)"


def warehouse_columns(datasets: Datasets) -> dict[str, dict[str, str]]:
    """What the environment variable WAREHOUSE_COLUMNS holds, as JSON: table -> column -> type."""
    return {"users": _columns(datasets.users.fields), "items": _columns(datasets.items.fields)}


def _columns(fields: tuple[DatasetField, ...]) -> dict[str, str]:
    return {field.name.lower(): TEXT if field.textual else TYPES[field.type] for field in fields}
