"""What an object of the environment's buckets is, and how its rows name their users."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Users = Collection[str]
Record = Mapping[str, Any]
# Whether a record is of one of the users.
Judge = Callable[[Any, Users], bool]

PARQUET, CSV, JSON = "parquet", "csv", "json"
_IMAGES = ("Keys", "Item", "OldImage", "NewImage")
_RUN = r"[^/]+"


@dataclass(frozen=True)
class Content:
    """`columns` of a Parquet file hold users, () any of them; a judge looks at a record (of CSV: by the header)."""

    format: str
    judge: Judge
    columns: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Names:
    """What the configuration calls things. `lists_of_others` are solutions that make no lists of users."""

    user_columns: Mapping[str, str]
    lists_of_others: Collection[str]


def content_of(zone: str, key: str, *, names: Names) -> Content | None:
    """None for what no row of a user is in. `zone` is raw, datasets or results."""
    for pattern, make in _PLACES[zone]:
        if found := re.fullmatch(pattern, key):
            return make(names, *found.groups())
    return None


def _plain(*columns: str) -> Judge:
    return lambda record, users: any(_text(record.get(column)) in users for column in columns)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _table(names: Names, table: str) -> Content | None:
    column = names.user_columns.get(table)
    # Of when the environment had the database: nobody says any more which column it is.
    return Content(PARQUET, _plain(column), (column,)) if column else Content(PARQUET, _anywhere)


def _anywhere(record: Record, users: Users) -> bool:
    return any(_text(value) in users for value in record.values())


def _export(names: Names) -> Content:
    """Files of an export. Where there is no log now, any attribute of an older export may be the user's."""
    attribute = names.user_columns.get("log")

    def judge(line: Record, users: Users) -> bool:
        images = [line.get(image) or {} for image in _IMAGES]
        values = [
            value or {} for image in images for name, value in image.items() if attribute in (None, name)
        ]
        return any(text in users for value in values for text in value.values() if isinstance(text, str))

    return Content(JSON, judge)


def _events(names: Names) -> Content:
    """A removed item's row may have no image: then its key alone tells whose it was."""
    attribute = names.user_columns.get("log")

    def judge(row: Record, users: Users) -> bool:
        return row["user_id"] in users or any(one in users for one in _of_key(row["event_key"], attribute))

    return Content(PARQUET, judge, ("user_id", "event_key"))


def _of_key(text: str | None, attribute: str | None) -> list[str]:
    """Texts of the key's attribute, or of all where nobody says which it is."""
    found = json.loads(text) if text else {}
    return [
        str(value) for name, typed in found.items() if attribute in (None, name) for value in typed.values()
    ]


def _dataset(names: Names) -> Content:
    return Content(CSV, _plain("USER_ID"))


def _batch_input(names: Names) -> Content:
    return Content(JSON, _plain("userId"))


def _batch_output(names: Names, solution: str) -> Content | None:
    """Lists of others may be segments, which users are members of."""
    if solution in names.lists_of_others:
        return Content(JSON, _has_member)
    return Content(JSON, lambda line, users: _text((line.get("input") or {}).get("userId")) in users)


def _has_member(line: Record, users: Users) -> bool:
    return any(user in users for user in (line.get("output") or {}).get("recommendedUsers") or ())


def _segments(names: Names) -> Content:
    return Content(CSV, _plain("user_id"))


def _published(names: Names, solution: str) -> Content | None:
    """A page of a segment with the user goes: the next run publishes the segment again."""
    if solution in names.lists_of_others:
        return Content(JSON, _in_page)
    return Content(JSON, _plain("key"))


def _in_page(line: Record, users: Users) -> bool:
    """Whether a page of users has one of them; lists of items have pairs."""
    return "page" in line and any(
        member in users for member in line.get("items") or () if isinstance(member, str)
    )


def _rows(names: Names) -> Content:
    return Content(JSON, _plain("user_id"))


def _exposures(names: Names) -> Content:
    return Content(JSON, _plain("unit_id"))


def _recommendations(names: Names) -> Content:
    def judge(row: Record, users: Users) -> bool:
        return row.get("solution") not in names.lists_of_others and _text(row.get("entity_id")) in users

    return Content(JSON, judge)


def _quarantine(names: Names) -> Content:
    return Content(JSON, quarantined)


def quarantined(row: Record, users: Users) -> bool:
    """A refused row: by its user, by its source's key (JSON, which may be cut), or by the wrong value."""
    key = _text(row.get("source_key"))
    named = {_text(row.get("USER_ID")), key, _text(row.get("wrong_value"))}
    return any(user in named or any(quoted in key for quoted in quotations(user)) for user in users)


def quotations(user: str) -> Iterator[str]:
    """A user's id as a string of JSON, as writers differ about what they escape."""
    yield json.dumps(user)
    yield json.dumps(user, ensure_ascii=False)


_Make = Callable[..., Content | None]
_PLACES: Mapping[str, tuple[tuple[str, _Make], ...]] = {
    "raw": (
        (rf"aurora/run={_RUN}/(users|orders)/.+\.parquet", _table),
        (rf"events/run={_RUN}/.+\.parquet", _events),
        (rf"application_log/run={_RUN}/.+\.json\.gz", _export),
        (r"exposures/day=[^/]+/.+", _exposures),
    ),
    "datasets": (
        (rf"runs/{_RUN}/(?:interactions|users|action_interactions)/.+\.csv", _dataset),
        (rf"runs/{_RUN}/batch_(?:input|parts)/(?:users|for-[^/]+)/.+", _batch_input),
        (rf"runs/{_RUN}/quarantine/(?:interactions|users|action_interactions)/.+", _quarantine),
    ),
    "results": (
        (rf"runs/{_RUN}/batch/([^/]+)/.+", _batch_output),
        (rf"publish/{_RUN}/([^/]+)/.+", _published),
        (rf"runs/{_RUN}/segments/[^/]+/.+\.csv", _segments),
        (rf"runs/{_RUN}/warehouse/(?:users|orders|interactions|events|segments)/.+", _rows),
        (rf"runs/{_RUN}/warehouse/exposures/.+", _exposures),
        (rf"runs/{_RUN}/warehouse/recommendations/.+", _recommendations),
        (rf"runs/{_RUN}/warehouse/quarantine/.+", _quarantine),
    ),
}
