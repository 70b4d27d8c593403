"""Schemas, tables and columns of a warehouse database, for the Data API's List and Describe operations."""

from __future__ import annotations

from typing import Any

_VISIBLE = "{0} not like 'pg_toast%%' and {0} not like 'pg_temp%%'"


def schemas(cursor: Any, pattern: str | None) -> list[str]:
    cursor.execute(
        f"select nspname from pg_namespace where {_VISIBLE.format('nspname')} and nspname like %s order by 1",
        (pattern or "%",),
    )
    return [name for (name,) in cursor.fetchall()]


def tables(cursor: Any, schema: str | None, table: str | None) -> list[dict[str, str]]:
    cursor.execute(
        f"""
        select n.nspname, c.relname, case c.relkind when 'v' then 'VIEW' when 'm' then 'VIEW' else 'TABLE' end
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'v', 'm', 'p') and {_VISIBLE.format("n.nspname")}
          and n.nspname like %s and c.relname like %s
          and (n.nspname not in ('pg_catalog', 'information_schema') or %s <> '%%')
        order by 1, 2
        """,
        (schema or "%", table or "%", schema or "%"),
    )
    return [{"schema": s, "name": name, "type": kind} for s, name, kind in cursor.fetchall()]


def columns(cursor: Any, schema: str, table: str) -> list[dict[str, Any]]:
    cursor.execute(
        """
        select column_name, udt_name, coalesce(character_maximum_length, 0), coalesce(numeric_precision, 0),
               coalesce(numeric_scale, 0), is_nullable, column_default
        from information_schema.columns where table_schema = %s and table_name = %s order by ordinal_position
        """,
        (schema, table),
    )
    return [_column(schema, table, *row) for row in cursor.fetchall()]


def _column(
    schema: str, table: str, name: str, kind: str, length: int, precision: int, scale: int, nullable: str,
    default: str | None,
) -> dict[str, Any]:  # fmt: skip
    shown = {
        "name": name,
        "label": name,
        "typeName": {"jsonb": "super", "bytea": "varbyte"}.get(kind, kind),
        "length": length,
        "precision": precision,
        "scale": scale,
        "nullable": int(nullable == "YES"),
        "schemaName": schema,
        "tableName": table,
        "isCaseSensitive": kind in ("varchar", "bpchar"),
        "isCurrency": False,
        "isSigned": kind in ("int2", "int4", "int8", "float4", "float8", "numeric"),
    }
    return {**shown, "columnDefault": default} if default else shown
