"""What the operations of all resource families share."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from osusume_endpoint.personalize import access
from osusume_endpoint.personalize.errors import invalid, invalid_token, too_many_tags
from osusume_endpoint.personalize.kinds import KINDS, Kind, described, summarized
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.service import RequestContext

Parameters = dict[str, Any]
Operation = Callable[[Personalize, RequestContext, Parameters], dict[str, Any]]
MAX_TAGS = 50
MAX_RESULTS = 100


def describing(name: str) -> Operation:
    kind = KINDS[name]

    def describe(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        return described(kind, service.store.get(parameters[kind.arn_field], name).fields)

    return describe


def listing(name: str) -> Operation:
    kind = KINDS[name]

    def list_(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        found = listed(service, kind, parameters)
        page, token = paginate(found, parameters, signature=context.operation)
        answer: dict[str, Any] = {kind.listed: [summarized(kind, fields) for fields in page]}
        return answer | ({"nextToken": token} if token else {})

    return list_


def listed(service: Personalize, kind: Kind, parameters: Parameters) -> list[dict[str, Any]]:
    parent = parameters.get(kind.parent) if kind.parent else None
    records = service.store.of_kind(kind.name)
    return [
        record.fields for record in records if parent is None or record.fields.get(str(kind.parent)) == parent
    ]


def paginate(
    found: Sequence[Any], parameters: Parameters, *, signature: str
) -> tuple[Sequence[Any], str | None]:
    """A page and the token of the next; a token is good only for the request that it came from."""
    asked = {key: value for key, value in parameters.items() if key not in ("nextToken", "maxResults")}
    digest = hashlib.sha256(json.dumps([signature, asked], sort_keys=True).encode()).hexdigest()[:16]
    start = _offset(parameters.get("nextToken"), digest)
    end = start + int(parameters.get("maxResults", MAX_RESULTS))
    token = base64.urlsafe_b64encode(f"{digest}:{end}".encode()).decode()
    return found[start:end], token if end < len(found) else None


def _offset(token: str | None, digest: str) -> int:
    if token is None:
        return 0
    try:
        signed, _, offset = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if signed == digest:
            return int(offset)
    except (binascii.Error, ValueError):
        pass
    raise invalid_token()


def tags_of(parameters: Parameters) -> dict[str, str]:
    given = parameters.get("tags", [])
    tags = {tag["tagKey"]: tag["tagValue"] for tag in given}
    if len(given) > MAX_TAGS:
        raise too_many_tags(len(given), MAX_TAGS)
    check_tag_keys(tags)
    if len(tags) != len(given):
        raise invalid("A tag key is given twice.")
    return tags


def check_tag_keys(keys: Mapping[str, str]) -> None:
    for key in keys:
        if key.lower().startswith("aws:"):
            raise invalid(f"Tag key {key!r} is reserved: keys must not start with aws:")


def picked(parameters: Parameters, *names: str) -> dict[str, Any]:
    return {name: parameters[name] for name in names if name in parameters}


def pass_role(service: Personalize, context: RequestContext, role_arn: str, resource_arn: str) -> None:
    """The caller may pass the role and the service may assume it."""
    context.check_pass_role(role_arn, access.PRINCIPAL, associated_resource=resource_arn)
    access.assume(service.endpoint, role_arn, session_name="Personalize", source_arn=resource_arn)


def unfinished(service: Personalize, kind: str, **fields: Any) -> int:
    return sum(bool(record.private.get("job")) for record in service.store.where(kind, **fields))


def check_queue(service: Personalize, kind: str, limit: int) -> None:
    """LimitExceededException when too many operations of the kind are pending or in progress."""
    service.check_quota(
        unfinished(service, kind),
        limit,
        f"More than {limit} resources with PENDING or IN_PROGRESS status.",
    )
