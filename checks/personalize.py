"""Personalize semantics that no validator knows: schemas, filters, recipes and names.

The rules are the engine's own (`osusume_engine`), so that what passes here is what runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from checks.assembly import Assembly, Stack
from checks.finding import Finding
from osusume_engine.filters.expressions import FilterError, parse_filter
from osusume_engine.filters.rules import check_filter
from osusume_engine.recipes import RECIPES
from osusume_engine.schemas import Schema, SchemaError, parse_schema

# botocore's pattern for names: letters, digits, dashes and underscores, 63 at most.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}")
_NAMED = tuple(
    f"AWS::Personalize::{kind}"
    for kind in ("DatasetGroup", "Schema", "Dataset", "Solution", "Campaign", "Filter", "EventTracker")
)


def check(assembly: Assembly) -> list[Finding]:
    return [finding for stack in assembly.stacks for finding in _stack(stack)]


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
    datasets = dict(_datasets(stack, schemas))
    yield from _types(stack, schemas)
    yield from _filters(stack, datasets)
    yield from _recipes(stack)
    yield from _names(stack)


def _datasets(stack: Stack, schemas: dict[str, Schema]) -> Iterator[tuple[str, Schema]]:
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


def _recipes(stack: Stack) -> Iterator[Finding]:
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
