"""Personalize semantics that no validator knows: schemas, filters, recipes, weights, jobs and names.

The rules are the engine's own (`osusume_engine`), so that what passes here is what runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.assembly import Assembly, Stack
from checks.finding import Finding
from checks.personalize_calls import calls, datasets
from checks.rule import Rule
from osusume_engine.filters.expressions import FilterError, parse_filter
from osusume_engine.filters.rules import check_filter
from osusume_engine.recipes import RECIPES
from osusume_engine.schemas import Schema, SchemaError, parse_schema

# botocore's pattern for names: letters, digits, dashes and underscores, 63 at most.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}")
_INTERACTIONS = ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
_NAMED = tuple(
    f"AWS::Personalize::{kind}"
    for kind in ("DatasetGroup", "Schema", "Dataset", "Solution", "Campaign", "Filter", "EventTracker")
)


RULES = (
    Rule(
        "personalize-schema",
        "CreateSchema refuses the schema.",
        "Correct the field in config.",
        'Personalize developer guide, "Schemas"',
    ),
    Rule(
        "personalize-dataset",
        "CreateDataset or the import is refused.",
        "Give the dataset the schema of its type, and name one that exists.",
        'Personalize developer guide, "Datasets and schemas"',
    ),
    Rule(
        "personalize-columns",
        "The import fails: columns and schema differ.",
        "Give both the same fields.",
        'Personalize developer guide, "Bulk data format guidelines"',
    ),
    Rule(
        "personalize-filter",
        "CreateFilter refuses the expression, or a batch job a filter of another recipe's.",
        "Correct the expression, or name another filter.",
        'Personalize developer guide, "Filter expressions"',
    ),
    Rule(
        "personalize-recipe",
        "CreateSolution fails: there is no such recipe.",
        "Use one of the recipes.",
        'Personalize developer guide, "Choosing a recipe"; config/recipes.py',
    ),
    Rule(
        "personalize-hyperparameter",
        "CreateSolution refuses the hyperparameter.",
        "Correct it in config.",
        "Personalize developer guide, pages of the recipes; config/recipes.py",
    ),
    Rule(
        "personalize-events",
        "CreateSolution refuses the weights, or takes every event alike.",
        "Give EventsConfig to recipes that take it.",
        'Personalize developer guide, "Optimizing a solution with events configuration"',
    ),
    Rule(
        "personalize-auto-training",
        "Personalize trains every seven days as well, and bills it.",
        "Set PerformAutoTraining false.",
        'Personalize developer guide, "Configuring automatic training"',
    ),
    Rule(
        "personalize-batch",
        "The batch job is refused.",
        "Give lines of the recipe's kind, and 1 to 500 results.",
        'Personalize developer guide, "Batch recommendations"',
    ),
    Rule(
        "personalize-path",
        "The job reads or writes another folder than the pipeline.",
        "Correct the path.",
        'Personalize developer guide, "Batch recommendations"',
    ),
    Rule(
        "personalize-name",
        "The resource is refused: its name.",
        "Shorten app or environment in config.",
        "botocore's pattern of names",
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    found = [finding for stack in assembly.stacks for finding in _stack(stack)]
    return list(dict.fromkeys([*found, *_columns(assembly), *calls(assembly)]))


def _stack(stack: Stack) -> Iterator[Finding]:
    schemas: dict[str, Schema] = {}
    for logical_id, properties in stack.of_type("AWS::Personalize::Schema"):
        try:
            schema = parse_schema(str(properties["Schema"]), domain=properties.get("Domain"))
            schemas[stack.resolver.arn(logical_id)] = schema
        except SchemaError as error:
            yield _finding(
                stack, logical_id, "personalize-schema", str(error), "correct the field in config."
            )
    datasets = dict(_typed(stack, schemas))
    yield from _types(stack, schemas)
    yield from _filters(stack, {schema.dataset_type: schema for schema in datasets.values()})
    yield from _declared(stack)
    yield from _names(stack)


def _typed(stack: Stack, schemas: dict[str, Schema]) -> Iterator[tuple[str, Schema]]:
    for _, properties in stack.of_type("AWS::Personalize::Dataset"):
        schema = schemas.get(properties["SchemaArn"])
        if schema is not None:
            yield str(properties["DatasetType"]).lower(), schema


def _types(stack: Stack, schemas: dict[str, Schema]) -> Iterator[Finding]:
    for logical_id, properties in stack.of_type("AWS::Personalize::Dataset"):
        schema = schemas.get(properties["SchemaArn"])
        wanted = str(properties["DatasetType"]).lower().replace("_", "")
        if schema is not None and schema.dataset_type.lower().replace("_", "") != wanted:
            why = f"dataset type {properties['DatasetType']} has a schema for {schema.dataset_type}."
            yield _finding(stack, logical_id, "personalize-dataset", why, "give it the schema of its type.")


def _filters(stack: Stack, datasets: dict[str, Schema]) -> Iterator[Finding]:
    for logical_id, properties in stack.of_type("AWS::Personalize::Filter"):
        try:
            check_filter(parse_filter(str(properties["FilterExpression"])), datasets)
        except FilterError as error:
            yield _finding(stack, logical_id, "personalize-filter", str(error), "correct the expression.")


def _declared(stack: Stack) -> Iterator[Finding]:
    known = {spec.arn for spec in RECIPES.values()}
    for logical_id, properties in stack.of_type("AWS::Personalize::Solution"):
        recipe = properties.get("RecipeArn")
        if recipe is not None and recipe not in known:
            why = f"there is no recipe {recipe}."
            yield _finding(
                stack, logical_id, "personalize-recipe", why, f"use one of {', '.join(sorted(known))}."
            )


def _names(stack: Stack) -> Iterator[Finding]:
    for logical_id, properties in stack.of_type(*_NAMED):
        name: Any = properties.get("Name", "")
        if not _NAME.fullmatch(str(name)):
            why = f"name {name!r} is not 1 to 63 letters, digits, dashes and underscores."
            yield _finding(
                stack, logical_id, "personalize-name", why, "shorten app or environment in config."
            )


def _finding(stack: Stack, logical_id: str, rule: str, why: str, cure: str) -> Finding:
    return Finding(stack.name, logical_id, rule, why, cure)


def _columns(assembly: Assembly) -> Iterator[Finding]:
    """The CSV that the job writes has the columns of the schema, by name; those that were added are in no template."""
    given = datasets(assembly)
    created = {"interactions": _interactions(given)} | {
        name: [field["name"] for field in given[name]["fields"] if not field.get("added")]
        for name in ("users", "items")
        if name in given
    }
    for stack, logical_id, schema in assembly.each("AWS::Personalize::Schema"):
        avro = _avro(str(schema.get("Schema")))
        columns = created.get(str(avro.get("name", "")).lower())
        named = [field.get("name") for field in avro.get("fields", [])]
        if given and columns is not None and sorted(map(str, named)) != sorted(columns):
            why = f"the schema has {named}, the job writes {columns}: the import fails."
            yield Finding(stack.name, logical_id, "personalize-columns", why, "give both the same fields.")


def _interactions(given: Mapping[str, Any]) -> list[str]:
    """What the job writes of interactions, as it is told."""
    sent = given.get("interactions", {})
    more = {"impressions": "IMPRESSION", "recommendation_ids": "RECOMMENDATION_ID"}
    context = [field["name"] for field in sent.get("fields", [])]
    return [*_INTERACTIONS, *(column for key, column in more.items() if sent.get(key)), *context]


def _avro(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}  # _stack reports it
