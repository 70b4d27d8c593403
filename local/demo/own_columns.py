"""A person's tables with Personalize's column names: found in any case, or as mapping.yaml says."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from config.errors import did_you_mean
from config.settings import Datasets
from local.demo.files import columnar, content, delimited, find, guess, json_lines, mapping, query
from local.demo.files.content import Unreadable
from local.demo.files.find import Source
from local.demo.files.mapping import FILE, TABLES, FolderMapping, Layout
from local.demo.files.part import Keep, Part, TableRefused
from local.demo.problems import SHOWN, Problems, shown

REQUIRED = {
    "interactions": ("USER_ID", "ITEM_ID", "TIMESTAMP"),
    "users": ("USER_ID",),
    "items": ("ITEM_ID",),
}
OPTIONAL = {"interactions": ("EVENT_TYPE", "EVENT_VALUE"), "users": (), "items": ("TITLE",)}


@dataclass(frozen=True)
class Table:
    """One or more files; columns under Personalize's names, values as text, nulls as <NA>."""

    frame: pd.DataFrame
    names: Mapping[str, str]  # Personalize's name -> the name in the first file
    layout: Layout
    files: tuple[str, ...]
    starts: np.ndarray  # position of each file's first row
    rows: np.ndarray  # number of each row in its file, as an editor shows it

    @property
    def file(self) -> str:
        return self.files[0] if len(self.files) == 1 else f"{self.files[0]} and {len(self.files) - 1} more"

    def place(self, position: int) -> tuple[str, int]:
        """The file and the row in it."""
        number = int(np.searchsorted(self.starts, position, side="right")) - 1
        return self.files[number], int(self.rows[position])


@dataclass
class _Folder:
    path: Path
    mapping: FolderMapping
    datasets: Datasets
    problems: Problems
    used: list[Source] = field(default_factory=list)


def read_tables(
    folder: Path, *, datasets: Datasets, problems: Problems
) -> tuple[dict[str, Table], FolderMapping]:
    """Tables by name; those that can't be used are left out and reported."""
    if folder.is_file():
        problems.add(f"{folder} is a file: give the folder that holds it, and name it interactions.csv there")
        return {}, FolderMapping()
    if not folder.is_dir():
        problems.add(
            f"there is no folder {folder}: give one that holds interactions.csv or interactions.parquet"
        )
        return {}, FolderMapping()
    reading = _Folder(folder, mapping.read(folder, problems=problems), datasets, problems)
    tables = {name: table for name in TABLES if (table := _table(name, reading)) is not None}
    left = find.unused(folder, reading.used)
    if left:
        problems.note(f"not read: {', '.join(left[:8])}{f' and {len(left) - 8} more' if left[8:] else ''}")
    return tables, reading.mapping


def metadata_columns(folder: Path, *, datasets: Datasets) -> dict[str, pd.DataFrame]:
    """Every column of users and items, also those that `datasets` doesn't have, under upper-case names, as text."""
    problems = Problems()
    reading = _Folder(folder, mapping.read(folder, problems=problems), datasets, problems)
    found = {}
    for name in ("users", "items"):
        layout = reading.mapping.of(name)
        sources = [] if layout.sql else _sources(name, layout, reading)
        parts = _query(name, layout, reading) if layout.sql else _parts(sources, layout, bool, (), reading)
        if parts:
            names = _columns(parts[0], layout.columns, problems)
            frame = pd.concat([part.frame for part in parts], ignore_index=True)
            found[name] = frame.rename(columns={column: known for known, column in names.items()})
    return found


def _table(name: str, reading: _Folder) -> Table | None:
    layout = reading.mapping.of(name)
    keep = _keep(name, layout, reading.datasets)
    if layout.sql:
        parts = _query(name, layout, reading)
    else:
        parts = _parts(_sources(name, layout, reading), layout, keep, _names(name, reading.datasets), reading)
    if not parts:
        return None
    known = len(reading.problems.lines)
    named = [_named(part, name, layout, reading) for part in parts]
    if len(reading.problems.lines) > known:
        return None
    return _joined(parts, named, layout, name, reading.problems)


def _names(name: str, datasets: Datasets) -> set[str]:
    """Upper-case names of the columns that a table may have."""
    fields = datasets.fields(name) if name in ("users", "items") else ()
    return {*REQUIRED[name], *OPTIONAL[name], *(field.name for field in fields)}


def _keep(name: str, layout: Layout, datasets: Datasets) -> Keep:
    wanted, mapped = _names(name, datasets), set(layout.columns.values())
    return lambda column: column in mapped or _plain(column) in wanted


