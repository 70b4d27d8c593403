"""The folders of the product, once, for tests that look at all of its source. A fork has no packages."""

from __future__ import annotations

import os
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


# What is installed or made, besides hidden folders.
MADE = frozenset({"node_modules", "cdk.out", "__pycache__"})


def files() -> Iterator[str]:
    """Every file of the tree, by its path from the root. Trees that tests copy are no repository of git."""
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in MADE and not name.startswith(".")]
        yield from (Path(folder, name).relative_to(ROOT).as_posix() for name in names)


def modules(names: Iterable[str] = ALL) -> Iterator[Path]:
    """Python files of folders, or a file that is named itself."""
    for path in (ROOT / name for name in names):
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))
