"""Tags of resources."""

from __future__ import annotations

from typing import Any

from osusume_endpoint.personalize.errors import invalid, too_many_tags
from osusume_endpoint.personalize.kinds import KINDS
from osusume_endpoint.personalize.models.common import MAX_TAGS, Operation, Parameters, tags_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext


def tag(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    given = tags_of(parameters)
    with service.store.lock:
        record = _taggable(service, parameters["resourceArn"])
        merged = {**record.tags, **given}
        if len(merged) > MAX_TAGS:
            raise too_many_tags(len(merged), MAX_TAGS)
        service.store.change(record.arn, lambda r: r.tags.update(given))
    return {}


def untag(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    record = _taggable(service, parameters["resourceArn"])

    def remove(r: Record) -> None:
        for key in parameters["tagKeys"]:
            r.tags.pop(key, None)

    service.store.change(record.arn, remove)
    return {}


def list_tags(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    record = _taggable(service, parameters["resourceArn"])
    return {"tags": [{"tagKey": key, "tagValue": value} for key, value in sorted(record.tags.items())]}


def _taggable(service: Personalize, arn: str) -> Record:
    record = service.store.get(arn)
    if not KINDS[record.kind].taggable:
        raise invalid(f"{record.kind} {arn} can't be tagged.")
    return record


OPERATIONS: dict[str, Operation] = {
    "TagResource": tag,
    "UntagResource": untag,
    "ListTagsForResource": list_tags,
}
