"""A visual of the specification as a Vega-Lite chart. The data are the page's, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.spec import TEMPORAL, Aggregation, Format, Kind, Measure, Page, Ratio, Visual

Chart = dict[str, Any]

ROWS = "rows"  # the data set's name in every chart
AGGREGATIONS: Mapping[Aggregation, str] = {"sum": "sum", "average": "mean", "min": "min", "max": "max"}
TIME_UNITS: Mapping[Kind, str] = {"time": "utcyearmonthdatehoursminutes", "day": "utcyearmonthdate"}
FORMATS: Mapping[Format, str] = {"whole": ",.0f", "number": ",.3~f", "percent": ".1~%"}
SERIES, VALUE, TIME_TEXT = "series_title", "value", "time_text"
# A single bar is no wall.
_BAR = {"type": "bar", "width": {"expr": "min(56, bandwidth('x'))"}}
_SHORT_TIMES: Mapping[Kind, str] = {"time": "%d %b %H:%M", "day": "%d %b"}
_LONG_TIMES: Mapping[Kind, str] = {"time": "%Y-%m-%d %H:%M", "day": "%Y-%m-%d"}


def chart(page: Page, visual: Visual) -> Chart:
    """Filters and parameters, sums by mark, then what is divided: no share is averaged over what is not shown."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "description": f"{visual.title}. {visual.note}".strip(),
        "width": "container",
        "height": 260,
        "data": {"name": ROWS},
        "params": [_param(page, name) for name in visual.parameters],
        "transform": [*filters(page, visual), *_sums(visual), *_folded(visual), *_last(visual)],
        **_marks(visual),
    }


def filters(page: Page, visual: Visual) -> list[Chart]:
    fixed = [{"filter": {"field": one.column, "oneOf": list(one.values)}} for one in visual.filters]
    return [*fixed, *(_chosen(page, name) for name in visual.parameters)]


def _param(page: Page, name: str) -> Chart:
    return {"name": name, "value": page.parameter(name).default or ""}


def _chosen(page: Page, name: str) -> Chart:
    column = page.parameter(name).column
    return {"filter": f"{name} === '' || datum['{column}'] === {name}"}


def _sums(visual: Visual) -> list[Chart]:
    """One row for each mark."""
    taken: dict[str, Chart] = {}
    calculated: list[Chart] = []
    for measure in visual.measures:
        if isinstance(measure, Measure):
            operation = AGGREGATIONS[measure.aggregation]
            taken[measure.id] = {"op": operation, "field": measure.column, "as": measure.id}
            continue
        for column in measure.columns:
            taken[f"sum_{column}"] = {"op": "sum", "field": column, "as": f"sum_{column}"}
        calculated.append(_divided(measure))
    units = [
        {"timeUnit": TIME_UNITS[kind], "field": name, "as": name}
        for name in visual.dimensions
        if (kind := visual.data.column(name).kind) in TIME_UNITS
    ]
    return [*units, {"aggregate": list(taken.values()), "groupby": list(visual.dimensions)}, *calculated]


def _divided(ratio: Ratio) -> Chart:
    """Null where there is nothing to divide by."""
    above, below = (f"datum['sum_{name}']" for name in (ratio.numerator, ratio.denominator))
    return {"calculate": f"{below} > 0 ? {above} / {below} : null", "as": ratio.id}


def _folded(visual: Visual) -> list[Chart]:
    """Several measures become one, split by their titles."""
    if len(visual.measures) == 1:
        return [{"calculate": f"datum['{visual.measures[0].id}']", "as": VALUE}]
    ids = [measure.id for measure in visual.measures]
    titles = " : ".join(f"datum.key === '{m.id}' ? '{m.title}'" for m in visual.measures)
    return [{"fold": ids, "as": ["key", VALUE]}, {"calculate": f"{titles} : datum.key", "as": SERIES}]


def _last(visual: Visual) -> list[Chart]:
    """What has no value is no mark, and the axis as text."""
    name, kind = visual.by[0], visual.data.column(visual.by[0]).kind
    text = (
        {"calculate": f"utcFormat(datum['{name}'], '{_LONG_TIMES[kind]}')", "as": TIME_TEXT}
        if kind in TEMPORAL
        else {}
    )
    return [{"filter": {"field": VALUE, "valid": True}}, *([text] if text else [])]


def _marks(visual: Visual) -> Chart:
    mark = {"type": "line", "point": {"size": 45}} if visual.drawn == "line" else dict(_BAR)
    return {"mark": {**mark, "tooltip": True}, "encoding": _encoding(visual)}


def _encoding(visual: Visual) -> Chart:
    measure, colour = visual.measures[0], visual.colour or (SERIES if len(visual.measures) > 1 else None)
    title = measure.title if len(visual.measures) == 1 else None
    value = {
        "field": VALUE,
        "type": "quantitative",
        "title": title,
        "axis": {
            "format": FORMATS[measure.shown_as],
            **({"tickMinStep": 1} if measure.shown_as == "whole" else {}),
        },
    }
    if visual.drawn == "shares":
        value |= {"stack": "normalize", "axis": {"format": "%"}}
    elif visual.drawn == "bar":
        value |= {"stack": None}
    encoding = {"x": _axis(visual), "y": value, "tooltip": _tooltip(visual, colour)}
    if colour:
        encoding["color"] = {"field": colour, "type": "nominal", "title": None}
    return encoding


def _axis(visual: Visual) -> Chart:
    name, kind = visual.by[0], visual.data.column(visual.by[0]).kind
    base = {"field": name, "title": None}
    if kind in TEMPORAL:
        # Runs are days apart; a bar at a time has no width.
        drawn = "temporal" if visual.drawn == "line" else "ordinal"
        labels = {
            "labelExpr": f"utcFormat(datum.value, '{_SHORT_TIMES[kind]}')",
            "labelOverlap": True,
            "labelAngle": 0,
        }
        return {
            **base,
            "type": drawn,
            "axis": labels,
            "scale": {"type": "utc"} if drawn == "temporal" else {},
        }
    if kind == "text":
        return {**base, "type": "nominal", "axis": {"labelAngle": 0, "labelLimit": 90, "labelOverlap": False}}
    if visual.drawn == "line":
        return {
            **base,
            "type": "quantitative",
            "scale": {"zero": False, "nice": False},
            "axis": {"tickMinStep": 1},
        }
    return {**base, "type": "ordinal", "axis": {"labelAngle": 0, "labelOverlap": True}}


def _tooltip(visual: Visual, colour: str | None) -> list[Chart]:
    name, kind = visual.by[0], visual.data.column(visual.by[0]).kind
    axis = {"field": TIME_TEXT if kind in TEMPORAL else name, "title": name.replace("_", " ")}
    value = {"field": VALUE, "type": "quantitative", "format": FORMATS[visual.measures[0].shown_as]}
    value["title"] = visual.measures[0].title if len(visual.measures) == 1 else "value"
    return [axis, *([{"field": colour, "title": colour.replace("_", " ")}] if colour else []), value]
