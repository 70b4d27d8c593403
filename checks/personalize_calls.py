"""What workflows send to Personalize: solutions, weights, batch jobs, imports (rules: rules/personalize.py)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from checks.assembly import Assembly, once
from checks.finding import Finding
from checks.simulation import Visit, visits
from config import recipes as facts
from config import rules
from osusume_engine.filters.attributes import check_attributes, parse_attributes
from osusume_engine.filters.expressions import FilterError, parse_filter
from osusume_engine.filters.rules import check_filter, check_recipe
from osusume_engine.recipes import RECIPES, RecipeSpec
from osusume_engine.schemas import ITEMS, Schema, SchemaError, check_replacement, parse_schema

_MOST_RESULTS, _MOST_USERS = 500, 5_000_000
Problem = tuple[str, str, str]  # rule, why, cure


def calls(assembly: Assembly) -> Iterator[Finding]:
    """What workflows send to Personalize."""
    for visit in visits(assembly):
        if isinstance(visit.arguments, dict):
            for rule, why, cure in _problems(assembly, visit, visit.arguments):
                workflow, text = visit.workflow, f"state {visit.name!r}: {why}"
                yield Finding(workflow.stack.name, workflow.logical_id, rule, text, cure)


def _problems(assembly: Assembly, visit: Visit, arguments: dict[str, Any]) -> Iterator[Problem]:
    resource = str(visit.state.get("Resource", ""))
    if ":personalize:createSolution" in resource and "RecipeArn" in arguments:
        yield from _solution(assembly, arguments)
    if resource.endswith("createSchema"):
        yield from _schema(assembly, arguments)
    if resource.endswith(("createBatchInferenceJob", "createBatchSegmentJob")):
        yield from _batch(assembly, arguments, segments=resource.endswith("createBatchSegmentJob"))
    if resource.endswith("createFilter"):
        yield from _filter(assembly, arguments)
    if resource.endswith("createDatasetImportJob"):
        yield from _import(assembly, arguments)


def _solution(assembly: Assembly, arguments: dict[str, Any]) -> Iterator[Problem]:
    spec = _spec(arguments["RecipeArn"])
    if spec is None:
        known = ", ".join(sorted(RECIPES))
        yield "personalize-recipe", f"there is no recipe {arguments['RecipeArn']}.", f"use one of {known}."
        return
    config = arguments.get("SolutionConfig", {})
    try:
        spec.parse(config.get("AlgorithmHyperParameters", {}))
        spec.parse(config.get("FeatureTransformationParameters", {}))
    except ValueError as error:
        yield "personalize-hyperparameter", f"{error}.", "correct it in config."
    weighted = [e for e in datasets(assembly).get("interactions", {}).get("events", []) if e.get("weight")]
    if facts.RECIPES[spec.name].event_weights and weighted and "EventsConfig" not in config:
        why = f"{spec.name} would take every event alike; the configuration weighs them."
        yield "personalize-events", why, "give EventsConfig."
    yield from _events(assembly, spec, config.get("EventsConfig", {}).get("EventParametersList", []))
    rate = config.get("AutoTrainingConfig", {}).get("SchedulingExpression")
    if arguments.get("PerformAutoTraining") is not bool(rate):
        why = "Personalize would train every seven days as well, and bill it."
        yield "personalize-auto-training", why, "set PerformAutoTraining false, or say a rate."


def _events(assembly: Assembly, spec: RecipeSpec, events: list[dict[str, Any]]) -> Iterator[Problem]:
    if events and not facts.RECIPES[spec.name].event_weights:
        yield "personalize-events", f"{spec.name} takes no event weights.", "leave EventsConfig out."
    if len(events) > rules.MAX_EVENT_TYPES:
        yield (
            "personalize-events",
            f"{len(events)} event weights, {rules.MAX_EVENT_TYPES} at most.",
            "give fewer.",
        )
    known = {event["type"] for event in datasets(assembly).get("interactions", {}).get("events", [])}
    for event in events:
        if not 0 <= event.get("Weight", 1) <= 1:
            yield "personalize-events", f"weight {event['Weight']} is not from 0 to 1.", "correct it."
        if known and event.get("EventType") not in known:
            why = f"event type {event.get('EventType')!r} is in no interaction; there are {sorted(known)}."
            yield "personalize-events", why, "correct the type in config."


def _schema(assembly: Assembly, arguments: dict[str, Any]) -> Iterator[Problem]:
    """One that replaces a template's: all columns that the job writes, the new ones nullable."""
    try:
        schema = parse_schema(str(arguments.get("Schema")))
    except SchemaError as error:
        yield "personalize-schema", f"{error}.", "correct the field in config."
        return
    columns = [
        field["name"] for field in datasets(assembly).get(schema.dataset_type.lower(), {}).get("fields", [])
    ]
    if columns and sorted(schema.names) != sorted(columns):
        why = f"the schema has {list(schema.names)}, the job writes {columns}: the import fails."
        yield "personalize-columns", why, "give both the same fields."
    for created in _created(assembly):
        if created.dataset_type == schema.dataset_type:
            yield from _replaced(created, schema)


