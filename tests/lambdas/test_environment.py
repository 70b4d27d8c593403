from __future__ import annotations

import ast
import importlib
import re
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from lambdas.shared.environment import LONGEST_PLAIN, PACKED, EnvironmentInvalid, loaded, packed, read

FOLDER = Path(__file__).parents[2] / "lambdas"
FUNCTIONS = sorted(path.parent.name for path in FOLDER.glob("*/handler.py"))
DIMENSIONS = {"Dataset", "Experiment", "Rule", "Service", "Solution", "Source", "Variant"}


@dataclass(frozen=True)
class Sample:
    table: str
    days: int
    share: float
    names: list[str]
    recipes: dict[str, str]
    optional: str = ""
    port: int = 5439


GOOD = {"TABLE": "t", "DAYS": "3", "SHARE": "0.5", "NAMES": '["a"]', "RECIPES": '{"a": "b"}'}


def test_variables_become_typed_values() -> None:
    assert read(Sample, GOOD | {"PORT": "1"}) == Sample("t", 3, 0.5, ["a"], {"a": "b"}, "", 1)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TABLE", None, "TABLE: missing"),
        ("TABLE", "", "TABLE: empty"),
        ("DAYS", "three", "DAYS: invalid literal"),
        ("SHARE", "half", "SHARE: could not convert"),
        ("NAMES", "[", "NAMES: '[' is not JSON"),
        ("NAMES", "{}", "NAMES: '{}' is not a JSON array"),
        ("RECIPES", "[]", "RECIPES: '[]' is not a JSON object"),
        ("PORT", "x", "PORT: invalid literal"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_wrong(name: str, value: str | None, said: str) -> None:
    given = {key: text for key, text in (GOOD | {name: value}).items() if text is not None}
    with pytest.raises(EnvironmentInvalid, match=re.escape(said)):
        read(Sample, given)


def test_all_wrong_variables_are_named_at_once() -> None:
    with pytest.raises(EnvironmentInvalid) as raised:
        read(Sample, {})
    assert [line.split(":")[0] for line in str(raised.value).splitlines()[1:]] == [
        "TABLE",
        "DAYS",
        "SHARE",
        "NAMES",
        "RECIPES",
    ]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_readme_documents_every_variable(function: str) -> None:
    kind = importlib.import_module(f"lambdas.{function}.environment").Environment
    text = (FOLDER / "README.md").read_text()
    for field in fields(kind):
        name = field.name.upper()
        assert f"`{name}`" in text or name == "POWERTOOLS_METRICS_NAMESPACE", (
            f"{name} of {function} is undocumented"
        )


def counted(function: str) -> set[str]:
    """Names of metrics that a handler counts: keys, but of dimensions, in what calls `count`."""
    found: set[str] = set()
    tree = ast.parse((FOLDER / function / "handler.py").read_text())
    for node in [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]:
        inner = list(ast.walk(node))
        if any(isinstance(one, ast.Call) and ast.unparse(one.func) == "count" for one in inner):
            keys = [key for one in inner if isinstance(one, ast.Dict) for key in one.keys]
            texts = [key.value for key in keys if isinstance(key, ast.Constant)]
            found |= {text for text in texts if isinstance(text, str) and text[:1].isupper()}
    return found - DIMENSIONS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_readme_names_every_metric_of_a_function(function: str) -> None:
    table = (FOLDER / "README.md").read_text().partition("| function | metrics |")[2].partition("\n\n")[0]
    named: dict[str, set[str]] = {}
    of = ""
    for line in table.splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        of = cells[0] or of
        named.setdefault(of, set()).update(re.findall(r"`(\w+)`", cells[1]))
    assert counted(function) - named.get(function, set()) == set()


def test_metrics_are_found() -> None:
    assert counted("get_recommendations") == {
        "Acted",
        "Answers",
        "Degraded",
        "Failed",
        "ImpressionsDropped",
        "ReadMs",
    }


@pytest.mark.parametrize("head", ["| function | actions |", "| function | event |"])
def test_the_readme_says_of_every_function_what_it_may_and_what_it_takes(head: str) -> None:
    table = (FOLDER / "README.md").read_text().partition(head)[2].partition("\n\n")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    assert sorted({name.strip() for cell in first for name in cell.split(",")} - {""}) == FUNCTIONS


def test_there_are_nineteen_functions() -> None:
    assert FUNCTIONS == [
        "analyse_experiments",
        "authorize_reader",
        "build_datasets",
        "clean_up",
        "forget_users",
        "get_recommendations",
        "grant_reader",
        "judge_lists",
        "judge_solution_version",
        "load_warehouse",
        "plan_run",
        "publish_recommendations",
        "record_events",
        "request_forgetting",
        "run_dbt",
        "stop_variant",
        "stream_events",
        "validate_datasets",
        "validate_experiments",
    ]


def test_what_is_long_is_compressed_and_read_as_it_was() -> None:
    """The guide allows 100 fields of items and 10 solutions of a dataset group; all variables have 4 KB together."""
    columns = {"items": {f"attribute_of_the_product_{number:02}": "varchar(1000)" for number in range(100)}}
    floors = {f"normalized_discounted_cumulative_gain_at_{k}": 0.01 * k for k in (5, 10, 25)}
    rules = {f"solution-{number}": {"metric": "coverage", "floors": floors} for number in range(10)}
    for value in (columns, rules):
        text = packed(value)
        assert text.startswith(PACKED) and len(text) < LONGEST_PLAIN
        assert loaded(text) == value
    assert read(Sample, GOOD | {"RECIPES": packed(columns["items"])}).recipes == columns["items"]


def test_what_is_short_can_be_read_by_people() -> None:
    assert packed({"a": ["b"]}) == '{"a": ["b"]}' and loaded('{"a": ["b"]}') == {"a": ["b"]}


@pytest.mark.parametrize("text", [PACKED + "!", PACKED + "aGVsbG8=", PACKED, "{"])
def test_what_nothing_packed_is_refused(text: str) -> None:
    with pytest.raises(EnvironmentInvalid, match=r"RECIPES: .* is not JSON"):
        read(Sample, GOOD | {"RECIPES": text})
