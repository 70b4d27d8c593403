"""Modules import each other without cycles, but for the interpreter, whose states hold states."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import networkx as nx

from tests import folders

SOURCES = tuple(folders.ROOT / name for name in folders.PACKAGES)
INTERPRETER = "osusume_endpoint.stepfunctions."
Graph = Mapping[str, frozenset[str]]


def modules(places: Iterable[Path]) -> dict[str, Path]:
    found = {}
    for place in places:
        for path in place.rglob("*.py"):
            parts = path.relative_to(place).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All that may run, within functions too: what stands below `if TYPE_CHECKING` never does."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            continue
        yield node
        yield from statements(node)


def imported(tree: ast.AST, package: str) -> Iterator[str]:
    for node in statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def graph(known: Mapping[str, Path]) -> Graph:
    """An import of a name counts for the module that holds it."""
    edges = {}
    for name, path in known.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        targets = (
            target if target in known else target.rpartition(".")[0]
            for target in imported(ast.parse(path.read_text()), package)
        )
        edges[name] = frozenset(target for target in targets if target in known and target != name)
    return edges


def cycles(edges: Graph) -> list[set[str]]:
    found = nx.DiGraph((name, target) for name, targets in edges.items() for target in targets)
    return [set(part) for part in nx.strongly_connected_components(found) if len(part) > 1]


def test_the_interpreter_is_the_only_cycle() -> None:
    known = modules(SOURCES)
    assert len(known) > 200
    found = cycles(graph(known))
    assert [part for part in found if not all(name.startswith(INTERPRETER) for name in part)] == []
    [interpreter] = found
    states = {name for name in known if name.startswith(f"{INTERPRETER}states.")}
    others = {"execution", "machine", "map_run", "result_writer", "states"}
    assert interpreter <= states | {INTERPRETER + name for name in others}


def test_the_template_has_no_cycle() -> None:
    parts = {name.replace("/", "."): modules([folders.ROOT / name]) for name in folders.TEMPLATE}
    known = {
        f"{part}.{name}".rstrip("."): path for part, found in parts.items() for name, path in found.items()
    }
    assert len(known) > 500
    assert cycles(graph(known)) == []


def test_a_cycle_is_found_where_one_import_stands_in_a_function(tmp_path: Path) -> None:
    for name, text in {
        "a.py": "from pack import b\n",
        "b.py": "def late():\n    from .c import thing\n",
        "c.py": "import pack.a\nthing = 1\n",
        "d.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pack.a import b\n",
        "__init__.py": "",
    }.items():
        (tmp_path / "pack").mkdir(exist_ok=True)
        (tmp_path / "pack" / name).write_text(text)
    assert cycles(graph(modules([tmp_path]))) == [{"pack.a", "pack.b", "pack.c"}]