def _created(assembly: Assembly) -> Iterator[Schema]:
    for _, _, properties in assembly.each("AWS::Personalize::Schema"):
        with suppress(SchemaError):  # rules.personalize reports it
            yield parse_schema(str(properties.get("Schema")))


@once
def _schemas(assembly: Assembly) -> dict[str, Schema]:
    """Schemas by dataset type: those of templates, and of workflows, which make those of actions and gain fields."""
    found = {schema.dataset_type: schema for schema in _created(assembly)}
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        if str(visit.state.get("Resource", "")).endswith(":personalize:createSchema"):
            with suppress(SchemaError):  # _schema reports it
                schema = parse_schema(str(arguments.get("Schema")))
                found[schema.dataset_type] = schema
    return found


def _replaced(created: Schema, schema: Schema) -> Iterator[Problem]:
    try:
        check_replacement(created, schema)
    except SchemaError as error:
        yield (
            "personalize-schema",
            f"UpdateDataset refuses the schema: {error}.",
            "correct the field in config.",
        )


def _batch(assembly: Assembly, arguments: dict[str, Any], *, segments: bool) -> Iterator[Problem]:
    name = str(arguments.get("SolutionVersionArn")).partition(":solution/")[2].partition("/")[0]
    spec = _recipes(assembly).get(name)
    source = str(arguments.get("JobInput", {}).get("S3DataSource", {}).get("Path"))
    written = str(arguments.get("JobOutput", {}).get("S3DataDestination", {}).get("Path"))
    if spec is None:
        why = f"{arguments.get('SolutionVersionArn')} is of no solution that a workflow creates."
        yield "personalize-batch", why, "take the solution version of the trained solution."
        return
    if not (spec.batch_segment if segments else spec.batch_inference):
        kind = "batch segments" if segments else "batch inference"
        yield "personalize-batch", f"{spec.name} has no {kind}.", "choose another recipe."
    yield from _lines(assembly, spec, source)
    yield from _queries(assembly, source)
    yield from _filtered(assembly, spec, arguments.get("FilterArn"))
    if not written.endswith("/"):
        why = f"output {written} does not end in /: Personalize writes beside the folder."
        yield "personalize-path", why, "end the path with /."
    most = _most(segments=segments)
    if not 1 <= int(arguments.get("NumResults", 0)) <= most:
        why = f"NumResults {arguments.get('NumResults')} is not from 1 to {most}."
        yield "personalize-batch", why, "correct solutions[].results or candidates."


def _most(*, segments: bool) -> int:
    return _MOST_USERS if segments else _MOST_RESULTS


# The key of a line of each kind of batch input.
_KEYS = {
    "users": ("userId",),
    "everyone": ("userId",),
    "items": ("itemId",),
    "rankings": ("userId", "itemList"),
    "queries": ("itemAttributes",),
}


def _lines(assembly: Assembly, spec: RecipeSpec, source: str) -> Iterator[Problem]:
    """The folder that a job reads has lines of the recipe's kind."""
    inputs = batch_inputs(assembly)
    folder = _folder(source)
    wanted = facts.RECIPES[spec.name].line
    if inputs and _KEYS.get(inputs.get(folder, ""), ()) != wanted:
        why = f"{spec.name} ({spec.type}) reads {source}: lines of the other kind."
        yield "personalize-batch", why, f"give it a folder whose lines have {', '.join(wanted)}."


def _folder(source: str) -> str:
    """The folder of batch_input, or of its parts, that a path lies in."""
    return source.partition("/batch_")[2].partition("/")[2].partition("/")[0]


