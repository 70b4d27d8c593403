"""The specification as QuickSight's definition of an analysis or a dashboard, in CloudFormation's property names.

Source: QuickSight API reference, AnalysisDefinition and DashboardVersionDefinition; developer guide, "Assets as code".
QuickSight ignores what it does not understand, so checks/rules/quicksight.py looks at what is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dashboards.spec import (
    Aggregation,
    Column,
    DataSet,
    Kind,
    Measure,
    Page,
    Parameter,
    Ratio,
    Visual,
    data_sets,
)

Properties = dict[str, Any]

COLUMNS = 36  # of the grid of a sheet
HALF, ROWS = COLUMNS // 2, 12
COLUMN_TYPES: Mapping[Kind, str] = {
    "text": "STRING",
    "number": "DECIMAL",
    "whole": "INTEGER",
    "time": "DATETIME",
    "day": "DATETIME",
}
GRANULARITY: Mapping[Kind, str] = {"time": "MINUTE", "day": "DAY"}
AGGREGATIONS: Mapping[Aggregation, str] = {"sum": "SUM", "average": "AVERAGE", "min": "MIN", "max": "MAX"}
# Okabe and Ito's colours, which people with any colour vision tell apart.
PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#B8860B",
    "#7A5195",
    "#6B6B6B",
    "#882255",
    "#44AA99",
)


def definition(pages: tuple[Page, ...], arns: Mapping[str, Any]) -> Properties:
    """`arns` are those of the data sets, by mart."""
    return {
        "DataSetIdentifierDeclarations": [
            {"Identifier": one.mart, "DataSetArn": arns[one.mart]} for one in data_sets(pages)
        ],
        "CalculatedFields": list(_calculated(pages)),
        "ParameterDeclarations": [
            _declaration(parameter) for page in pages for parameter in page.parameters if parameter.default
        ],
        "FilterGroups": [group for page in pages for group in _filter_groups(page)],
        "Sheets": [_sheet(page) for page in pages],
    }


def input_columns(data: DataSet) -> list[Properties]:
    return [{"Name": column.name, "Type": COLUMN_TYPES[column.kind]} for column in data.columns]


def _calculated(pages: tuple[Page, ...]) -> Iterator[Properties]:
    """Aggregated fields: the sums are taken in each mark, before the division."""
    found: dict[tuple[str, str], Properties] = {}
    for visual in (visual for page in pages for visual in page.visuals):
        for measure in visual.measures:
            if isinstance(measure, Ratio):
                found[visual.data.mart, measure.title] = {
                    "DataSetIdentifier": visual.data.mart,
                    "Name": measure.title,
                    "Expression": f"sum({{{measure.numerator}}}) / sum({{{measure.denominator}}})",
                }
    yield from found.values()


def _declaration(parameter: Parameter) -> Properties:
    return {
        "StringParameterDeclaration": {
            "ParameterValueType": "SINGLE_VALUED",
            "Name": _parameter_name(parameter),
            "DefaultValues": {"StaticValues": [parameter.default]},
        }
    }


def _parameter_name(parameter: Parameter) -> str:
    """QuickSight takes letters and digits alone."""
    return parameter.name.replace("_", "")


def _filter_groups(page: Page) -> Iterator[Properties]:
    for visual in page.visuals:
        for one in visual.filters:
            configuration = {
                "FilterListConfiguration": {"MatchOperator": "CONTAINS", "CategoryValues": [*one.values]}
            }
            yield _filter_group(
                page, f"{visual.id}-{one.column}", (visual,), column=one.column, configuration=configuration
            )
    for parameter in page.parameters:
        users = tuple(visual for visual in page.visuals if parameter.name in visual.parameters)
        yield _filter_group(
            page, f"choice-{parameter.name}", users, column=parameter.column, configuration=_choice(parameter)
        )


def _choice(parameter: Parameter) -> Properties:
    if parameter.default is None:
        return {
            "FilterListConfiguration": {"MatchOperator": "CONTAINS", "SelectAllOptions": "FILTER_ALL_VALUES"}
        }
    return {
        "CustomFilterConfiguration": {
            "MatchOperator": "EQUALS",
            "ParameterName": _parameter_name(parameter),
            "NullOption": "NON_NULLS_ONLY",
        }
    }


def _filter_group(
    page: Page, name: str, visuals: tuple[Visual, ...], *, column: str, configuration: Properties
) -> Properties:
    scope = {"SheetId": page.id, "Scope": "SELECTED_VISUALS", "VisualIds": [visual.id for visual in visuals]}
    several = len({visual.data.mart for visual in visuals}) > 1
    return {
        "FilterGroupId": f"group-{name}",
        "Filters": [
            {
                "CategoryFilter": {
                    "FilterId": f"filter-{name}",
                    "Column": _identifier(visuals[0].data, column),
                    "Configuration": configuration,
                }
            }
        ],
        "ScopeConfiguration": {"SelectedSheets": {"SheetVisualScopingConfigurations": [scope]}},
        "Status": "ENABLED",
        # Of several data sets: each column of the name.
        "CrossDataset": "ALL_DATASETS" if several else "SINGLE_DATASET",
    }


def _sheet(page: Page) -> Properties:
    chosen = [parameter for parameter in page.parameters if parameter.default]
    filtered = [parameter for parameter in page.parameters if not parameter.default]
    return {
        "SheetId": page.id,
        "Name": page.title,
        "Title": page.title,
        "Description": page.about,
        "ContentType": "INTERACTIVE",
        **({"ParameterControls": [_parameter_control(page, one) for one in chosen]} if chosen else {}),
        **({"FilterControls": [_filter_control(one) for one in filtered]} if filtered else {}),
        "Visuals": [_visual(visual) for visual in page.visuals],
        "Layouts": [{"Configuration": {"GridLayout": {"Elements": list(_elements(page))}}}],
    }


def _parameter_control(page: Page, parameter: Parameter) -> Properties:
    data = next(visual.data for visual in page.visuals if parameter.name in visual.parameters)
    return {
        "Dropdown": {
            "ParameterControlId": f"control-{parameter.name}",
            "Title": parameter.title,
            "SourceParameterName": _parameter_name(parameter),
            "Type": "SINGLE_SELECT",
            "SelectableValues": {"LinkToDataSetColumn": _identifier(data, parameter.column)},
        }
    }


def _filter_control(parameter: Parameter) -> Properties:
    return {
        "Dropdown": {
            "FilterControlId": f"control-{parameter.name}",
            "Title": parameter.title,
            "SourceFilterId": f"filter-choice-{parameter.name}",
            "Type": "MULTI_SELECT",
        }
    }


def _elements(page: Page) -> Iterator[Properties]:
    """Two in a row, a wide one alone; controls stand in the sheet's own bar."""
    row, column = 0, 0
    for visual in page.visuals:
        span = COLUMNS if visual.wide else HALF
        if column + span > COLUMNS:
            row, column = row + ROWS, 0
        yield {
            "ElementId": visual.id,
            "ElementType": "VISUAL",
            "ColumnIndex": column,
            "ColumnSpan": span,
            "RowIndex": row,
            "RowSpan": ROWS,
        }
        column += span


