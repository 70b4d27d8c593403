"""Solutions: which recipe to train, on which events and columns, with which hyperparameters."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from typing import Any

from osusume_endpoint.personalize import states
from osusume_endpoint.personalize.errors import in_use, invalid
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.kinds import KINDS, described, project
from osusume_endpoint.personalize.models import datasets, tuning
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    listing,
    picked,
    tags_of,
    unfinished,
)
from osusume_endpoint.personalize.models.recipes import recipe_of
from osusume_endpoint.personalize.models.schemas import schema_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext
from osusume_endpoint.wire import service_model
from osusume_engine.recipes import RecipeSpec
from osusume_engine.schemas import NUMERIC
from osusume_engine.values import finite

MAX_SOLUTIONS = 10
_KEYS = frozenset({"USER_ID", "ITEM_ID", "TIMESTAMP", "ACTION_ID", "EVENT_TYPE"})
_INCREMENTAL_RECIPES = frozenset({"aws-semantic-similarity"})


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = service.named("Solution", parameters["name"])
    tags = tags_of(parameters)
    recipe = _recipe(parameters)
    with service.store.lock:
        group = service.active(parameters["datasetGroupArn"], "DatasetGroup")
        service.check_absent(arn)
        count = len(service.store.where("Solution", datasetGroupArn=group.arn))
        service.check_quota(
            count, MAX_SOLUTIONS, f"More than {MAX_SOLUTIONS} resources in ACTIVE state. Please delete some."
        )
        _check(service, group, recipe, parameters)
        fields = picked(parameters, "name", "datasetGroupArn", "recipeArn", "eventType", "solutionConfig")
        flags = {
            "performHPO": False,
            "performAutoML": False,
            "performAutoTraining": True,
            "performIncrementalUpdate": False,
        }
        fields |= {name: parameters.get(name, default) for name, default in flags.items()}
        service.create("Solution", arn, fields, tags=tags)
    return {"solutionArn": arn}


def describe(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    record = service.store.get(parameters["solutionArn"], "Solution")
    fields = dict(record.fields)
    versions = service.store.where("SolutionVersion", solutionArn=record.arn)
    if versions:
        summary = service_model("personalize").shape_for("SolutionVersionSummary")
        fields["latestSolutionVersion"] = project(summary, versions[-1].fields)
    return described(KINDS["Solution"], fields)


def update(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    with service.store.lock:
        record = service.active(parameters["solutionArn"], "Solution")
        service.check_settled(record)
        config = parameters.get("solutionUpdateConfig", {})
        _check_events(record.fields, {**record.fields.get("solutionConfig", {}), **config})
        _check_auto_training(
            parameters.get("performAutoTraining", record.fields["performAutoTraining"]), config
        )
        _check_incremental(recipe_of(record.fields["recipeArn"]), parameters)
        now = time.time()
        latest = picked(parameters, "solutionUpdateConfig", "performAutoTraining", "performIncrementalUpdate")
        latest |= {"status": states.PENDING, "creationDateTime": now, "lastUpdatedDateTime": now}
        service.store.update(record.arn, latestSolutionUpdate=latest)
        service.jobs.submit("update", record)
    return {"solutionArn": record.arn}


def delete(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    record = service.store.get(parameters["solutionArn"], "Solution")
    with service.store.lock:
        for campaign in service.store.where("Campaign", solutionArn=record.arn):
            raise in_use(f"Solution {record.arn} is in use by {campaign.arn}: delete that first.")
        for kind in ("SolutionVersion", "BatchInferenceJob", "BatchSegmentJob"):
            if unfinished(service, kind, solutionArn=record.arn):
                raise in_use(f"Solution {record.arn} is in use by a {kind} in progress.")
        service.delete(record)
    return {}


def _recipe(parameters: Parameters) -> RecipeSpec:
    if parameters.get("performAutoML"):
        raise invalid("performAutoML is not supported for new solutions: choose a recipeArn.")
    if "recipeArn" not in parameters:
        raise invalid("recipeArn is required.")
    return recipe_of(parameters["recipeArn"])


def hyperparameters(config: Mapping[str, Any]) -> dict[str, str]:
    """Both maps: the service shows history lengths as feature transformation parameters too."""
    return {**config.get("featureTransformationParameters", {}), **config.get("algorithmHyperParameters", {})}


def _check(service: Personalize, group: Record, recipe: RecipeSpec, parameters: Parameters) -> None:
    config = parameters.get("solutionConfig", {})
    if parameters.get("performHPO"):
        _check_hpo(recipe, config.get("hpoConfig", {}))
    _check_maps(config)
    try:
        recipe.parse(hyperparameters(config))
    except ValueError as error:
        raise invalid(str(error)) from None
    _check_events(parameters, config)
    _check_auto_training(parameters.get("performAutoTraining", True), config)
    _check_incremental(recipe, parameters)
    check_columns(service, group.arn, config.get("trainingDataConfig", {}))
    _check_objective(service, group, recipe, config.get("optimizationObjective"))


def _check_maps(config: Mapping[str, Any]) -> None:
    """A key in both maps says one thing."""
    features = config.get("featureTransformationParameters", {})
    for name, value in config.get("algorithmHyperParameters", {}).items():
        if features.get(name, value) != value:
            raise invalid(
                f"{name} is {value!r} in algorithmHyperParameters and {features[name]!r} in"
                " featureTransformationParameters: keep one."
            )


def _check_hpo(recipe: RecipeSpec, config: Mapping[str, Any]) -> None:
    if not recipe.hpo:
        raise invalid(f"Recipe {recipe.name} does not support hyperparameter optimization (performHPO).")
    tuning.check(recipe, config)


def _check_events(parameters: Parameters, config: Mapping[str, Any]) -> None:
    rows = config.get("eventsConfig", {}).get("eventParametersList", [])
    threshold = config.get("eventValueThreshold")
    if rows and ("eventType" in parameters or threshold is not None):
        raise invalid("Use either eventsConfig or eventType with eventValueThreshold, not both.")
    if threshold is not None:
        if "eventType" not in parameters:
            raise invalid("eventValueThreshold needs an eventType.")
        try:
            finite(threshold)
        except ValueError:
            raise invalid(f"eventValueThreshold {threshold!r} is not a number.") from None
    types = [row.get("eventType") for row in rows]
    if None in types or len(set(types)) != len(types):
        raise invalid(f"eventsConfig must name each event type once: {types}")


def _check_auto_training(enabled: bool, config: Mapping[str, Any]) -> None:
    expression = config.get("autoTrainingConfig", {}).get("schedulingExpression")
    if expression is None:
        return
    if not enabled:
        raise invalid("autoTrainingConfig needs performAutoTraining to be true.")
    days = int(expression.removeprefix("rate(").split()[0])
    if not 1 <= days <= 30:
        raise invalid(f"schedulingExpression {expression!r} must be rate(1 day) to rate(30 days).")


def _check_incremental(recipe: RecipeSpec, parameters: Parameters) -> None:
    if parameters.get("performIncrementalUpdate") and recipe.name not in _INCREMENTAL_RECIPES:
        raise invalid(f"Recipe {recipe.name} does not support performIncrementalUpdate.")


def check_columns(service: Personalize, group_arn: str, config: Mapping[str, Any]) -> None:
    given = {
        name: config[name] for name in ("excludedDatasetColumns", "includedDatasetColumns") if name in config
    }
    if len(given) > 1:
        raise invalid("Use either excludedDatasetColumns or includedDatasetColumns, not both.")
    present = datasets.datasets_of(service, group_arn)
    for name, columns_of in given.items():
        types = [dataset_type.upper() for dataset_type in columns_of]
        if len(set(types)) < len(types):
            raise invalid(f"{name} names a dataset type twice: {', '.join(columns_of)}.")
        for dataset_type, columns in columns_of.items():
            dataset = present.get(dataset_type.upper())
            if dataset is None:
                raise invalid(f"{name} names the dataset type {dataset_type!r}, which the group lacks.")
            unknown = set(columns) - set(schema_of(service, dataset).names)
            if unknown:
                raise invalid(f"{name} names columns that {dataset_type} lacks: {sorted(unknown)}")
            if name == "excludedDatasetColumns" and set(columns) & _KEYS:
                raise invalid(f"Required columns can't be excluded: {sorted(set(columns) & _KEYS)}")


def excluded_columns(
    service: Personalize, trained: Record, config: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Columns that a solution or recommender leaves out: those of its configuration, and those that came after it."""
    training = config.get("trainingDataConfig", {})
    excluded = {k.upper(): list(v) for k, v in training.get("excludedDatasetColumns", {}).items()}
    for dataset_type, names in trained.private.get("left_out", {}).items():
        excluded[dataset_type] = [*excluded.get(dataset_type, ()), *names]
    present = datasets.datasets_of(service, trained.fields["datasetGroupArn"])
    for dataset_type, kept in training.get("includedDatasetColumns", {}).items():
        names = schema_of(service, present[dataset_type.upper()]).names
        excluded[dataset_type.upper()] = [name for name in names if name not in {*kept, *_KEYS}]
    return excluded


