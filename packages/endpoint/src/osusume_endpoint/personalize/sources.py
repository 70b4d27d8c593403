"""The files and streams that hold the records of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from osusume_endpoint import paths
from osusume_endpoint.personalize.store import Record

if TYPE_CHECKING:
    from osusume_endpoint.personalize.service import Personalize


def parts_of(service: Personalize, dataset: Record) -> list[Path]:
    """The Parquet files of bulk records, oldest first."""
    folder = service.folder("datasets", dataset.arn)
    return [paths.inside(folder, name) for name in dataset.private["parts"]]


def source_of(service: Personalize, dataset: Record) -> dict[str, Any]:
    """All that a worker process needs to read the dataset as it is now."""
    schema = service.store.get(dataset.fields["schemaArn"], "Schema")
    came = dataset.private.get("streamed_before", {})
    return {
        "type": dataset.fields["datasetType"],
        "schema": schema.fields["schema"],
        "domain": schema.fields.get("domain"),
        "parts": [str(path) for path in parts_of(service, dataset)],
        # How many records had been streamed when each part was imported.
        "streamed_before": [came.get(name, 0) for name in dataset.private["parts"]],
        "stream": str(service.streams.path(dataset.arn)),
        "stream_count": service.streams.count(dataset.arn),
    }
