"""docs/changing.md names what is there, and its two examples work as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from config import files
from tests import example, links

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "changing.md").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.split("\n## ")[0].splitlines()  # of the first table
    if line.startswith("| ") and not line.startswith("| what")
]
KINDS = "recipe rule source environment column route alarm field".split()


def test_every_kind_of_change_has_a_row() -> None:
    first = " ".join(row[0] for row in ROWS)
    assert [kind for kind in KINDS if not re.search(rf"\b{kind}\b", first)] == []
    assert all(len(row) == 4 and all(row) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_files_commands_and_tests_of_a_row_exist(row: list[str]) -> None:
    _, edit, then, tests = row
    for path in re.findall(r"`([\w/]+/(?:[\w.]+)?)`", f"{edit} {tests}"):
        assert links.is_there(ROOT, path), path
    for command in re.findall(r"`make ([a-z -]+)`", then):
        assert set(command.split()) <= TARGETS, command
    assert all(path.startswith("tests/") for path in re.findall(r"`([^`]+)`", tests))


def test_a_key_stands_in_the_file_of_the_configuration_that_its_row_names() -> None:
    """Lists are replaced whole, so a row that is written elsewhere drops the others."""
    named = [found for row in ROWS for found in keys_and_files(row[1])]
    assert {"solutions", "datasets.interactions.events", "placements", "rules"} <= {key for key, _ in named}
    assert [(key, file) for key, file in named if not stands(key, example.CONFIG / file)] == []


def keys_and_files(edit: str) -> list[tuple[str, str]]:
    """Keys of "`key`, `key` in `config/<file>.yaml`"."""
    lists = re.findall(r"((?:`[a-z_.]+`(?:, )?)+) in `config/(\w+\.yaml)`", edit)
    return [(key, file) for keys, file in lists for key in re.findall(r"`([^`]+)`", keys)]


def stands(key: str, file: Path) -> bool:
    content: Any = files.content(file) if file.exists() else {}
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content is not None


@pytest.mark.parametrize(
    ("table", "file"),
    [
        ("RULES", "glue_jobs/rules.py"),
        ("SOURCES", "glue_jobs/sources.py"),
        ("USER_STATE", "glue_jobs/postprocess_recommendations.py"),
        ("ROUTES", "lambdas/get_recommendations/routes.py"),
        ("OPERATIONS", "lambdas/get_recommendations/handler.py"),
        ("STACKS", "app.py"),
    ],
)
def test_the_tables_are_where_the_page_says(table: str, file: str) -> None:
    assert f"`{table}`" in PAGE and f"`{file}`" in PAGE
    assert re.search(rf"^{table}\b.* = ", (ROOT / file).read_text(), re.MULTILINE)


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_rule_of_the_page_works_on_a_plain_list() -> None:
    from datetime import UTC, datetime

    from glue_jobs import rules
    from tests.glue_jobs.test_rules import OnValues

    names = dict(vars(rules))
    exec(examples()[0].replace("...,", "**RULES,"), names)
    rule = names["RULES"]["exclude_gone_before"]
    given = rules.Given(
        user={},
        items={"gone_at": {"a": "2026-11-01 00:00:00"}},
        now=datetime(2026, 11, 24, tzinfo=UTC),
        results=25,
    )
    left = rule.apply(OnValues(), [("a", 1.0), ("b", 0.5)], given, "2026-10-01 00:00:00")
    assert left == [("b", 0.5)]


def test_the_source_of_the_page_is_a_row_with_a_name_that_the_configuration_takes() -> None:
    pytest.importorskip("pyspark")
    from glue_jobs import sources

    names = dict(vars(sources))
    exec(examples()[2], names)
    assert set(re.findall(r'"(\w+)"', examples()[3])) == set(names["SOURCES"])
