"""Tables, exports and schedules: what is sent fits the resources that it is sent to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from checks.assembly import Assembly
from checks.finding import Finding
from checks.policies import roles
from checks.rule import Rule
from checks.simulation import Visit, visits
from config import layout
from config.schedules import check_starts
from osusume_endpoint.dynamodb import expressions

_TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")


RULES = (
    Rule(
        "data-key",
        "DynamoDB refuses the item or key.",
        "Give every key attribute with its type, and no other in Key.",
        "DynamoDB API reference, PutItem",
    ),
    Rule(
        "data-expression",
        "DynamoDB refuses the call.",
        "Correct the expression, its names or its values.",
        'DynamoDB developer guide, "Expressions"',
    ),
    Rule(
        "data-attribute",
        "The next run, or a function, fails on the item that lacks it.",
        "Put the attribute.",
        "config/layout.py and the readers",
    ),
    Rule(
        "data-object",
        "An empty object is written, and what it was to hold is lost.",
        "Give the Body.",
        "S3 API reference, PutObject",
    ),
    Rule(
        "data-export",
        "The export is refused, or events are lost or come twice.",
        "Enable point-in-time recovery; give the window with its type.",
        'DynamoDB developer guide, "Requesting a table export"',
    ),
    Rule(
        "data-copy-role",
        "COPY fails: the namespace does not have the role.",
        "Add it to IamRoles.",
        'Redshift management guide, "Authorizing Redshift Serverless"',
    ),
    Rule(
        "data-schedule",
        "EventBridge Scheduler refuses the expression, or it never fires again, or every minute.",
        "Correct the expression.",
        'EventBridge Scheduler user guide, "Schedule types"',
    ),
    Rule(
        "data-dead-letters",
        "A start that fails for good leaves no trace.",
        "Add a dead-letter queue.",
        'EventBridge Scheduler user guide, "Dead-letter queue"',
    ),
    Rule(
        "data-input",
        "The workflow is started with what is no JSON object.",
        "Give an object.",
        "Step Functions API reference, StartExecution",
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    found = [*_schedules(assembly), *_copy_roles(assembly)]
    for visit in visits(assembly):
        if isinstance(visit.arguments, dict):
            for rule, why, cure in _problems(assembly, visit, visit.arguments):
                workflow = visit.workflow
                text = f"state {visit.name!r}: {why}"
                found.append(Finding(workflow.stack.name, workflow.logical_id, rule, text, cure))
    return list(dict.fromkeys(found))


Problem = tuple[str, str, str]


def _problems(assembly: Assembly, visit: Visit, arguments: dict[str, Any]) -> Iterator[Problem]:
    resource = str(visit.state.get("Resource", ""))
    yield from _keys(assembly, arguments)
    if ":dynamodb:" in resource:
        yield from _expressions(arguments)
    yield from _attributes(arguments)
    if resource.endswith(":s3:putObject") and not arguments.get("Body"):
        yield "data-object", f"{arguments.get('Key')} is written without a Body.", "give what it is to hold."
    if "exportTableToPointInTime" in resource:
        yield from _export(assembly, arguments)


def _keys(assembly: Assembly, arguments: dict[str, Any]) -> Iterator[Problem]:
    """An item, or a key, names every key attribute of its table."""
    table = _table(assembly, arguments.get("TableName"))
    given = arguments.get("Item") or arguments.get("Key")
    if table is None or not isinstance(given, dict):
        return
    kinds = {a["AttributeName"]: a["AttributeType"] for a in table.get("AttributeDefinitions", [])}
    for key in table.get("KeySchema", []):
        name = key["AttributeName"]
        value = given.get(name)
        if not isinstance(value, dict) or kinds.get(name) not in value:
            why = f"key attribute {name} ({kinds.get(name)}) of {arguments['TableName']} is {value!r}."
            yield "data-key", why, f"give {name} with its type."
    if "Key" in arguments and set(given) - {key["AttributeName"] for key in table.get("KeySchema", [])}:
        yield "data-key", f"Key {sorted(given)} has more than the table's keys.", "give the keys only."


_PLACEHOLDERS = ("ExpressionAttributeNames", "ExpressionAttributeValues")


def _expressions(given: Any) -> Iterator[Problem]:
    """Problems with the expressions of a call, and of each part of a transaction."""
    if isinstance(given, list):
        for part in given:
            yield from _expressions(part)
    elif isinstance(given, dict):
        if any(name in given for name in (*expressions.SLOTS, *_PLACEHOLDERS)):
            yield from _read(given)
        for part in given.values():
            yield from _expressions(part)


def _read(arguments: dict[str, Any]) -> Iterator[Problem]:
    for why in expressions.problems(arguments):
        yield "data-expression", why, "correct it; give a reserved word as #name in ExpressionAttributeNames."
    yield from _placeholders(arguments)
    update = str(arguments.get("UpdateExpression", ""))
    if re.search(r"[-+]", update) and '"N"' not in json.dumps(arguments.get("ExpressionAttributeValues", {})):
        why = f"UpdateExpression {update!r} adds or subtracts, and no value is a number."
        yield "data-expression", why, "correct it."


def _placeholders(arguments: dict[str, Any]) -> Iterator[Problem]:
    """DynamoDB refuses a placeholder without a value, and a value without a placeholder."""
    text = " ".join(str(arguments.get(name, "")) for name in expressions.SLOTS)
    used = set(re.findall(r"[#:]\w+", text))
    given = {placeholder for name in _PLACEHOLDERS for placeholder in arguments.get(name, {})}
    for name in sorted(used - given):
        yield "data-expression", f"{name} is used in {text.strip()!r} and not given.", f"give {name}."
    for name in sorted(given - used):
        why = f"{name} is given and not used: DynamoDB refuses the call."
        yield "data-expression", why, f"take {name} away, or use it."


# Attributes of the control table's items that code reads: by the beginning of pk, and where.
READ = {
    layout.WATERMARK: ("lambdas/plan_run", ("log_exported_until", "log_table", "run_id")),
    layout.SERVING.of(solution=""): (
        "lambdas/judge_solution_version",
        ("solution_version_arn", "metrics", "previous_solution_version_arn"),
    ),
    layout.LOCK: ("stacks/workflows", ("owner", layout.EXPIRES)),
}


def _attributes(arguments: dict[str, Any]) -> Iterator[Problem]:
    item = arguments.get("Item")
    key = str(item.get(layout.PK, {}).get("S")) if isinstance(item, dict) else ""
    for beginning, (reader, names) in READ.items():
        if key.startswith(beginning):
            for name in sorted(set(names) - set(item or {})):
                yield "data-attribute", f"item {key} has no {name}, which {reader} reads.", f"put {name}."


def _table(assembly: Assembly, name: Any) -> dict[str, Any] | None:
    return next((p for _, _, p in assembly.each(*_TABLES) if p.get("TableName") == name), None)


def _export(assembly: Assembly, arguments: dict[str, Any]) -> Iterator[Problem]:
    name = str(arguments.get("TableArn")).rpartition("/")[2]
    table = _table(assembly, name)
    on = (table or {}).get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled")
    if table is not None and on is not True:
        why = f"{name} has no point-in-time recovery, which an export reads."
        yield "data-export", why, "enable point-in-time recovery."
    incremental = arguments.get("ExportType") == "INCREMENTAL_EXPORT"
    if incremental != ("IncrementalExportSpecification" in arguments):
        why = f"ExportType {arguments.get('ExportType')} and its window do not go together."
        yield "data-export", why, "give IncrementalExportSpecification with INCREMENTAL_EXPORT only."
    window = arguments.get("IncrementalExportSpecification", {})
    wanted = {"ExportFromTime", "ExportToTime"} if incremental else {"ExportTime"}
    for name in sorted(wanted - {*window, *arguments}):
        why = f"without {name} the export does not end at the watermark, and events are lost or come twice."
        yield "data-export", why, f"give {name}."


def _copy_roles(assembly: Assembly) -> Iterator[Finding]:
    """COPY may only use a role that the namespace has."""
    attached = {
        str(role)
        for _, _, namespace in assembly.each("AWS::RedshiftServerless::Namespace")
        for role in namespace.get("IamRoles", [])
    }
    copying = {role.arn for role in roles(assembly) if "redshift.amazonaws.com" in role.services}
    for stack, logical_id, function in assembly.each("AWS::Lambda::Function"):
        for name, value in function.get("Environment", {}).get("Variables", {}).items():
            if value in copying - attached:
                why = f"{name} is {value}, which no Redshift namespace has: COPY fails."
                yield Finding(stack.name, logical_id, "data-copy-role", why, "add it to IamRoles.")


def _schedules(assembly: Assembly) -> Iterator[Finding]:
    for stack, logical_id, schedule in assembly.each("AWS::Scheduler::Schedule"):
        try:
            check_starts(str(schedule.get("ScheduleExpression")))
        except ValueError as error:
            yield Finding(stack.name, logical_id, "data-schedule", f"{error}.", "correct the expression.")
        target = schedule.get("Target", {})
        if "DeadLetterConfig" not in target:
            why = "a start that fails for good leaves no trace."
            yield Finding(stack.name, logical_id, "data-dead-letters", why, "add a dead-letter queue.")
        if not re.fullmatch(r"\s*\{.*\}\s*", str(target.get("Input", "")), re.DOTALL):
            why = f"its Input is {target.get('Input')!r}, no JSON object."
            yield Finding(stack.name, logical_id, "data-input", why, "give an object.")
