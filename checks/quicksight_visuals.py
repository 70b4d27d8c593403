"""What stands in the visuals of a definition: references, identifiers, types, aggregations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from checks.definitions import Said, View, fields, is_union

_DIMENSIONS = {
    "CategoricalDimensionField": {"STRING", "BIT", "BOOLEAN"},
    "DateDimensionField": {"DATETIME"},
    "NumericalDimensionField": {"INTEGER", "DECIMAL"},
    "NumericalMeasureField": {"INTEGER", "DECIMAL"},
    "DateMeasureField": {"DATETIME"},
}
_AGGREGATES = re.compile(
    r"\b(sum|avg|min|max|count|distinct_count|median|percentile\w*|stdev\w*|var\w*)\s*\(", re.I
)
_BRACES = re.compile(r"\{([^{}]+)\}")
_UNIQUE = {
    "SheetDefinition": "SheetId",
    "FilterGroup": "FilterGroupId",
    "CategoryFilter": "FilterId",
    "StringParameterDeclaration": "Name",
    "ParameterDropDownControl": "ParameterControlId",
    "FilterDropDownControl": "FilterControlId",
    "DataSetIdentifierDeclaration": "Identifier",
}


def shapes(view: View) -> Said:
    for node in view.nodes:
        if node.shape.type_name == "structure" and isinstance(node.value, Mapping):
            known = [name for name in node.value if name in node.shape.members]
            for name in sorted(set(node.value) - set(known)):
                yield "quicksight-unknown-member", f"{node.place} has {name}, which {node.shape.name} has not"
            if is_union(node.shape.name) and len(known) != 1:
                yield (
                    "quicksight-union",
                    f"{node.place} has {' and '.join(known) or 'no member'}: one is taken",
                )
        limit = node.shape.metadata.get("max")
        if isinstance(node.value, list) and limit and len(node.value) > limit:
            yield "quicksight-limit", f"{node.place} has {len(node.value)} entries, QuickSight takes {limit}"


def columns(view: View) -> Said:
    for node in view.of("ColumnIdentifier"):
        data, column = str(node.value.get("DataSetIdentifier")), str(node.value.get("ColumnName"))
        if data not in view.data_sets:
            yield "quicksight-reference", f"{node.place} names data set {data}, which is not declared"
        elif not _is_known(view, data, column):
            yield "quicksight-reference", f"{node.place} names column {column}, which data set {data} has not"
    for (data, name), expression in view.calculated.items():
        for column in _BRACES.findall(expression):
            if not _is_known(view, data, column):
                why = f"calculated field {name} names {column}, which data set {data} has not"
                yield "quicksight-reference", why


def _is_known(view: View, data: str, column: str) -> bool:
    columns = view.data_sets.get(data)
    return columns is None or column in columns or (data, column) in view.calculated


def declarations(view: View) -> Said:
    for data, columns in view.data_sets.items():
        if columns is None:
            yield "quicksight-reference", f"data set {data} is no data set of the stack"
    used = {str(node.value.get("DataSetIdentifier")) for node in view.of("ColumnIdentifier")}
    for data in sorted(set(view.data_sets) - used):
        yield "quicksight-unused", f"data set {data} is declared and in no visual"


def identifiers(view: View) -> Said:
    for shape, member in _UNIQUE.items():
        yield from _twice(shape, (str(node.value.get(member)) for node in view.of(shape)))
    yield from _twice("visual", (str(content.get("VisualId")) for _, _, content in view.visuals))
    names = [
        (str(f.get("DataSetIdentifier")), str(f.get("Name")))
        for f in view.definition.get("CalculatedFields", [])
    ]
    yield from _twice("calculated field", (f"{data} {name}" for data, name in names))
    for data, name in names:
        if name in (view.data_sets.get(data) or {}):
            yield (
                "quicksight-duplicate",
                f"calculated field {name} has the name of a column of data set {data}",
            )
    for _, kind, content in view.visuals:
        ids = (str(node.value.get("FieldId")) for node in fields(content, kind))
        yield from _twice(f"field of visual {content.get('VisualId')}", ids)


def _twice(what: str, names: Iterable[str]) -> Said:
    for name, times in Counter(names).items():
        if times > 1:
            yield "quicksight-duplicate", f"{what} {name} is there {times} times"


def all_fields(view: View) -> Said:
    for _, kind, content in view.visuals:
        name = str(content.get("VisualId"))
        found = list(fields(content, kind))
        ids = {str(node.value.get("FieldId")) for node in found}
        for used in sorted(set(_used_ids(content)) - ids):
            yield "quicksight-reference", f"visual {name} sorts or formats field {used}, which it has not"
        data = {str(node.value.get("Column", {}).get("DataSetIdentifier")) for node in found}
        if len(data) > 1:
            yield "quicksight-data-sets", f"visual {name} reads {' and '.join(sorted(data))}"
        for node in found:
            for rule, why in (
                *_typed(view, node.path[-1], node.value),
                *_aggregated(view, node.path[-1], node.value),
            ):
                yield rule, f"visual {name}: {why}"


def _used_ids(value: Any) -> Iterator[str]:
    """FieldIds outside of the wells."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "FieldId":
                yield str(inner)
            elif key != "FieldWells":
                yield from _used_ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _used_ids(inner)


def _typed(view: View, field: str, value: Mapping[str, Any]) -> Said:
    column = value.get("Column", {})
    kind = (view.data_sets.get(str(column.get("DataSetIdentifier"))) or {}).get(str(column.get("ColumnName")))
    if kind and field in _DIMENSIONS and kind not in _DIMENSIONS[field]:
        yield "quicksight-type", f"{field} over {column['ColumnName']}, which is {kind}"


def _aggregated(view: View, field: str, value: Mapping[str, Any]) -> Said:
    if "Measure" not in field:
        return
    column = value.get("Column", {})
    expression = view.calculated.get(
        (str(column.get("DataSetIdentifier")), str(column.get("ColumnName"))), ""
    )
    aggregates, has = bool(_AGGREGATES.search(expression)), "AggregationFunction" in value
    if aggregates and has:
        yield (
            "quicksight-aggregation",
            f"{column['ColumnName']} is aggregated by its own expression and again",
        )
    if not aggregates and not has:
        yield "quicksight-aggregation", f"{column.get('ColumnName')} is a measure without an aggregation"


def expressions(view: View) -> Said:
    for (_, name), expression in view.calculated.items():
        calls = [match.end() for match in _AGGREGATES.finditer(expression)]
        if any(_AGGREGATES.search(_argument(expression, start)) for start in calls):
            yield "quicksight-aggregation", f"calculated field {name} aggregates an aggregate: {expression}"
        if expression.count("(") != expression.count(")"):
            yield "quicksight-aggregation", f"calculated field {name} has brackets without their other half"


def _argument(expression: str, start: int) -> str:
    """What stands between the bracket that ends at `start` and its other half."""
    depth = 1
    for end in range(start, len(expression)):
        depth += {"(": 1, ")": -1}.get(expression[end], 0)
        if depth == 0:
            return expression[start:end]
    return expression[start:]


def series(view: View) -> Said:
    for _, kind, content in view.visuals:
        for wells in content.get("ChartConfiguration", {}).get("FieldWells", {}).values():
            if (
                kind in ("LineChartVisual", "BarChartVisual")
                and wells.get("Colors")
                and len(wells["Values"]) > 1
            ):
                why = f"visual {content.get('VisualId')} has a colour and {len(wells['Values'])} values"
                yield "quicksight-series", why
