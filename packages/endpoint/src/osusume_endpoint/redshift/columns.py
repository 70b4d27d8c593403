"""A column of a table, as COPY sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    name: str
    kind: str  # udt_name of information_schema: int4, varchar, timestamp, jsonb...
    length: int | None

    @property
    def is_text(self) -> bool:
        return self.kind in ("varchar", "bpchar", "text")
