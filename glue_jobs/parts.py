"""A large table in parts that are read at once, each over a connection of its own and all of one snapshot."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

from glue_jobs import database

WHOLE = ("",)
# Of a table and of those below it (partitions, inheritance): the blocks of the largest, or 0 where one isn't a heap, as
# a view is not. Only a row of a heap has a place, its ctid, that says in which block it lies.
_BLOCKS = """
with recursive below(id) as (
    select ?::regclass::oid union select inhrelid from pg_inherits join below on inhparent = id
)
select case when bool_and(relkind = 'p' or (relkind in ('r', 'm') and amname = 'heap'))
    then max(pg_relation_size(id)) / current_setting('block_size')::bigint else 0 end
from below join pg_class on pg_class.oid = id left join pg_am on pg_am.oid = relam
"""


@dataclass(frozen=True)
class Reading:
    """`connections` at most; one for every `rows` of a table, as the planner estimates them."""

    connections: int
    rows: int

    def parts(self, estimated: int) -> int:
        return max(1, min(self.connections, ceil(estimated / self.rows)))


def conditions(connected: Any, *, table: str, asked: str, key: str, reading: Reading) -> tuple[str, ...]:
    """Conditions of which each row meets exactly one, whatever it holds; one that is empty for a table in one part.

    A table is divided by where its rows lie, which no reader needs an index for; what isn't a table, by its `key`.
    """
    count = reading.parts(estimated_rows(connected, asked))
    if count == 1:
        return WHOLE
    blocks = int(database.first_value(connected, _BLOCKS, table))
    return by_place(blocks, count) if blocks else by_key(key, count)


def estimated_rows(connected: Any, asked: str) -> int:
    """The planner's, which costs nothing and knows views as well; asking it locks the table against being rewritten."""
    (plan,) = json.loads(database.first_value(connected, f"explain (format json) {asked}"))
    return int(plan["Plan"]["Plan Rows"])


def by_place(blocks: int, count: int) -> tuple[str, ...]:
    bounds = sorted({blocks * part // count for part in range(1, count)} - {0})
    first = [f"ctid < '({bounds[0]},0)'"] if bounds else [""]
    between = [f"ctid >= '({a},0)' and ctid < '({b},0)'" for a, b in pairwise(bounds)]
    last = [f"ctid >= '({bounds[-1]},0)'"] if bounds else []
    return (*first, *between, *last)


def by_key(key: str, count: int) -> tuple[str, ...]:
    """A row without a key belongs to that of the empty text."""
    of_row = f"mod(hashtext(coalesce({database.quoted(key)}::text, ''))::bigint + 2147483648, {count})"
    return tuple(f"{of_row} = {part}" for part in range(count))
