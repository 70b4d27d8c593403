"""Reads the records of a dataset: bulk parts and streamed rows together (in worker processes)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from osusume_endpoint.personalize.streams import read_lines, with_sessions_joined
from osusume_engine.data import TrainingData
from osusume_engine.imports import arrow_schema
from osusume_engine.schemas import ACTIONS, ITEMS, USERS, Schema, parse_schema

_KEYS = {ITEMS: "ITEM_ID", USERS: "USER_ID", ACTIONS: "ACTION_ID"}
_NAMES = {
    "INTERACTIONS": "Interactions",
    "ITEMS": "Items",
    "USERS": "Users",
    "ACTIONS": "Actions",
    "ACTION_INTERACTIONS": "Action_Interactions",
}


def schema_of(source: Mapping[str, Any]) -> Schema:
    return parse_schema(source["schema"], domain=source.get("domain"))


def bulk_table(source: Mapping[str, Any]) -> pa.Table:
    """The parts in the order of import; a part from before a new column has nulls in it."""
    schema = schema_of(source)
    target = arrow_schema(schema)
    tables = [_fitted(pq.read_table(path), target) for path in source["parts"]]
    return pa.concat_tables(tables) if tables else target.empty_table()


def streamed_table(source: Mapping[str, Any]) -> pa.Table:
    target = arrow_schema(schema_of(source))
    # A deleted record left an empty line.
    joined = with_sessions_joined(row for row in _lines(source) if row)
    values = [{name: row.get(name) for name in target.names} for row in joined]
    return pa.Table.from_pylist(values, schema=target)


def _lines(source: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return itertools.islice(read_lines(Path(source["stream"])), source["stream_count"])


def _fitted(table: pa.Table, target: pa.Schema) -> pa.Table:
    for field in target:
        if field.name not in table.schema.names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table.select(target.names).cast(target)


def read_frame(source: Mapping[str, Any]) -> pd.DataFrame:
    """All records; of items, users and actions the newest of each id."""
    frame = pa.concat_tables([bulk_table(source), streamed_table(source)]).to_pandas()
    key = _KEYS.get(source["type"])
    if key is None:
        return frame
    in_time = frame.iloc[np.argsort(_came(source), kind="stable")]
    return in_time.drop_duplicates(key, keep="last").reset_index(drop=True)


def _came(source: Mapping[str, Any]) -> np.ndarray:
    """When each record came, in the order of parts and then of the stream: as its line, a part between two of them.

    Developer guide, "Importing bulk data with a dataset import job" and "Importing individual records": whichever way a
    record comes, it replaces the one of the same id that is there.
    """
    rows = [pq.read_metadata(path).num_rows for path in source["parts"]]
    bulk = np.repeat(np.asarray(source["streamed_before"], dtype=float) - 0.5, rows)
    return np.concatenate([bulk, [number for number, row in enumerate(_lines(source)) if row]])


def training_data(
    sources: Sequence[Mapping[str, Any]], *, excluded: Mapping[str, Sequence[str]]
) -> TrainingData:
    """`excluded` are the columns per dataset type that the solution leaves out."""
    frames: dict[str, Any] = {}
    categorical, textual = {}, {}
    for source in sources:
        schema, name = schema_of(source), _NAMES[source["type"]]
        left_out = excluded.get(source["type"], ())
        frames[source["type"].lower()] = read_frame(source).drop(columns=list(left_out), errors="ignore")
        categorical[name] = schema.categorical - set(left_out)
        textual[name] = schema.textual - set(left_out)
    return TrainingData(**frames, categorical=categorical, textual=textual)
