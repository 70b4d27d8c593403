"""What QuickSight refuses of a dashboard, or ignores without a word and shows wrongly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks import quicksight_filters, quicksight_shares, quicksight_visuals
from checks.assembly import Assembly
from checks.definitions import VIEWS, Said, View, columns_of, views
from checks.finding import Finding
from checks.rule import Rule
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
TEMPLATE_BYTES = 1_000_000  # CloudFormation, "Quotas": a template in S3


def check(assembly: Assembly) -> list[Finding]:
    found = [finding for view in views(assembly) for finding in _findings(view)]
    return [*found, *_data_set_findings(assembly), *_permission_findings(assembly), *_size_findings(assembly)]


def _findings(view: View) -> Iterator[Finding]:
    for look in _LOOKS:
        for rule, why in look(view):
            yield _finding(view.stack, view.logical_id, rule, why)


def _finding(stack: str, logical_id: str, rule: str, why: str) -> Finding:
    return Finding(stack, logical_id, rule, f"{why}.", _CURES[rule])


_LOOKS = (
    quicksight_visuals.shapes,
    quicksight_visuals.columns,
    quicksight_visuals.declarations,
    quicksight_visuals.identifiers,
    quicksight_visuals.all_fields,
    quicksight_visuals.expressions,
    quicksight_visuals.series,
    quicksight_shares.shares,
    quicksight_filters.filters,
    quicksight_filters.parameters,
    quicksight_filters.layouts,
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
        if any(r["Type"] in VIEWS for r in stack.resources.values()):
            size = len(json.dumps(stack.template).encode())
            if size > TEMPLATE_BYTES:
                why = f"the template has {size:,} bytes, CloudFormation takes {TEMPLATE_BYTES:,}"
                yield _finding(stack.name, "(template)", "quicksight-limit", why)
