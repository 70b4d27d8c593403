"""mapping.yaml: what a person says about the files of a folder. Everything in it is text (YAML's BaseLoader)."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pandas as pd
import yaml

from config.errors import did_you_mean
from local.demo.problems import Problems

TABLES = ("interactions", "users", "items")
FILE = "mapping.yaml"
NAMES = (FILE, "mapping.yml")
UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_UNIT_NAMES = {"seconds": "s", "milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns", "µs": "us"}
_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
NO_HEADER = "none"


@dataclass(frozen=True)
class Time:
    """How a column's times are written; None is detected (`zone`: UTC where the text names none)."""

    unit: str | None = None
    zone: str | None = None
    format: str | None = None


@dataclass(frozen=True)
class Layout:
    """How the files of one table are written; None is detected."""

    files: tuple[str, ...] = ()
    delimiter: str | None = None
    quote: str | None = '"'
    escape: str | None = None
    encoding: str | None = None
    header: tuple[str, ...] | None = None  # the columns' names where the file has none; () numbers them
    null: tuple[str, ...] = ()
    decimal: str = "."
    sql: str | None = None
    time: Time = Time()
    event_type: str | None = None
    event_value: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)  # Personalize's name -> the file's


@dataclass(frozen=True)
class FolderMapping:
    tables: Mapping[str, Layout] = field(default_factory=dict)
    sources: Mapping[str, Layout] = field(default_factory=dict)  # tables that only queries read
    event_types: Mapping[str, str] = field(default_factory=dict)

    def of(self, table: str) -> Layout:
        return self.tables.get(table, Layout())


class _Refused(ValueError):
    """A value of the mapping that can't be meant; the message has key, value and cure."""


class _Loader(yaml.BaseLoader):
    """Text only, and a key that stands twice is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise _Refused(f"{twice[0]} stands twice: keep one")
        return super().construct_mapping(node, deep)


def read(folder: Path, *, problems: Problems) -> FolderMapping:
    """The folder's mapping; an empty one where there is none or it was refused."""
    present = [folder / name for name in NAMES if (folder / name).exists()]
    if len(present) > 1:
        problems.add(f"{' and '.join(path.name for path in present)} both exist: keep one", file=str(folder))
    if not present:
        return FolderMapping()
    content = _content(present[0], problems)
    return _folder_mapping(content, problems) if content else FolderMapping()


def _content(path: Path, problems: Problems) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader) or {}
    except _Refused as error:
        problems.add(str(error), file=FILE)
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problems.add(f"it is not YAML: {' '.join(str(error).split())}", file=FILE)
        return {}
    if not isinstance(content, dict) or not all(isinstance(part, dict) for part in content.values()):
        problems.add("write `interactions: {USER_ID: your_column, ...}`, likewise users, items", file=FILE)
        return {}
    return content


def _folder_mapping(content: Mapping[str, Any], problems: Problems) -> FolderMapping:
    known = [*TABLES, "event_types", "tables"]
    for key in content.keys() - {*known}:
        problems.add(f"{key} is not known: {did_you_mean(key, known)}", file=FILE)
    tables = {name: _layout(name, content[name], problems) for name in TABLES if name in content}
    sources = {
        name: _layout(f"tables.{name}", {"files": part} if not isinstance(part, dict) else part, problems)
        for name, part in content.get("tables", {}).items()
    }
    types = {str(name): str(wanted) for name, wanted in content.get("event_types", {}).items()}
    return FolderMapping(tables, sources, types)


def _layout(where: str, part: Mapping[str, Any], problems: Problems) -> Layout:
    options = {}
    for key in part.keys() & _OPTIONS.keys():
        try:
            options[key] = _OPTIONS[key](part[key])
        except _Refused as error:
            problems.add(f"{key} is {part[key]!r}: {error}", file=FILE, column=where)
    columns = _columns(where, part, problems)
    for option in ("event_type", "event_value"):
        if option in options and option.upper() in columns:
            problems.add(
                f"{option} is for every row, {option.upper()} names a column: keep one",
                file=FILE,
                column=where,
            )
    return Layout(columns=columns, **options)


