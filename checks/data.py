"""Tables, exports and Personalize jobs: what workflows send fits the resources that they send it to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.assembly import Assembly
from checks.finding import Finding
from checks.policies import roles
from checks.simulation import Visit, visits
from config.rules import check_schedule
from osusume_engine.recipes import RECIPES, RecipeSpec

_TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
_INTERACTIONS = ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
# Personalize developer guide, "Optimizing a solution with events configuration".
_WEIGHTED = frozenset(["aws-user-personalization-v2", "aws-personalized-ranking-v2"])
_MOST_EVENTS, _MOST_RESULTS = 10, 500


def check(assembly: Assembly) -> list[Finding]:
    found = [*_schedules(assembly), *_columns(assembly), *_copy_roles(assembly)]
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
    yield from _expressions(arguments)
    yield from _attributes(arguments)
    if "exportTableToPointInTime" in resource:
        yield from _export(assembly, arguments)
    if ":personalize:createSolution" in resource and "RecipeArn" in arguments:
        yield from _solution(assembly, arguments)
    if resource.endswith("createBatchInferenceJob"):
        yield from _inference(assembly, arguments)
    if resource.endswith("createDatasetImportJob"):
        yield from _import(assembly, arguments)


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


_EXPRESSIONS = tuple(
    f"{name}Expression" for name in "Condition Update KeyCondition Filter Projection".split()
)


def _expressions(arguments: dict[str, Any]) -> Iterator[Problem]:
    """DynamoDB refuses a placeholder without a value, and a value without a placeholder."""
    text = " ".join(str(arguments.get(name, "")) for name in _EXPRESSIONS)
    used = set(re.findall(r"[#:]\w+", text))
    given = {
        *arguments.get("ExpressionAttributeNames", {}),
        *arguments.get("ExpressionAttributeValues", {}),
    }
    for name in sorted(used - given):
        yield "data-expression", f"{name} is used in {text.strip()!r} and not given.", f"give {name}."
    for name in sorted(given - used):
        why = f"{name} is given and not used: DynamoDB refuses the call."
        yield "data-expression", why, f"take {name} away, or use it."
    update = str(arguments.get("UpdateExpression", ""))
    if re.search(r"[-+]", update) and '"N"' not in json.dumps(arguments.get("ExpressionAttributeValues", {})):
        why = f"UpdateExpression {update!r} adds or subtracts, and no value is a number."
        yield "data-expression", why, "correct it."
    if re.search(r"[^\w\s#:().,<>=\[\]]", str(arguments.get("ConditionExpression", ""))):
        why = f"ConditionExpression {arguments['ConditionExpression']!r} is not DynamoDB's grammar."
        yield "data-expression", why, "correct it."


# Attributes of the control table's items that code reads: by the beginning of pk, and where.
READ = {
    "watermark": ("lambdas/plan_run", ("log_exported_until", "run_id")),
    "serving#": ("lambdas/judge_solution_version", ("solution_version_arn", "metrics")),
    "lock": ("stacks/workflows", ("owner", "expires_at")),
}


def _attributes(arguments: dict[str, Any]) -> Iterator[Problem]:
    item = arguments.get("Item")
    key = str(item.get("pk", {}).get("S")) if isinstance(item, dict) else ""
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


def _solution(assembly: Assembly, arguments: dict[str, Any]) -> Iterator[Problem]:
    spec = _spec(arguments["RecipeArn"])
    if spec is None:
        known = ", ".join(sorted(RECIPES))
        yield "personalize-recipe", f"there is no recipe {arguments['RecipeArn']}.", f"use one of {known}."
        return
    config = arguments.get("SolutionConfig", {})
    try:
        spec.parse(config.get("AlgorithmHyperParameters", {}))
    except ValueError as error:
        yield "personalize-hyperparameter", f"{error}.", "correct it in config."
    weighted = [e for e in _datasets(assembly).get("interactions", {}).get("events", []) if e.get("weight")]
    if spec.name in _WEIGHTED and weighted and "EventsConfig" not in config:
        why = f"{spec.name} would take every event alike; the configuration weighs them."
        yield "personalize-events", why, "give EventsConfig."
    yield from _events(assembly, spec, config.get("EventsConfig", {}).get("EventParametersList", []))
    if arguments.get("PerformAutoTraining") is not False:
        why = "Personalize would train every seven days as well, and bill it."
        yield "personalize-auto-training", why, "set PerformAutoTraining false."


def _events(assembly: Assembly, spec: RecipeSpec, events: list[dict[str, Any]]) -> Iterator[Problem]:
    if events and spec.name not in _WEIGHTED:
        yield "personalize-events", f"{spec.name} takes no event weights.", "leave EventsConfig out."
    if len(events) > _MOST_EVENTS:
        yield "personalize-events", f"{len(events)} event weights, {_MOST_EVENTS} at most.", "give fewer."
    known = {event["type"] for event in _datasets(assembly).get("interactions", {}).get("events", [])}
    for event in events:
        if not 0 <= event.get("Weight", 1) <= 1:
            yield "personalize-events", f"weight {event['Weight']} is not from 0 to 1.", "correct it."
        if known and event.get("EventType") not in known:
            why = f"event type {event.get('EventType')!r} is in no interaction; there are {sorted(known)}."
            yield "personalize-events", why, "correct the type in config."


def _inference(assembly: Assembly, arguments: dict[str, Any]) -> Iterator[Problem]:
    name = str(arguments.get("SolutionVersionArn")).partition(":solution/")[2].partition("/")[0]
    spec = _recipes(assembly).get(name)
    source = str(arguments.get("JobInput", {}).get("S3DataSource", {}).get("Path"))
    written = str(arguments.get("JobOutput", {}).get("S3DataDestination", {}).get("Path"))
    if spec is None:
        why = f"{arguments.get('SolutionVersionArn')} is of no solution that a workflow creates."
        yield "personalize-batch", why, "take the solution version of the trained solution."
        return
    if not spec.batch_inference:
        yield "personalize-batch", f"{spec.name} has no batch inference.", "choose another recipe."
    if (spec.type == "RELATED_ITEMS") != source.rstrip("/").endswith("/items"):
        why = f"{spec.name} ({spec.type}) reads {source}: lines of the other kind."
        yield "personalize-batch", why, "give items to related-item recipes, users to the others."
    if not written.endswith("/"):
        why = f"output {written} does not end in /: Personalize writes beside the folder."
        yield "personalize-path", why, "end the path with /."
    if not 1 <= int(arguments.get("NumResults", 0)) <= _MOST_RESULTS:
        why = f"NumResults {arguments.get('NumResults')} is not from 1 to {_MOST_RESULTS}."
        yield "personalize-batch", why, "correct solutions[].results."


def _import(assembly: Assembly, arguments: dict[str, Any]) -> Iterator[Problem]:
    group, _, kind = str(arguments.get("DatasetArn")).partition(":dataset/")[2].partition("/")
    known = {str(p["DatasetType"]).upper() for _, _, p in assembly.each("AWS::Personalize::Dataset")}
    groups = {str(p["Name"]) for _, _, p in assembly.each("AWS::Personalize::DatasetGroup")}
    if groups and (kind not in known or group not in groups):
        why = f"there is no dataset {arguments.get('DatasetArn')}."
        yield "personalize-dataset", why, f"name one of {', '.join(sorted(known))} of {', '.join(groups)}."
    location = str(arguments.get("DataSource", {}).get("DataLocation"))
    if kind.lower() not in location.rstrip("/").rpartition("/")[2]:
        why = f"dataset {kind} is imported from {location}."
        yield "personalize-path", why, "import the folder of the dataset."


def _recipes(assembly: Assembly) -> dict[str, RecipeSpec]:
    """Of the solutions that workflows create."""
    found = {}
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        spec = _spec(arguments.get("RecipeArn"))
        if spec is not None:
            found[str(arguments.get("Name"))] = spec
    return found


def _spec(arn: Any) -> RecipeSpec | None:
    return next((spec for spec in RECIPES.values() if spec.arn == arn), None)


def _datasets(assembly: Assembly) -> Mapping[str, Any]:
    """The configuration that the job which builds the datasets is given."""
    for _, _, job in assembly.each("AWS::Glue::Job"):
        text = job.get("DefaultArguments", {}).get("--datasets")
        if text:
            return dict(json.loads(text))
    return {}


def _columns(assembly: Assembly) -> Iterator[Finding]:
    """The CSV that the job writes has the columns of the schema, by name."""
    datasets = _datasets(assembly)
    written = {"interactions": _INTERACTIONS} | {
        name: [field["name"] for field in datasets[name]["fields"]]
        for name in ("users", "items")
        if name in datasets
    }
    for stack, logical_id, schema in assembly.each("AWS::Personalize::Schema"):
        avro = _avro(str(schema.get("Schema")))
        columns = written.get(str(avro.get("name", "")).lower())
        named = [field.get("name") for field in avro.get("fields", [])]
        if datasets and columns is not None and sorted(map(str, named)) != sorted(columns):
            why = f"the schema has {named}, the job writes {columns}: the import fails."
            yield Finding(stack.name, logical_id, "personalize-columns", why, "give both the same fields.")


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


def _avro(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}  # personalize.check reports it


def _schedules(assembly: Assembly) -> Iterator[Finding]:
    for stack, logical_id, schedule in assembly.each("AWS::Scheduler::Schedule"):
        try:
            check_schedule(str(schedule.get("ScheduleExpression")))
        except ValueError as error:
            yield Finding(stack.name, logical_id, "data-schedule", f"{error}.", "correct the expression.")
        target = schedule.get("Target", {})
        if "DeadLetterConfig" not in target:
            why = "a start that fails for good leaves no trace."
            yield Finding(stack.name, logical_id, "data-dead-letters", why, "add a dead-letter queue.")
        if not re.fullmatch(r"\s*\{.*\}\s*", str(target.get("Input", "")), re.DOTALL):
            why = f"its Input is {target.get('Input')!r}, no JSON object."
            yield Finding(stack.name, logical_id, "data-input", why, "give an object.")
