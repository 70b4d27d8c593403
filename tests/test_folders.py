"""The list of the product's folders is that of the tree, and of the tools that are told folders."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from typing import Any

from tests import folders

SOURCES = [name for name in folders.files() if name.endswith(".py")]


def tool() -> dict[str, Any]:
    with (folders.ROOT / "pyproject.toml").open("rb") as file:
        return dict(tomllib.load(file)["tool"])


def tops() -> set[str]:
    """Folders of the template with source, and its one file."""
    return {name.partition("/")[0] for name in SOURCES} - {"tests", "packages"}


def test_every_folder_with_source_is_in_the_list() -> None:
    assert {name.partition("/")[0] for name in folders.TEMPLATE} == tops()
    of_packages = [
        name.split("/")[:3] for name in SOURCES if name.startswith("packages/") and "/src/" in name
    ]
    assert set(folders.PACKAGES) == {"/".join(parts) for parts in of_packages}
    assert len(list(folders.modules())) > 300


def test_tools_are_told_every_folder() -> None:
    own = tops() - {"app.py"}
    assert set(tool()["ruff"]["lint"]["isort"]["known-first-party"]) >= own - {"clients", "warehouse"}
    assert set(tool()["vulture"]["paths"]) >= {*folders.ALL} - {folders.GENERATED}


def test_contracts_of_imports_forbid_every_folder_of_the_template() -> None:
    """A folder that is in no list may be imported by a package, and nothing says so."""
    template = tops() - {"app.py", "clients", "warehouse"}
    linter = tool()["importlinter"]
    assert set(linter["root_packages"]) == template | {"osusume_endpoint", "osusume_engine"}
    forbidden = {c["source_modules"][0]: set(c["forbidden_modules"]) for c in linter["contracts"]}
    assert forbidden["osusume_engine"] == template | {"osusume_endpoint"}
    assert forbidden["osusume_endpoint"] == template


def test_packages_import_nothing_beside_them() -> None:
    """Benches and tests too, which import-linter does not read. `bench` and `tests` are folders of packages as well."""
    beside = tops() - {"bench"}
    found = [
        f"{name}: {module}"
        for name in SOURCES
        if name.startswith("packages/")
        for module in imported((folders.ROOT / name).read_text())
        if module.partition(".")[0] in beside
    ]
    assert found == []


def imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
