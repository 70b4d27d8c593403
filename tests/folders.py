"""The folders of the product, once, for tests that look at all of its source. A fork has no packages."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _type_checked() -> tuple[str, ...]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tuple(tomllib.load(file)["tool"]["mypy"]["files"])


# Mypy goes without what runs beside a dbt project, and without what is generated.
GENERATED = "clients/python"
ALL = (*_type_checked(), "warehouse", GENERATED)
TEMPLATE = tuple(name for name in ALL if not name.startswith("packages/"))
PACKAGES = tuple(name for name in ALL if name.startswith("packages/"))


def modules(names: Iterable[str] = ALL) -> Iterator[Path]:
    """Python files of folders, or a file that is named itself."""
    for path in (ROOT / name for name in names):
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))
