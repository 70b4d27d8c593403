"""Columns of the landing tables users and items: the configuration's fields in Redshift's types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warehouse.load.tables import ID, SNAPSHOTS, TEXT

if TYPE_CHECKING:
    from config.settings import DatasetField, Datasets

TYPES = {
    "int": "integer",
    "long": "bigint",
    "float": "double precision",
    "double": "double precision",
    "boolean": "boolean",
}


def warehouse_columns(datasets: Datasets) -> dict[str, dict[str, str]]:
    """What the environment variable WAREHOUSE_COLUMNS holds, as JSON: table -> column -> type."""
    return {
        "users": _columns(datasets.fields("users"), SNAPSHOTS["users"]),
        "items": _columns(datasets.fields("items"), SNAPSHOTS["items"]),
    }


def _columns(fields: tuple[DatasetField, ...], key: str) -> dict[str, str]:
    return {field.name.lower(): _type(field, key) for field in fields}


def _type(field: DatasetField, key: str) -> str:
    """Several categories of up to 1,000 characters stand in one value, and a text has up to 20,000."""
    if field.type == "string":
        return ID if field.name.lower() == key else TEXT
    return TYPES[field.type]
