"""Docstrings of what is shipped name what they speak of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.repository import REPOSITORY

PRODUCT = "app.py checks config glue_jobs lambdas local packages stacks warehouse".split()
# A docstring that begins so has left its noun out; and phrases that slow a reader.
BEGINNINGS = ("Of ", "By ", "In the order ")
PHRASES = ("takes the way of", "is mended", "in earnest", "One row a user")


def sources() -> list[Path]:
    found = [REPOSITORY / "app.py"]
    for folder in PRODUCT[1:]:
        found += sorted((REPOSITORY / folder).rglob("*.py"))
    return [path for path in found if "tests" not in path.relative_to(REPOSITORY).parts]


def faults(text: str) -> Iterator[str]:
    """Name and first words of each docstring that is at fault."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        said = ast.get_docstring(node) or ""
        if said.startswith(BEGINNINGS) or any(phrase in said for phrase in PHRASES):
            yield f"{getattr(node, 'name', 'module')}: {said[:60]}"


def test_every_docstring_names_its_noun_in_plain_words() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}: {fault}" for path in sources() for fault in faults(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("Of the role, its name.", 1),
        ("By name.", 1),
        ("The name of the role.", 0),
        ("Office hours.", 0),
        ("Starts when the disk is full in earnest.", 1),
    ],
)
def test_a_docstring_at_fault_is_found(said: str, count: int) -> None:
    assert len(list(faults(f'class Thing:\n    async def it(self):\n        """{said}"""\n'))) == count
