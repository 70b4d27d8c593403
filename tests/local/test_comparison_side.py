"""What one side of a comparison hands to the jobs and to the engine, from the configuration alone."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pandas as pd

import glue_jobs
from local.comparison import side
from local.comparison.review import Answer, review
from osusume_engine.data import Event, TrainingData
from tests import example
from tests.local.test_comparison import SHARED

GLUE = Path(glue_jobs.__path__[0])
SEGMENTS = {
    "name": "bakers",
    "recipe": "aws-item-attribute-affinity",
    "for_each": "attributes",
    "results": 10,
    "queries": {"bakers": 'ITEMS.CATEGORY_L1 = "BAKERY"'},
}


def calls_of_s3() -> dict[str, set[str]]:
    """Operation -> parameters, of every call that a job makes of a client named s3."""
    found: dict[str, set[str]] = {}
    for path in GLUE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="s3"), attr=name), keywords=given):
                    found.setdefault(name, set()).update(str(one.arg) for one in given)
    return found


def test_folders_answer_every_call_that_a_job_makes_of_s3() -> None:
    calls = calls_of_s3()
    assert "list_objects_v2" in calls
    for name, given in calls.items():
        parameters = inspect.signature(getattr(side.Folders, name)).parameters
        assert given <= set(parameters) or "_" in parameters, name


def test_folders_list_what_lies_below_a_prefix_and_after_a_name(tmp_path: Path) -> None:
    folders = side.Folders(tmp_path)
    for day in ("01", "02", "03"):
        folders.put_object(Bucket="raw", Key=f"exposures/day=2026-11-{day}/a.json", Body=b"")
    found = folders.list_objects_v2(
        Bucket="raw", Prefix="exposures/", Delimiter="/", StartAfter="exposures/day=2026-11-01/~"
    )
    assert [one["Prefix"] for one in found["CommonPrefixes"]] == [
        "exposures/day=2026-11-02/",
        "exposures/day=2026-11-03/",
    ]
    nothing = folders.list_objects_v2(Bucket="raw", Prefix="other/", Delimiter="/", StartAfter="other/")
    assert nothing == {"CommonPrefixes": []}


def test_solutions_without_lists_are_left_out_and_named() -> None:
    settings = example.settings(solutions=[*example.content()["solutions"], SEGMENTS])
    assert [one.name for one in side.listed(settings)] == [
        one["name"] for one in example.content()["solutions"]
    ]
    one = Answer(left_out=["bakers"])
    assert review(one, one, SHARED).left_out == ("bakers",)


def test_a_solutions_own_events_are_what_it_learns_from() -> None:
    made = example.content()["solutions"]
    own = [{"type": "purchase", "weight": 0.5, "min_value": 100.0}]
    settings = example.settings(solutions=[made[0] | {"events": own}, *made[1:]])
    found = side._events(settings, settings.solutions[0])
    assert found.weights(["purchase"]) == [0.5]
    assert found.accepts(Event("i", 0, "purchase", 100.0))
    assert not found.accepts(Event("i", 0, "purchase", 99.0))
    assert not found.accepts(Event("i", 0, "view"))


def test_excluded_fields_are_not_learned_from() -> None:
    items = pd.DataFrame({"ITEM_ID": ["a"], "PRICE": [1.0], "CATEGORY_L1": ["x"]})
    data = TrainingData(
        items=items, categorical={"Items": frozenset({"CATEGORY_L1"})}, textual={"Items": frozenset()}
    )
    found = side._without(data, {"items": ("CATEGORY_L1",)})
    assert found.items is not None
    assert list(found.items.columns) == ["ITEM_ID", "PRICE"]
    assert found.categorical == {"Items": frozenset()}
