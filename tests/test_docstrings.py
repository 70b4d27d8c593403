"""Docstrings of what is shipped name what they speak of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import folders

# Benches of packages as well. What a generator wrote is the generator's.
LOOKED_AT = (*folders.ALL, "packages/engine/bench")
# A docstring that begins so has left its noun out; and phrases that slow a reader.
BEGINNINGS = (
    "Of ",
    "By ",
    "In the order ",
    "Per ",
    "Those ",
    "Whom ",
    "Also ",
    "Worded ",
    "Kept ",
    "Since ",
    "Made ",
    # A clause or phrase that says how, when or where, and not what.
    "After ",
    "Among ",
    "As ",
    "At the ",
    "Before ",
    "Beside ",
    "Between ",
    "For ",
    "From ",
    "In ",
    "On ",
    "To ",
    "Until ",
    "With ",
    "Within ",
    "Without ",
)
PHRASES = ("takes the way of", "is mended", "in earnest", "anew")
# People are "they"; and "one row per user", not "one row a user".
WORDS = re.compile(
    r"\b(?:he|him|his|himself|she|her|herself)\b"
    r"|\b(?:one|two) (?!(?:as|at|for|in|of|that|with|without)\b)\w+ an? \w+|\ban? row an? \w+",
    re.IGNORECASE,
)


def sources() -> list[Path]:
    return [path for path in folders.modules(LOOKED_AT) if "osusume_client" not in path.parts]


def faults(text: str) -> Iterator[str]:
    """Name and first words of each docstring that is at fault."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        said = ast.get_docstring(node) or ""
        if said.startswith(BEGINNINGS) or any(phrase in said for phrase in PHRASES) or WORDS.search(said):
            yield f"{getattr(node, 'name', 'module')}: {said[:60]}"


def test_every_docstring_names_its_noun_in_plain_words() -> None:
    found = [
        f"{path.relative_to(folders.ROOT)}: {fault}"
        for path in sources()
        for fault in faults(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("Of the role, its name.", 1),
        ("By name.", 1),
        ("In a process of its own.", 1),
        ("From `Named` on, with `named`.", 1),
        ("Without nulls.", 1),
        ("At most ten entries.", 0),
        ("The name of the role.", 0),
        ("Office hours.", 0),
        ("Starts when the disk is full in earnest.", 1),
        ("Those of the workflows that run.", 1),
        ("Whether a user comes back to his items.", 1),
        ("Whether users come back to their items.", 0),
        ("One row a user.", 1),
        ("One row per user.", 0),
        ("The parts, each a row a user.", 1),
        ("Writes the file anew.", 1),
    ],
)
def test_a_docstring_at_fault_is_found(said: str, count: int) -> None:
    assert len(list(faults(f'class Thing:\n    async def it(self):\n        """{said}"""\n'))) == count
