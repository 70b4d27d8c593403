"""What QuickSight refuses of a dashboard, or ignores without a word and shows wrongly."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from checks.assembly import Assembly
from checks.definitions import View, columns_of, fields, is_union, views
from checks.finding import Finding
from checks.rule import Rule
from dashboards.pages import PAGES
from dashboards.spec import DataSet, data_sets
from stacks.parts.quicksight_permissions import OWNER, VIEWER

_API = "QuickSight API reference"
_GUIDE = "QuickSight user guide"
_PROVIDER = "hashicorp/terraform-provider-aws"

RULES = (
    Rule(
        "quicksight-union",
        "QuickSight takes one of the members and ignores the rest, or refuses the definition.",
        "Leave one member.",
        f'{_API}, Visual, Filter and others: "only one of the attributes can be defined"',
    ),
    Rule(
        "quicksight-unknown-member",
        "QuickSight ignores what it does not know.",
        "Correct the name, by the API reference.",
        f"{_API}, AnalysisDefinition; the service model of botocore",
    ),
    Rule(
        "quicksight-reference",
        "What is referred to is not there: the creation fails, or the part does nothing.",
        "Correct the id, or declare what it means.",
        f"{_API}, DashboardError (DATA_SET_NOT_FOUND, PARAMETER_NOT_FOUND, COLUMN_REPLACEMENT_MISSING)",
    ),
    Rule(
        "quicksight-duplicate",
        "An identifier that must be unique in the definition is there twice.",
        "Rename one.",
        f'{_API}, VisualId, FilterId, FilterGroupId: "must be unique within the context of a dashboard"',
    ),
    Rule(
        "quicksight-unused",
        "Nothing fails: a choice that changes nothing, or a visual that is never shown.",
        "Use it, place it, or take it away.",
        f"{_API}, ParameterDeclaration and GridLayoutElement",
    ),
    Rule(
        "quicksight-type",
        "A field of one kind over a column of another: COLUMN_TYPE_MISMATCH.",
        "Take the field of the column's type.",
        f"{_API}, DimensionField, MeasureField and DashboardError (COLUMN_TYPE_MISMATCH)",
    ),
    Rule(
        "quicksight-aggregation",
        "A field that aggregates already can't be aggregated again, nor one that doesn't stand without.",
        "Give each measure exactly one aggregation.",
        f'{_GUIDE}, "Aggregate functions": nested aggregations are an error',
    ),
    Rule(
        "quicksight-share",
        "Nothing fails: the number is wrong, since shares are added or averaged over what is not shown.",
        "Show all of the grain, or take the ratio of the sums.",
        f'{_GUIDE}, "Aggregate functions"; dashboards/spec.py',
    ),
    Rule(
        "quicksight-data-sets",
        "A visual reads one data set, and a filter of one data set leaves visuals of another alone.",
        "Split the visual, or filter ALL_DATASETS.",
        f'{_GUIDE}, "Adding filters across data sets"; {_API}, FilterGroup',
    ),
    Rule(
        "quicksight-scope",
        "A filter without a visual or a value filters nothing.",
        "Name the visuals, and one value or parameter.",
        f"{_API}, SheetVisualScopingConfiguration and CustomFilterConfiguration",
    ),
    Rule(
        "quicksight-layout",
        "A grid has 36 columns, and two visuals do not share a place.",
        "Move the element.",
        f"{_API}, GridLayoutElement",
    ),
    Rule(
        "quicksight-limit",
        "There is more than QuickSight or CloudFormation takes.",
        "Split the page or the stack.",
        f'{_API}, array members; CloudFormation user guide, "Quotas"',
    ),
    Rule(
        "quicksight-series",
        "A line or bar chart with a colour shows one value.",
        "Take the colour away, or all values but one.",
        f'{_GUIDE}, "Using line charts": a multi-measure line has no color field',
    ),
    Rule(
        "quicksight-refresh",
        "The schedule is refused, or never refreshes.",
        "Import into SPICE, with a window over a date column where the refresh is incremental.",
        f'{_GUIDE}, "Refreshing SPICE data"; {_PROVIDER}#31485',
    ),
    Rule(
        "quicksight-wait",
        "The stack waits up to 36 hours for rows of a table that the first run makes.",
        "Set IngestionWaitPolicy.WaitForSpiceIngestion to false.",
        "CloudFormation template reference, AWS::QuickSight::DataSet IngestionWaitPolicy",
    ),
    Rule(
        "quicksight-permissions",
        "QuickSight refuses a set of actions that is no owner's or viewer's of the asset.",
        "Take a whole set of stacks/parts/quicksight_permissions.py.",
        f"{_API}, CreateDashboard and others, Permissions; {_PROVIDER}#39219",
    ),
)  # fmt: skip
_CURES = {rule.id: rule.cure[0].lower() + rule.cure[1:] for rule in RULES}
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
GRID_COLUMNS = 36
TEMPLATE_BYTES = 1_000_000  # CloudFormation, "Quotas": a template in S3
_UNIQUE = {
    "SheetDefinition": "SheetId",
    "FilterGroup": "FilterGroupId",
    "CategoryFilter": "FilterId",
    "StringParameterDeclaration": "Name",
    "ParameterDropDownControl": "ParameterControlId",
    "FilterDropDownControl": "FilterControlId",
    "DataSetIdentifierDeclaration": "Identifier",
}

Said = Iterator[tuple[str, str]]  # (rule, why)


def check(assembly: Assembly) -> list[Finding]:
    found = [finding for view in views(assembly) for finding in _findings(view)]
    return [*found, *_data_set_findings(assembly), *_permission_findings(assembly), *_size_findings(assembly)]


def _findings(view: View) -> Iterator[Finding]:
    for look in _LOOKS:
        for rule, why in look(view):
            yield _finding(view.stack, view.logical_id, rule, why)


def _finding(stack: str, logical_id: str, rule: str, why: str) -> Finding:
    return Finding(stack, logical_id, rule, f"{why}.", _CURES[rule])


def _shapes(view: View) -> Said:
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


def _columns(view: View) -> Said:
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


def _declarations(view: View) -> Said:
    for data, columns in view.data_sets.items():
        if columns is None:
            yield "quicksight-reference", f"data set {data} is no data set of the stack"
    used = {str(node.value.get("DataSetIdentifier")) for node in view.of("ColumnIdentifier")}
    for data in sorted(set(view.data_sets) - used):
        yield "quicksight-unused", f"data set {data} is declared and in no visual"


def _identifiers(view: View) -> Said:
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


def _fields(view: View) -> Said:
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


def _expressions(view: View) -> Said:
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


def _shares(view: View) -> Said:
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
        if visual not in {name for _, names in _scoped(group) for name in names}:
            continue
        for one in group.get("Filters", []):
            category = one.get("CategoryFilter", {})
            listed = category.get("Configuration", {}).get("FilterListConfiguration", {})
            if len(listed.get("CategoryValues", [])) == 1:
                found.add(str(category.get("Column", {}).get("ColumnName")))
    return found


def _scoped(group: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], list[str]]]:
    """(scope, visuals) of each."""
    selected = group.get("ScopeConfiguration", {}).get("SelectedSheets", {})
    for scope in selected.get("SheetVisualScopingConfigurations", []):
        yield scope, [str(name) for name in scope.get("VisualIds", [])]


def _filters(view: View) -> Said:
    visuals: dict[str, set[str]] = {}
    for sheet, _, content in view.visuals:
        visuals.setdefault(sheet, set()).add(str(content.get("VisualId")))
    sheets = {str(sheet.get("SheetId")) for sheet in view.definition.get("Sheets", [])}
    for group in view.definition.get("FilterGroups", []):
        name = group.get("FilterGroupId")
        for scope, ids in _scoped(group):
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
    named = {name for _, ids in _scoped(group) for name in ids}
    for _, kind, content in view.visuals:
        if content.get("VisualId") in named:
            read = {str(node.value["Column"].get("DataSetIdentifier")) for node in fields(content, kind)}
            if read - filtered:
                why = f"filter group {group.get('FilterGroupId')} is of {', '.join(sorted(filtered))}"
                yield "quicksight-data-sets", f"{why} and its visual {content['VisualId']} is not"


def _parameters(view: View) -> Said:
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


def _layouts(view: View) -> Said:
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


def _series(view: View) -> Said:
    for _, kind, content in view.visuals:
        for wells in content.get("ChartConfiguration", {}).get("FieldWells", {}).values():
            if (
                kind in ("LineChartVisual", "BarChartVisual")
                and wells.get("Colors")
                and len(wells["Values"]) > 1
            ):
                why = f"visual {content.get('VisualId')} has a colour and {len(wells['Values'])} values"
                yield "quicksight-series", why


_LOOKS = (
    _shapes,
    _columns,
    _declarations,
    _identifiers,
    _fields,
    _expressions,
    _shares,
    _filters,
    _parameters,
    _layouts,
    _series,
)


def _data_set_findings(assembly: Assembly) -> Iterator[Finding]:
    sets: dict[tuple[str, str], Mapping[str, Any]] = {}
    for stack, logical_id, data in assembly.each("AWS::QuickSight::DataSet"):
        sets[stack.name, logical_id] = data
        for rule, why in _imported(data):
            yield _finding(stack.name, logical_id, rule, why)
    for stack, logical_id, schedule in assembly.each("AWS::QuickSight::RefreshSchedule"):
        written = stack.resources[logical_id]["Properties"].get("DataSetId", {})
        reference = written.get("Ref") if isinstance(written, Mapping) else None
        for rule, why in _scheduled(schedule.get("Schedule", {}), sets.get((stack.name, str(reference)))):
            yield _finding(stack.name, logical_id, rule, why)


def _imported(data: Mapping[str, Any]) -> Said:
    waits = data.get("IngestionWaitPolicy", {}).get("WaitForSpiceIngestion", True)
    if data.get("ImportMode") == "SPICE" and str(waits).lower() != "false":
        yield "quicksight-wait", f"data set {data.get('Name')} waits for its rows"
    window = _window(data)
    if window:
        kind = columns_of(data).get(str(window.get("ColumnName")))
        if kind != "DATETIME":
            why = f"the window of data set {data.get('Name')} is over {window.get('ColumnName')}, which is {kind}"
            yield "quicksight-refresh", why
        if data.get("ImportMode") != "SPICE":
            yield (
                "quicksight-refresh",
                f"data set {data.get('Name')} is not in SPICE: it has nothing to refresh",
            )


def _window(data: Mapping[str, Any]) -> Mapping[str, Any]:
    refresh = data.get("DataSetRefreshProperties", {}).get("RefreshConfiguration", {})
    return dict(refresh.get("IncrementalRefresh", {}).get("LookbackWindow", {}))


def _scheduled(schedule: Mapping[str, Any], data: Mapping[str, Any] | None) -> Said:
    frequency = schedule.get("ScheduleFrequency", {})
    if data is None:
        yield "quicksight-refresh", "the schedule is of a data set that is not in the stack"
        return
    if data.get("ImportMode") != "SPICE":
        yield "quicksight-refresh", f"data set {data.get('Name')} is not in SPICE: it has nothing to refresh"
    if schedule.get("RefreshType") == "INCREMENTAL_REFRESH" and not _window(data):
        yield "quicksight-refresh", f"data set {data.get('Name')} has no window to refresh incrementally"
    if frequency.get("Interval") in ("WEEKLY", "MONTHLY") and "RefreshOnDay" not in frequency:
        yield "quicksight-refresh", f"a {frequency['Interval'].lower()} refresh has no day"
    time = str(frequency.get("TimeOfTheDay", ""))
    if frequency.get("Interval") in ("DAILY", "WEEKLY", "MONTHLY") and not re.fullmatch(
        r"[0-2]\d:[0-5]\d", time
    ):
        yield "quicksight-refresh", f"the time of the day is {time!r}, not HH:MM"


def _permission_findings(assembly: Assembly) -> Iterator[Finding]:
    for kind in OWNER:
        allowed = [set(OWNER[kind]), *([set(VIEWER[kind])] if kind in VIEWER else [])]
        for stack, logical_id, properties in assembly.each(f"AWS::QuickSight::{kind}"):
            for permission in properties.get("Permissions", []):
                if set(permission.get("Actions", [])) not in allowed:
                    why = f"the actions for {permission.get('Principal')} are no owner's and no viewer's of a {kind}"
                    yield _finding(stack.name, logical_id, "quicksight-permissions", why)


def _size_findings(assembly: Assembly) -> Iterator[Finding]:
    for stack in assembly.stacks:
        if any(
            r["Type"] in ("AWS::QuickSight::Analysis", "AWS::QuickSight::Dashboard")
            for r in stack.resources.values()
        ):
            size = len(json.dumps(stack.template).encode())
            if size > TEMPLATE_BYTES:
                why = f"the template has {size:,} bytes, CloudFormation takes {TEMPLATE_BYTES:,}"
                yield _finding(stack.name, "(template)", "quicksight-limit", why)
