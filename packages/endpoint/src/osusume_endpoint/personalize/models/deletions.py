"""Data deletion jobs: all records of some users leave the datasets of a group, and its models know them no more."""

from __future__ import annotations

from typing import Any

from osusume_endpoint.personalize import access
from osusume_endpoint.personalize.errors import invalid
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.models import datasets
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    check_queue,
    describing,
    listing,
    pass_role,
    picked,
    tags_of,
)
from osusume_endpoint.personalize.models.schemas import schema_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.sources import parts_of
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext

MAX_UNFINISHED = 5


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = service.named("DataDeletionJob", parameters["jobName"])
    tags = tags_of(parameters)
    location = parameters["dataSource"].get("dataLocation")
    if not location:
        raise invalid("Invalid Data location. dataSource.dataLocation is required.")
    access.parse_location(location)
    pass_role(service, context, parameters["roleArn"], arn)
    with service.store.lock:
        service.active(parameters["datasetGroupArn"], "DatasetGroup")
        service.check_absent(arn)
        check_queue(service, "DataDeletionJob", MAX_UNFINISHED)
        fields = picked(parameters, "jobName", "datasetGroupArn", "dataSource", "roleArn")
        record = service.create("DataDeletionJob", arn, fields, tags=tags, status="PENDING")
    return {"dataDeletionJobArn": record.arn}


def run(service: Personalize, record: Record) -> dict[str, Any]:
    bucket = access.Bucket.of_role(service.endpoint, record.fields["roleArn"], source_arn=record.arn)
    location = access.parse_location(record.fields["dataSource"]["dataLocation"])
    deleted = 0
    with service.temporary() as scratch:
        lists = []
        for number, found in enumerate(bucket.files(location)):
            lists.append(scratch / f"{number:05}.csv")
            bucket.download(found, lists[-1])
        users: list[str] = service.work(
            "data", record.arn, "read_users", sources=[str(path) for path in lists]
        )["users"]
        for dataset in datasets.datasets_of(service, record.fields["datasetGroupArn"]).values():
            if schema_of(service, dataset).field("USER_ID") is not None:
                deleted += _delete(service, record, dataset, users)
        _forget_in_models(service, record, users)
    return {"numDeleted": deleted}


def _forget_in_models(service: Personalize, record: Record, users: list[str]) -> None:
    """Developer guide, "Deleting users": a job deletes references in the datasets and in the models."""
    group = record.fields["datasetGroupArn"]
    trained = [
        one.arn
        for kind in ("SolutionVersion", "Recommender")
        for one in service.store.where(kind, datasetGroupArn=group)
    ]
    folders = [str(service.folder("models", arn)) for arn in trained]
    service.work("data", record.arn, "forget_in_models", models=folders, users=users)
    for arn in trained:
        service.catalogue.forget(arn)


def _delete(service: Personalize, record: Record, dataset: Record, users: list[str]) -> int:
    """Parts are written again without them; the dataset points to them in one step."""
    answer = service.work(
        "data",
        record.arn,
        "delete_users",
        parts=[str(path) for path in parts_of(service, dataset)],
        users=users,
        suffix=record.fields["jobName"],
    )
    renamed: dict[str, str] = answer["parts"]

    def point(r: Record) -> None:
        r.private["parts"] = [renamed.get(name, name) for name in r.private["parts"]]
        came = r.private.get("streamed_before", {})
        r.private["streamed_before"] = {renamed.get(name, name): count for name, count in came.items()}
        r.private["deleted"] = r.private.get("deleted", 0) + 1

    service.store.change(dataset.arn, point)
    datasets.sweep(service, dataset, but=record.arn)
    return int(answer["deleted"]) + service.streams.delete_users(dataset.arn, set(users))


def register(service: Personalize) -> None:
    runner = Runner(
        lambda record: run(service, record),
        lane="data",
        running="IN_PROGRESS",
        done="COMPLETED",
        failed="FAILED",
    )
    service.jobs.register("create", "DataDeletionJob", runner)


OPERATIONS: dict[str, Operation] = {
    "CreateDataDeletionJob": create,
    "DescribeDataDeletionJob": describing("DataDeletionJob"),
    "ListDataDeletionJobs": listing("DataDeletionJob"),
}
