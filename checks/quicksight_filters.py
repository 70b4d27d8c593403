"""Filters, parameters and layouts of a definition: what they name is there, and does something."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from checks.definitions import Said, View, fields, scoped

GRID_COLUMNS = 36


def filters(view: View) -> Said:
    visuals: dict[str, set[str]] = {}
    for sheet, _, content in view.visuals:
        visuals.setdefault(sheet, set()).add(str(content.get("VisualId")))
    sheets = {str(sheet.get("SheetId")) for sheet in view.definition.get("Sheets", [])}
    for group in view.definition.get("FilterGroups", []):
        name = group.get("FilterGroupId")
        for scope, ids in scoped(group):
            sheet = str(scope.get("SheetId"))
            if sheet not in sheets:
                yield "quicksight-reference", f"filter group {name} is of sheet {sheet}, which is not there"
            for one in sorted(set(ids) - visuals.get(sheet, set())):
                yield (
                    "quicksight-reference",
                    f"filter group {name} is of visual {one}, which sheet {sheet} has not",
                )
            if scope.get("Scope") == "SELECTED_VISUALS" and not ids:
                yield "quicksight-scope", f"filter group {name} selects no visual"
        yield from _reached(view, group)
    for node in view.of("CustomFilterConfiguration"):
        if ("CategoryValue" in node.value) == ("ParameterName" in node.value):
            yield "quicksight-scope", f"{node.place} has both a value and a parameter, or neither"
    for node in view.of("FilterListConfiguration"):
        if ("CategoryValues" in node.value) == ("SelectAllOptions" in node.value):
            yield "quicksight-scope", f"{node.place} has both values and all of them, or neither"


def _reached(view: View, group: Mapping[str, Any]) -> Said:
    """Visuals of another data set than the filter's, which a filter of one data set does not reach."""
    filtered = {
        str(category["Column"].get("DataSetIdentifier"))
        for one in group.get("Filters", [])
        if (category := one.get("CategoryFilter"))
    }
    if group.get("CrossDataset") == "ALL_DATASETS":
        return
    named = {name for _, ids in scoped(group) for name in ids}
    for _, kind, content in view.visuals:
        if content.get("VisualId") in named:
            read = {str(node.value["Column"].get("DataSetIdentifier")) for node in fields(content, kind)}
            if read - filtered:
                why = f"filter group {group.get('FilterGroupId')} is of {', '.join(sorted(filtered))}"
                yield "quicksight-data-sets", f"{why} and its visual {content['VisualId']} is not"


def parameters(view: View) -> Said:
    declared = {str(node.value.get("Name")) for node in view.of("StringParameterDeclaration")}
    asked = [(node.place, str(node.value["ParameterName"])) for node in view.of("CustomFilterConfiguration")
             if "ParameterName" in node.value]  # fmt: skip
    controls = [
        (n.place, str(n.value.get("SourceParameterName"))) for n in view.of("ParameterDropDownControl")
    ]
    for place, name in (*asked, *controls):
        if name not in declared:
            yield "quicksight-reference", f"{place} names parameter {name}, which is not declared"
    for name in sorted(declared - {name for _, name in asked}):
        yield "quicksight-unused", f"parameter {name} is declared and no filter uses it"
    filters = {str(node.value.get("FilterId")) for node in view.of("CategoryFilter")}
    for node in view.of("FilterDropDownControl"):
        if str(node.value.get("SourceFilterId")) not in filters:
            why = f"{node.place} controls filter {node.value.get('SourceFilterId')}, which is not there"
            yield "quicksight-reference", why
    for node in view.of("StringParameterDeclaration"):
        values = node.value.get("DefaultValues", {}).get("StaticValues", [])
        if node.value.get("ParameterValueType") == "SINGLE_VALUED" and len(values) > 1:
            yield (
                "quicksight-scope",
                f"parameter {node.value.get('Name')} has one value and {len(values)} defaults",
            )


def layouts(view: View) -> Said:
    for sheet in view.definition.get("Sheets", []):
        name = sheet.get("SheetId")
        visuals = {str(c.get("VisualId")) for visual in sheet.get("Visuals", []) for c in visual.values()}
        elements = [
            element
            for layout in sheet.get("Layouts", [])
            for element in layout.get("Configuration", {}).get("GridLayout", {}).get("Elements", [])
        ]
        placed = {str(element.get("ElementId")) for element in elements}
        for one in sorted(placed - visuals):
            yield "quicksight-reference", f"the layout of sheet {name} places {one}, which the sheet has not"
        for one in sorted(visuals - placed):
            yield "quicksight-unused", f"visual {one} has no place in the layout of sheet {name}"
        if not visuals:
            yield "quicksight-unused", f"sheet {name} has no visual"
        yield from _places(elements)


def _places(elements: list[Mapping[str, Any]]) -> Said:
    for element in elements:
        if _right(element) > GRID_COLUMNS:
            why = f"{element.get('ElementId')} reaches column {_right(element)} of {GRID_COLUMNS}"
            yield "quicksight-layout", why
    for one, other in combinations(elements, 2):
        if _overlap(one, other):
            yield "quicksight-layout", f"{one.get('ElementId')} and {other.get('ElementId')} share a place"


def _right(element: Mapping[str, Any]) -> int:
    return int(element.get("ColumnIndex", 0)) + int(element.get("ColumnSpan", 0))


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    def apart(index: str, span: str) -> bool:
        first, second = (int(e.get(index, 0)) for e in (one, other))
        return first + int(one.get(span, 0)) <= second or second + int(other.get(span, 0)) <= first

    return not apart("ColumnIndex", "ColumnSpan") and not apart("RowIndex", "RowSpan")