def _queries(assembly: Assembly, source: str) -> Iterator[Problem]:
    """What segments are made of, by the engine's own grammar, against the schema of items."""
    items = _schemas(assembly).get(ITEMS)
    given = next((one for one in _inputs(assembly) if one["folder"] == _folder(source)), {})
    for name, query in given.get("queries", {}).items():
        try:
            parsed = parse_attributes(str(query))
            if items is not None:
                check_attributes(parsed, items)
        except FilterError as error:
            yield "personalize-batch", f"query {name}, {query!r}: {error}.", "correct solutions[].queries."


def batch_inputs(assembly: Assembly) -> dict[str, str]:
    """Kinds of lines by folder, as the job that builds the datasets is told."""
    return {str(one["folder"]): str(one["lines"]) for one in _inputs(assembly)}


def _inputs(assembly: Assembly) -> list[dict[str, Any]]:
    for _, _, job in assembly.each("AWS::Glue::Job"):
        text = job.get("DefaultArguments", {}).get("--batch_inputs")
        if text:
            return list(json.loads(text))
    return []


def _filter(assembly: Assembly, arguments: dict[str, Any]) -> Iterator[Problem]:
    """The expression by the engine's own grammar, against the schemas of templates and workflows."""
    try:
        check_filter(parse_filter(str(arguments.get("FilterExpression"))), _schemas(assembly))
    except FilterError as error:
        why = f"{str(error).removesuffix('.')}."
        yield "personalize-filter", why, "correct the expression in config."


def _filtered(assembly: Assembly, spec: RecipeSpec, arn: Any) -> Iterator[Problem]:
    """The filter of a batch job is one that a workflow creates, of what the recipe recommends."""
    if arn is None:
        return
    expression = _filters(assembly).get(str(arn).partition(":filter/")[2])
    if expression is None:
        yield "personalize-filter", f"no workflow creates {arn}.", "name a filter of the configuration."
        return
    try:
        check_recipe(parse_filter(expression), spec)
    except FilterError as error:
        why = f"filter {expression!r} {error}: the job would fail, after a training that is paid."
        yield "personalize-filter", why, "name a filter that fits the recipe in solutions[].filter."


@once
def _filters(assembly: Assembly) -> dict[str, str]:
    """Expressions of the filters that workflows create, by name."""
    found = {}
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        if str(visit.state.get("Resource", "")).endswith("createFilter"):
            found[str(arguments.get("Name"))] = str(arguments.get("FilterExpression"))
    return found


def _import(assembly: Assembly, arguments: dict[str, Any]) -> Iterator[Problem]:
    group, _, kind = str(arguments.get("DatasetArn")).partition(":dataset/")[2].partition("/")
    known = {*_declared_datasets(assembly), *_made_datasets(assembly)}
    groups = {str(p["Name"]) for _, _, p in assembly.each("AWS::Personalize::DatasetGroup")}
    if groups and (kind not in known or group not in groups):
        why = f"there is no dataset {arguments.get('DatasetArn')}."
        yield "personalize-dataset", why, f"name one of {', '.join(sorted(known))} of {', '.join(groups)}."
    location = str(arguments.get("DataSource", {}).get("DataLocation"))
    if kind.lower() not in location.rstrip("/").rpartition("/")[2]:
        why = f"dataset {kind} is imported from {location}."
        yield "personalize-path", why, "import the folder of the dataset."


def _declared_datasets(assembly: Assembly) -> Iterator[str]:
    """Their types, in capitals as in their ARNs."""
    for _, _, dataset in assembly.each("AWS::Personalize::Dataset"):
        yield str(dataset["DatasetType"]).upper()


def _made_datasets(assembly: Assembly) -> Iterator[str]:
    """The same of those that workflows make."""
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        if str(visit.state.get("Resource", "")).endswith(":personalize:createDataset"):
            yield str(arguments["DatasetType"]).upper()


def _recipes(assembly: Assembly) -> dict[str, RecipeSpec]:
    """The recipes of the solutions that workflows create."""
    found = {}
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        spec = _spec(arguments.get("RecipeArn"))
        if spec is not None:
            found[str(arguments.get("Name"))] = spec
    return found


def _spec(arn: Any) -> RecipeSpec | None:
    return next((spec for spec in RECIPES.values() if spec.arn == arn), None)


def datasets(assembly: Assembly) -> Mapping[str, Any]:
    """The configuration that the job which builds the datasets is given."""
    for _, _, job in assembly.each("AWS::Glue::Job"):
        text = job.get("DefaultArguments", {}).get("--datasets")
        if text:
            return dict(json.loads(text))
    return {}
