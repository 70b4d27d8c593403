"""Recipes, algorithms and feature transformations: the service's own, the same in every account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from osusume_endpoint.personalize import usecases
from osusume_endpoint.personalize.errors import not_found
from osusume_endpoint.personalize.models.common import Operation, Parameters, paginate
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.service import RequestContext
from osusume_engine.recipes import RECIPES, HyperparameterSpec, RecipeSpec

_RELEASED = datetime(2019, 6, 10, tzinfo=UTC).timestamp()
_TRANSFORMATION = "arn:aws:personalize:::feature-transformation/"


def recipe_of(arn: str) -> RecipeSpec:
    for spec in RECIPES.values():
        if spec.arn == arn:
            return spec
    raise not_found(arn)


def describe(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = parameters["recipeArn"]
    case = usecases.find(arn)
    spec = recipe_of(case.base_arn if case else arn)
    return {"recipe": _described(spec) | ({"recipeArn": arn, "name": case.name} if case else {})}


def _described(spec: RecipeSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "recipeArn": spec.arn,
        "algorithmArn": spec.algorithm_arn,
        "featureTransformationArn": f"{_TRANSFORMATION}{spec.name}",
        "status": "ACTIVE",
        "description": spec.description,
        "recipeType": spec.type,
        "creationDateTime": _RELEASED,
        "lastUpdatedDateTime": _RELEASED,
    }


def list_recipes(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    domain = parameters.get("domain")
    cases = [case for case in usecases.CASES if domain in (None, case.domain)]
    found: list[tuple[str, str, str | None]] = []
    if domain is None:
        found += [(spec.name, spec.arn, None) for spec in RECIPES.values()]
    found += [(case.name, case.arn, case.domain) for case in cases]
    page, token = paginate(found, parameters, signature=context.operation)
    listed = [_summary(name, arn, of_domain) for name, arn, of_domain in page]
    return {"recipes": listed} | ({"nextToken": token} if token else {})


def _summary(name: str, arn: str, domain: str | None) -> dict[str, Any]:
    summary = {
        "name": name,
        "recipeArn": arn,
        "status": "ACTIVE",
        "creationDateTime": _RELEASED,
        "lastUpdatedDateTime": _RELEASED,
    }
    return summary | ({"domain": domain} if domain else {})


def describe_algorithm(
    service: Personalize, context: RequestContext, parameters: Parameters
) -> dict[str, Any]:
    arn = parameters["algorithmArn"]
    spec = next((s for s in RECIPES.values() if s.algorithm_arn == arn), None)
    if spec is None:
        raise not_found(arn)
    return {
        "algorithm": {
            "name": spec.name,
            "algorithmArn": arn,
            "algorithmImage": {"name": spec.name, "dockerURI": "local"},
            "defaultHyperParameters": {name: _text(h.default) for name, h in spec.hyperparameters.items()},
            "defaultHyperParameterRanges": _ranges(spec),
            "trainingInputMode": "File",
            "creationDateTime": _RELEASED,
            "lastUpdatedDateTime": _RELEASED,
        }
    }


def _ranges(spec: RecipeSpec) -> dict[str, Any]:
    ranges: dict[str, list[dict[str, Any]]] = {}
    for name, parameter in spec.hyperparameters.items():
        ranges.setdefault(f"{parameter.type}HyperParameterRanges", []).append(_range(name, parameter))
    return ranges


def _range(name: str, parameter: HyperparameterSpec) -> dict[str, Any]:
    shown = {"name": name, "isTunable": parameter.hpo_tunable}
    if parameter.type == "categorical":
        return shown | {"values": list(parameter.choices)}
    number = int if parameter.type == "integer" else float
    limits = {"minValue": parameter.min, "maxValue": parameter.max}
    return shown | {key: number(value) for key, value in limits.items() if value is not None}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def describe_transformation(
    service: Personalize, context: RequestContext, parameters: Parameters
) -> dict[str, Any]:
    arn = parameters["featureTransformationArn"]
    name = arn.removeprefix(_TRANSFORMATION)
    if name not in RECIPES:
        raise not_found(arn)
    defaults = {
        key: _text(parameter.default)
        for key, parameter in RECIPES[name].hyperparameters.items()
        if key.endswith("percentile")
    }
    return {
        "featureTransformation": {
            "name": name,
            "featureTransformationArn": arn,
            "defaultParameters": defaults,
            "status": "ACTIVE",
            "creationDateTime": _RELEASED,
            "lastUpdatedDateTime": _RELEASED,
        }
    }


OPERATIONS: dict[str, Operation] = {
    "DescribeRecipe": describe,
    "ListRecipes": list_recipes,
    "DescribeAlgorithm": describe_algorithm,
    "DescribeFeatureTransformation": describe_transformation,
}