def _visual(visual: Visual) -> Properties:
    kind, content = _DRAWN[visual.drawn](visual)
    return {kind: {"VisualId": visual.id, **_titles(visual), "ChartConfiguration": content}}


def _titles(visual: Visual) -> Properties:
    def label(text: str) -> Properties:
        return {"Visibility": "VISIBLE", "FormatText": {"PlainText": text}}

    note = {"Subtitle": label(visual.note)} if visual.note else {"Subtitle": {"Visibility": "HIDDEN"}}
    return {"Title": label(visual.title), **note}


def _line(visual: Visual) -> tuple[str, Properties]:
    wells = {"LineChartAggregatedFieldWells": _wells(visual)}
    return "LineChartVisual", {"FieldWells": wells, **_sorted(visual), "Type": "LINE"}


def _bar(visual: Visual, arrangement: str = "CLUSTERED") -> tuple[str, Properties]:
    wells = {"BarChartAggregatedFieldWells": _wells(visual)}
    bars = {"Orientation": "VERTICAL", "BarsArrangement": arrangement}
    return "BarChartVisual", {"FieldWells": wells, **_sorted(visual), **bars}


def _table(visual: Visual) -> tuple[str, Properties]:
    fields = {
        "GroupBy": [_dimension(visual, name) for name in visual.by],
        "Values": [_measure(visual, measure) for measure in visual.measures],
    }
    labels = [
        {"FieldId": _field_id(visual, measure.id), "CustomLabel": measure.title}
        for measure in visual.measures
    ]
    return "TableVisual", {
        "FieldWells": {"TableAggregatedFieldWells": fields},
        "FieldOptions": {"SelectedFieldOptions": labels},
    }


