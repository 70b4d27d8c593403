"""Recommenders of domain dataset groups: a use case, trained and deployed in one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from typing import Any

from osusume_endpoint.personalize import states, usecases
from osusume_endpoint.personalize.errors import JobFailure, in_use, invalid, not_found
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.models import campaigns, datasets, solutions
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    describing,
    listing,
    picked,
    tags_of,
)
from osusume_endpoint.personalize.models.recipes import recipe_of
from osusume_endpoint.personalize.models.solution_versions import SEED
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.sources import source_of
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.personalize.usecases import UseCase
from osusume_endpoint.service import RequestContext

MAX_RECOMMENDERS = 5
INACTIVE = "INACTIVE"


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = service.named("Recommender", parameters["name"])
    tags = tags_of(parameters)
    with service.store.lock:
        group = service.active(parameters["datasetGroupArn"], "DatasetGroup")
        case = _case(parameters["recipeArn"], group)
        service.check_absent(arn)
        config = _config(parameters)
        _check_config(service, group.arn, case, config)
        count = len(service.store.where("Recommender", datasetGroupArn=group.arn))
        service.check_quota(
            count, MAX_RECOMMENDERS, f"More than {MAX_RECOMMENDERS} resources in ACTIVE state."
        )
        fields = picked(parameters, "name", "datasetGroupArn", "recipeArn") | {"recommenderConfig": config}
        service.create("Recommender", arn, fields, tags=tags)
    return {"recommenderArn": arn}


def update(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    with service.store.lock:
        record = service.active(parameters["recommenderArn"], "Recommender")
        service.check_settled(record)
        case = _known(record.fields["recipeArn"])
        config = _config(parameters)
        _check_config(service, record.fields["datasetGroupArn"], case, config)
        now = time.time()
        latest: dict[str, Any] = {"recommenderConfig": config, "status": states.PENDING}
        latest |= {"creationDateTime": now, "lastUpdatedDateTime": now}
        service.store.update(record.arn, latestRecommenderUpdate=latest)
        service.jobs.submit("update", record)
    return {"recommenderArn": record.arn}


def start(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    return _switch(service, parameters, action="start", wanted=INACTIVE, pending="START PENDING")


def stop(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    return _switch(service, parameters, action="stop", wanted=states.ACTIVE, pending="STOP PENDING")


def _switch(
    service: Personalize, parameters: Parameters, *, action: str, wanted: str, pending: str
) -> dict[str, Any]:
    with service.store.lock:
        record = service.store.get(parameters["recommenderArn"], "Recommender")
        service.check_settled(record)
        if record.status != wanted:
            raise in_use(f"Recommender {record.arn} is {record.status}: {action} needs it to be {wanted}.")
        service.store.update(record.arn, status=pending)
        service.jobs.submit(action, record)
    return {"recommenderArn": record.arn}


def delete(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    service.delete(service.store.get(parameters["recommenderArn"], "Recommender"))
    return {}


def _known(arn: str) -> UseCase:
    case = usecases.find(arn)
    if case is None:
        raise not_found(arn)
    return case


def _case(arn: str, group: Record) -> UseCase:
    domain = group.fields.get("domain")
    if domain is None:
        raise invalid("A recommender needs a dataset group with a domain: create a solution instead.")
    case = _known(arn)
    if case.domain != domain:
        raise invalid(f"Use case {case.name} is for domain {case.domain}, the dataset group for {domain}.")
    return case


def _config(parameters: Parameters) -> dict[str, Any]:
    return {"minRecommendationRequestsPerSecond": 1, **parameters.get("recommenderConfig", {})}


def _check_config(service: Personalize, group_arn: str, case: UseCase, config: Mapping[str, Any]) -> None:
    campaigns.check_exploration(recipe_of(case.base_arn), config.get("itemExplorationConfig", {}))
    solutions.check_columns(service, group_arn, config.get("trainingDataConfig", {}))
    has_items = "ITEMS" in datasets.datasets_of(service, group_arn)
    if config.get("enableMetadataWithRecommendations") and not has_items:
        raise invalid("enableMetadataWithRecommendations needs an Items dataset with records.")


def train(service: Personalize, record: Record) -> dict[str, Any]:
    case = _known(record.fields["recipeArn"])
    group = record.fields["datasetGroupArn"]
    present = datasets.datasets_of(service, group)
    if "INTERACTIONS" not in present:
        raise JobFailure("Dataset of type Interactions is missing or empty: import data into it first.")
    sources = {kind: source_of(service, dataset) for kind, dataset in present.items()}
    target = service.folder("models", record.arn)
    answer = service.work(
        "training",
        record.arn,
        "train",
        recipe=recipe_of(case.base_arn).name,
        datasets=list(sources.values()),
        excluded=solutions.excluded_columns(service, record, record.fields["recommenderConfig"]),
        hyperparameters={},
        event_type=_event_type(case, present["INTERACTIONS"]),
        event_value_threshold=None,
        event_parameters=[],
        objective=None,
        tuning=None,
        previous=None,
        seed=SEED,
        target=str(target),
    )
    service.catalogue.forget(record.arn)
    positions = {kind: source["stream_count"] for kind, source in sources.items()}
    return {"modelMetrics": answer["metrics"], "private": {"positions": positions}}


def _event_type(case: UseCase, interactions: Record) -> str | None:
    """The data's spelling of the event type that the use case needs."""
    if not case.event_types:
        return None
    wanted = case.event_types[0]
    found = [t for t in interactions.private.get("event_types", ()) if t.lower() == wanted.lower()]
    if not found:
        raise JobFailure(f"Dataset has fewer than 1000 interactions after filtering by event type: {wanted}")
    return str(found[0])


def _apply_update(service: Personalize, record: Record) -> dict[str, Any]:
    """The same model with another configuration; other columns need a training."""
    config = record.fields["latestRecommenderUpdate"]["recommenderConfig"]
    if config.get("trainingDataConfig") == record.fields["recommenderConfig"].get("trainingDataConfig"):
        return {"recommenderConfig": config}
    # Columns that came after the recommender are trained on as soon as columns are chosen anew.
    private = {**record.private, "left_out": {}}
    changed = Record(record.kind, record.arn, {**record.fields, "recommenderConfig": config}, private)
    answer = train(service, changed)
    return {**answer, "private": {**answer["private"], "left_out": {}}, "recommenderConfig": config}


def _discard(service: Personalize, record: Record) -> dict[str, Any]:
    service.catalogue.forget(record.arn)
    shutil.rmtree(service.folder("models", record.arn), ignore_errors=True)
    return {}


def register(service: Personalize) -> None:
    jobs = service.jobs
    jobs.register("create", "Recommender", Runner(lambda record: train(service, record), lane="training"))
    jobs.register(
        "update", "Recommender", Runner(lambda record: _apply_update(service, record), lane="training")
    )
    jobs.register("start", "Recommender", Runner(lambda record: {}, running="START IN_PROGRESS"))
    jobs.register("stop", "Recommender", Runner(lambda record: {}, running="STOP IN_PROGRESS", done=INACTIVE))
    jobs.register(
        "delete",
        "Recommender",
        Runner(lambda record: _discard(service, record), running=states.DELETE_IN_PROGRESS),
    )


OPERATIONS: dict[str, Operation] = {
    "CreateRecommender": create,
    "DescribeRecommender": describing("Recommender"),
    "ListRecommenders": listing("Recommender"),
    "UpdateRecommender": update,
    "DeleteRecommender": delete,
    "StartRecommender": start,
    "StopRecommender": stop,
}
