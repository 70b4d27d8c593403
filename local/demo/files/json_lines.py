"""JSON lines (one object per line), or one JSON list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from local.demo.files import content as contents
from local.demo.files.content import Content
from local.demo.files.mapping import Layout
from local.demo.files.part import SAMPLED, Keep, Part, TableRefused, frame_of, text_array

ROWS = 50_000
MOST_CATEGORIES = 100  # of one value; a longer list is a column
Row = tuple[int, dict[str, Any]]


def read(content: Content, *, layout: Layout, keep: Keep) -> Part:
    """Numbers stay as they are written. Raises TableRefused, Unreadable."""
    codec = layout.encoding or contents.detect(content).name
    names: dict[str, None] = {}
    chunks: dict[str, list[pa.Array]] = {}
    rows: list[np.ndarray] = []
    sample: list[dict[str, Any]] = []
    done = 0
    try:
        for batch in _batches(_objects(content, "utf-8-sig" if codec == "utf-8" else codec)):
            names.update(dict.fromkeys(name for _, row in batch for name in row))
            for name in filter(keep, names):
                earlier = chunks.setdefault(name, [pa.nulls(done, pa.string())] if done else [])
                earlier.append(text_array([_text(row.get(name)) for _, row in batch], layout.null))
            rows.append(np.fromiter((number for number, _ in batch), dtype=np.int64, count=len(batch)))
            sample = sample or [row for _, row in batch[:SAMPLED]]
            done += len(batch)
    except UnicodeError:
        raise contents.undecodable(content, codec) from None
    if not done:
        raise TableRefused("the file is empty: give rows")
    _check_shape(sample if done == 1 else [])
    values = {name: [_text(row.get(name)) or "" for row in sample] for name in names}
    how = f"JSON, {contents.title(codec)}"
    return Part(content.name, list(names), frame_of(chunks), np.concatenate(rows), values, how)


def _check_shape(rows: list[dict[str, Any]]) -> None:
    """One object that holds the whole table: its columns, or its rows under a name."""
    for row in rows:
        for name, value in row.items():
            if isinstance(value, dict) or (
                isinstance(value, list) and any(not isinstance(v, str) for v in value)
            ):
                raise TableRefused(
                    f"it is one object whose {name} holds the rows: write one object {{...}} a row"
                )
            if isinstance(value, list) and len(value) > MOST_CATEGORIES:
                raise TableRefused(
                    f"it is one object whose {name} is a column: write one object {{...}} a row"
                )


def _batches(objects: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(objects, ROWS)):
        yield batch


def _objects(content: Content, codec: str) -> Iterator[Row]:
    with contents.text_lines(content, codec) as lines:
        first = next((line for line in lines if line.strip()), "")
    if first.lstrip().startswith("["):
        yield from _listed(content, codec)
        return
    with contents.text_lines(content, codec) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _object(line, number)


def _listed(content: Content, codec: str) -> Iterator[Row]:
    """Objects of one list: numbered by place, since they may share lines."""
    with contents.text_lines(content, codec) as lines:
        found = _parsed(lines.read(), None)
    for number, row in enumerate(found, start=1):
        if not isinstance(row, dict):
            raise TableRefused("it is no object: write {...} for each row", row=number)
        _check_characters(row, number)
        yield number, row


def _object(line: str, number: int) -> dict[str, Any]:
    row = _parsed(line, number)
    if "\\ud" in line.lower():
        _check_characters(row, number)
    if not isinstance(row, dict):
        raise TableRefused("it is no object: write one {...} a line", row=number)
    return row


def _check_characters(row: Any, number: int) -> None:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise TableRefused(
            f"{error.object[error.start]!r} is half a character: correct it", row=number
        ) from None


class _Twice(ValueError):
    """A name that an object has twice."""


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return row


def _parsed(text: str, number: int | None) -> Any:
    try:
        return json.loads(
            text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_once_each
        )
    except RecursionError:
        raise TableRefused("it nests too deeply: write the values themselves", row=number) from None
    except _Twice as error:
        raise TableRefused(f"{error} stands twice: keep one", row=number) from None
    except json.JSONDecodeError as error:
        raise TableRefused(
            f"it is not JSON ({error.msg}): write one object a line", row=number or error.lineno
        ) from None


def _text(value: Any) -> str | None:
    """Text of a value; a list of texts is several categories, which Personalize separates by `|`."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "|".join(value)
    return json.dumps(value, ensure_ascii=False)
