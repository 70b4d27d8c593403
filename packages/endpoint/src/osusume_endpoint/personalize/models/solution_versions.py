"""Solution versions: trained models and their metrics."""

from __future__ import annotations

import uuid
from typing import Any

from osusume_endpoint.personalize import states
from osusume_endpoint.personalize.errors import JobFailure, already_exists, in_use, invalid
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.models import campaigns, datasets, solutions, tuning
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    check_queue,
    describing,
    listing,
    picked,
    tags_of,
)
from osusume_endpoint.personalize.models.recipes import recipe_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.sources import source_of
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext

MAX_UNFINISHED = 20
# The same data trains the same model.
SEED = 0
UPDATABLE_RECIPE = "aws-user-personalization"
_COPIED = (
    "performHPO",
    "performAutoML",
    "performIncrementalUpdate",
    "recipeArn",
    "eventType",
    "datasetGroupArn",
    "solutionConfig",
)


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    tags = tags_of(parameters)
    with service.store.lock:
        solution = service.active(parameters["solutionArn"], "Solution")
        mode = parameters.get("trainingMode", "FULL")
        _check_mode(service, solution, mode)
        _check_name(service, solution, parameters.get("name"))
        check_queue(service, "SolutionVersion", MAX_UNFINISHED)
        return {
            "solutionVersionArn": start(
                service, solution, mode=mode, name=parameters.get("name"), tags=tags
            ).arn
        }


def start(
    service: Personalize,
    solution: Record,
    *,
    mode: str,
    name: str | None = None,
    tags: dict[str, str] | None = None,
    training_type: str = "MANUAL",
) -> Record:
    arn = f"{solution.arn}/{uuid.uuid4().hex[:8]}"
    fields = {
        **picked(solution.fields, *_COPIED),
        "solutionArn": solution.arn,
        "trainingMode": mode,
        "trainingType": training_type,
        **({"name": name} if name else {}),
    }
    return service.create("SolutionVersion", arn, fields, tags=tags)


def stop(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    version = service.store.get(parameters["solutionVersionArn"], "SolutionVersion")

    def end(record: Record) -> None:
        record.private.pop("job", None)
        record.fields["status"] = states.STOPPED

    with service.store.lock:
        if version.status not in (states.PENDING, states.IN_PROGRESS):
            raise in_use(
                f"SolutionVersion {version.arn} is in the state {version.status}: only CREATE PENDING and "
                "CREATE IN_PROGRESS can be stopped."
            )
        running = version.status == states.IN_PROGRESS
        service.store.change(version.arn, end)
    if running:
        service.workers["training"].cancel(version.arn)
    return {}


def metrics(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    version = service.active(parameters["solutionVersionArn"], "SolutionVersion")
    return {"solutionVersionArn": version.arn, "metrics": version.private["metrics"]}


def train(service: Personalize, record: Record) -> dict[str, Any]:
    fields = record.fields
    config = fields.get("solutionConfig", {})
    threshold = config.get("eventValueThreshold")
    present = datasets.datasets_of(service, fields["datasetGroupArn"])
    sources = {kind: source_of(service, dataset) for kind, dataset in present.items()}
    answer = service.work(
        "training",
        record.arn,
        "train",
        recipe=recipe_of(fields["recipeArn"]).name,
        datasets=list(sources.values()),
        excluded=solutions.excluded_columns(service, service.store.get(fields["solutionArn"]), config),
        hyperparameters=solutions.hyperparameters(config),
        event_type=fields.get("eventType"),
        event_value_threshold=None if threshold is None else float(threshold),
        event_parameters=[
            {
                "event_type": row["eventType"],
                "weight": row.get("weight", 1.0),
                "threshold": row.get("eventValueThreshold"),
            }
            for row in config.get("eventsConfig", {}).get("eventParametersList", [])
        ],
        objective=solutions.objective_of(config),
        tuning=tuning.tuning_of(config.get("hpoConfig", {})) if _searches(fields) else None,
        previous=_previous(service, record),
        seed=SEED,
        target=str(service.folder("models", record.arn)),
    )
    return _trained(answer, sources)


def _searches(fields: dict[str, Any]) -> bool:
    """An update keeps the hyperparameters of what it updates."""
    return bool(fields.get("performHPO")) and fields["trainingMode"] != "UPDATE"


def _previous(service: Personalize, record: Record) -> str | None:
    """The folder of the model that an UPDATE starts from: the newest that was trained with FULL."""
    if record.fields["trainingMode"] != "UPDATE":
        return None
    full = _full_versions(service, record.fields["solutionArn"])
    if not full:
        raise JobFailure("trainingMode UPDATE needs an ACTIVE solution version trained with FULL.")
    return str(service.folder("models", full[-1].arn))


def _full_versions(service: Personalize, solution_arn: str) -> list[Record]:
    return service.store.where(
        "SolutionVersion", solutionArn=solution_arn, status=states.ACTIVE, trainingMode="FULL"
    )


def _trained(answer: dict[str, Any], sources: dict[str, Any]) -> dict[str, Any]:
    positions = {kind: source["stream_count"] for kind, source in sources.items()}
    trained: dict[str, Any] = {"trainingHours": round(answer["training_seconds"] / 3600, 6)}
    if answer["tuned"]:
        trained["tunedHPOParams"] = {"algorithmHyperParameters": answer["tuned"]}
    return trained | {"private": {"metrics": answer["metrics"], "positions": positions}}


def _check_mode(service: Personalize, solution: Record, mode: str) -> None:
    if mode != "UPDATE":
        return
    name = recipe_of(solution.fields["recipeArn"]).name
    if name != UPDATABLE_RECIPE:
        raise invalid(f"trainingMode UPDATE needs the recipe {UPDATABLE_RECIPE}, the solution has {name}.")
    if not _full_versions(service, solution.arn):
        raise invalid("trainingMode UPDATE needs an ACTIVE solution version trained with FULL.")


def _check_name(service: Personalize, solution: Record, name: str | None) -> None:
    for version in service.store.where("SolutionVersion", solutionArn=solution.arn):
        if name is not None and version.fields.get("name") == name:
            raise already_exists(version.arn)


def list_versions(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    if "solutionArn" in parameters:
        service.store.get(parameters["solutionArn"], "Solution")
    return listing("SolutionVersion")(service, context, parameters)


def register(service: Personalize) -> None:
    service.jobs.register(
        "create",
        "SolutionVersion",
        Runner(
            lambda record: train(service, record),
            lane="training",
            after=lambda record: campaigns.follow(service, record),
        ),
    )


OPERATIONS: dict[str, Operation] = {
    "CreateSolutionVersion": create,
    "DescribeSolutionVersion": describing("SolutionVersion"),
    "ListSolutionVersions": list_versions,
    "StopSolutionVersionCreation": stop,
    "GetSolutionMetrics": metrics,
}
