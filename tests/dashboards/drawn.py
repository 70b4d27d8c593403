"""What a renderer shows in a visual, read out of what it made, in words that both share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Definition = Mapping[str, Any]
_RATIO = re.compile(r"sum\(\{(\w+)\}\) / sum\(\{(\w+)\}\)")
_DIVISION = re.compile(r"datum\['(\w+)'\] > 0 \? datum\['(\w+)'\] / datum\['\1'\] : null")
_CHOSEN = re.compile(r"(\w+) === '' \|\| datum\['(\w+)'\] === \1")


class Shown(NamedTuple):
    """`measures` are (aggregation, columns); `filters` (column, values); `choices` (column, default)."""

    data: frozenset[str]
    dimensions: frozenset[tuple[str, str]]
    measures: frozenset[tuple[str, tuple[str, ...]]]
    filters: frozenset[tuple[str, tuple[str, ...]]]
    choices: frozenset[tuple[str, str]]


# QuickSight ------------------------------------------------------------------------------------------------------


def in_quicksight(definition: Definition) -> dict[str, Shown]:
    return {
        str(content["VisualId"]): _visual(definition, content)
        for sheet in definition["Sheets"]
        for visual in sheet["Visuals"]
        for content in visual.values()
    }


def _visual(definition: Definition, content: Definition) -> Shown:
    fields = list(_fields(content["ChartConfiguration"]["FieldWells"]))
    dimensions = [(kind, field) for kind, field in fields if "Dimension" in kind]
    measures = [field for kind, field in fields if "Measure" in kind]
    filters, choices = _filters(definition, str(content["VisualId"]))
    return Shown(
        frozenset(field["Column"]["DataSetIdentifier"] for _, field in fields),
        frozenset((f["Column"]["ColumnName"], f.get("DateGranularity", "")) for _, f in dimensions),
        frozenset(_measure(definition, field) for field in measures),
        filters,
        choices,
    )


def _fields(value: Any) -> Iterator[tuple[str, Definition]]:
    if isinstance(value, list):
        for inner in value:
            yield from _fields(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith(("DimensionField", "MeasureField")):
                yield key, inner
            else:
                yield from _fields(inner)


def _measure(definition: Definition, field: Definition) -> tuple[str, tuple[str, ...]]:
    name = field["Column"]["ColumnName"]
    if "AggregationFunction" in field:
        return field["AggregationFunction"]["SimpleNumericalAggregation"].lower(), (name,)
    expression = next(
        one["Expression"]
        for one in definition["CalculatedFields"]
        if (one["DataSetIdentifier"], one["Name"]) == (field["Column"]["DataSetIdentifier"], name)
    )
    found = _RATIO.fullmatch(expression)
    assert found, expression
    return "ratio", (found[1], found[2])


def _filters(definition: Definition, visual: str) -> tuple[frozenset[Any], frozenset[Any]]:
    filters, choices = set(), set()
    for group in definition["FilterGroups"]:
        scopes = group["ScopeConfiguration"]["SelectedSheets"]["SheetVisualScopingConfigurations"]
        if not any(visual in scope["VisualIds"] for scope in scopes):
            continue
        for one in group["Filters"]:
            category = one["CategoryFilter"]
            column, configuration = category["Column"]["ColumnName"], category["Configuration"]
            listed = configuration.get("FilterListConfiguration", {})
            if "CategoryValues" in listed:
                filters.add((column, tuple(listed["CategoryValues"])))
            else:
                choices.add((column, _default(definition, configuration)))
    return frozenset(filters), frozenset(choices)


def _default(definition: Definition, configuration: Definition) -> str:
    if configuration.get("FilterListConfiguration", {}).get("SelectAllOptions") == "FILTER_ALL_VALUES":
        return ""
    name = configuration["CustomFilterConfiguration"]["ParameterName"]
    declared = (one["StringParameterDeclaration"] for one in definition["ParameterDeclarations"])
    return next(one["DefaultValues"]["StaticValues"][0] for one in declared if one["Name"] == name)


# The page ----------------------------------------------------------------------------------------------------------

_UNITS = {"utcyearmonthdatehoursminutes": "MINUTE", "utcyearmonthdate": "DAY"}
_OPERATIONS = {"mean": "average"}


def in_page(model: Definition) -> dict[str, Shown]:
    return {str(visual["id"]): _page_visual(visual) for visual in model["visuals"]}


def _page_visual(visual: Definition) -> Shown:
    """Charts by their Vega-Lite, which draws them; tables by the model, which page.js groups."""
    if visual["chart"] is not None:
        return _chart(visual)
    granularity = {"time": "MINUTE", "day": "DAY"}
    return Shown(
        frozenset([visual["data"]]),
        frozenset((one["column"], granularity.get(one["kind"], "")) for one in visual["by"]),
        frozenset((one["aggregation"], tuple(one["columns"])) for one in visual["measures"]),
        frozenset((one["column"], tuple(one["values"])) for one in visual["filters"]),
        frozenset((column, "") for column in visual["parameters"].values()),
    )


def _chart(visual: Definition) -> Shown:
    steps = visual["chart"]["transform"]
    units = {one["field"]: _UNITS[one["timeUnit"]] for one in steps if "timeUnit" in one}
    (aggregate,) = (one for one in steps if "aggregate" in one)
    values = {one["name"]: one["value"] for one in visual["chart"]["params"]}
    written = [one["filter"] for one in steps if isinstance(one.get("filter"), str)]
    chosen = [found for text in written if (found := _CHOSEN.fullmatch(text))]
    assert len(chosen) == len(written), written
    encoded = {e["field"] for channel, e in visual["chart"]["encoding"].items() if channel in ("x", "color")}
    assert encoded <= {*aggregate["groupby"], "series_title"}
    return Shown(
        frozenset([visual["data"]]),
        frozenset((name, units.get(name, "")) for name in aggregate["groupby"]),
        frozenset(_chart_measures(steps, aggregate["aggregate"])),
        frozenset(
            (one["filter"]["field"], tuple(one["filter"]["oneOf"]))
            for one in steps
            if isinstance(one.get("filter"), dict) and "oneOf" in one["filter"]
        ),
        frozenset((found[2], values[found[1]]) for found in chosen),
    )


def _chart_measures(
    steps: list[Definition], taken: list[Definition]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    sources = {one["as"]: one for one in taken}
    divided = [found for one in steps if (found := _DIVISION.fullmatch(one.get("calculate", "")))]
    inside = {name for found in divided for name in (found[1], found[2])}
    for found in divided:
        assert {sources[found[1]]["op"], sources[found[2]]["op"]} == {"sum"}
        yield "ratio", (sources[found[2]]["field"], sources[found[1]]["field"])
    for name, one in sources.items():
        if name not in inside:
            yield _OPERATIONS.get(one["op"], one["op"]), (one["field"],)