def _columns(where: str, part: Mapping[str, Any], problems: Problems) -> dict[str, str]:
    columns: dict[str, str] = {}
    for key, value in part.items():
        if key in _OPTIONS:
            continue
        if not isinstance(value, str) or not value:
            known = ", ".join(_OPTIONS)
            problems.add(
                f"{key} is {value!r}: give the name of a column, or one of the options {known}",
                file=FILE,
                column=where,
            )
            continue
        columns[key.upper()] = value
    return columns


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str) for each in values):
        raise _Refused("write a text or a list of texts")
    return tuple(values)


def _files(value: Any) -> tuple[str, ...]:
    values = _texts(value)
    if not all(values):
        raise _Refused("write a file's name, a pattern such as sales-*.csv, or a list of them")
    return values


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _Refused("write one text")
    return value


def _delimiter(value: Any) -> str:
    return _DELIMITERS.get(_text(value), value)


def _one_character_or_none(value: Any) -> str | None:
    if value == NO_HEADER:
        return None
    if len(_text(value)) != 1:
        raise _Refused("write one character, or none")
    return str(value)


def _encoding(value: Any) -> str:
    try:
        return codecs.lookup(_text(value)).name
    except LookupError:
        raise _Refused("write utf-8, utf-16, cp932, euc_jp, cp1252, or another encoding of Python") from None


def _header(value: Any) -> tuple[str, ...]:
    if value == NO_HEADER:
        return ()
    names = _texts(value)
    if len(names) == 1 or len(set(names)) != len(names):
        raise _Refused(
            "write the name of each column in order, such as [USER_ID, ITEM_ID, TIMESTAMP], or none"
        )
    return names


def _decimal(value: Any) -> str:
    if value not in (".", ","):
        raise _Refused('write "," or "."')
    return str(value)


def _number(value: Any) -> str:
    try:
        float(_text(value))
    except ValueError:
        raise _Refused("write a number") from None
    return str(value)


def _check_format(given: str) -> None:
    try:
        pd.to_datetime(pd.Series(["never"]), format=given, errors="coerce")
    except ValueError as error:
        raise _Refused(f"{error}: a format has parts such as %Y-%m-%d %H:%M:%S") from None
    if "%" not in given:
        raise _Refused("a format has parts such as %Y-%m-%d %H:%M:%S")


def _time(value: Any) -> Time:
    parts = {"unit": value} if isinstance(value, str) else value
    if not isinstance(parts, dict):
        raise _Refused("write {unit: ms}, {zone: Asia/Tokyo} or {format: '%d/%m/%Y %H:%M'}")
    for key in parts.keys() - {"unit", "zone", "format"}:
        raise _Refused(f"{key} is not known: {did_you_mean(key, ['unit', 'zone', 'format'])}")
    unit = _UNIT_NAMES.get(parts.get("unit", ""), parts.get("unit"))
    if unit is not None and unit not in UNITS:
        raise _Refused(f"the unit {unit} is not known: use {', '.join(UNITS)}")
    zone = parts.get("zone")
    if zone is not None and zone not in available_timezones():
        raise _Refused(f"the zone {zone} is not known: {did_you_mean(zone, available_timezones())}")
    if "format" in parts:
        _check_format(parts["format"])
    if "format" in parts and unit:
        raise _Refused("unit is for numbers, format for text: keep one")
    return Time(unit, ZoneInfo(zone).key if zone else None, parts.get("format"))


_OPTIONS: Mapping[str, Callable[[Any], Any]] = {
    "files": _files,
    "delimiter": _delimiter,
    "quote": _one_character_or_none,
    "escape": _one_character_or_none,
    "encoding": _encoding,
    "header": _header,
    "null": _texts,
    "decimal": _decimal,
    "sql": _text,
    "time": _time,
    "event_type": _text,
    "event_value": _number,
}
