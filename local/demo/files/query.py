"""A table made by a query over other files: DuckDB, over text columns, without any access of its own."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np

from local.demo.files.columnar import text_of
from local.demo.files.part import SAMPLED, Part, TableRefused, frame_of


def run(sql: str, *, name: str, sources: Mapping[str, Part]) -> Part:
    """The query's rows as text. Every column of `sources` is text. Raises TableRefused."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for source, part in sources.items():
            connection.register(source, part.frame)
        connection.execute("set enable_external_access = false; set lock_configuration = true")
        try:
            relation = connection.sql(sql)
            table = relation.to_arrow_table() if relation is not None else None
        except duckdb.Error as error:
            raise TableRefused(f"its query fails: {' '.join(str(error).split())}") from None
    if table is None:
        raise TableRefused("its query gives no rows: write one select")
    texts = {column: text_of(table.column(column)) for column in table.column_names}
    sample = {column: [v or "" for v in chunks[0][:SAMPLED].to_pylist()] for column, chunks in texts.items()}
    return Part(
        name,
        list(texts),
        frame_of(texts),
        np.arange(1, len(table) + 1),
        sample,
        f"a query over {', '.join(sources)}",
    )
