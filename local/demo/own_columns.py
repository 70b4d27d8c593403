"""Finds a person's files and their columns: names in any case, or as mapping.yaml says."""

from __future__ import annotations

import re
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from config.errors import did_you_mean
from config.settings import Datasets
from local.demo.problems import Problems

TABLES = ("interactions", "users", "items")
REQUIRED = {
    "interactions": ("USER_ID", "ITEM_ID", "TIMESTAMP"),
    "users": ("USER_ID",),
    "items": ("ITEM_ID",),
}
SUFFIXES = (".csv", ".parquet")
MAPPING = "mapping.yaml"


@dataclass(frozen=True)
class Table:
    """One file; columns under Personalize's names, values as text, nulls as <NA>."""

    file: str
    frame: pd.DataFrame
    names: dict[str, str]  # Personalize's name -> the name in the file
    first_row: int  # number of the first data row, as an editor shows it

    def row(self, position: int) -> int:
        # Blank lines are dropped but keep their number.
        return int(self.frame.index[position]) + self.first_row


@dataclass(frozen=True)
class Mapping:
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    event_types: dict[str, str] = field(default_factory=dict)


def read_tables(folder: Path, *, datasets: Datasets, problems: Problems) -> tuple[dict[str, Table], Mapping]:
    """Tables by name; those that can't be used are left out and reported."""
    if not folder.is_dir():
        problems.add(
            f"there is no folder {folder}: give one that holds interactions.csv or interactions.parquet"
        )
        return {}, Mapping()
    mapping = _mapping(folder, problems)
    tables = {}
    for name in TABLES:
        path = _find(folder, name, problems)
        if path is not None:
            table = _table(
                path, name, mapping=mapping.columns.get(name, {}), datasets=datasets, problems=problems
            )
            if table is not None:
                tables[name] = table
    return tables, mapping


def _find(folder: Path, name: str, problems: Problems) -> Path | None:
    names = {name + suffix for suffix in SUFFIXES}
    found = sorted(path for path in folder.iterdir() if path.name.lower() in names)
    if len(found) > 1:
        problems.add(f"{' and '.join(path.name for path in found)} both exist: keep one", file=str(folder))
    if not found and name == "interactions":
        present = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        problems.add(
            f"there is no interactions.csv or interactions.parquet (it holds {present}): name your file so",
            file=str(folder),
        )
    return found[0] if len(found) == 1 else None


def _mapping(folder: Path, problems: Problems) -> Mapping:
    path = folder / MAPPING
    if not path.exists():
        return Mapping()
    try:
        content = yaml.safe_load(path.read_text()) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problems.add(f"it is not YAML: {' '.join(str(error).split())}", file=MAPPING)
        return Mapping()
    if not isinstance(content, dict) or not all(isinstance(part, dict) for part in content.values()):
        problems.add("write `interactions: {USER_ID: your_column, ...}`, likewise users, items", file=MAPPING)
        return Mapping()
    for key in content.keys() - {*TABLES, "event_types"}:
        problems.add(f"{key} is not known: {did_you_mean(key, [*TABLES, 'event_types'])}", file=MAPPING)
    columns = {name: _upper(content.get(name, {})) for name in TABLES}
    return Mapping(columns, {str(k): str(v) for k, v in content.get("event_types", {}).items()})


def _upper(names: AnyMapping[Any, Any]) -> dict[str, str]:
    return {str(name).upper(): str(column) for name, column in names.items()}


def _table(
    path: Path, name: str, *, mapping: dict[str, str], datasets: Datasets, problems: Problems
) -> Table | None:
    frame = _read(path, problems)
    if frame is None:
        return None
    known = len(problems.lines)
    columns = _columns(path.name, list(frame.columns), mapping=mapping, problems=problems)
    missing = [column for column in REQUIRED[name] if column not in columns]
    if missing and len(problems.lines) == known:
        problems.add(_about_missing(name, missing, set(columns), list(frame.columns)), file=path.name)
    elif not missing and _is_interactions_file(name, columns):
        problems.add(
            "it has USER_ID, ITEM_ID and TIMESTAMP and looks like the interactions file: swap the two names",
            file=path.name,
        )
    if len(problems.lines) > known:
        return None
    renamed = frame.rename(columns={column: wanted for wanted, column in columns.items()})
    return Table(path.name, renamed, columns, first_row=2 if path.suffix.lower() == ".csv" else 1)


def _read(path: Path, problems: Problems) -> pd.DataFrame | None:
    try:
        frame = _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)
    except UnicodeDecodeError as error:
        problems.add(f"byte {error.start:,} is not UTF-8: save the file as UTF-8", file=path.name)
    except pd.errors.EmptyDataError:
        problems.add("the file is empty: give a header and rows", file=path.name)
    except pd.errors.ParserError as error:
        line = re.search(r"line (\d+)", str(error))
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        problems.add(
            f"{reason}: quote fields that hold commas", file=path.name, row=int(line[1]) if line else None
        )
    except (OSError, ValueError) as error:
        problems.add(f"it can't be read: {' '.join(str(error).split())}", file=path.name)
    else:
        if frame.empty:
            problems.add("the file has no rows below its header: add them", file=path.name)
            return None
        return frame
    return None


def _read_csv(path: Path) -> pd.DataFrame:
    """Everything as text; only an empty field is null (NA is a country, None a nickname)."""
    frame = pd.read_csv(
        path,
        dtype="string",
        keep_default_na=False,
        na_values=[""],
        encoding="utf-8-sig",
        skip_blank_lines=False,
    )
    return frame.apply(lambda column: column.str.strip().replace("", pd.NA)).dropna(how="all")


def _read_parquet(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    return frame.apply(_as_text)


def _as_text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S%z").astype("string")
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        return column.astype("Int64").astype("string")
    text = column.astype("string").str.strip()
    return text.mask(text == "")


def _columns(file: str, present: list[str], *, mapping: dict[str, str], problems: Problems) -> dict[str, str]:
    """Personalize's name -> the file's, for every column of the file that has one."""
    by_name = {column.strip().upper(): column for column in reversed(present)}
    columns = {name: column for name, column in by_name.items() if column not in mapping.values()}
    for name, column in mapping.items():
        if column not in present:
            problems.add(
                f"{name} is mapped to {column!r}, which {file} lacks: {did_you_mean(column, present)}",
                file=MAPPING,
                column=column,
            )
        columns[name] = column
    return columns


def _is_interactions_file(name: str, columns: dict[str, str]) -> bool:
    return name != "interactions" and set(REQUIRED["interactions"]) <= set(columns)


def _about_missing(name: str, missing: list[str], columns: set[str], present: list[str]) -> str:
    swapped = _looks_like(name, columns)
    if swapped:
        return f"it has no {', '.join(missing)} and looks like the {swapped} file: swap the two names"
    return (
        f"column {', '.join(missing)} is missing (it has {', '.join(present[:8])}): rename the column,"
        f" or map it in {MAPPING}, such as `{name}: {{{missing[0]}: {present[0]}}}`"
    )


def _looks_like(name: str, columns: set[str]) -> str | None:
    has_user, has_item = "USER_ID" in columns, "ITEM_ID" in columns
    if has_user and has_item:
        return None
    if has_user and name != "users":
        return "users"
    if has_item and name != "items":
        return "items"
    return None
