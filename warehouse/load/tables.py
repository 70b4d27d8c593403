"""The landing tables, said once: what the load creates, widens and copies, and who may read it.

Redshift's varchar(n) counts bytes, and a character of UTF-8 has up to four: widths are four times what Personalize
takes (256 characters of an id or an event type). Names are quoted, in lower case: Redshift reserves words that a
configured field may have (reserved_words.txt), and folds quoted names to lower case unless
enable_case_sensitive_identifier is on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# The schema of rows as they land. Not `raw`, which is a reserved word. dbt reads it as var('landing').
SCHEMA = "landing"
STAGING = "staging"  # dbt's views of them
# Database roles: who reads the marts, and who makes them of the landing tables.
READER = "mart_reader"
TRANSFORMER = "transformer"
READER_USER = "dashboards"  # with the role mart_reader

BYTES_A_CHARACTER = 4
ID = f"varchar({256 * BYTES_A_CHARACTER})"
WIDEST = 65535  # bytes of a varchar
TEXT = f"varchar({WIDEST})"
OWN = {"run_id": "varchar(16)", "loaded_at": "timestamp"}
_LOADED_AT = "loaded_at"  # the only column with a default: COPY leaves it out

Columns = Mapping[str, str]
_VARCHAR = re.compile(r"varchar\((\d+)\)")
# Names that Redshift gives no column of ours, quoted or not (r_names, "System column names"), and those that its
# pg_attribute has for each table besides.
SYSTEM_COLUMNS = frozenset(
    ("oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "insertxid", "deletexid")
)
# Columns that the loader and the marts add to those of the configuration.
MADE_COLUMNS = {
    "users": frozenset((*OWN, "orders", "order_items", "sales_value", "first_ordered_at", "last_ordered_at")),
    "items": frozenset((*OWN, "buyers", "order_items", "sales_value", "first_ordered_at", "last_ordered_at")),
}
# svv_columns' name of each type.
_CATALOG_NAMES = {"timestamp": "timestamp without time zone"}


class WarehouseTableDiffers(ValueError):
    """A table of the warehouse has a column whose type can't become the one that is defined."""


@dataclass(frozen=True)
class Table:
    """`placement` is how Redshift places the rows on its nodes and sorts them."""

    columns: Columns
    placement: str


TABLES: Mapping[str, Table] = {
    "orders": Table(
        {**OWN, "order_id": ID, "user_id": ID, "item_id": ID, "ordered_at": "timestamp",
         "sales_value": "double precision"},
        "distkey (user_id) sortkey (ordered_at)",
    ),
    "events": Table(
        {**OWN, "event_id": ID, "event_type": ID, "user_id": ID, "item_id": ID, "occurred_at": "timestamp",
         "session_id": ID, "recommendation_id": ID, "value": "double precision", "impression": TEXT,
         "simulated": "boolean", "served_as": "varchar(2048)", "event_key": "varchar(64)", "removed": "varchar(16)"},
        "distkey (user_id) sortkey (occurred_at)",
    ),
    "interactions": Table(
        {**OWN, "user_id": ID, "item_id": ID, "occurred_at": "timestamp", "event_type": ID,
         "event_value": "double precision"},
        "distkey (user_id) sortkey (occurred_at)",
    ),
    # As published by `rank`, as inferred by `inferred_rank`; null is in the other list alone. `rule` is the one
    # that took the item out, put it in or moved it last.
    "recommendations": Table(
        {**OWN, "solution": "varchar(64)", "entity_id": ID, "rank": "integer", "item_id": ID,
         "score": "double precision", "inferred_rank": "integer", "rule": "varchar(64)"},
        "distkey (entity_id) sortkey (run_id, solution)",
    ),
    "segments": Table(
        {**OWN, "solution": "varchar(64)", "segment": ID, "rank": "integer", "user_id": ID},
        "distkey (user_id) sortkey (run_id, solution)",
    ),
    "solution_version_metrics": Table(
        {**OWN, "solution": "varchar(64)", "recipe": "varchar(64)", "solution_version_arn": "varchar(256)",
         "metric": "varchar(128)", "value": "double precision", "promoted": "boolean",
         "created_at": "timestamp", "reason": "varchar(4096)", "hyperparameters": "varchar(4096)",
         "training_mode": "varchar(16)", "training_hours": "double precision",
         "estimated_cost_usd": "double precision"},
        "diststyle all sortkey (created_at)",
    ),
    "exposures": Table(
        {**OWN, "exposure_id": ID, "experiment": "varchar(64)", "version": "varchar(16)", "variant": "varchar(64)",
         "layer": "varchar(64)", "unit_id": ID, "exposed_at": "timestamp", "placement": "varchar(64)",
         "recommendation_id": ID},
        "distkey (unit_id) sortkey (exposed_at)",
    ),
    "quarantine": Table(
        {**OWN, "dataset": "varchar(64)", "source": "varchar(64)", "reason": ID, "source_key": ID,
         "source_file": ID, "wrong_value": ID},
        "diststyle even sortkey (run_id)",
    ),
    "data_quality": Table(
        {**OWN, "figure": ID, "value": "double precision", "low": "double precision",
         "high": "double precision"},
        "diststyle all sortkey (run_id)",
    ),
}  # fmt: skip
# What the analysis of experiments stores after each build of the marts; no job writes it, so the load doesn't copy it.
ANALYSED: Mapping[str, Table] = {
    "experiment_results": Table(
        {**OWN, "experiment": "varchar(64)", "version": "varchar(16)", "day": "date", "role": "varchar(16)",
         "variant": "varchar(64)", "metric": "varchar(64)", "segment_name": "varchar(128)",
         "segment_value": "varchar(256)", "users": "bigint", "control_users": "bigint",
         "expected_users": "double precision", "control_mean": "double precision",
         "variant_mean": "double precision", "lift": "double precision", "interval_low": "double precision",
         "interval_high": "double precision", "band_low": "double precision", "band_high": "double precision",
         "p": "double precision", "adjusted_p": "double precision", "guard": "varchar(16)",
         "ratio_p": "double precision", "days_left": "integer", "decision": "varchar(32)",
         "decision_en": "varchar(2048)", "decision_ja": "varchar(2048)",
         "made_by": "varchar(16)"},
        "diststyle all sortkey (day)",
    ),
}  # fmt: skip
# What the load itself knows of a run, from the control table: no file holds it.
NOTED: Mapping[str, Table] = {
    "runs": Table(
        {**OWN, "mode": "varchar(16)", "prepared_at": "timestamp", "trained_at": "timestamp",
         "served_at": "timestamp", "dpu_hours": "double precision"},
        "diststyle all sortkey (run_id)",
    ),
}  # fmt: skip
MADE = {**TABLES, **ANALYSED, **NOTED}
# Their columns are the configuration's; each run makes them anew.
SNAPSHOTS = {"users": "user_id", "items": "item_id"}


