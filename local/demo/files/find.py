"""Which files of a folder belong to a table, by their names or by mapping.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.errors import did_you_mean
from local.demo.files.mapping import FILE, NAMES, Layout
from local.demo.files.part import TableRefused
from osusume_endpoint import paths

TEXT = (".csv", ".tsv", ".psv", ".tab", ".txt", ".data", ".dat")
JSON = (".jsonl", ".ndjson", ".json")
PARQUET = (".parquet", ".pq")
PACKED = (".gz", ".bz2", ".xz", ".zip")
_INSTEAD = {
    ".xlsx": "save the sheet as CSV (UTF-8)",
    ".xls": "save the sheet as CSV (UTF-8)",
    ".ods": "save the sheet as CSV (UTF-8)",
    ".7z": "unpack it",
    ".rar": "unpack it",
    ".tar": "unpack it",
    ".tgz": "unpack it",
    ".zst": "unpack it",
    ".orc": "write it as Parquet",
    ".avro": "write it as Parquet",
    ".feather": "write it as Parquet",
    ".pkl": "write it as CSV or Parquet",
}
# A copy that an editor or a browser left beside the file.
_SEPARATED = re.compile(r"\A(?:[-_. (]|\d)")


@dataclass(frozen=True)
class Source:
    """One file of a table. `partition`: what folders named `column=value` say."""

    path: Path
    name: str  # below the folder, as the person sees it
    partition: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """text, json or parquet; what else a mapping names is taken for text."""
        suffixes = [suffix.lower() for suffix in self.path.suffixes if suffix.lower() not in PACKED]
        last = suffixes[-1] if suffixes else ""
        if last in _INSTEAD:
            raise TableRefused(f"{last} files are not read: {_INSTEAD[last]}")
        if last in PARQUET or _starts_with(self.path, b"PAR1"):
            return "parquet"
        return "json" if last in JSON else "text"


def _starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def is_json(name: str) -> bool:
    return name.lower().endswith(JSON)


def by_name(folder: Path, table: str) -> list[Source]:
    """interactions.csv, interactions-2025.csv.gz, interactions/*: every form. Raises TableRefused."""
    entries = sorted(path for path in _entries(folder) if _belongs(path, table))
    _check_forms(entries)
    return [source for entry in entries for source in _sources(entry, entry.name)]


def by_mapping(folder: Path, layout: Layout) -> list[Source]:
    """Raises TableRefused for a name or a pattern that nothing matches."""
    found: dict[Path, Source] = {}
    for pattern in layout.files:
        entries = _matching(folder, pattern)
        if not entries:
            names = [entry.name for entry in _entries(folder)]
            raise TableRefused(
                f"files is {pattern!r}, which {folder} lacks: {did_you_mean(pattern, names or ['nothing'])}"
            )
        for entry in entries:
            name = entry.relative_to(folder).as_posix() if entry.is_relative_to(folder) else str(entry)
            found.update({source.path: source for source in _sources(entry, name)})
    return list(found.values())


def _matching(folder: Path, pattern: str) -> list[Path]:
    """What lies in the folder; nothing that a pattern or a link would find elsewhere."""
    try:
        exact = paths.inside(folder, pattern)
        if exact.exists():
            return [exact]
        found = sorted(folder.glob(pattern))
    except (ValueError, NotImplementedError):  # an absolute path, or stars in a way that can't be meant
        return []
    return [path for path in found if path.resolve().is_relative_to(folder.resolve())]


def unused(folder: Path, used: Sequence[Source]) -> list[str]:
    """Names of entries that nothing reads."""
    read = {source.path for source in used}
    return [
        entry.name + ("/" if entry.is_dir() else "")
        for entry in sorted(_entries(folder))
        if entry.name not in NAMES and not any(path == entry or entry in path.parents for path in read)
    ]


def listing(folder: Path) -> str:
    names = sorted(entry.name for entry in _entries(folder))
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "nothing"


def candidate(folder: Path) -> str | None:
    """The largest file that could be a table, for a cure that can be right."""
    known = (*TEXT, *JSON, *PARQUET, *PACKED)
    others = ("users", "items", "readme", "license")
    files = [
        path
        for path in _entries(folder)
        if path.is_file() and path.name.lower().endswith(known) and not path.name.lower().startswith(others)
    ]
    return max(files, key=lambda path: path.stat().st_size).name if files else None


def _entries(folder: Path) -> list[Path]:
    """The entries of a folder, without what tools leave: hidden files, Spark's _SUCCESS."""
    return [path for path in folder.iterdir() if not path.name.startswith((".", "_", "~"))]


def _belongs(path: Path, table: str) -> bool:
    name = path.name.lower()
    if not name.startswith(table):
        return False
    rest = name.removeprefix(table)
    if path.is_dir():
        return rest in ("", *PARQUET)
    known = (*TEXT, *JSON, *PARQUET, *PACKED, *_INSTEAD)
    return rest.endswith(known) and bool(_SEPARATED.search(rest))


def _stem(path: Path) -> str:
    name = path.name.lower()
    suffix = re.search(r"(\.[a-z][a-z0-9]*){1,2}\Z", name) if path.is_file() else None
    return name[: suffix.start()] if suffix else name.removesuffix(".parquet").removesuffix(".pq")


def _check_forms(entries: Sequence[Path]) -> None:
    """The same rows in two forms would count twice."""
    for entry in entries:
        twins = [other.name for other in entries if _stem(other) == _stem(entry)]
        if len(twins) > 1:
            raise TableRefused(f"{' and '.join(twins)} both exist: keep one")


def _sources(entry: Path, name: str) -> list[Source]:
    if entry.is_file():
        return [Source(entry, name)]
    inside = sorted(path for path in entry.rglob("*") if path.is_file() and _is_visible(path, entry))
    if not inside:
        raise TableRefused(f"the folder {name} holds no file: add one, or see `files` in {FILE}")
    return [
        Source(path, f"{name}/{path.relative_to(entry).as_posix()}", _partition(path, entry))
        for path in inside
    ]


def _is_visible(path: Path, root: Path) -> bool:
    return not any(part.startswith((".", "_")) for part in path.relative_to(root).parts)


def _partition(path: Path, root: Path) -> dict[str, str]:
    """Hive's form, which Spark writes: folders named column=value."""
    folders = path.relative_to(root).parts[:-1]
    return dict(part.split("=", 1) for part in folders if "=" in part)
