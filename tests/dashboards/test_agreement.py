"""One specification, two renderers: each visual shows the same fields, aggregations and filters in both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dashboards import page, quicksight
from dashboards.pages import PAGES
from dashboards.spec import DataSet, Measure, Page, Ratio, SpecificationInvalid, Visual, checked, data_sets
from tests.dashboards import drawn, rows

ARNS = {data.mart: f"arn:{data.mart}" for data in data_sets(PAGES)}
DEFINITION = quicksight.definition(PAGES, ARNS)
MODEL = page.model(PAGES, rows.content())
VISUALS = {visual.id: (one, visual) for one in PAGES for visual in one.visuals}


@pytest.mark.parametrize("name", VISUALS)
def test_both_renderers_show_the_same(name: str) -> None:
    here, there = drawn.in_page(MODEL)[name], drawn.in_quicksight(DEFINITION)[name]
    if VISUALS[name][1].drawn == "table":  # which value stands first is the control's, not the table's
        there = there._replace(choices=frozenset((column, "") for column, _ in there.choices))
    assert here == there


@pytest.mark.parametrize("name", VISUALS)
def test_both_show_what_the_specification_says(name: str) -> None:
    one, visual = VISUALS[name]
    there = drawn.in_quicksight(DEFINITION)[name]
    assert {column for column, _ in there.dimensions} == set(visual.dimensions)
    assert there.measures == {
        ("ratio", (m.numerator, m.denominator)) if isinstance(m, Ratio) else (m.aggregation, (m.column,))
        for m in visual.measures
    }
    assert there.filters == {(f.column, f.values) for f in visual.filters}
    assert {column for column, _ in there.choices} == {
        one.parameter(name).column for name in visual.parameters
    }


def test_every_visual_is_in_both() -> None:
    assert set(VISUALS) == set(drawn.in_page(MODEL)) == set(drawn.in_quicksight(DEFINITION))
    assert len(VISUALS) >= 25


def test_a_ratio_is_a_sum_over_a_sum_in_both() -> None:
    for shown in (drawn.in_page(MODEL), drawn.in_quicksight(DEFINITION)):
        assert ("ratio", ("clicked_items", "shown_items")) in shown["rates-by-position"].measures
        assert ("ratio", ("score_total", "scored_lists")) in shown["scores"].measures


def tampered(**changes: Any) -> tuple[Page, ...]:
    """The pages with another first visual."""
    first = PAGES[0]
    return (replace(first, visuals=(replace(first.visuals[1], **changes), *first.visuals[2:])), *PAGES[1:])


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": None},
        {"filters": ()},
        {"parameters": ()},
        {"measures": (Measure(title="Lists", column="lists", aggregation="sum"),)},
        {"measures": (Measure(title="x", column="user_coverage", aggregation="max"),)},
        {"measures": (Ratio(title="x", numerator="covered_users", denominator="known_users"),)},
    ],
)
def test_a_renderer_of_another_specification_is_noticed(changes: dict[str, Any]) -> None:
    name = PAGES[0].visuals[1].id
    other = drawn.in_page(page.model(tampered(**changes), rows.content()))[name]
    assert other != drawn.in_quicksight(DEFINITION)[name]


def visual(**changes: Any) -> Visual:
    return replace(PAGES[0].visuals[1], **changes)


SHARE = Measure(title="x", column="gini", aggregation="average")
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"by": ("run_on",)}, "has no column run_on: take one of"),
    ({"by": ("run_at", "solution")}, "a chart has one axis, not 2"),
    ({"measures": ()}, "it shows nothing"),
    ({"measures": (SHARE,), "colour": None}, "average of gini, which is a share, over solution"),
    ({"measures": (SHARE,), "by": ("solution",), "colour": None}, "over run_id"),
    ({"measures": (replace(SHARE, aggregation="sum"),)}, "sum of gini, which is a share"),
    ({"measures": (replace(SHARE, column="audience"),)}, "average of audience, which is no number"),
    ({"measures": (SHARE, replace(SHARE, column="sameness"))}, "colours split one measure"),
    ({"parameters": ("month",)}, "has no parameter month"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_a_specification_that_can_not_be_right_is_refused(changes: dict[str, Any], said: str) -> None:
    one = replace(PAGES[0], visuals=(*PAGES[0].visuals, visual(id="new", **changes)))
    with pytest.raises(SpecificationInvalid, match=f"visual new: .*{said}"):
        checked((one, *PAGES[1:]))


def test_a_parameter_that_changes_nothing_and_a_visual_twice_are_refused() -> None:
    first = PAGES[0]
    idle = replace(first, parameters=(*first.parameters, replace(first.parameters[0], name="idle")))
    with pytest.raises(SpecificationInvalid, match="parameter idle changes no visual"):
        checked((idle,))
    with pytest.raises(SpecificationInvalid, match="visual user-coverage is there twice"):
        checked((first, replace(first, id="other", visuals=(visual(parameters=()),), parameters=())))


def described(data: DataSet) -> set[str]:
    from tests.warehouse.test_dashboard_marts import documented

    return set(documented()[data.mart])


@pytest.mark.parametrize("data", data_sets(PAGES), ids=lambda data: data.mart)
def test_a_data_sets_columns_are_described_columns_of_its_mart(data: DataSet) -> None:
    assert {column.name for column in data.columns} <= described(data)


@pytest.mark.parametrize("data", data_sets(PAGES), ids=lambda data: data.mart)
def test_a_data_sets_grain_is_the_one_that_dbt_tests(data: DataSet) -> None:
    import yaml

    from tests.warehouse.conftest import WAREHOUSE

    file = WAREHOUSE / "models" / "marts" / f"{data.mart}.yml"
    model = yaml.safe_load(file.read_text())["models"][0]
    together = [one["unique_combination"]["arguments"]["columns"] for one in model.get("data_tests", [])]
    alone = [[c["name"]] for c in model["columns"] if "unique" in c.get("data_tests", [])]
    assert list(data.grain) in [*together, *alone]
