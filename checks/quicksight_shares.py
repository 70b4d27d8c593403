"""Shares that are summed, or averaged over what a visual does not show: the specification knows which columns are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checks.definitions import Said, View, fields, scoped
from dashboards.pages import PAGES
from dashboards.spec import DataSet, data_sets


def shares(view: View) -> Said:
    marts = {one.mart: one for one in data_sets(PAGES)}
    for _, kind, content in view.visuals:
        found = list(fields(content, kind))
        for node in found:
            column = node.value.get("Column", {})
            data = marts.get(view.marts.get(str(column.get("DataSetIdentifier")), ""))
            if data is None or "Measure" not in node.path[-1]:
                continue
            for why in _share(view, data, node.value, found, str(content.get("VisualId"))):
                yield "quicksight-share", f"visual {content.get('VisualId')}: {why}"


def _share(
    view: View, data: DataSet, value: Mapping[str, Any], found: list[Any], visual: str
) -> Iterator[str]:
    name = str(value["Column"].get("ColumnName"))
    shares = {column.name for column in data.columns if column.share}
    function = value.get("AggregationFunction", {}).get("SimpleNumericalAggregation")
    if name not in shares or function not in ("SUM", "AVERAGE", "MEDIAN"):
        return
    if function == "SUM":
        yield f"sum of {name}, which is a share"
        return
    shown = {str(node.value["Column"].get("ColumnName")) for node in found} | _pinned(view, visual)
    run = {"run_id"} if shown & {"run_at", "recency"} else set()
    loose = [column for column in data.grain if column not in shown | run]
    if loose:
        yield f"{function.lower()} of {name}, which is a share, over {', '.join(loose)}"


def _pinned(view: View, visual: str) -> set[str]:
    """Columns that a filter of the visual leaves one value of."""
    found = set()
    for group in view.definition.get("FilterGroups", []):
        if visual not in {name for _, names in scoped(group) for name in names}:
            continue
        for one in group.get("Filters", []):
            category = one.get("CategoryFilter", {})
            listed = category.get("Configuration", {}).get("FilterListConfiguration", {})
            if len(listed.get("CategoryValues", [])) == 1:
                found.add(str(category.get("Column", {}).get("ColumnName")))
    return found
