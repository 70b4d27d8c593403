"""Event trackers: where PutEvents finds its dataset group."""

from __future__ import annotations

import uuid
from typing import Any

from osusume_endpoint.personalize import states
from osusume_endpoint.personalize.errors import already_exists
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    describing,
    listing,
    picked,
    tags_of,
)
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.service import RequestContext


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    tags = tags_of(parameters)
    with service.store.lock:
        group = service.active(parameters["datasetGroupArn"], "DatasetGroup")
        for tracker in service.store.where("EventTracker", datasetGroupArn=group.arn):
            raise already_exists(tracker.arn)  # a dataset group has one
        arn = service.named("EventTracker", uuid.uuid4().hex[:8])
        fields = picked(parameters, "name", "datasetGroupArn") | {
            "accountId": service.endpoint.account,
            "trackingId": str(uuid.uuid4()),
        }
        service.create("EventTracker", arn, fields, tags=tags)
    return {"eventTrackerArn": arn, "trackingId": fields["trackingId"]}


def delete(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    service.delete(service.store.get(parameters["eventTrackerArn"], "EventTracker"))
    return {}


def register(service: Personalize) -> None:
    service.jobs.register("create", "EventTracker", Runner(lambda record: {}))
    service.jobs.register(
        "delete", "EventTracker", Runner(lambda record: {}, running=states.DELETE_IN_PROGRESS)
    )


OPERATIONS: dict[str, Operation] = {
    "CreateEventTracker": create,
    "DescribeEventTracker": describing("EventTracker"),
    "ListEventTrackers": listing("EventTracker"),
    "DeleteEventTracker": delete,
}
