"""Dataset export jobs: the records of a dataset as CSV in S3."""

from __future__ import annotations

from typing import Any

from osusume_endpoint.personalize import access
from osusume_endpoint.personalize.jobs import Runner
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
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.sources import source_of
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext

MAX_UNFINISHED = 5


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = service.named("DatasetExportJob", parameters["jobName"])
    tags = tags_of(parameters)
    access.parse_location(
        parameters["jobOutput"]["s3DataDestination"]["path"], refusal="Invalid S3 output path."
    )
    pass_role(service, context, parameters["roleArn"], arn)
    with service.store.lock:
        service.active(parameters["datasetArn"], "Dataset")
        service.check_absent(arn)
        check_queue(service, "DatasetExportJob", MAX_UNFINISHED)
        fields = picked(parameters, "jobName", "datasetArn", "roleArn", "jobOutput")
        fields["ingestionMode"] = parameters.get("ingestionMode", "PUT")
        service.create("DatasetExportJob", arn, fields, tags=tags)
    return {"datasetExportJobArn": arn}


def run(service: Personalize, record: Record) -> dict[str, Any]:
    fields = record.fields
    dataset = service.store.get(fields["datasetArn"], "Dataset")
    bucket = access.Bucket.of_role(service.endpoint, fields["roleArn"], source_arn=record.arn)
    destination = fields["jobOutput"]["s3DataDestination"]
    target = access.parse_location(destination["path"])
    with service.temporary() as scratch:
        path = scratch / "records.csv"
        source = source_of(service, dataset)
        service.work("data", record.arn, "export", **source, mode=fields["ingestionMode"], target=str(path))
        bucket.upload(path, target.child(f"{fields['jobName']}.csv"), kms_key=destination.get("kmsKeyArn"))
    return {}


def register(service: Personalize) -> None:
    service.jobs.register(
        "create", "DatasetExportJob", Runner(lambda record: run(service, record), lane="data")
    )


OPERATIONS: dict[str, Operation] = {
    "CreateDatasetExportJob": create,
    "DescribeDatasetExportJob": describing("DatasetExportJob"),
    "ListDatasetExportJobs": listing("DatasetExportJob"),
}
