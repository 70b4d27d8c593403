"""Writes the static page of the dashboards from the marts of the warehouse."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dashboards import bundle, page
from dashboards.pages import PAGES
from dashboards.spec import Column, DataSet, data_sets
from operations import queries
from operations.place import Place, Refused, say
from osusume_endpoint import private, state

FOLDER = "dashboards"  # of the state folder
FILE = "index.html"
MARTS = "marts"
Value = str | int | float | None


def write(place: Place) -> Path:
    """The page of the marts as they are; where one can't be read the page says so. Returns its file."""
    started = time.monotonic()
    folder = private.secure(state.home() / FOLDER)
    rows, missing = read(place)
    content = page.Content(
        environment=place.settings.environment,
        written_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        rows=rows,
        missing=missing,
    )
    file = folder / FILE
    file.write_text(page.render(PAGES, content, library=bundle.library(folder)))
    say(
        f"  dashboards: file://{file} ({file.stat().st_size / 1e6:.1f} MB, {time.monotonic() - started:.1f} s)"
    )
    for mart in page.truncated(rows):
        say(f"  of {mart} the page holds the newest {page.MOST_ROWS:,} rows only")
    return file


def write_if_filled(place: Place) -> None:
    """Runs after `up`: a warehouse that nothing was loaded into has nobody who reads it, and nothing to show."""
    try:
        queries.warehouse_rows(place, "select 1")
    except (Refused, BotoCoreError, ClientError):
        return
    write(place)


def read(place: Place) -> tuple[dict[str, page.Rows], dict[str, str]]:
    """Rows by mart, and why a mart has none to give."""
    rows: dict[str, page.Rows] = {}
    missing: dict[str, str] = {}
    for data in data_sets(PAGES):
        try:
            rows[data.mart] = list(_rows(place, data))
        except Refused as error:
            missing[data.mart] = f"{MARTS}.{data.mart} could not be read: {str(error).splitlines()[0]}"
    return rows, missing


def statement(data: DataSet) -> str:
    """The newest rows: the first column of the grain is a day or a run."""
    names = ", ".join(column.name for column in data.columns)
    return f"select {names} from {MARTS}.{data.mart} order by {data.grain[0]} desc limit {page.MOST_ROWS}"


def _rows(place: Place, data: DataSet) -> Iterator[dict[str, Value]]:
    for row in queries.warehouse_rows(place, statement(data)):
        yield {column.name: value(column, given) for column, given in zip(data.columns, row, strict=True)}


def value(column: Column, given: Any) -> Value:
    """The Data API gives decimals and times as text."""
    if given is None or column.kind == "text":
        return None if given is None else str(given)
    if column.kind == "whole":
        return round(float(given))
    if column.kind == "number":
        return float(given)
    text = str(given).replace(" ", "T")
    return text[:10] if column.kind == "day" else text[:19]
