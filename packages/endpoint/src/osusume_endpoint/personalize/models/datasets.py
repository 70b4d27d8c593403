"""Datasets, of five types; their records are Parquet files in the service's folder."""

from __future__ import annotations

import shutil
import time
import uuid
from typing import Any

from osusume_endpoint.personalize import states
from osusume_endpoint.personalize.errors import in_use, invalid
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    describing,
    listing,
    picked,
    tags_of,
    unfinished,
)
from osusume_endpoint.personalize.models.schemas import schema_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.sources import parts_of
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext
from osusume_engine.schemas import (
    ACTION_INTERACTIONS,
    ACTIONS,
    DATASET_TYPES,
    Schema,
    SchemaError,
    check_replacement,
    parse_schema,
)

_READERS = (
    "DatasetImportJob",
    "DatasetExportJob",
    "DataDeletionJob",
    "SolutionVersion",
    "Recommender",
    "BatchInferenceJob",
    "BatchSegmentJob",
)


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    dataset_type = _dataset_type(parameters["datasetType"])
    tags = tags_of(parameters)
    with service.store.lock:
        group = service.active(parameters["datasetGroupArn"], "DatasetGroup")
        schema = service.store.get(parameters["schemaArn"], "Schema")
        arn = service.named("Dataset", f"{group.fields['name']}/{dataset_type}")
        service.check_absent(arn)
        _check_fit(group, schema, dataset_type)
        fields = picked(parameters, "name", "datasetGroupArn", "schemaArn") | {"datasetType": dataset_type}
        if dataset_type == ACTION_INTERACTIONS:
            fields["trackingId"] = str(uuid.uuid4())  # PutActionInteractions names it
        service.create("Dataset", arn, fields, private={"parts": []}, tags=tags)
    return {"datasetArn": arn}


def update(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    with service.store.lock:
        dataset = service.active(parameters["datasetArn"], "Dataset")
        service.check_settled(dataset)
        new = service.store.get(parameters["schemaArn"], "Schema")
        _check_unused(service, dataset)
        try:
            check_replacement(schema_of(service, dataset), _parsed(new))
        except SchemaError as error:
            raise invalid(str(error)) from None
        now = time.time()
        latest: dict[str, Any] = {"schemaArn": new.arn, "status": states.PENDING}
        latest |= {"creationDateTime": now, "lastUpdatedDateTime": now}
        service.store.update(dataset.arn, latestDatasetUpdate=latest)
        service.jobs.submit("update", dataset)
    return {"datasetArn": dataset.arn}


def delete(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    dataset = service.store.get(parameters["datasetArn"], "Dataset")
    with service.store.lock:
        _check_unused(service, dataset)
        service.delete(dataset)
    return {}


def sweep(service: Personalize, dataset: Record, *, but: str | None = None) -> None:
    """Remove files that the dataset no longer points to, unless a job other than `but` may use them.

    What stays is removed after a later import, or when the service starts.
    """
    jobs = [r for r in service.store.of_kind(*_READERS) if r.private.get("job") and r.arn != but]
    if jobs:
        return
    kept = set(parts_of(service, dataset))
    for path in service.folder("datasets", dataset.arn).glob("*.p*"):
        if path not in kept:
            path.unlink(missing_ok=True)


def datasets_of(service: Personalize, group_arn: str) -> dict[str, Record]:
    """The ACTIVE datasets of a group by type."""
    found = service.store.where("Dataset", datasetGroupArn=group_arn)
    return {d.fields["datasetType"]: d for d in found if d.status == states.ACTIVE}


def _dataset_type(given: str) -> str:
    known = given.upper()
    if known not in DATASET_TYPES:
        raise invalid(f"Dataset type {given!r} must be one of {', '.join(DATASET_TYPES)} (in any case).")
    return known


def _parsed(record: Record) -> Schema:
    return parse_schema(record.fields["schema"], domain=record.fields.get("domain"))


def _check_fit(group: Record, schema: Record, dataset_type: str) -> None:
    expected = _parsed(schema).dataset_type
    if expected != dataset_type:
        raise invalid(f"Schema {schema.arn} is of type {expected}, the dataset of type {dataset_type}.")
    domain = group.fields.get("domain")
    if schema.fields.get("domain") != domain:
        raise invalid(
            f"Schema {schema.arn} is for domain {schema.fields.get('domain')}, the group for {domain}."
        )
    if domain is not None and dataset_type in (ACTIONS, ACTION_INTERACTIONS):
        raise invalid(f"A dataset group of a domain can't have a dataset of type {dataset_type}.")


def _check_unused(service: Personalize, dataset: Record) -> None:
    group = dataset.fields["datasetGroupArn"]
    busy = {
        "import job": unfinished(service, "DatasetImportJob", datasetArn=dataset.arn),
        "export job": unfinished(service, "DatasetExportJob", datasetArn=dataset.arn),
        "solution version": unfinished(service, "SolutionVersion", datasetGroupArn=group),
        "data deletion job": unfinished(service, "DataDeletionJob", datasetGroupArn=group),
    }
    for what, count in busy.items():
        if count:
            raise in_use(f"Dataset {dataset.arn} is in use by a {what} in progress.")


def _apply_update(service: Personalize, record: Record) -> dict[str, Any]:
    new = service.store.get(record.fields["latestDatasetUpdate"]["schemaArn"], "Schema")
    gained = set(_parsed(new).names) - set(schema_of(service, record).names)
    _leave_out(service, record, sorted(gained))
    return {"schemaArn": new.arn}


def _leave_out(service: Personalize, dataset: Record, columns: list[str]) -> None:
    """Solutions and recommenders from before new columns leave them out ("Replacing a dataset's schema", guide)."""
    kind = dataset.fields["datasetType"]

    def edit(record: Record) -> None:
        left_out = record.private.setdefault("left_out", {})
        left_out[kind] = sorted({*left_out.get(kind, ()), *columns})

    for trained in ("Solution", "Recommender"):
        for record in service.store.where(trained, datasetGroupArn=dataset.fields["datasetGroupArn"]):
            service.store.change(record.arn, edit)


def _discard(service: Personalize, record: Record) -> dict[str, Any]:
    shutil.rmtree(service.folder("datasets", record.arn), ignore_errors=True)
    service.streams.remove(record.arn)
    # Jobs of the dataset are no longer listed once it is gone.
    for kind in ("DatasetImportJob", "DatasetExportJob"):
        for job in service.store.where(kind, datasetArn=record.arn):
            service.store.remove(job.arn)
    return {}


def register(service: Personalize) -> None:
    jobs = service.jobs
    jobs.register("create", "Dataset", Runner(lambda record: {}))
    jobs.register("update", "Dataset", Runner(lambda record: _apply_update(service, record)))
    jobs.register(
        "delete",
        "Dataset",
        Runner(lambda record: _discard(service, record), running=states.DELETE_IN_PROGRESS),
    )


OPERATIONS: dict[str, Operation] = {
    "CreateDataset": create,
    "DescribeDataset": describing("Dataset"),
    "ListDatasets": listing("Dataset"),
    "UpdateDataset": update,
    "DeleteDataset": delete,
}
