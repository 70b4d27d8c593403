"""What an expression may ask about the place where it stands: the types of other expressions there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import types as T


class Scope:
    """`columns` are the types of names that an expression may use."""

    def __init__(self, connection: Any, columns: Mapping[str, T.DataType]) -> None:
        self._connection, self._columns = connection, columns
        self._known: dict[str, T.DataType] = {}

    def type_of(self, sql: str) -> T.DataType:
        """Found by binding alone: nothing is computed."""
        if sql not in self._known:
            empty = ", ".join(
                f"CAST(NULL AS {kind.duckdb}) AS {T.quoted(name)}" for name, kind in self._columns.items()
            )
            self._known[sql] = T.of_duckdb(
                self._connection.sql(f"SELECT {sql} FROM (SELECT {empty})").types[0]
            )
        return self._known[sql]

    def fresh(self, name: str) -> str:
        """A name for a lambda's variable."""
        return f"_{name}{len(self._columns)}"

    def within(self, name: str, items: T.DataType) -> Scope:
        """The inside of a lambda over `items`, whose variable is called `name`."""
        element = items.element if isinstance(items, T.ArrayType) else T.StringType()
        return Scope(self._connection, {**self._columns, name: element})
