"""Dataset import jobs: CSV in S3 to Parquet in the service's folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from osusume_endpoint import paths
from osusume_endpoint.personalize import access, attribution
from osusume_endpoint.personalize.errors import JobFailure, invalid
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
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.sources import source_of
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext

MAX_UNFINISHED = 5
MAX_INCREMENTAL_BYTES = 1 << 30


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = service.named("DatasetImportJob", parameters["jobName"])
    tags = tags_of(parameters)
    location = parameters["dataSource"].get("dataLocation")
    if not location:
        raise invalid("Invalid Data location. dataSource.dataLocation is required.")
    access.parse_location(location)
    if "roleArn" not in parameters:
        raise invalid("roleArn is required to read the data from Amazon S3.")
    pass_role(service, context, parameters["roleArn"], arn)
    with service.store.lock:
        dataset = service.active(parameters["datasetArn"], "Dataset")
        service.check_absent(arn)
        check_queue(service, "DatasetImportJob", MAX_UNFINISHED)
        publish = parameters.get("publishAttributionMetricsToS3", False)
        if publish:
            attribution.check_published(service, dataset)
        fields = picked(parameters, "jobName", "datasetArn", "dataSource", "roleArn")
        fields |= {
            "importMode": parameters.get("importMode", "FULL"),
            "publishAttributionMetricsToS3": publish,
        }
        service.create("DatasetImportJob", arn, fields, tags=tags)
    return {"datasetImportJobArn": arn}


def run(service: Personalize, record: Record) -> dict[str, Any]:
    dataset = service.store.get(record.fields["datasetArn"], "Dataset")
    bucket = access.Bucket.of_role(service.endpoint, record.fields["roleArn"], source_arn=record.arn)
    folder = service.folder("datasets", dataset.arn)
    folder.mkdir(parents=True, exist_ok=True)
    target = paths.inside(
        folder, f"{record.fields['jobName']}-{int(record.fields['creationDateTime'])}.parquet"
    )
    with service.temporary() as scratch:
        sources = _download(bucket, record, scratch)
        _check_size(record, sources)
        source = source_of(service, dataset)
        report = service.work(
            "data",
            record.arn,
            "import",
            **source,
            sources=[str(path) for path in sources],
            target=str(target),
        )
    _install(service, dataset, record, target, report)
    if record.fields["publishAttributionMetricsToS3"]:
        attribution.publish_import(service, record.arn, dataset, target, record.fields["importMode"])
    return {}


def _download(bucket: access.Bucket, record: Record, scratch: Path) -> list[Path]:
    location = access.parse_location(record.fields["dataSource"]["dataLocation"])
    sources = []
    for number, found in enumerate(bucket.files(location)):
        path = paths.inside(scratch, f"{number:05}-{paths.component(found.key.rpartition('/')[2])}")
        bucket.download(found, path)
        sources.append(path)
    return sources


def _check_size(record: Record, sources: list[Path]) -> None:
    size = sum(path.stat().st_size for path in sources)
    if record.fields["importMode"] == "INCREMENTAL" and size > MAX_INCREMENTAL_BYTES:
        raise JobFailure(f"An INCREMENTAL import has at most 1 GB of data, not {size / (1 << 30):.1f} GB.")


def _install(
    service: Personalize, dataset: Record, record: Record, target: Path, report: dict[str, Any]
) -> None:
    """A FULL import replaces the bulk records; streamed ones stay, and of an id that both have the newer one counts."""
    incremental = record.fields["importMode"] == "INCREMENTAL"
    streamed = service.streams.count(dataset.arn)

    def point(r: Record) -> None:
        kept = [name for name in r.private["parts"] if name != target.name] if incremental else []
        types = set(report["event_types"]) | (set(r.private.get("event_types", ())) if incremental else set())
        came = r.private.get("streamed_before", {})
        before = {**{name: came.get(name, 0) for name in kept}, target.name: streamed}
        r.private.update(parts=[*kept, target.name], streamed_before=before)
        r.private.update(event_types=sorted(types), imported=time.time())

    if service.store.change(dataset.arn, point) is None:
        target.unlink(missing_ok=True)
        raise JobFailure(f"Dataset {dataset.arn} was deleted.")
    datasets.sweep(service, dataset, but=record.arn)


def register(service: Personalize) -> None:
    service.jobs.register(
        "create", "DatasetImportJob", Runner(lambda record: run(service, record), lane="data")
    )


OPERATIONS: dict[str, Operation] = {
    "CreateDatasetImportJob": create,
    "DescribeDatasetImportJob": describing("DatasetImportJob"),
    "ListDatasetImportJobs": listing("DatasetImportJob"),
}