_DRAWN: Mapping[str, Callable[[Visual], tuple[str, Properties]]] = {
    "line": _line,
    "bar": _bar,
    "stacked": lambda visual: _bar(visual, "STACKED"),
    "shares": lambda visual: _bar(visual, "STACKED_PERCENT"),
    "table": _table,
}


def _wells(visual: Visual) -> Properties:
    return {
        "Category": [_dimension(visual, visual.by[0])],
        "Values": [_measure(visual, measure) for measure in visual.measures],
        **({"Colors": [_dimension(visual, visual.colour)]} if visual.colour else {}),
    }


def _sorted(visual: Visual) -> Properties:
    """A sort by the axis, where it has an order; else QuickSight sorts by value."""
    if visual.data.column(visual.by[0]).kind == "text":
        return {}
    by = {"FieldSort": {"FieldId": _field_id(visual, visual.by[0]), "Direction": "ASC"}}
    return {"SortConfiguration": {"CategorySort": [by]}}


def _dimension(visual: Visual, name: str) -> Properties:
    column = visual.data.column(name)
    field = {"FieldId": _field_id(visual, name), "Column": _identifier(visual.data, name)}
    if column.kind in GRANULARITY:
        return {"DateDimensionField": {**field, "DateGranularity": GRANULARITY[column.kind]}}
    return {f"{_family(column)}DimensionField": field}


def _family(column: Column) -> str:
    return "Categorical" if column.kind == "text" else "Numerical"


def _measure(visual: Visual, measure: Measure | Ratio) -> Properties:
    """A calculated field that aggregates takes no second aggregation."""
    field = {"FieldId": _field_id(visual, measure.id), "FormatConfiguration": _FORMATS[measure.shown_as]}
    if isinstance(measure, Ratio):
        return {"NumericalMeasureField": {**field, "Column": _identifier(visual.data, measure.title)}}
    function = {"SimpleNumericalAggregation": AGGREGATIONS[measure.aggregation]}
    column = _identifier(visual.data, measure.column)
    return {"NumericalMeasureField": {**field, "Column": column, "AggregationFunction": function}}


def _format(kind: str, places: int) -> Properties:
    places_of = {"DecimalPlacesConfiguration": {"DecimalPlaces": places}}
    return {"FormatConfiguration": {f"{kind}DisplayFormatConfiguration": places_of}}


_FORMATS = {
    "whole": _format("Number", 0),
    "number": _format("Number", 3),
    "percent": _format("Percentage", 1),
}


def _field_id(visual: Visual, name: str) -> str:
    return f"{visual.id}.{name}"


def _identifier(data: DataSet, column: str) -> Properties:
    return {"DataSetIdentifier": data.mart, "ColumnName": column}
