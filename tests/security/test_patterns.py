"""`$` also stands before a final line break, so "name\n" passes ^name$: nothing here may check with it.

Python's and Java's expressions do that; pydantic's and pyarrow's (both of the RE2 family) don't.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import TypeAdapter, ValidationError

from checks.unrecorded import UNRECORDED
from config.rules import check_schedule
from config.settings import ColumnName, TableName
from lambdas.get_recommendations import routes
from lambdas.load_warehouse import script
from osusume_endpoint import wire
from osusume_endpoint.stepfunctions.telemetry import ERROR
from tests import folders

FUNCTIONS = {"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
# Expressions of pyarrow and of DuckDB, by RE2, whose $ is the very end.
OF_ANOTHER_ENGINE = {
    "packages/engine/src/osusume_engine/imports.py",
    "glue_jobs/on_duckdb/sql/macros.py",
}


def problems(source: str) -> list[str]:
    tree = ast.parse(source)
    imports_re = any(
        isinstance(n, ast.Import) and any(a.name == "re" for a in n.names) for n in ast.walk(tree)
    )
    found = [p for node in ast.walk(tree) for p in _of_node(node, imports_re=imports_re)]
    allowed = {id(value) for value in _of_pydantic(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in allowed and _is_anchored(node.value):
            found.append(f"line {node.lineno}: {node.value!r} ends in $: leave ^ and $ away, use fullmatch")
    return found


def _of_node(node: ast.AST, *, imports_re: bool) -> Iterator[str]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    of_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
    if of_re and node.func.attr in FUNCTIONS and node.args and _pattern_ends(node):
        yield f"line {node.lineno}: re.{node.func.attr} with $ at the end: use fullmatch or \\Z"
    if (
        node.func.attr == "match"
        and (of_re or (imports_re and len(node.args) == 1))
        and not _of_self(node.func)
    ):
        yield f"line {node.lineno}: match accepts any ending: use fullmatch, or search with \\A"
    if node.func.attr in ("rlike", "regexp_replace") and any(_constant_ends(a) for a in node.args):
        yield f"line {node.lineno}: {node.func.attr} with $ at the end: use \\z"


def _of_self(function: ast.Attribute) -> bool:
    return isinstance(function.value, ast.Name) and function.value.id == "self"


def _pattern_ends(call: ast.Call) -> bool:
    flags = " ".join(
        ast.unparse(argument) for argument in [*call.args[1:], *(k.value for k in call.keywords)]
    )
    return "MULTILINE" not in flags and _constant_ends(call.args[0])


def _constant_ends(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and _has_dollar(part.value)
        for part in ast.walk(node)
    )


def _has_dollar(pattern: str) -> bool:
    """Whether a $ stands outside of [...] and unescaped."""
    bare = re.sub(r"\\.", "", pattern, flags=re.DOTALL)
    return "$" in re.sub(r"\[\]?[^\]]*\]", "", bare)


def _is_anchored(value: object) -> bool:
    return isinstance(value, str) and value[:1] == "^" and value[-1:] == "$" and _has_dollar(value)


def _of_pydantic(tree: ast.AST) -> Iterator[ast.AST]:
    """pattern= of Field, which pydantic's own engine reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Field":
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "pattern")


FILES = sorted(folders.modules())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(folders.ROOT)))
def test_no_pattern_lets_a_trailing_line_break_through(path: Path) -> None:
    if str(path.relative_to(folders.ROOT)) not in OF_ANOTHER_ENGINE:
        assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        'import re\nre.search("a$", x)',
        'import re\nre.compile(r"^a$")',
        'import re\nre.compile("^" + name + "$")',
        'import re\nre.compile(f"^{name}$")',
        'import re\nre.fullmatch("a(b|$)", x)',
        'import re\nre.match("a", x)',
        "import re\nNAME = re.compile('a')\nNAME.match(x)",
        'NAME = r"^[a-z]+$"',
        'column.rlike("[0-9]+$")',
        'F.regexp_replace(column, "0+$", "")',
    ],
)
def test_the_check_finds_a_pattern_that_does(source: str) -> None:
    assert problems(source)


@pytest.mark.parametrize(
    "source",
    [
        r'import re; re.compile(r"\$eval\b")',
        'import re; re.compile("[a$]+")',
        'import re; re.split(";$", x, flags=re.MULTILINE)',
        'import re; re.fullmatch("a", x)',
        "import re; NAME.match(text, position)",
        'name: str = Field(pattern="^a$")',
        'PRICE = "$5$"',
    ],
)
def test_the_check_passes_a_pattern_that_does_not(source: str) -> None:
    assert problems(source) == []


@pytest.mark.parametrize("ending", ["\n", "\r\n", " \n"])
def test_a_line_break_at_the_end_is_refused(ending: str) -> None:
    with pytest.raises(ValueError, match="expression"):
        check_schedule("rate(1 day)" + ending)
    with pytest.raises(ValueError, match="expression"):
        check_schedule("cron(0 3 * * ? *)" + ending)
    with pytest.raises(script.LoadScriptInvalid):
        script.quoted_value("bucket", "name" + ending)
    with pytest.raises(script.LoadScriptInvalid):
        script.column_values({"t": {"a" + ending: "text"}})
    with pytest.raises(script.LoadScriptInvalid):
        script.column_values({"t": {"a": "text" + ending}})
    assert not routes.known("/v1/popular" + ending)
    assert ERROR.search("TaskFailed" + ending) is None
    assert wire.find_route("apigateway", method="GET", path="/restapis" + ending, query={}) is None


@pytest.mark.parametrize("annotation", [ColumnName, TableName])
def test_pydantic_and_pyarrow_take_dollar_for_the_very_end(annotation: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(annotation).validate_python("a.b\n" if annotation is TableName else "a\n")
    assert pc.match_substring_regex(pa.array(["1\n", "1"]), r"^[0-9]$").to_pylist() == [False, True]


def test_a_role_of_another_name_is_recorded_like_any_other() -> None:
    roles = ("Preparation/ValidateDatasetsServiceRole12345678", "Preparation/ValidateDatasets")
    assert [sum(entry.fits(role) for entry in UNRECORDED) for role in roles] == [1, 1]
    assert not any(entry.fits("Other/Preparation/ValidateDatasets") for entry in UNRECORDED)
