"""Reports of a metric attribution: what an import publishes to S3.

Format: "Publishing metrics to Amazon S3". Streamed events go to CloudWatch only, which is not emulated.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osusume_endpoint.personalize import access
from osusume_endpoint.personalize.errors import invalid
from osusume_endpoint.personalize.sources import source_of
from osusume_engine.schemas import NUMERIC, Schema

if TYPE_CHECKING:
    from osusume_endpoint.personalize.service import Personalize
    from osusume_endpoint.personalize.store import Record

MAX_METRICS = 10
_SUM = re.compile(r"\s*SUM\(\s*(\w+)\.(\w+)\s*\)\s*", re.IGNORECASE)
_COUNT = re.compile(r"\s*SAMPLECOUNT\(\s*\)\s*", re.IGNORECASE)


def check_expression(text: str, schemas: Mapping[str, Schema]) -> None:
    """SAMPLECOUNT() or SUM(DatasetType.COLUMN_NAME) of a numeric column."""
    if _COUNT.fullmatch(text):
        return
    found = _SUM.fullmatch(text)
    if found is None:
        raise invalid(f"Metric expression {text!r} must be SAMPLECOUNT() or SUM(DatasetType.COLUMN_NAME).")
    schema = schemas.get(found.group(1).upper())
    field = schema.field_ignoring_case(found.group(2)) if schema else None
    if found.group(1).upper() not in ("INTERACTIONS", "ITEMS") or field is None or field.type not in NUMERIC:
        raise invalid(f"Metric expression {text!r} must sum a numeric column of Interactions or Items.")


def parsed(text: str) -> tuple[str, str | None, str | None]:
    """(function, dataset type, column) of a checked expression."""
    found = _SUM.fullmatch(text)
    return ("sum", found.group(1).upper(), found.group(2).upper()) if found else ("samplecount", None, None)


def probe(service: Personalize, record: Record) -> dict[str, Any]:
    """The service puts a little data where it will report, so that a refusal shows at once."""
    destination = record.fields["metricsOutputConfig"].get("s3DataDestination")
    if destination is not None:
        with service.temporary() as scratch:
            path = scratch / "_CHECK"
            path.touch()
            _put(service, record, path, "_CHECK")
    return {}


def check_published(service: Personalize, dataset: Record) -> None:
    found = _of_group(service, dataset.fields["datasetGroupArn"])
    if found is None or "s3DataDestination" not in found.fields["metricsOutputConfig"]:
        raise invalid(
            "publishAttributionMetricsToS3 needs a metric attribution with an s3DataDestination in "
            f"{dataset.fields['datasetGroupArn']}."
        )


def publish_import(service: Personalize, job_arn: str, dataset: Record, records: Path, mode: str) -> None:
    """A report on the records of one import job."""
    from osusume_endpoint.personalize.models import datasets

    found = _of_group(service, dataset.fields["datasetGroupArn"])
    if found is None:
        return
    items = datasets.datasets_of(service, dataset.fields["datasetGroupArn"]).get("ITEMS")
    sources = {identity: arn for identity, (arn, _) in service.recommendations.items()}
    with service.temporary() as scratch:
        name = f"AggregatedAttributionMetrics - {mode} - {int(time.time())}.csv"
        service.work(
            "data",
            job_arn,
            "attribute",
            records=str(records),
            items=source_of(service, items) if items is not None else None,
            metrics=[
                [m["metricName"], m["eventType"], *parsed(m["expression"])] for m in found.private["metrics"]
            ],
            sources=sources,
            target=str(scratch / "report.csv"),
        )
        _put(service, found, scratch / "report.csv", name)


def _put(service: Personalize, record: Record, path: Path, name: str) -> None:
    config = record.fields["metricsOutputConfig"]
    destination = config["s3DataDestination"]
    bucket = access.Bucket.of_role(service.endpoint, config["roleArn"], source_arn=record.arn)
    target = access.parse_location(destination["path"]).child(name)
    bucket.upload(path, target, kms_key=destination.get("kmsKeyArn"))


def _of_group(service: Personalize, group_arn: str) -> Record | None:
    found = service.store.where("MetricAttribution", datasetGroupArn=group_arn)
    return found[0] if found else None