def _sources(name: str, layout: Layout, reading: _Folder) -> list[Source]:
    try:
        found = find.by_mapping(reading.path, layout) if layout.files else find.by_name(reading.path, name)
    except TableRefused as error:
        reading.problems.add(str(error), file=FILE if layout.files else str(reading.path))
        return []
    if not found and name == "interactions":
        candidate = find.candidate(reading.path)
        named = f", or name it in {FILE}: `interactions: {{files: {candidate}}}`" if candidate else ""
        reading.problems.add(
            f"there is no interactions.csv or interactions.parquet (it holds {find.listing(reading.path)}):"
            f" name your file so{named}",
            file=str(reading.path),
        )
    elif not found and name in reading.mapping.tables:
        reading.problems.add(
            f"{name} is mapped, but there is no {name}.csv: add it, or name its file", file=FILE
        )
    reading.used += found
    return found


def _parts(
    sources: list[Source], layout: Layout, keep: Keep, known: Collection[str], reading: _Folder
) -> list[Part]:
    parts: list[Part] = []
    for source in sources:
        for name, read in _readers(source, layout, keep, known, reading):
            part = _attempt(name, read, reading.problems)
            if part is not None:
                reading.problems.note(f"{len(part.frame):,} rows, {part.how}", file=name)
                parts.append(part)
    return parts


def _readers(
    source: Source, layout: Layout, keep: Keep, known: Collection[str], reading: _Folder
) -> list[tuple[str, Callable[[], Part]]]:
    """What reads each stream of a file. What is wrong with the file as a whole is reported."""
    try:
        if source.kind == "parquet":
            read = lambda: columnar.read(source.path, name=source.name, keep=keep, partition=source.partition)  # noqa: E731
            return [(source.name, read)]
        streams = content.contents(source.path, name=source.name)
    except (TableRefused, Unreadable) as error:
        reading.problems.add(str(error), file=source.name)
        return []
    return [(stream.name, _reader(source, stream, layout, keep, known, reading)) for stream in streams]


def _reader(
    source: Source,
    stream: content.Content,
    layout: Layout,
    keep: Keep,
    known: Collection[str],
    reading: _Folder,
) -> Callable[[], Part]:
    if source.kind == "json" or find.is_json(stream.member):
        return lambda: json_lines.read(stream, layout=layout, keep=keep)
    say = lambda text: reading.problems.note(text, file=stream.name)  # noqa: E731
    return lambda: delimited.read(
        stream, layout=layout, keep=keep, known={*known, *map(str.upper, layout.columns.values())}, say=say
    )


def _attempt(name: str, read: Callable[[], Part], problems: Problems) -> Part | None:
    try:
        part = read()
    except TableRefused as error:
        problems.add(str(error), file=name, row=error.row, more=error.more)
    except Unreadable as error:
        problems.add(str(error), file=name)
    except (OSError, EOFError, ValueError) as error:
        problems.add(f"it can't be read: {' '.join(str(error).split())}", file=name)
    else:
        return part
    return None


def _query(name: str, layout: Layout, reading: _Folder) -> list[Part]:
    """The rows of `sql`, over the files under `tables`."""
    known = len(reading.problems.lines)
    sources = {source: _source(source, given, reading) for source, given in reading.mapping.sources.items()}
    if len(reading.problems.lines) > known:
        return []
    if not sources:
        reading.problems.add("sql reads the files under `tables`: name them there", file=FILE, column=name)
        return []
    assert layout.sql
    sql = layout.sql
    part = _attempt(
        f"{FILE}, {name}",
        lambda: query.run(sql, name=f"the query of {name} in {FILE}", sources=sources),  # type: ignore[arg-type]
        reading.problems,
    )
    return [part] if part else []


def _source(name: str, layout: Layout, reading: _Folder) -> Part | None:
    parts = _parts(_sources(f"tables.{name}", layout, reading), layout, bool, (), reading)
    if not parts:
        return None
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    return Part(name, list(frame.columns), frame, np.arange(1, len(frame) + 1))


def _named(part: Part, name: str, layout: Layout, reading: _Folder) -> dict[str, str]:
    """Personalize's name -> the file's; what a table must have and lacks is reported."""
    problems, known = reading.problems, len(reading.problems.lines)
    columns = _columns(part, layout.columns, problems)
    missing = [column for column in REQUIRED[name] if column not in columns]
    if missing and len(problems.lines) == known:
        problems.add(_about_missing(name, missing, columns, part, layout.sql), file=part.file)
    elif not missing and name != "interactions" and set(REQUIRED["interactions"]) <= set(columns):
        problems.add(
            "it has USER_ID, ITEM_ID and TIMESTAMP and looks like the interactions file: swap the two names",
            file=part.file,
        )
    elif not len(part.frame):
        problems.add("the file has no rows below its header: add them", file=part.file)
    _tell_unused(part, columns, _names(name, reading.datasets), problems)
    return columns


def _plain(column: str) -> str:
    """A column's name in upper case; letters of full width are those of half."""
    return unicodedata.normalize("NFKC", column).strip().upper()