def snapshot(name: str, columns: Columns) -> Table:
    return Table({**OWN, **columns}, f"diststyle all sortkey ({quoted(SNAPSHOTS[name])})")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def create(name: str, table: Table) -> str:
    columns = ", ".join(_definition(column, kind) for column, kind in table.columns.items())
    return f"create table {SCHEMA}.{name} ({columns}) {table.placement}"


def _definition(column: str, kind: str) -> str:
    default = " not null default getdate()" if column == _LOADED_AT else ""
    return f"{quoted(column)} {kind}{' not null' if column == 'run_id' else default}"


def copied(columns: Columns) -> str:
    """The columns that a run's files give, as COPY lists them."""
    return ", ".join(quoted(column) for column in columns if column != _LOADED_AT)


def placeholders(configured: Mapping[str, Columns]) -> dict[str, str]:
    """`$landing`, `$create_<snapshot>` and `$<table>_columns` of load.sql."""
    snapshots = {name: snapshot(name, columns) for name, columns in configured.items()}
    created = {f"create_{name}": create(name, table) for name, table in snapshots.items()}
    listed = {
        f"{name}_columns": copied(table.columns) for name, table in {**TABLES, **NOTED, **snapshots}.items()
    }
    return {
        "landing": SCHEMA,
        "mart_reader": READER,
        "transformer": TRANSFORMER,
        "reader_user": READER_USER,
        **created,
        **listed,
    }


def changes(found: Mapping[str, Columns]) -> list[str]:
    """Statements that make the warehouse's tables those of MADE; none where they are.

    `found` is what svv_columns says, table -> column -> type. Columns are added and widened, never narrowed or
    dropped. Each statement commits by itself: Redshift widens no column inside a transaction.
    Raises WarehouseTableDiffers.
    """
    made = [create(name, table) for name, table in MADE.items() if name not in found]
    known = [(name, table) for name, table in MADE.items() if name in found]
    added = [one for name, table in known for one in _added(name, table.columns, found[name])]
    widened = [one for name, table in known for one in _widened(name, table.columns, found[name])]
    schema = [f"create schema if not exists {SCHEMA}"] if made else []
    # Views hold on to the types of what they select; dbt makes them again after each load.
    views = [f"drop schema if exists {STAGING} cascade"] if widened else []
    return [*schema, *made, *added, *views, *widened]


def _added(name: str, wanted: Columns, found: Columns) -> Iterator[str]:
    for column, kind in wanted.items():
        if column not in found:
            yield f"alter table {SCHEMA}.{name} add column {quoted(column)} {kind}"


def _widened(name: str, wanted: Columns, found: Columns) -> Iterator[str]:
    for column, kind in wanted.items():
        if column not in found or found[column] == kind:
            continue
        width, before = _VARCHAR.fullmatch(kind), _VARCHAR.fullmatch(found[column])
        if not width or not before:
            raise WarehouseTableDiffers(
                f"{SCHEMA}.{name}.{column} is {found[column]} in the warehouse and {kind} in warehouse/load/"
                f"tables.py: Redshift changes the width of varchar only. Give the column another name, or drop "
                f"the table and let the next full run fill it"
            )
        if int(width[1]) > int(before[1]):
            yield f"alter table {SCHEMA}.{name} alter column {quoted(column)} type {kind}"


def catalog_type(data_type: str, length: int | None) -> str:
    """svv_columns' data_type and character_maximum_length in the words of TABLES."""
    if data_type == "character varying":
        return f"varchar({length})"
    return next((ours for ours, theirs in _CATALOG_NAMES.items() if theirs == data_type), data_type)


def as_tables(rows: Iterable[tuple[str, str, str, int | None]]) -> dict[str, dict[str, str]]:
    """Rows of (table, column, data_type, character_maximum_length) as table -> column -> type."""
    found: dict[str, dict[str, str]] = {}
    for table, column, data_type, length in rows:
        found.setdefault(table, {})[column] = catalog_type(data_type, length)
    return found


def reserved_words() -> frozenset[str]:
    """Upper case."""
    lines = Path(__file__).with_name("reserved_words.txt").read_text().splitlines()
    return frozenset(line.strip() for line in lines if line and not line.startswith("#"))
