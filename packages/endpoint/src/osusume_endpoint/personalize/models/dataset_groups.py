"""Dataset groups: the containers of everything else."""

from __future__ import annotations

from typing import Any

from osusume_endpoint import permissions
from osusume_endpoint.errors import ApiError
from osusume_endpoint.personalize import access, states
from osusume_endpoint.personalize.errors import JobFailure, in_use, invalid
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    describing,
    listing,
    pass_role,
    picked,
    tags_of,
)
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext

MAX_GROUPS = 500
# What the service does with a key ("Giving Amazon Personalize permission to use your AWS KMS key").
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant")


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = service.named("DatasetGroup", parameters["name"])
    tags = tags_of(parameters)
    if ("roleArn" in parameters) != ("kmsKeyArn" in parameters):
        raise invalid("roleArn and kmsKeyArn must be given together.")
    if "roleArn" in parameters:
        pass_role(service, context, parameters["roleArn"], arn)
    with service.store.lock:
        service.check_absent(arn)
        groups = [g for g in service.store.of_kind("DatasetGroup") if g.status != states.FAILED]
        service.check_quota(
            len(groups), MAX_GROUPS, f"You can have at most {MAX_GROUPS} active dataset groups."
        )
        fields = picked(parameters, "name", "roleArn", "kmsKeyArn", "domain")
        service.create("DatasetGroup", arn, fields, tags=tags)
    return {"datasetGroupArn": arn} | picked(parameters, "domain")


def delete(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    record = service.store.get(parameters["datasetGroupArn"], "DatasetGroup")
    with service.store.lock:
        for kind in ("EventTracker", "Solution", "Recommender", "Filter", "MetricAttribution", "Dataset"):
            for child in service.store.where(kind, datasetGroupArn=record.arn):
                raise in_use(f"DatasetGroup {record.arn} is in use by {child.arn}: delete that first.")
        service.delete(record)
    return {}


def _check_key(service: Personalize, record: Record) -> dict[str, Any]:
    key = record.fields.get("kmsKeyArn")
    if key is None:
        return {}
    credentials = access.assume(
        service.endpoint, record.fields["roleArn"], session_name="Personalize", source_arn=record.arn
    )
    for action in KEY_ACTIONS:
        try:
            permissions.authorize(credentials, action=action, resource=key)
        except ApiError as refusal:
            raise JobFailure(f"Insufficient privileges for the KMS key. {refusal.message}") from None
    return {}


def register(service: Personalize) -> None:
    service.jobs.register("create", "DatasetGroup", Runner(lambda record: _check_key(service, record)))
    service.jobs.register(
        "delete", "DatasetGroup", Runner(lambda record: {}, running=states.DELETE_IN_PROGRESS)
    )


OPERATIONS: dict[str, Operation] = {
    "CreateDatasetGroup": create,
    "DescribeDatasetGroup": describing("DatasetGroup"),
    "ListDatasetGroups": listing("DatasetGroup"),
    "DeleteDatasetGroup": delete,
}