def _columns(part: Part, mapped: Mapping[str, str], problems: Problems) -> dict[str, str]:
    """Personalize's name -> the file's, for every column of the file that has one."""
    columns: dict[str, str] = {}
    wanted = {_plain(column) for column in part.frame.columns}
    for column in part.columns:
        name = _plain(column)
        if column in mapped.values() or name in mapped:
            continue
        if name in columns and name in wanted:
            problems.add(f"{columns[name]} and {column} are both {name}: map one in {FILE}", file=part.file)
        columns.setdefault(name, column)
    for name, column in mapped.items():
        if column not in part.columns:
            problems.add(
                f"{name} is mapped to {column!r}, which {part.file} lacks: "
                f"{did_you_mean(column, part.columns)}",
                file=FILE,
                column=column,
            )
        columns[name] = column
    return columns


def _tell_unused(part: Part, columns: Mapping[str, str], names: set[str], problems: Problems) -> None:
    used = {column for name, column in columns.items() if name in names}
    unused = [column for column in part.columns if column not in used]
    if unused:
        shown = ", ".join(unused[:8]) + (f" and {len(unused) - 8} more" if unused[8:] else "")
        problems.note(f"columns that are not used: {shown}", file=part.file)


def _about_missing(
    name: str, missing: list[str], columns: Mapping[str, str], part: Part, sql: str | None
) -> str:
    taken = [column for known, column in columns.items() if known in REQUIRED[name]]
    found = {column: guess.column_for(column, part.sample, taken) for column in missing}
    alone = name == "interactions" and len(part.columns) == 1
    swapped = None if alone or "TIMESTAMP" in columns else _looks_like(name, columns)
    if swapped and not any(found.values()) and not sql:
        return f"it has no {', '.join(missing)} and looks like the {swapped} file: swap the two names"
    present = shown_names(part.columns)
    if len(part.columns) == 1:
        return _about_one_column(part.columns[0], name, missing)
    if all(column.startswith("'") and column.endswith("'") for column in part.columns):
        return f'its fields stand in single quotes ({present}): write `{name}: {{quote: "\'"}}` in {FILE}'
    if guess.is_data(part.columns):
        names = ", ".join(guess.header_for(part.columns))
        return (
            f"its first line ({present}) looks like a row, not a header: name the columns in their order in"
            f" {FILE}, such as `{name}: {{header: [{names}]}}`"
        )
    if found.get("TIMESTAMP", "") is None:
        return (
            f"column {', '.join(missing)} is missing (it has {present}) and no column holds times: Personalize"
            " needs the time of each interaction, so export it too"
        )
    pairs = ", ".join(f"{column}: {found[column] or 'your_column'}" for column in missing)
    return (
        f"column {', '.join(missing)} is missing (it has {present}): rename the column,"
        f" or map it in {FILE}, such as `{name}: {{{pairs}}}`"
    )


def shown_names(names: Sequence[str]) -> str:
    """The first columns, each cut where it is long."""
    return ", ".join(name if len(name) <= SHOWN else f"{name[:SHOWN]}..." for name in names[:8])


def _about_one_column(column: str, name: str, missing: list[str]) -> str:
    """A file of one column has a delimiter that isn't detected, or is no table."""
    lacks = f"column {', '.join(missing)} is missing: it has one column, {shown(column)}"
    if column.startswith(("{", "[")):
        return f"{lacks}, which is JSON: name the file .jsonl"
    between = next((one for one in column if not one.isalnum() and one not in "_ .-\"'()"), None)
    if re.search(r"\S {2,}\S", column):
        return f"{lacks}, of fixed widths: export it with commas between the fields"
    if between is None:
        return f"{lacks}: export the others too, or give `delimiter` in {FILE} if it holds several"
    written = json.dumps(between)
    return f"{lacks}: give the delimiter in {FILE}, such as `{name}: {{delimiter: {written}}}`"


def _looks_like(name: str, columns: Mapping[str, str]) -> str | None:
    has_user, has_item = "USER_ID" in columns, "ITEM_ID" in columns
    if has_user and has_item:
        return None
    if has_user and name != "users":
        return "users"
    if has_item and name != "items":
        return "items"
    return None


def _joined(
    parts: list[Part], named: list[dict[str, str]], layout: Layout, name: str, problems: Problems
) -> Table:
    frames = []
    for part, columns in zip(parts, named, strict=True):
        renamed = {column: wanted for wanted, column in columns.items() if column in part.frame}
        frames.append(part.frame[list(renamed)].rename(columns=renamed))
    lengths = [len(frame) for frame in frames]
    if len(parts) > 1:
        problems.note(f"{name}: {len(parts)} files, {sum(lengths):,} rows")
    return Table(
        frame=pd.concat(frames, ignore_index=True),
        names={wanted: column for columns in reversed(named) for wanted, column in columns.items()},
        layout=layout,
        files=tuple(part.file for part in parts),
        starts=np.cumsum([0, *lengths[:-1]]),
        rows=np.concatenate([part.rows for part in parts]),
    )
