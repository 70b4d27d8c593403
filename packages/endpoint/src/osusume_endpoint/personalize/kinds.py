"""What the resources of Amazon Personalize have in common, as one table.

Describe and List answers are projections of a record onto botocore's output shapes, so members are
named once, by the service's own model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osusume_endpoint.wire import service_model


@dataclass(frozen=True)
class Kind:
    """`member` is the resource in requests and answers: "solution" gives solutionArn, DescribeSolution."""

    name: str
    path: str
    listed: str
    parent: str | None = None
    name_field: str = "name"
    taggable: bool = True

    @property
    def member(self) -> str:
        return self.name[0].lower() + self.name[1:]

    @property
    def arn_field(self) -> str:
        return f"{self.member}Arn"

    @property
    def plural(self) -> str:
        return self.listed[0].upper() + self.listed[1:]


_JOB = "jobName"
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("DatasetGroup", "dataset-group", "datasetGroups"),
        Kind("Schema", "schema", "schemas"),
        Kind("Dataset", "dataset", "datasets", "datasetGroupArn"),
        Kind("DatasetImportJob", "dataset-import-job", "datasetImportJobs", "datasetArn", _JOB),
        Kind("DatasetExportJob", "dataset-export-job", "datasetExportJobs", "datasetArn", _JOB),
        Kind("DataDeletionJob", "data-deletion-job", "dataDeletionJobs", "datasetGroupArn", _JOB),
        Kind("Solution", "solution", "solutions", "datasetGroupArn"),
        Kind("SolutionVersion", "solution", "solutionVersions", "solutionArn"),
        Kind("Campaign", "campaign", "campaigns", "solutionArn"),
        Kind("EventTracker", "event-tracker", "eventTrackers", "datasetGroupArn"),
        Kind("Filter", "filter", "Filters", "datasetGroupArn"),
        Kind("BatchInferenceJob", "batch-inference-job", "batchInferenceJobs", "solutionVersionArn", _JOB),
        Kind("BatchSegmentJob", "batch-segment-job", "batchSegmentJobs", "solutionVersionArn", _JOB),
        Kind("Recommender", "recommender", "recommenders", "datasetGroupArn"),
        Kind(
            "MetricAttribution",
            "metric-attribution",
            "metricAttributions",
            "datasetGroupArn",
            taggable=False,
        ),
    )
}


def project(shape: Any, fields: Mapping[str, object]) -> dict[str, object]:
    """The fields that the structure has, without those that are null."""
    return {name: fields[name] for name in shape.members if fields.get(name) is not None}


def described(kind: Kind, fields: Mapping[str, object]) -> dict[str, object]:
    output: Any = service_model("personalize").operation_model(f"Describe{kind.name}").output_shape
    return {kind.member: project(output.members[kind.member], fields)}


def summarized(kind: Kind, fields: Mapping[str, object]) -> dict[str, object]:
    output: Any = service_model("personalize").operation_model(f"List{kind.plural}").output_shape
    return project(output.members[kind.listed].member, fields)
