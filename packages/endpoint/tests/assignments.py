"""Where Python source assigns to a part of LIBRARIES: an attribute of a module or class, an entry of a table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

LIBRARIES = ("ministack", "hypercorn", "json")
# What a call of these does to a list, dict or set is an assignment too.
CHANGING = {"append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
CHANGING |= {"__setitem__", "__setattr__", "__delitem__"}
# Names under which functions are given a module of ministack.
GIVEN = {"ministack": "ministack", "glue": "ministack.services.glue"}


class Assignments:
    """`found`: (line, the part), of one module's source."""

    def __init__(self, tree: ast.Module) -> None:
        self._roots = dict(GIVEN)
        for node in ast.walk(tree):
            self._note_import(node)
        # Twice: an alias may stand before the alias that it is of.
        for node in [*ast.walk(tree), *ast.walk(tree)]:
            self._note_alias(node)
        self.found = sorted({pair for node in ast.walk(tree) for pair in self._of(node)})

    def _note_import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for name in node.names:
                if _is_of_library(name.name):
                    bound = name.name.split(".")[0]
                    self._roots[name.asname or bound] = name.name if name.asname else bound
        elif isinstance(node, ast.ImportFrom) and _is_of_library(node.module or ""):
            for name in node.names:
                self._roots[name.asname or name.name] = f"{node.module}.{name.name}"

    def _note_alias(self, node: ast.AST) -> None:
        """Notes `a = provisioners._RESOURCE_HANDLERS`, `a = import_module("ministack.app")`, `a = live.ministack`."""
        if not isinstance(node, (ast.Assign, ast.NamedExpr, ast.AnnAssign)) or node.value is None:
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for name, value in pairs:
                part = self._part(value)
                if isinstance(name, ast.Name) and part:
                    self._roots[name.id] = part

    def _part(self, node: ast.AST) -> str:
        """The part that an expression names, "" of what isn't ministack's."""
        if isinstance(node, ast.Name):
            return self._roots.get(node.id, "")
        if isinstance(node, ast.Attribute):
            inner = self._part(node.value)
            return f"{inner}.{node.attr}" if inner else GIVEN.get(node.attr, "")
        if isinstance(node, ast.Subscript):
            return self._part(node.value)
        return _imported(node) if isinstance(node, ast.Call) else ""

    def _of(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        for target in _targets(node):
            if isinstance(target, (ast.Attribute, ast.Subscript)) and (part := self._part(target)):
                yield target.lineno, part
        if isinstance(node, ast.Call):
            part = self._changed_by(node)
            if part:
                yield node.lineno, part

    def _changed_by(self, call: ast.Call) -> str:
        if isinstance(call.func, ast.Name) and call.func.id in ("setattr", "delattr"):
            computed = len(call.args) > 1 and not isinstance(call.args[1], ast.Constant)
            return self._part(call.args[0]) or ("a computed name" if computed else "")
        if isinstance(call.func, ast.Attribute) and call.func.attr in CHANGING:
            return self._part(call.func.value)
        return ""


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, (ast.Assign, ast.Delete)):
        return [each for target in node.targets for each in _unpacked(target)]
    if isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For, ast.AsyncFor)):
        return _unpacked(node.target)
    if isinstance(node, ast.withitem) and node.optional_vars is not None:
        return _unpacked(node.optional_vars)
    return []


def _unpacked(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, (ast.Tuple, ast.List)):
        return [each for element in target.elts for each in _unpacked(element)]
    return _unpacked(target.value) if isinstance(target, ast.Starred) else [target]


def _imported(call: ast.Call) -> str:
    name = call.args[0] if call.args else None
    called = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if called != "import_module" or not isinstance(name, ast.Constant):
        return ""
    return str(name.value) if _is_of_library(str(name.value)) else ""


def _is_of_library(module: str) -> bool:
    return module.split(".")[0] in LIBRARIES


def assignments(source: str) -> list[tuple[int, str]]:
    return Assignments(ast.parse(source)).found


def in_folder(folder: Path) -> dict[str, list[tuple[int, str]]]:
    """By the path of each module that assigns to any."""
    found = {
        str(path.relative_to(folder)): assignments(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
    }
    return {path: lines for path, lines in found.items() if lines}
