"""Metric attributions: which sums and counts of events to report, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from osusume_endpoint.personalize import access, attribution, states
from osusume_endpoint.personalize.errors import already_exists, invalid, limit_exceeded, not_found
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.models import datasets
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    describing,
    listing,
    paginate,
    pass_role,
    picked,
)
from osusume_endpoint.personalize.models.schemas import schema_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext

Metrics = Sequence[Mapping[str, Any]]


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = service.named("MetricAttribution", parameters["name"])
    _check_output(service, context, parameters["metricsOutputConfig"], arn)
    with service.store.lock:
        group = service.active(parameters["datasetGroupArn"], "DatasetGroup")
        service.check_absent(arn)
        for other in service.store.where("MetricAttribution", datasetGroupArn=group.arn):
            raise already_exists(other.arn)  # a dataset group has one
        _check_metrics(service, group.arn, parameters["metrics"])
        fields = picked(parameters, "name", "datasetGroupArn", "metricsOutputConfig")
        service.create("MetricAttribution", arn, fields, private={"metrics": parameters["metrics"]})
    return {"metricAttributionArn": arn}


def list_metrics(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = parameters.get("metricAttributionArn")
    if arn is None:
        raise invalid("metricAttributionArn is required.")
    metrics = service.store.get(arn, "MetricAttribution").private["metrics"]
    page, token = paginate(metrics, parameters, signature=context.operation)
    return {"metrics": list(page)} | ({"nextToken": token} if token else {})


def update(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = parameters.get("metricAttributionArn")
    if arn is None:
        raise invalid("metricAttributionArn is required.")
    if "metricsOutputConfig" in parameters:
        _check_output(service, context, parameters["metricsOutputConfig"], arn)
    with service.store.lock:
        record = service.active(arn, "MetricAttribution")
        service.check_settled(record)
        removed = set(parameters.get("removeMetrics", []))
        unknown = removed - {metric["metricName"] for metric in record.private["metrics"]}
        if unknown:
            raise not_found(f"{arn} metric {sorted(unknown)[0]}")
        kept = [metric for metric in record.private["metrics"] if metric["metricName"] not in removed]
        metrics = kept + parameters.get("addMetrics", [])
        _check_metrics(service, record.fields["datasetGroupArn"], metrics)
        changed = {"metrics": metrics, **picked(parameters, "metricsOutputConfig")}
        service.store.change(arn, lambda r: r.private.update(update=changed))
        service.jobs.submit("update", record)
    return {"metricAttributionArn": arn}


def delete(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    service.delete(service.store.get(parameters["metricAttributionArn"], "MetricAttribution"))
    return {}


def _check_output(service: Personalize, context: RequestContext, config: Mapping[str, Any], arn: str) -> None:
    if "s3DataDestination" in config:
        access.parse_location(config["s3DataDestination"]["path"], refusal="Invalid S3 output path.")
    pass_role(service, context, config["roleArn"], arn)


def _check_metrics(service: Personalize, group_arn: str, metrics: Metrics) -> None:
    if not metrics:
        raise invalid("A metric attribution needs at least one metric.")
    if len(metrics) > attribution.MAX_METRICS:
        raise limit_exceeded(f"A metric attribution has at most {attribution.MAX_METRICS} metrics.")
    names = [metric["metricName"] for metric in metrics]
    if len(set(names)) != len(names):
        raise invalid(f"Metric names must be unique: {names}")
    present = datasets.datasets_of(service, group_arn)
    schemas = {kind: schema_of(service, dataset) for kind, dataset in present.items()}
    if "INTERACTIONS" not in schemas or schemas["INTERACTIONS"].field("EVENT_TYPE") is None:
        raise invalid("A metric attribution needs an Interactions dataset with an EVENT_TYPE column.")
    for metric in metrics:
        attribution.check_expression(metric["expression"], schemas)


def _apply_update(record: Record) -> dict[str, Any]:
    changed = dict(record.private["update"])
    metrics = changed.pop("metrics")
    return {**changed, "private": {"metrics": metrics, "update": None}}


def register(service: Personalize) -> None:
    jobs = service.jobs
    jobs.register("create", "MetricAttribution", Runner(lambda record: attribution.probe(service, record)))
    jobs.register("update", "MetricAttribution", Runner(_apply_update))
    jobs.register("delete", "MetricAttribution", Runner(lambda record: {}, running=states.DELETE_IN_PROGRESS))


OPERATIONS: dict[str, Operation] = {
    "CreateMetricAttribution": create,
    "DescribeMetricAttribution": describing("MetricAttribution"),
    "ListMetricAttributions": listing("MetricAttribution"),
    "ListMetricAttributionMetrics": list_metrics,
    "UpdateMetricAttribution": update,
    "DeleteMetricAttribution": delete,
}
