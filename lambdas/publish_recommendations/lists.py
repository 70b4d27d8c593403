"""Published lists as DynamoDB items."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from typing import Any

MAX_ITEM_BYTES = 400 * 1024  # DynamoDB's limit on an item, names and values together

Item = dict[str, dict[str, str]]


class CorruptList(ValueError):
    """A line of a publish file isn't a list of this solution."""


class ListTooLarge(ValueError):
    """A list doesn't fit into a DynamoDB item."""


def items(body: bytes, *, source: str, expected: str, version: str, expires_at: int | None) -> Iterator[Item]:
    """Items of one gzipped file of JSON lines. `source` is its name, for errors; without `expires_at` they stay."""
    for number, line in enumerate(gzip.decompress(body).splitlines(), start=1):
        if line.strip():
            yield item(
                line,
                where=f"{source} line {number}",
                expected=expected,
                version=version,
                expires_at=expires_at,
            )


def item(line: bytes, *, where: str, expected: str, version: str, expires_at: int | None) -> Item:
    """A list of (item, score), or a page of a segment of users."""
    try:
        content = json.loads(line)
        name, key, ranked = content["list"], content["key"], content["items"]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptList(f"{where} is no list ({error!r}): run postprocess-recommendations again") from None
    if name != expected or not key or not isinstance(ranked, list) or not ranked:
        # Without its key, which may be a user's id: the cause is kept where nobody is forgotten.
        raise CorruptList(f"{where} is list {name!r}, or of nobody or empty, expected a list {expected!r}")
    made: Item = {
        **_keys(content, version),
        # One compact string: a list of maps costs twice the CPU to read.
        "items": {"S": json.dumps(ranked, separators=(",", ":"), ensure_ascii=False)},
    }
    for more in ("facts", "bought", "profile"):
        if more in content:
            made[more] = {"S": json.dumps(content[more], separators=(",", ":"), ensure_ascii=False)}
    if expires_at is not None:
        made["expires_at"] = {"N": str(expires_at)}
    if size(made) > MAX_ITEM_BYTES:
        raise ListTooLarge(
            f"{where}: {size(made)} bytes, DynamoDB takes {MAX_ITEM_BYTES}: lower solutions.results, "
            "or publish fewer publishing.item_fields"
        )
    return made


def _keys(content: dict[str, Any], version: str) -> Item:
    """A segment lies in pages, and each says how many there are."""
    key = f"{content['list']}#{content['key']}"
    if "page" not in content:
        return {"pk": {"S": key}, "sk": {"S": version}}
    return {
        "pk": {"S": f"segment#{key}"},
        "sk": {"S": f"{version}#{content['page']:05}"},
        "pages": {"N": str(content["pages"])},
    }


def size(item: Item) -> int:
    return sum(len(name.encode()) + len(v.encode()) for name, value in item.items() for v in value.values())


def batches(all_items: Iterable[Item], length: int) -> Iterator[list[Item]]:
    """Batches without a key twice, which BatchWriteItem refuses: the last one of a key stays."""
    batch: dict[tuple[str, str], Item] = {}
    for one in all_items:
        batch[one["pk"]["S"], one["sk"]["S"]] = one
        if len(batch) == length:
            yield list(batch.values())
            batch = {}
    if batch:
        yield list(batch.values())