def _check_objective(
    service: Personalize, group: Record, recipe: RecipeSpec, objective: Mapping[str, Any] | None
) -> None:
    if objective is None:
        return
    if recipe.type not in ("USER_PERSONALIZATION", "PERSONALIZED_RANKING"):
        raise invalid(f"Recipe {recipe.name} does not support optimizationObjective.")
    attribute = objective.get("itemAttribute")
    items = datasets.datasets_of(service, group.arn).get("ITEMS")
    field = schema_of(service, items).field(attribute) if items and attribute else None
    if field is None or field.type not in NUMERIC or field.nullable:
        raise invalid(
            f"optimizationObjective.itemAttribute {attribute!r} must be a numeric column of Items whose "
            "schema does not allow null."
        )


def objective_of(config: Mapping[str, Any]) -> dict[str, str] | None:
    """The objective as the learner takes it."""
    given = config.get("optimizationObjective")
    if given is None:
        return None
    return {"attribute": given["itemAttribute"], "sensitivity": given.get("objectiveSensitivity", "OFF")}


def _apply_update(record: Record) -> dict[str, Any]:
    latest = record.fields["latestSolutionUpdate"]
    config = {**record.fields.get("solutionConfig", {}), **latest.get("solutionUpdateConfig", {})}
    changed = picked(latest, "performAutoTraining", "performIncrementalUpdate")
    return changed | ({"solutionConfig": config} if config else {})


def _discard(service: Personalize, record: Record) -> dict[str, Any]:
    """Versions, and the batch jobs of versions, go with their solution."""
    for kind in ("SolutionVersion", "BatchInferenceJob", "BatchSegmentJob"):
        for child in service.store.where(kind, solutionArn=record.arn):
            service.store.remove(child.arn)
            if kind == "SolutionVersion":
                shutil.rmtree(service.folder("models", child.arn), ignore_errors=True)
    return {}


def register(service: Personalize) -> None:
    service.jobs.register("create", "Solution", Runner(lambda record: {}))
    service.jobs.register("update", "Solution", Runner(_apply_update))
    service.jobs.register(
        "delete",
        "Solution",
        Runner(lambda record: _discard(service, record), running=states.DELETE_IN_PROGRESS),
    )


OPERATIONS: dict[str, Operation] = {
    "CreateSolution": create,
    "DescribeSolution": describe,
    "ListSolutions": listing("Solution"),
    "UpdateSolution": update,
    "DeleteSolution": delete,
}
